"""What falls due in billing and recovery, and how it is found."""

from collections import Counter
from dataclasses import replace
from functools import partial

from duro.billing.states import Action, Status
from duro.kit.work import DueWork, Ran, WorkScope
from duro.modules.charging import refund
from duro.modules.charging.engine import Charging
from duro.modules.charging.model import changes_for
from duro.modules.charging.reconcile import reconcile_due
from duro.modules.charging.renew import renew_due
from duro.modules.charging.retry import process_due
from duro.modules.invoices.repository import InvoiceRepository
from duro.modules.payments.refunds import LIST_TENANTS_WITH_REFUNDS, NEXT_REFUND
from duro.modules.payments.repository import LIST_TENANTS_TO_RECONCILE, NEXT_TO_RECONCILE
from duro.modules.recovery.repository import statement as recovery
from duro.modules.subscriptions.repository import SubscriptionRepository
from duro.modules.subscriptions.repository import statement as subscriptions

_MINUTE_S = 60


def due_work(charging: Charging) -> tuple[DueWork, ...]:
    """In the order in which one instant's work is done: open outcomes first, then what they free."""
    return (
        DueWork(
            name="reconcile.attempts",
            every_s=_MINUTE_S,
            list_due=LIST_TENANTS_TO_RECONCILE,
            next_due=NEXT_TO_RECONCILE,
            run=partial(reconcile_due, charging),
        ),
        DueWork(
            name="reconcile.refunds",
            every_s=_MINUTE_S,
            list_due=LIST_TENANTS_WITH_REFUNDS,
            next_due=NEXT_REFUND,
            run=partial(refund.reconcile_due, charging),
        ),
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
        DueWork(
            name="billing.remind",
            every_s=60 * _MINUTE_S,
            list_due=subscriptions("list_tenants_with_due_reminders"),
            next_due=subscriptions("next_reminder"),
            run=partial(remind_due, charging),
        ),
    )


async def expire_due(charging: Charging, scope: WorkScope, limit: int) -> Ran:
    """Ends up to `limit` subscriptions that nobody paid in time; their invoices are void, their promo codes free."""
    async with scope.begin() as tx:
        changes = await changes_for(tx, charging.links)
        due = await SubscriptionRepository(tx).claim_expiries(limit)
        for row in due:
            ended, event = row.step(Action.EXPIRE_INCOMPLETE)
            changes.subscriptions[ended.id] = ended
            for invoice in await InvoiceRepository(tx).lock_open_of(row.id):
                ended = changes.void(ended, invoice)
            changes.record(event, changes.give_promo_back(ended))
        changes.counts["expired"] += len(due)
        await changes.write()
    return Ran(done=len(due), counts=changes.counts)


async def remind_due(charging: Charging, scope: WorkScope, limit: int) -> Ran:
    """Tells up to `limit` customers of a renewal that is near."""
    async with scope.begin() as tx:
        changes = await changes_for(tx, charging.links)
        due = await SubscriptionRepository(tx).claim_reminders(limit)
        for row in due:
            changes.subscriptions[row.id] = replace(row, reminds_at=None)
            template = "trial_ending" if row.status is Status.TRIALING else "renewal_reminder"
            is_near = row.period_ends_at is not None and row.period_ends_at > tx.now
            is_told = changes.in_force.settings.renewal_reminders and not row.cancel_at_period_end
            if is_near and is_told:
                cause = f"{row.id}:{row.period_index}:{row.anchor_at.isoformat()}"
                changes.tell(template, row, cause, {"renewsAt": row.period_ends_at})
                changes.counts["reminders"] += 1
        await changes.write()
    return Ran(done=len(due), counts=Counter(changes.counts))
