"""Renewals: which of the five answers a due subscription gets, and the charges this opens."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from typing import Final

import structlog

from duro.billing.cycle import period
from duro.billing.states import Action, Status
from duro.errors import UnavailableError
from duro.kit.db import Tx
from duro.kit.work import Ran, WorkScope
from duro.modules.catalog.model import Plan, PromoCode
from duro.modules.catalog.repository import PlanRepository, PromoRepository
from duro.modules.charging import payment
from duro.modules.charging.bill import Bill, new_bill, new_invoice
from duro.modules.charging.capping import within_caps
from duro.modules.charging.engine import Charging, open_charge
from duro.modules.charging.model import Changes, OpenCharge, changes_for
from duro.modules.charging.payers import payers_of
from duro.modules.payments.model import Purpose
from duro.modules.subscriptions.model import Subscription
from duro.modules.subscriptions.repository import SubscriptionRepository

log: Final = structlog.get_logger()

# A renewal that fails by a fault of ours is set aside for this long and then tried again.
_SET_ASIDE: Final = timedelta(hours=1)


class Renewal(StrEnum):
    """The five answers."""

    CHARGED = "charged"
    DUNNING = "dunning"
    CANCELED = "canceled"
    EXPIRED = "expired"
    SKIPPED = "skipped"


async def renew_due(charging: Charging, scope: WorkScope, limit: int) -> Ran:
    """Claims up to `limit` due renewals and takes each to its answer."""
    try:
        async with scope.begin() as tx:
            subscriptions = await SubscriptionRepository(tx).claim_renewals(limit)
            opened = await open_renewals(tx, subscriptions, charging)
    except Exception:
        log.exception("renewal_batch_failed")
        return await _renew_singly(charging, scope, limit)
    counts = opened.counts + await charging.run(scope, opened.charges)
    return Ran(done=len(subscriptions), counts=counts)


async def renew(charging: Charging, scope: WorkScope, subscription_id: str) -> Renewal:
    """Renews one subscription, if it is due and nobody else is at it."""
    counts = await _renew_one(charging, scope, subscription_id)
    for answer, count in _ANSWERED_BY.items():
        if counts[count]:
            return answer
    return Renewal.SKIPPED


async def _renew_one(charging: Charging, scope: WorkScope, subscription_id: str) -> Counter[str]:
    async with scope.begin() as tx:
        free = await SubscriptionRepository(tx).lock_free([subscription_id])
        due = [row for row in free.values() if row.renews_at and row.renews_at <= tx.now]
        opened = await open_renewals(tx, due, charging)
    return opened.counts + await charging.run(scope, opened.charges)


@dataclass(frozen=True, slots=True)
class Opened:
    """What phase one left: charges to ask the gateway for, and what was done without one."""

    charges: Sequence[OpenCharge]
    counts: Counter[str]


async def open_renewals(
    tx: Tx, subscriptions: Sequence[Subscription], charging: Charging
) -> Opened:
    """Phase one for subscriptions that are locked: invoices and attempts, to be committed."""
    changes = await changes_for(tx, charging.links)
    charges: list[OpenCharge] = []
    if subscriptions:
        plans = await _plans_of(tx, subscriptions)
        promos = await PromoRepository(tx).find_many(
            {row.live_promo_id for row in subscriptions if row.live_promo_id}
        )
        payers = await payers_of(tx, subscriptions)
        for row in await _kept_from_rivals(tx, changes, subscriptions, plans):
            bill = next_bill(changes, row, plans, promos)
            if bill is None:
                continue
            key = f"renewal_{row.id}_{bill.period.starts_at:%Y%m%dT%H%M%SZ}"
            billed, invoice = new_invoice(changes, bill, key=key)
            if invoice.amount_minor == 0:
                payment.settle_free(changes, billed, invoice)
                continue
            charge = open_charge(
                invoice=invoice,
                payer=payers[row.id],
                purpose=Purpose.RENEWAL,
                now=tx.now,
                wall=tx.wall,
            )
            claimed = replace(billed, renews_at=None, latest_invoice_id=invoice.id)
            changes.subscriptions[claimed.id] = claimed
            changes.new_invoices.append(invoice)
            changes.new_attempts.append(charge.attempt)
            changes.record("invoice_created", claimed, invoice)
            charges.append(charge)
        await changes.write()
        charges = await within_caps(tx, charges)
    return Opened(charges, changes.counts)


def next_bill(
    changes: Changes,
    subscription: Subscription,
    plans: Mapping[str, Plan],
    promos: Mapping[str, PromoCode],
) -> Bill | None:
    """The guards of a renewal, in their order; None when it ends without a bill."""
    if subscription.status not in (Status.ACTIVE, Status.TRIALING):
        return None
    if subscription.cancel_at_period_end:
        _end(changes, replace(subscription, canceled_at=changes.tx.now), Action.CANCEL)
        return None
    plan = plans[subscription.plan_id]
    if plan.max_cycles is not None and subscription.cycles_completed >= plan.max_cycles:
        _end(changes, subscription, Action.REACH_LIMIT)
        return None
    if subscription.scheduled_plan_id is not None:
        subscription, plan = _change_plan(changes, subscription, plan, plans)
    index = subscription.period_index + 1
    span = period(
        anchor=subscription.anchor_at,
        n=index,
        cadence=plan.cadence,
        zone=changes.zone,
    )
    return new_bill(subscription, plan, index, span, promos)


def _end(changes: Changes, subscription: Subscription, action: Action) -> None:
    ended, event = subscription.step(action)
    changes.subscriptions[ended.id] = ended
    changes.counts["canceled" if action is Action.CANCEL else "expired"] += 1
    changes.record(event, ended)


def _change_plan(
    changes: Changes, subscription: Subscription, old: Plan, plans: Mapping[str, Plan]
) -> tuple[Subscription, Plan]:
    new = plans[subscription.scheduled_plan_id or old.id]
    moved = replace(
        subscription,
        plan_id=new.id,
        is_exclusive=not new.allow_multiple,
        scheduled_plan_id=None,
    )
    if new.cadence != old.cadence and moved.period_ends_at is not None:
        # Another rhythm counts from where the old one stops.
        moved = replace(moved, anchor_at=moved.period_ends_at, period_index=-1)
    changes.record("subscription_plan_changed", moved, previousPlanId=old.id)
    return moved, new


async def _kept_from_rivals(
    tx: Tx, changes: Changes, subscriptions: Sequence[Subscription], plans: Mapping[str, Plan]
) -> list[Subscription]:
    """As they are, but for a scheduled plan that the customer has by another subscription meanwhile: it is dropped."""
    kept = []
    for row in subscriptions:
        plan = plans.get(row.scheduled_plan_id or "")
        if plan is not None and not plan.allow_multiple:
            repository = SubscriptionRepository(tx)
            rival = await repository.find_rival(customer_id=row.customer_id, plan_id=plan.id)
            if rival is not None:
                row = replace(row, scheduled_plan_id=None)  # noqa: PLW2901 - the row without what it cannot have
                changes.record("subscription_updated", row)
        kept.append(row)
    return kept


async def _plans_of(tx: Tx, subscriptions: Sequence[Subscription]) -> dict[str, Plan]:
    ids = {row.plan_id for row in subscriptions}
    ids |= {row.scheduled_plan_id for row in subscriptions if row.scheduled_plan_id}
    return await PlanRepository(tx).find_many(sorted(ids))


async def _renew_singly(charging: Charging, scope: WorkScope, limit: int) -> Ran:
    """Each due renewal in its own transaction, so that a bad row takes no neighbour down."""
    async with scope.begin() as tx:
        ids = [row.id for row in await SubscriptionRepository(tx).claim_renewals(limit)]
    counts: Counter[str] = Counter()
    for subscription_id in ids:
        try:
            counts += await _renew_one(charging, scope, subscription_id)
        except UnavailableError:
            raise
        except Exception:  # the boundary that keeps a bad row from its neighbours
            log.exception("renewal_failed", subscription_id=subscription_id)
            counts["errors"] += 1
            async with scope.begin() as tx:
                later = tx.now + _SET_ASIDE
                await SubscriptionRepository(tx).postpone_renewal(subscription_id, later)
    return Ran(done=len(ids), counts=counts)


_ANSWERED_BY: Final = {
    Renewal.CANCELED: "canceled",
    Renewal.EXPIRED: "expired",
    Renewal.CHARGED: "renewals",
    Renewal.DUNNING: "failures",
}
