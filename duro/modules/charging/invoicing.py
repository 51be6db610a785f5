"""What a merchant does to an invoice by hand: void it, or charge it now."""

from dataclasses import dataclass, replace
from typing import Final

from duro.billing import schedule
from duro.billing.rails import Rail
from duro.billing.states import Action, Status, can
from duro.errors import ConflictError
from duro.kit.db import Tx
from duro.kit.work import WorkScope
from duro.modules.catalog.model import Plan
from duro.modules.catalog.repository import PlanRepository
from duro.modules.charging.capping import within_caps
from duro.modules.charging.engine import Charging, open_charge, open_request
from duro.modules.charging.first import PaymentFailedError
from duro.modules.charging.model import Changes, OpenCharge, changes_for
from duro.modules.charging.payers import payers_of
from duro.modules.charging.payment import landing
from duro.modules.charging.reconcile import settle_open
from duro.modules.customers.repository import CustomerRepository
from duro.modules.invoices.model import Invoice
from duro.modules.invoices.repository import InvoiceRepository
from duro.modules.payments.methods import resolve_method
from duro.modules.payments.model import Attempt, AttemptStatus, Purpose, VirtualAccount
from duro.modules.payments.repository import AttemptRepository
from duro.modules.recovery import aftermath
from duro.modules.recovery.model import Schedule
from duro.modules.recovery.repository import RecoveryRepository
from duro.modules.recovery.seen import Payer, is_spent
from duro.modules.subscriptions.model import Subscription
from duro.modules.subscriptions.repository import SubscriptionRepository

_UNDER_WAY: Final = "A charge of this invoice is under way; try again in a moment."


@dataclass(frozen=True, slots=True)
class _Held:
    """An invoice that can be paid and that nothing is under way for, with the rows around it locked."""

    changes: Changes
    subscription: Subscription
    plan: Plan
    invoice: Invoice
    case: Schedule | None
    history: list[Attempt]


async def void(tx: Tx, charging: Charging, invoice_id: str) -> Invoice:
    """It is not owed any more, and the credit that it used comes back.

    A subscription that waited for this payment goes on as if it had been made: past due or unpaid it is active again,
    in the invoice's period, which is a present. A first invoice takes its incomplete subscription with it.
    """
    held = await _hold(tx, charging, invoice_id)
    changes = held.changes
    row = changes.void(held.subscription, held.invoice)
    if held.case is not None:
        step = aftermath.void(schedule=held.case, invoice=held.invoice, now=tx.now)
        if step is not None:
            changes.take(step)
    voided = changes.invoices[invoice_id]
    if row.status is Status.INCOMPLETE:
        ended, event = row.step(Action.EXPIRE_INCOMPLETE)
        ended = changes.give_promo_back(ended)
        changes.subscriptions[ended.id] = ended
        changes.record(event, ended, voided)
    elif can(row.status, Action.RECOVER):
        moved, event = row.step(Action.RECOVER)
        index, span = landing(voided, moved, held.plan, changes)
        given = moved.in_period(span, index=index, now=tx.now, reminder=changes.reminder_window)
        # Nothing was paid for the period, so no change of plan finds an unused part in it.
        given = replace(given, period_price_minor=0, last_payment_error=None)
        changes.subscriptions[given.id] = given
        changes.record(event, given, voided)
    await changes.write()
    return voided


async def begin_pay(
    tx: Tx,
    charging: Charging,
    invoice_id: str,
    *,
    method_id: str | None,
    by: Purpose = Purpose.MANUAL,
    keeps_method: bool = False,
) -> OpenCharge:
    """Phase one of a charge that somebody asked for, which the 20 hours between automatic ones do not bind.

    `keeps_method` makes the method the subscription's own, if it settles the invoice.
    """
    held = await _hold(tx, charging, invoice_id)
    changes, row = held.changes, held.subscription
    await _demand_waiting(tx, held)
    if held.case is not None and held.case.state is schedule.Status.IN_FLIGHT:
        # Its customer is about to be told how to pay by themselves.
        raise ConflictError(_UNDER_WAY)
    payer = (await payers_of(tx, [row]))[row.id]
    if method_id is not None:
        method = await resolve_method(tx, customer_id=row.customer_id, method_id=method_id)
        payer = Payer(payer.customer, {method.rail: method})
    if not payer.methods:
        raise PaymentFailedError("There is no payment method to charge.")
    (method,) = payer.methods.values()
    if is_spent(method, held.history):
        raise ConflictError("The bank refused this payment method for good: use another.")
    charge = open_charge(invoice=held.invoice, payer=payer, purpose=by, now=tx.now, wall=tx.wall)
    charge = replace(charge, attempt=replace(charge.attempt, keeps_method=keeps_method))
    if held.case is not None and held.case.is_open:
        is_customer = by is Purpose.PAY_LINK
        reason = aftermath.BY_CUSTOMER if is_customer else aftermath.BY_MERCHANT
        changes.take(aftermath.pay(schedule=held.case, method=method, now=tx.now, reason=reason))
    _keep_waiting(changes, row)
    changes.new_attempts.append(charge.attempt)
    (charge,) = await within_caps(tx, [charge])
    await changes.write()
    return charge


async def begin_request(
    tx: Tx, charging: Charging, invoice_id: str, *, rail: Rail, account: VirtualAccount | None
) -> OpenCharge:
    """Phase one of a request that the customer asked for: what is owed, by a push rail; a case goes on meanwhile."""
    held = await _hold(tx, charging, invoice_id)
    await _demand_waiting(tx, held)
    row = held.subscription
    payer = replace((await payers_of(tx, [row]))[row.id], methods={}, account=account)
    charge = open_request(
        invoice=held.invoice,
        payer=payer,
        purpose=Purpose.PAY_LINK,
        now=tx.now,
        wall=tx.wall,
        rail=rail,
    )
    _keep_waiting(held.changes, row)
    held.changes.new_attempts.append(charge.attempt)
    await held.changes.write()
    return charge


def _keep_waiting(changes: Changes, row: Subscription) -> None:
    """A first invoice's subscription does not expire while its money may be on the way."""
    if row.status is Status.INCOMPLETE:
        changes.subscriptions[row.id] = replace(row, expires_at=None)


async def finish_pay(scope: WorkScope, charging: Charging, attempt_id: str) -> None:
    """Settles what a dead process left open of such a charge."""
    async with scope.begin() as tx:
        attempt = await AttemptRepository(tx).get(attempt_id)
    await settle_open(charging, scope, attempt.invoice_id)


async def paid(tx: Tx, attempt_id: str) -> Invoice:
    """The invoice after its charge; a decline is a refusal."""
    attempt = await AttemptRepository(tx).get(attempt_id)
    if attempt.status is AttemptStatus.FAILED:
        raise PaymentFailedError(f"The charge was declined: {attempt.failure_code}.")
    return await InvoiceRepository(tx).get(attempt.invoice_id)


async def _hold(tx: Tx, charging: Charging, invoice_id: str) -> _Held:
    # Read unlocked first: the lock order is customer, subscription, invoice, schedule.
    seen = await InvoiceRepository(tx).get(invoice_id)
    if seen.subscription_id is None:
        raise ConflictError("The invoice is of no subscription.")
    await CustomerRepository(tx).lock(seen.customer_id)
    subscription = await SubscriptionRepository(tx).lock(seen.subscription_id)
    invoice = await InvoiceRepository(tx).lock(invoice_id)
    cases = await RecoveryRepository(tx).lock_of_invoices([invoice_id])
    history = await AttemptRepository(tx).of_invoice(invoice_id)
    if any(attempt.is_under_way for attempt in history):
        raise ConflictError(_UNDER_WAY)
    if not invoice.is_payable:
        raise ConflictError(f"The invoice is {invoice.status}.")
    return _Held(
        changes=await changes_for(tx, charging.links),
        subscription=subscription,
        plan=await PlanRepository(tx).get(subscription.plan_id),
        invoice=invoice,
        case=cases.get(invoice_id),
        history=history,
    )


async def _demand_waiting(tx: Tx, held: _Held) -> None:
    """That a payment would be for something: the subscription waits for it, and nobody took its place."""
    why_not = await why_not_awaited(tx, held.subscription)
    if why_not is not None:
        raise ConflictError(why_not)


async def why_not_awaited(tx: Tx, row: Subscription) -> str | None:
    """What a payment would come too late for; None if the subscription waits for it."""
    if row.status is not Status.INCOMPLETE:
        waits = can(row.status, Action.RECOVER)
        return (
            None if waits else f"The subscription is {row.status}: nothing waits for this payment."
        )
    if not row.is_exclusive:
        return None
    rival = await SubscriptionRepository(tx).find_rival(
        customer_id=row.customer_id, plan_id=row.plan_id, but=row.id
    )
    return None if rival is None else f"The customer already has this plan: {rival}."
