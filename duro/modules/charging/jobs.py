"""What falls due in billing and recovery, and how it is found."""

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from operator import attrgetter
from typing import Final

import structlog

from duro.billing.states import Action, Status
from duro.errors import UnavailableError
from duro.kit.db import Tx
from duro.kit.work import DueWork, Ran, WorkScope
from duro.modules.catalog.model import Plan
from duro.modules.catalog.repository import PlanRepository
from duro.modules.charging import refund
from duro.modules.charging.engine import Charging
from duro.modules.charging.expiring import tell_of_expiry
from duro.modules.charging.model import Changes, changes_for
from duro.modules.charging.receiving import check_accounts_due, check_requests_due
from duro.modules.charging.reconcile import reconcile_due
from duro.modules.charging.renew import renew_due
from duro.modules.charging.replanning import replan_due
from duro.modules.charging.retry import process_due
from duro.modules.invoices.repository import InvoiceRepository
from duro.modules.payments.accounts import LIST_TENANTS_WITH_ACCOUNTS, NEXT_ACCOUNT
from duro.modules.payments.expiries import LIST_TENANTS_WITH_EXPIRING, NEXT_LOOK
from duro.modules.payments.refunds import LIST_TENANTS_WITH_REFUNDS, NEXT_REFUND
from duro.modules.payments.repository import LIST_TENANTS_TO_RECONCILE, NEXT_TO_RECONCILE
from duro.modules.payments.requests import LIST_TENANTS_WITH_REQUESTS, NEXT_REQUEST
from duro.modules.recovery.repository import statement as recovery
from duro.modules.subscriptions.model import Subscription
from duro.modules.subscriptions.repository import SubscriptionRepository
from duro.modules.subscriptions.repository import statement as subscriptions

log: Final = structlog.get_logger()

_MINUTE_S = 60
_REPLAN_BATCH: Final = 500
# An item that fails by a fault of ours is set aside for this long and then tried again.
_SET_ASIDE: Final = timedelta(hours=1)
_NEVER: Final = datetime.max.replace(tzinfo=UTC)


def due_work(charging: Charging) -> tuple[DueWork, ...]:
    """In the order in which one instant's work is done: open outcomes first, then what they free."""
    return (*_outcomes(charging), *_steps(charging), *_reminders(charging))


def _outcomes(charging: Charging) -> tuple[DueWork, ...]:
    return (
        DueWork(
            name="reconcile.attempts",
            every_s=_MINUTE_S,
            list_due=LIST_TENANTS_TO_RECONCILE,
            next_due=NEXT_TO_RECONCILE,
            run=partial(reconcile_due, charging),
        ),
        DueWork(
            name="reconcile.requests",
            every_s=_MINUTE_S,
            list_due=LIST_TENANTS_WITH_REQUESTS,
            next_due=NEXT_REQUEST,
            run=partial(check_requests_due, charging),
        ),
        DueWork(
            name="reconcile.accounts",
            every_s=_MINUTE_S,
            list_due=LIST_TENANTS_WITH_ACCOUNTS,
            next_due=NEXT_ACCOUNT,
            run=partial(check_accounts_due, charging),
        ),
        DueWork(
            name="reconcile.refunds",
            every_s=_MINUTE_S,
            list_due=LIST_TENANTS_WITH_REFUNDS,
            next_due=NEXT_REFUND,
            run=partial(refund.reconcile_due, charging),
        ),
    )


def _steps(charging: Charging) -> tuple[DueWork, ...]:
    return (
        DueWork(
            name="billing.renew",
            every_s=_MINUTE_S,
            list_due=subscriptions("list_tenants_with_due_renewals"),
            next_due=subscriptions("next_renewal"),
            run=partial(renew_due, charging),
        ),
        DueWork(
            name="billing.expire",
            every_s=_MINUTE_S,
            list_due=subscriptions("list_tenants_with_due_expiries"),
            next_due=subscriptions("next_expiry"),
            run=partial(expire_due, charging),
        ),
        DueWork(
            name="dunning.process",
            every_s=_MINUTE_S,
            list_due=recovery("list_tenants_with_due_schedules"),
            next_due=recovery("next_schedule"),
            run=partial(process_due, charging),
        ),
    )


def _reminders(charging: Charging) -> tuple[DueWork, ...]:
    return (
        DueWork(
            name="billing.replan_reminders",
            every_s=_MINUTE_S,
            list_due=subscriptions("list_tenants_with_replans"),
            next_due=subscriptions("next_replan"),
            run=replan_due,
            batch=_REPLAN_BATCH,
        ),
        DueWork(
            name="billing.remind",
            every_s=60 * _MINUTE_S,
            list_due=subscriptions("list_tenants_with_due_reminders"),
            next_due=subscriptions("next_reminder"),
            run=partial(remind_due, charging),
        ),
        DueWork(
            name="billing.expiring_cards",
            every_s=60 * _MINUTE_S,
            list_due=LIST_TENANTS_WITH_EXPIRING,
            next_due=NEXT_LOOK,
            run=partial(tell_of_expiry, charging),
        ),
    )


@dataclass(frozen=True, slots=True)
class _Kind:
    """One kind of work on subscriptions that needs no gateway."""

    name: str
    claim: Callable[[SubscriptionRepository, int], Awaitable[list[Subscription]]]
    due_at: Callable[[Subscription], datetime | None]
    do: Callable[[Changes, Subscription, Plan], Awaitable[None]]
    postpone: Callable[[SubscriptionRepository, str, datetime], Awaitable[None]]


async def expire_due(charging: Charging, scope: WorkScope, limit: int) -> Ran:
    """Ends up to `limit` subscriptions that nobody paid in time; their invoices are void, their promo codes free."""
    return await _do_due(_EXPIRY, charging, scope, limit)


async def remind_due(charging: Charging, scope: WorkScope, limit: int) -> Ran:
    """Tells up to `limit` customers of a renewal that is near."""
    return await _do_due(_REMINDER, charging, scope, limit)


async def _expire(changes: Changes, row: Subscription, _: Plan) -> None:
    ended, event = row.step(Action.EXPIRE_INCOMPLETE)
    changes.subscriptions[ended.id] = ended
    for invoice in await InvoiceRepository(changes.tx).lock_open_of(row.id):
        ended = changes.void(ended, invoice)
    changes.record(event, changes.give_promo_back(ended))
    changes.counts["expired"] += 1


async def _remind(changes: Changes, row: Subscription, plan: Plan) -> None:
    changes.subscriptions[row.id] = replace(row, reminds_at=None)
    template = "trial_ending" if row.status is Status.TRIALING else "renewal_reminder"
    is_near = row.period_ends_at is not None and row.period_ends_at > changes.tx.now
    is_last = plan.max_cycles is not None and row.cycles_completed >= plan.max_cycles
    is_told = changes.in_force.settings.renewal_reminders and not row.cancel_at_period_end
    if is_near and is_told and not is_last:
        cause = f"{row.id}:{row.period_index}:{row.anchor_at.isoformat()}"
        changes.tell(template, row, cause, {"renewsAt": row.period_ends_at, **_price(row, plan)})
        changes.counts["reminders"] += 1


def _price(row: Subscription, plan: Plan) -> dict[str, object]:
    """What the renewal will cost, where nothing that is only known on the day can change it."""
    if row.live_promo_id is not None or row.scheduled_plan_id is not None:
        return {}
    due_minor = max(plan.amount_minor + row.carried_minor - row.balance_minor, 0)
    return {"amount": due_minor, "currency": plan.currency}


async def _do_due(kind: _Kind, charging: Charging, scope: WorkScope, limit: int) -> Ran:
    try:
        async with scope.begin() as tx:
            due = await kind.claim(SubscriptionRepository(tx), limit)
            return Ran(len(due), await _do_all(kind, charging, tx, due))
    except Exception:
        log.exception("due_batch_failed", kind=kind.name)
    async with scope.begin() as tx:
        ids = [row.id for row in await kind.claim(SubscriptionRepository(tx), limit)]
    counts: Counter[str] = Counter()
    for subscription_id in ids:
        counts += await _do_one(kind, charging, scope, subscription_id)
    return Ran(len(ids), counts)


async def _do_one(
    kind: _Kind, charging: Charging, scope: WorkScope, subscription_id: str
) -> Counter[str]:
    try:
        async with scope.begin() as tx:
            free = await SubscriptionRepository(tx).lock_free([subscription_id])
            due = [row for row in free.values() if (kind.due_at(row) or _NEVER) <= tx.now]
            return await _do_all(kind, charging, tx, due)
    except UnavailableError:
        raise
    except Exception:  # the boundary that keeps a bad row from its neighbours
        log.exception("due_item_failed", kind=kind.name, subscription_id=subscription_id)
    async with scope.begin() as tx:
        await kind.postpone(SubscriptionRepository(tx), subscription_id, tx.now + _SET_ASIDE)
    return Counter(errors=1)


async def _do_all(
    kind: _Kind, charging: Charging, tx: Tx, due: Sequence[Subscription]
) -> Counter[str]:
    changes = await changes_for(tx, charging.links)
    plans = await PlanRepository(tx).find_many(sorted({row.plan_id for row in due}))
    for row in due:
        await kind.do(changes, row, plans[row.plan_id])
    await changes.write()
    return Counter(changes.counts)


_EXPIRY: Final = _Kind(
    name="expiry",
    claim=SubscriptionRepository.claim_expiries,
    due_at=attrgetter("expires_at"),
    do=_expire,
    postpone=SubscriptionRepository.postpone_expiry,
)
_REMINDER: Final = _Kind(
    name="reminder",
    claim=SubscriptionRepository.claim_reminders,
    due_at=attrgetter("reminds_at"),
    do=_remind,
    postpone=SubscriptionRepository.postpone_reminder,
)
