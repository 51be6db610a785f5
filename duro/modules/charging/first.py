"""New subscriptions, and resumes after the period's end: a first period, charged at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from duro.billing.cycle import Cadence, Interval, Period, advance, period
from duro.billing.states import Action, Status
from duro.errors import ConflictError, DuroError
from duro.kit import idempotency
from duro.kit.db import Tx
from duro.kit.idempotency import Claim, Keyed
from duro.kit.work import WorkScope
from duro.modules.catalog import service as catalog
from duro.modules.catalog.model import Plan, PromoCode
from duro.modules.catalog.repository import PlanRepository, PromoRepository
from duro.modules.charging import payment
from duro.modules.charging.bill import new_bill, new_invoice
from duro.modules.charging.capping import within_caps
from duro.modules.charging.engine import Charging, open_charge
from duro.modules.charging.joined import Start, find_starts
from duro.modules.charging.model import Changes, OpenCharge, changes_for
from duro.modules.charging.payers import payer_with, payers_of
from duro.modules.charging.reconcile import settle_open
from duro.modules.customers.repository import CustomerRepository
from duro.modules.payments.methods import resolve_method
from duro.modules.payments.model import Purpose
from duro.modules.recovery.seen import Payer
from duro.modules.subscriptions.model import INCOMPLETE_LIFETIME, Subscription
from duro.modules.subscriptions.repository import SubscriptionRepository
from duro.modules.subscriptions.schemas import SubscriptionCreate


class PaymentFailedError(ConflictError):
    """The charge was declined and nothing was changed."""

    code = "payment_failed"


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asks for, and the key that it carries."""

    body: SubscriptionCreate
    keyed: Keyed | None = None


@dataclass(frozen=True, slots=True)
class Begun:
    """A subscription after phase one, and the charge that is to be asked for, if any."""

    subscription: Subscription
    charge: OpenCharge | None
    # Until when the request's key is claimed.
    lease: datetime | None = None


async def begin_subscriptions(
    tx: Tx, asked: Sequence[Asked], charging: Charging
) -> list[Begun | DuroError]:
    """Phase one of new subscriptions, each of another customer: everything but the money.

    Who may not begin is answered with the refusal, and nothing is written for them; what is raised takes all back.
    """
    wanted = {one.body.customer_id: one.body.plan_id for one in asked}
    changes, starts = await find_starts(tx, charging.links, wanted)
    begun: list[Begun | DuroError] = []
    for one in asked:
        try:
            start = starts.get(one.body.customer_id) or await _nothing(tx, one.body)
            begun.append(await _begin(changes, one.body, start))
        except DuroError as refusal:
            begun.append(refusal)
    await changes.write()
    new = {place: each for place, each in enumerate(begun) if isinstance(each, Begun)}
    claims = [Claim(asked[place].keyed, each.subscription.id) for place, each in new.items()]
    lease = await idempotency.claim(tx, *claims)
    charges = await within_caps(tx, [each.charge for each in new.values() if each.charge])
    allowed = {charge.attempt.subscription_id: charge for charge in charges}
    for place, each in new.items():
        charge = allowed.get(each.subscription.id)
        begun[place] = replace(each, charge=charge, lease=lease)
    # Last, so that their rows are held for a moment only, however many redeem them at once.
    promo_ids = (each.subscription.promo_code_id for each in new.values())
    for promo_id in sorted(filter(None, promo_ids)):
        await catalog.redeem_promo(tx, promo_id)
    return begun


async def _nothing(tx: Tx, body: SubscriptionCreate) -> Start:
    """Says what of a start is not there."""
    await PlanRepository(tx).get(body.plan_id)
    await CustomerRepository(tx).lock(body.customer_id)
    raise ConflictError("The plan or the customer was changed meanwhile; try again.")


async def _begin(changes: Changes, body: SubscriptionCreate, start: Start) -> Begun:
    """All refusals come first, so that a refused one leaves nothing behind."""
    tx, plan, customer = changes.tx, start.plan, start.customer
    if not plan.is_active:
        raise ConflictError("The plan is archived; nobody can start on it.")
    if customer.is_blacklisted:
        raise ConflictError("The customer is blacklisted and can start nothing new.")
    if start.rival_id is not None and not plan.allow_multiple:
        raise ConflictError(f"The customer already has this plan: {start.rival_id}.")
    promo = await catalog.find_promo(tx, body.promo_code, plan)
    method, named_id = start.default, body.payment_method_id
    if named_id is not None:
        method = await resolve_method(tx, customer_id=customer.id, method_id=named_id)
    fresh = _new(changes, body, plan, method.id if method and named_id else None, promo)
    trial_days = plan.trial_days if body.trial_days is None else body.trial_days
    if trial_days:
        begun = Begun(_on_trial(changes, fresh, trial_days), None)
        changes.new_subscriptions.append(begun.subscription)
        return begun
    payer = await payer_with(tx, customer, method)
    changes.new_subscriptions.append(fresh)
    changes.record("subscription_created", fresh)
    return _bill_first(changes, fresh, plan, payer, {promo.id: promo} if promo else {})


async def begin_resume(tx: Tx, subscription: Subscription, charging: Charging) -> Begun:
    """Phase one of a resume after the period's end: a new anchor, charged like a first period."""
    plan = (await PlanRepository(tx).find_many([subscription.plan_id]))[subscription.plan_id]
    changes = await changes_for(tx, charging.links)
    payer = (await payers_of(tx, [subscription]))[subscription.id]
    if plan.max_cycles is not None and subscription.cycles_completed >= plan.max_cycles:
        raise ConflictError("It has run all the cycles of its plan, and its last period is over.")
    redeemed = await PromoRepository(tx).find_many(
        {subscription.live_promo_id} if subscription.live_promo_id else ()
    )
    begun = _bill_first(changes, subscription, plan, payer, redeemed)
    await changes.write()
    if begun.charge is None:
        return begun
    (charge,) = await within_caps(tx, [begun.charge])
    return replace(begun, charge=charge)


async def finish(scope: WorkScope, charging: Charging, subscription_id: str) -> None:
    """Settles what a dead process left open of a subscription's first charge."""
    async with scope.begin() as tx:
        subscription = await SubscriptionRepository(tx).get(subscription_id)
    if subscription.latest_invoice_id is not None:
        await settle_open(charging, scope, subscription.latest_invoice_id)


def _new(
    changes: Changes,
    body: SubscriptionCreate,
    plan: Plan,
    method_id: str | None,
    promo: PromoCode | None,
) -> Subscription:
    now = changes.tx.now
    return Subscription(
        id=changes.new_id("sub"),
        customer_id=body.customer_id,
        plan_id=plan.id,
        payment_method_id=method_id,
        status=Status.INCOMPLETE,
        anchor_at=now,
        period_index=0,
        period_starts_at=None,
        period_ends_at=None,
        trial_ends_at=None,
        cycles_completed=0,
        cancel_at_period_end=False,
        canceled_at=None,
        cancel_reason=None,
        balance_minor=0,
        scheduled_plan_id=None,
        is_exclusive=not plan.allow_multiple,
        renews_at=None,
        expires_at=None,
        reminds_at=None,
        last_payment_error=None,
        latest_invoice_id=None,
        metadata=dict(body.metadata),
        created_at=now,
        promo_code_id=promo.id if promo else None,
        promo_cycles_left=promo.cycles if promo else None,
        carried_minor=0,
        period_price_minor=None,
        pending_change=None,
    )


def _on_trial(changes: Changes, fresh: Subscription, trial_days: int) -> Subscription:
    now = changes.tx.now
    ends_at = advance(anchor=now, n=trial_days, cadence=Cadence(Interval.DAY), zone=changes.zone)
    moved, event = fresh.step(Action.START_TRIAL)
    anchored = replace(moved, anchor_at=ends_at, trial_ends_at=ends_at)
    # The trial stands before period 0, which begins at the anchor.
    trialing = anchored.in_period(
        Period(now, ends_at), index=-1, now=now, reminder=changes.reminder_window
    )
    changes.record(event, trialing)
    return trialing


def _bill_first(
    changes: Changes,
    row: Subscription,
    plan: Plan,
    payer: Payer,
    promos: Mapping[str, PromoCode],
) -> Begun:
    now = changes.tx.now
    cadence = Cadence(plan.interval, plan.interval_count)
    span = period(anchor=now, n=0, cadence=cadence, zone=changes.zone)
    bill = new_bill(row, plan, 0, span, promos)
    billed, invoice = new_invoice(changes, bill)
    billed = replace(billed, latest_invoice_id=invoice.id)
    if invoice.amount_minor == 0:
        return Begun(payment.start_free(changes, billed, invoice), None)
    changes.new_invoices.append(invoice)
    charge = None
    if payer.methods:
        charge = open_charge(
            invoice=invoice, payer=payer, purpose=Purpose.FIRST, now=now, wall=changes.tx.wall
        )
        changes.new_attempts.append(charge.attempt)
    elif row.status is Status.INCOMPLETE:
        billed = replace(billed, expires_at=now + INCOMPLETE_LIFETIME)
    else:
        raise PaymentFailedError(
            "The period is over and there is no payment method to charge for a new one."
        )
    changes.subscriptions[billed.id] = billed
    changes.record("invoice_created", billed, invoice)
    return Begun(billed, charge)
