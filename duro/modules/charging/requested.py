"""What becomes of a payment request: the customer is told, it is paid, or nobody pays it in time.

Pure: everything goes into `Changes`, nothing is read or written here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from duro.billing import schedule
from duro.billing.money import format_minor
from duro.billing.rails import PUSH
from duro.billing.states import Action, can
from duro.modules.charging.model import Case, Changes
from duro.modules.charging.push import LATE_LOOK
from duro.modules.invoices.model import Invoice
from duro.modules.ledger.model import Account, Cause, Posting
from duro.modules.payments.gateway import Pending
from duro.modules.payments.model import (
    Attempt,
    AttemptStatus,
    PaymentRequest,
    Purpose,
    RequestStatus,
    SuspenseItem,
    SuspenseReason,
    SuspenseStatus,
)
from duro.modules.recovery import asking
from duro.modules.subscriptions.model import BalanceReason, Subscription

# How long a customer has to pay. Gateways keep such accounts and codes for hours to days.
LIFETIME: Final = timedelta(hours=24)
# The gateway tells by itself; these looks are for notices that get lost.
_LOOKS: Final = (
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=6),
    timedelta(hours=12),
)
EXPIRED: Final = "request_expired"
UNDERPAID: Final = "underpaid"


def tell(changes: Changes, case: Case, answer: Pending) -> None:
    """The gateway has said how it can be paid, so the customer is told and the case waits."""
    now, attempt = changes.tx.now, case.attempt
    request = replace(
        request_for(attempt, request_id=changes.new_id("prq"), details=answer.action, now=now),
        expires_at=answer.expires_at,
    )
    changes.push.new_requests.append(request)
    changes.attempts[attempt.id] = replace(
        attempt, status=AttemptStatus.PENDING, check_at=None, lease_until=None
    )
    changes.counts["requests"] += 1
    is_worked = case.schedule is not None and case.schedule.state is schedule.Status.IN_FLIGHT
    if case.schedule is None or not is_worked or attempt.purpose is not Purpose.RETRY:
        # Whoever asked for it sees it where they asked.
        return
    step = asking.await_payment(schedule=case.schedule, request=request, zone=changes.zone, now=now)
    changes.take(step)
    reason = step.schedule.reason
    changes.record(
        "subscription_payment_action_required",
        case.subscription,
        case.invoice,
        reason=reason,
        nextAttemptAt=request.expires_at,
        paymentRequest=_shown(request),
    )
    if not case.schedule.plan.is_quiet:
        told = {
            "invoiceId": request.invoice_id,
            "reason": reason,
            "failureCategory": step.schedule.failure_category,
            "rail": request.rail.value,
            "amount": format_minor(request.amount_minor, request.currency),
            "details": dict(request.details),
            "expiresAt": request.expires_at,
        }
        changes.tell("payment_action_required", case.subscription, request.id, told)


def request_for(
    attempt: Attempt, *, request_id: str, details: Mapping[str, str], now: datetime
) -> PaymentRequest:
    """An open request of the attempt, payable for the usual time."""
    expires_at = attempt.created_at + LIFETIME
    return PaymentRequest(
        id=request_id,
        attempt_id=attempt.id,
        invoice_id=attempt.invoice_id,
        subscription_id=attempt.subscription_id,
        customer_id=attempt.customer_id,
        rail=attempt.rail,
        status=RequestStatus.OPEN,
        amount_minor=attempt.amount_minor,
        received_minor=0,
        currency=attempt.currency,
        reference=attempt.reference,
        details=dict(details),
        expires_at=expires_at,
        check_at=next_look(attempt.created_at, expires_at, now),
        closed_at=None,
        created_at=now,
    )


def _shown(request: PaymentRequest) -> dict[str, object]:
    """What the customer is told, for whoever tells it in their own words."""
    return {
        "id": request.id,
        "rail": request.rail.value,
        "amount": request.amount_minor,
        "currency": request.currency,
        "reference": request.reference,
        "details": dict(request.details),
        "expiresAt": request.expires_at,
    }


def next_look(asked_at: datetime, expires_at: datetime, now: datetime) -> datetime:
    """When an open request is looked at next: ever less often, and when it expires."""
    looks = (asked_at + wait for wait in _LOOKS)
    return min(next((at for at in looks if at > now), expires_at), expires_at)


def close(changes: Changes, request: PaymentRequest, status: RequestStatus) -> PaymentRequest:
    """Nobody is to pay it any more; late money is looked for."""
    now = changes.tx.now
    closed = replace(request, status=status, closed_at=now, check_at=now + LATE_LOOK)
    changes.push.requests[closed.id] = closed
    return closed


def credit(
    changes: Changes, subscription: Subscription, invoice: Invoice, amount_minor: int
) -> bool:
    """More came than was owed: it is credit for the next renewals, if there can be any."""
    latest = changes.subscriptions.get(subscription.id, subscription)
    if not can(latest.status, Action.CANCEL):
        return False
    reason = BalanceReason.OVERPAYMENT
    credited = changes.move_balance(latest, amount_minor, reason, invoice.id)
    changes.subscriptions[credited.id] = credited
    return True


def keep_excess(changes: Changes, case: Case, settled: Attempt) -> None:
    """A pull charge succeeded for what other money had settled: it is credit, or waits for a person."""
    row = replace(settled, is_excess=True)
    changes.attempts[row.id] = row
    if credit(changes, case.subscription, case.invoice, row.amount_minor):
        return
    item = SuspenseItem(
        id=changes.new_id("sus"),
        incoming_id=None,
        attempt_id=row.id,
        invoice_id=row.invoice_id,
        subscription_id=row.subscription_id,
        customer_id=row.customer_id,
        amount_minor=row.amount_minor,
        currency=row.currency,
        reason=SuspenseReason.NOT_OWED,
        status=SuspenseStatus.OPEN,
        resolution=None,
        note=None,
        created_at=changes.tx.now,
        resolved_at=None,
    )
    changes.push.suspended.append(item)
    changes.postings.append(
        Posting(
            Account.GATEWAY_CLEARING,
            Account.SUSPENSE,
            row.amount_minor,
            row.currency,
            Cause.EXCESS,
            row.id,
        )
    )


def make_whole(changes: Changes, case: Case, settled: Attempt) -> None:
    """A pull charge settled the rest; parts that came while it was under way were too much."""
    invoice = case.invoice
    if not invoice.received_minor:
        return
    changes.push.made_whole.add(invoice.id)
    surplus = settled.amount_minor - invoice.owed_minor
    if surplus <= 0:
        return
    changes.push.surplus[invoice.id] = surplus
    credit(changes, case.subscription, invoice, surplus)
    # The parts are posted as owed to the merchant; so much of them is the customer's credit instead.
    changes.postings.append(
        Posting(
            Account.MERCHANT_PAYABLE,
            Account.GATEWAY_CLEARING,
            surplus,
            settled.currency,
            Cause.EXCESS,
            settled.id,
        )
    )


def code_of(request: PaymentRequest) -> str:
    """Why its attempt fails when it expires."""
    return UNDERPAID if request.received_minor else EXPIRED


def latest_sent(history: Sequence[Attempt]) -> Attempt | None:
    """The request that its case sent last; those that the customer asked for themselves are not the case's."""
    sent = [past for past in history if past.rail in PUSH and past.purpose is Purpose.RETRY]
    return sent[-1] if sent else None


def is_awaited(case: Case, request: PaymentRequest) -> bool:
    """Whether the case waits for this request, the latest it sent, and nothing else was begun meanwhile."""
    sent = latest_sent(case.history)
    return (
        case.schedule is not None
        and sent is not None
        and sent.id == case.attempt.id
        and asking.is_awaiting(case.schedule, case.attempt, request.expires_at)
    )


def closed_attempt(attempt: Attempt, at: datetime, code: str) -> Attempt:
    """An attempt that came to nothing, of which no case has to know."""
    return replace(
        attempt,
        status=AttemptStatus.FAILED,
        failure_code=code,
        settled_at=at,
        check_at=None,
        lease_until=None,
    )
