"""Money that a push rail brought: matched to what it was for, once for each id that its gateway gave it.

Late, short, over, twice or by two rails at once: the invoice is settled once, what is too much is credit, what is
short waits for the rest, and what fits nothing is held in suspense for a person.
"""

from collections import Counter
from dataclasses import dataclass, replace
from typing import Final

import structlog

from duro.billing.rails import Rail
from duro.billing.states import Action, Status, can
from duro.kit.db import Tx
from duro.kit.ids import new_id
from duro.modules.charging import payment, requested
from duro.modules.charging.engine import open_request
from duro.modules.charging.model import Case, Changes, changes_for
from duro.modules.charging.push import came_in
from duro.modules.charging.settle import lock_cases
from duro.modules.customers.model import Customer
from duro.modules.customers.repository import CustomerRepository
from duro.modules.invoices.links import PayLinks
from duro.modules.invoices.model import Invoice
from duro.modules.invoices.repository import InvoiceRepository
from duro.modules.ledger.model import Account
from duro.modules.payments.accounts import details_of
from duro.modules.payments.gateway import Credit
from duro.modules.payments.incoming import IncomingRepository
from duro.modules.payments.model import (
    AttemptStatus,
    IncomingPayment,
    PaymentRequest,
    Purpose,
    RequestStatus,
    SuspenseItem,
    SuspenseReason,
    SuspenseStatus,
    VirtualAccount,
)
from duro.modules.payments.repository import AttemptRepository
from duro.modules.payments.requests import PaymentRequestRepository
from duro.modules.recovery.seen import Payer
from duro.modules.subscriptions.model import BalanceReason
from duro.modules.subscriptions.repository import SubscriptionRepository

log: Final = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Arrival:
    """One sum as the gateway's books tell it."""

    gateway: str
    credit: Credit


async def receive(tx: Tx, links: PayLinks, *, arrival: Arrival, request_id: str) -> Counter[str]:
    """Records a sum that came for a request; one that was recorded before changes nothing."""
    seen = await PaymentRequestRepository(tx).get(request_id)
    attempt = await AttemptRepository(tx).get(seen.attempt_id)
    # From here on whoever brings the same money waits.
    case = (await lock_cases(tx, [attempt]))[attempt.id]
    taken = await IncomingRepository(tx).taken_of(arrival.gateway, [arrival.credit.id])
    if taken:
        return Counter()
    request = await PaymentRequestRepository(tx).get(request_id)
    changes = await changes_for(tx, links)
    is_wanted = await is_owed(tx, case)
    place(changes, case, request, arrival, is_wanted=is_wanted)
    await changes.write()
    return changes.counts


async def receive_at_account(
    tx: Tx, links: PayLinks, *, arrival: Arrival, account: VirtualAccount
) -> Counter[str]:
    """Records a sum that came to a customer's own account: for what they were asked, else for what they owe longest,
    else as credit of a subscription that goes on.
    """
    customer = await CustomerRepository(tx).lock(account.customer_id)
    if await IncomingRepository(tx).taken_of(arrival.gateway, [arrival.credit.id]):
        return Counter()
    request_id = await _asked_or_owed(tx, customer, account)
    if request_id is not None:
        return await receive(tx, links, arrival=arrival, request_id=request_id)
    changes = await changes_for(tx, links)
    await _credit_or_suspend(changes, arrival, customer.id)
    await changes.write()
    return changes.counts


async def _asked_or_owed(tx: Tx, customer: Customer, account: VirtualAccount) -> str | None:
    requests = PaymentRequestRepository(tx)
    asked = await requests.find_open_of_customer(customer.id, Rail.VIRTUAL_ACCOUNT)
    if asked is not None:
        return asked.id
    invoice = await _lock_owed(tx, customer.id)
    if invoice is None:
        return None
    charge = open_request(
        invoice=invoice,
        payer=Payer(customer, {}, account),
        purpose=Purpose.PAY_LINK,
        now=tx.now,
        wall=tx.wall,
        rail=Rail.VIRTUAL_ACCOUNT,
    )
    attempt = replace(charge.attempt, check_at=None, lease_until=None)
    request = requested.request_for(
        attempt, request_id=new_id("prq", wall=tx.wall), details=details_of(account), now=tx.now
    )
    await AttemptRepository(tx).add([attempt])
    await requests.add([request])
    return request.id


async def _lock_owed(tx: Tx, customer_id: str) -> Invoice | None:
    """What the customer owes longest, held, so that nothing else pays it before it is asked for."""
    seen = await InvoiceRepository(tx).find_owed_by(customer_id)
    if seen is None:
        return None
    await SubscriptionRepository(tx).lock(seen.subscription_id or "")
    invoice = await InvoiceRepository(tx).lock(seen.id)
    return invoice if invoice.is_payable else None


async def _credit_or_suspend(changes: Changes, arrival: Arrival, customer_id: str) -> None:
    """Nothing is owed: it nets against the renewals to come, if there are any."""
    tx, came = changes.tx, arrival.credit
    row = await SubscriptionRepository(tx).lock_oldest_live_of(customer_id, came.currency)
    payment_in = _incoming(changes, arrival, customer_id=customer_id)
    if row is None:
        payment_in = replace(payment_in, suspended_minor=came.amount_minor)
        changes.postings += came_in(payment_in, Account.SUSPENSE, came.amount_minor)
        item = _item(changes, payment_in, came.amount_minor, SuspenseReason.UNMATCHED)
        changes.push.suspended.append(item)
    else:
        payment_in = replace(payment_in, subscription_id=row.id, credited_minor=came.amount_minor)
        credited = changes.move_balance(row, came.amount_minor, BalanceReason.OVERPAYMENT)
        changes.subscriptions[credited.id] = credited
    changes.push.incoming.append(payment_in)
    changes.counts["incoming"] += 1


async def is_owed(tx: Tx, case: Case) -> bool:
    """Whether the subscription still waits for this invoice, and no other took its place."""
    row = case.subscription
    if not case.invoice.is_payable:
        return False
    if row.status is not Status.INCOMPLETE:
        return can(row.status, Action.RECOVER)
    if not row.is_exclusive:
        return True
    rival = await SubscriptionRepository(tx).find_rival(
        customer_id=row.customer_id, plan_id=row.plan_id, but=row.id
    )
    return rival is None


def place(
    changes: Changes, case: Case, request: PaymentRequest, arrival: Arrival, *, is_wanted: bool
) -> None:
    """Where the money goes: to the invoice, to the customer's credit, or into suspense."""
    came, invoice = arrival.credit, case.invoice
    got = replace(request, received_minor=request.received_minor + came.amount_minor)
    changes.push.requests[got.id] = got
    changes.counts["incoming"] += 1
    if came.currency != invoice.currency:
        _suspend(changes, case, request, arrival, SuspenseReason.WRONG_CURRENCY)
        # It is not what was asked for, so it does not count towards it.
        changes.push.requests[got.id] = request
        return
    if not is_wanted:
        if requested.credit(changes, case.subscription, invoice, came.amount_minor):
            _record(changes, request, arrival, credited=came.amount_minor)
        else:
            _suspend(changes, case, request, arrival, SuspenseReason.NOT_OWED)
        return
    applied = min(came.amount_minor, invoice.owed_minor)
    received = replace(invoice, received_minor=invoice.received_minor + applied)
    if received.owed_minor:
        _take_part(changes, received, got, arrival)
    else:
        _take_whole(changes, case, received, got, arrival, applied)


def _take_part(
    changes: Changes, received: Invoice, request: PaymentRequest, arrival: Arrival
) -> None:
    """Less than is owed: it counts, and the rest stays open."""
    came = arrival.credit
    changes.invoices[received.id] = received
    payment_in = _record(changes, request, arrival, applied=came.amount_minor)
    changes.postings += came_in(payment_in, Account.SUSPENSE, came.amount_minor)
    _hold(changes, request, payment_in, came.amount_minor, SuspenseReason.SHORT)
    changes.counts["short"] += 1


def _take_whole(
    changes: Changes,
    case: Case,
    received: Invoice,
    request: PaymentRequest,
    arrival: Arrival,
    applied: int,
) -> None:
    """The invoice is settled by this request, whatever became of its attempt before."""
    now = changes.tx.now
    came = arrival.credit
    attempt = replace(
        case.attempt,
        status=AttemptStatus.SUCCEEDED,
        failure_code=None,
        failure_category=None,
        settled_at=now,
        check_at=None,
        lease_until=None,
        review_reason=None,
    )
    changes.attempts[attempt.id] = attempt
    changes.counts["charges"] += 1
    if received.received_minor > applied:
        changes.push.made_whole.add(received.id)
    requested.close(changes, request, RequestStatus.PAID)
    changes.push.closed_invoices.add(received.id)
    changes.push.settling.add(attempt.id)
    paid = received.paid(rail=attempt.rail, at=now)
    changes.invoices[paid.id] = paid
    payment.settle(changes, replace(case, attempt=attempt, invoice=received), paid)
    excess = came.amount_minor - applied
    is_credited = excess > 0 and requested.credit(changes, case.subscription, paid, excess)
    suspended = 0 if is_credited else excess
    payment_in = _record(
        changes,
        request,
        arrival,
        applied=applied,
        credited=excess - suspended,
        suspended=suspended,
    )
    changes.postings += came_in(payment_in, Account.MERCHANT_PAYABLE, applied)
    if suspended:
        changes.postings += came_in(payment_in, Account.SUSPENSE, suspended)
        _hold(changes, request, payment_in, suspended, SuspenseReason.NOT_OWED)


def _suspend(
    changes: Changes,
    case: Case,
    request: PaymentRequest,
    arrival: Arrival,
    reason: SuspenseReason,
) -> None:
    came = arrival.credit
    payment_in = _record(changes, request, arrival, suspended=came.amount_minor)
    changes.postings += came_in(payment_in, Account.SUSPENSE, came.amount_minor)
    _hold(changes, request, payment_in, came.amount_minor, reason)
    log.warning(
        "money_in_suspense",
        reason=reason.value,
        invoice_id=case.invoice.id,
        request_id=request.id,
    )


def _record(
    changes: Changes,
    request: PaymentRequest,
    arrival: Arrival,
    *,
    applied: int = 0,
    credited: int = 0,
    suspended: int = 0,
) -> IncomingPayment:
    row = replace(
        _incoming(changes, arrival, customer_id=request.customer_id),
        request_id=request.id,
        invoice_id=request.invoice_id,
        subscription_id=request.subscription_id,
        applied_minor=applied,
        credited_minor=credited,
        suspended_minor=suspended,
    )
    changes.push.incoming.append(row)
    return row


def _incoming(changes: Changes, arrival: Arrival, *, customer_id: str) -> IncomingPayment:
    came = arrival.credit
    return IncomingPayment(
        id=changes.new_id("inc"),
        gateway=arrival.gateway,
        gateway_id=came.id,
        reference=came.reference,
        request_id=None,
        invoice_id=None,
        subscription_id=None,
        customer_id=customer_id,
        amount_minor=came.amount_minor,
        currency=came.currency,
        applied_minor=0,
        credited_minor=0,
        suspended_minor=0,
        received_at=came.paid_at,
        created_at=changes.tx.now,
    )


def _hold(
    changes: Changes,
    request: PaymentRequest,
    payment_in: IncomingPayment,
    amount_minor: int,
    reason: SuspenseReason,
) -> None:
    item = _item(changes, payment_in, amount_minor, reason)
    changes.push.suspended.append(replace(item, attempt_id=request.attempt_id))


def _item(
    changes: Changes, payment_in: IncomingPayment, amount_minor: int, reason: SuspenseReason
) -> SuspenseItem:
    return SuspenseItem(
        id=changes.new_id("sus"),
        incoming_id=payment_in.id,
        attempt_id=None,
        invoice_id=payment_in.invoice_id,
        subscription_id=payment_in.subscription_id,
        customer_id=payment_in.customer_id,
        amount_minor=amount_minor,
        currency=payment_in.currency,
        reason=reason,
        status=SuspenseStatus.OPEN,
        resolution=None,
        note=None,
        created_at=changes.tx.now,
        resolved_at=None,
    )
