"""What an answer of the gateway means for the attempt, the invoice, the subscription and the case.

Pure: everything goes into `Changes`, nothing is read or written here.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import structlog

from duro.billing import schedule, wording
from duro.billing.failures import Category, classify, is_in_progress
from duro.billing.rails import PUSH
from duro.billing.states import Action, Status, can
from duro.modules.charging import changed, payment, requested
from duro.modules.charging.decided import follow
from duro.modules.charging.model import WITHDRAWN, Case, Changes, Withdrawn
from duro.modules.invoices.model import Invoice, InvoiceStatus
from duro.modules.payments.gateway import Answer, Failed, Pending, Succeeded, Unknown
from duro.modules.payments.model import (
    Attempt,
    AttemptStatus,
    PaymentRequest,
    Purpose,
    RequestStatus,
)
from duro.modules.recovery import aftermath
from duro.modules.recovery import service as recovery
from duro.modules.subscriptions.model import INCOMPLETE_LIFETIME, Subscription

log: Final = structlog.get_logger()

# The gateway is asked again after this much business time, then ever less often.
FIRST_CHECK: Final = timedelta(seconds=60)
SLOWEST_CHECK: Final = timedelta(hours=1)


def apply(changes: Changes, case: Case, answer: Answer | Withdrawn) -> None:
    """Records one answer; an attempt that is settled already stays as it is."""
    if not case.attempt.status.is_open:
        return
    match answer:
        case Withdrawn():
            _withdraw(changes, case)
        case Succeeded():
            _succeed(changes, case, answer)
        case Failed(code=code):
            if is_in_progress(rail=case.attempt.rail, code=code):
                _wait(changes, case, AttemptStatus.UNKNOWN)
            else:
                _fail(changes, case, code)
        case Pending():
            _pend(changes, case, answer)
        case Unknown():
            _wait(changes, case, AttemptStatus.UNKNOWN)


def _pend(changes: Changes, case: Case, answer: Pending) -> None:
    if case.attempt.rail in PUSH:
        requested.tell(changes, case, answer)
    else:
        _wait(changes, case, AttemptStatus.PENDING)


def hold(changes: Changes, case: Case, why: str) -> None:
    """A person has to look at this attempt; nothing is charged for its invoice meanwhile."""
    if case.attempt.status.is_open:
        _hold(changes, case, why)


def expire(changes: Changes, case: Case, request: PaymentRequest) -> None:
    """Nobody paid the request in time, or not all of it: it counts as a try, and the case goes on.

    One that the customer asked for themselves, or that the case does not wait for any more, only ends.
    """
    now, code = changes.tx.now, requested.code_of(request)
    requested.close(changes, request, RequestStatus.EXPIRED)
    changes.counts["requests_expired"] += 1
    if not case.attempt.status.is_open:
        return
    of = case.schedule
    if of is not None and requested.is_awaited(case, request):
        claimed = replace(case, schedule=of.step(schedule.Action.CLAIM))
        _fail(changes, claimed, code)
        return
    ended = requested.closed_attempt(case.attempt, now, code)
    changes.attempts[ended.id] = ended
    row = case.subscription
    if row.status is Status.INCOMPLETE and row.expires_at is None:
        changes.subscriptions[row.id] = replace(row, expires_at=_ends_at(changes, case))


def _ends_at(changes: Changes, case: Case) -> datetime | None:
    """When an incomplete subscription ends by itself: not while another attempt may still bring its money."""
    others = (past for past in case.history if past.id != case.attempt.id)
    # What was settled in the same batch is not open any more.
    if any(changes.attempts.get(past.id, past).status.is_open for past in others):
        return None
    return max(case.subscription.created_at + INCOMPLETE_LIFETIME, changes.tx.now)


def go_on_after_request(changes: Changes, case: Case) -> None:
    """The request that the case waits for has ended while a charge by hand was under way: it counts from now on."""
    if case.schedule is not None:
        claimed = replace(case, schedule=case.schedule.step(schedule.Action.CLAIM))
        _fail(changes, claimed, case.attempt.failure_code or requested.EXPIRED)


def _hold(changes: Changes, case: Case, why: str) -> None:
    changes.attempts[case.attempt.id] = replace(
        case.attempt,
        status=AttemptStatus.UNKNOWN,
        check_at=None,
        lease_until=None,
        review_reason=why,
    )
    changes.counts["held"] += 1


def _wait(changes: Changes, case: Case, status: AttemptStatus) -> None:
    now, attempt = changes.tx.now, case.attempt
    # As long again as it has been open: each wait doubles the last.
    wait = min(max(now - attempt.created_at, FIRST_CHECK), SLOWEST_CHECK)
    changes.attempts[attempt.id] = replace(
        attempt, status=status, check_at=now + wait, lease_until=None
    )
    changes.counts["unknown"] += 1


def _withdraw(changes: Changes, case: Case) -> None:
    """Nothing was asked of the gateway and nothing will be: the subscription had been stopped."""
    now = changes.tx.now
    withdrawn = _settled(case.attempt, AttemptStatus.FAILED, now)
    changes.attempts[withdrawn.id] = replace(withdrawn, failure_code=WITHDRAWN)
    changes.counts["withdrawn"] += 1
    _drop(changes, case)


def _drop(changes: Changes, case: Case) -> None:
    """A stopped subscription owes nothing, and its case has nothing left to recover."""
    changes.void(case.subscription, case.invoice)
    if case.schedule is not None and case.schedule.is_open:
        why = "The subscription was cancelled."
        changes.take(recovery.cancel(schedule=case.schedule, reason=why, now=changes.tx.now))


def _succeed(changes: Changes, case: Case, answer: Succeeded) -> None:
    now = changes.tx.now
    moved = (answer.amount_minor, answer.currency)
    if moved != (case.attempt.amount_minor, case.attempt.currency):
        _hold(changes, case, f"the gateway answered {answer.amount_minor} {answer.currency}")
        return
    settled = _settled(case.attempt, AttemptStatus.SUCCEEDED, now)
    changes.counts["charges"] += 1
    if case.invoice.status is InvoiceStatus.PAID:
        requested.keep_excess(changes, case, settled)
        return
    changes.attempts[settled.id] = settled
    paid = case.invoice.paid(rail=settled.rail, at=now) if case.invoice.is_payable else case.invoice
    changes.invoices[paid.id] = paid
    changes.push.closed_invoices.add(paid.id)
    if not _is_wanted(case):
        _refund_due(changes, case, settled, paid)
        return
    payment.settle(changes, case, paid)
    requested.make_whole(changes, case, settled)


def _refund_due(changes: Changes, case: Case, settled: Attempt, paid: Invoice) -> None:
    """Money for something that was stopped meanwhile: it is recorded, and has to go back."""
    why = "paid after the subscription had ended; to be refunded"
    changes.attempts[settled.id] = replace(settled, review_reason=why)
    changes.counts["refunds_due"] += 1
    if case.schedule is not None and case.schedule.is_open:
        step = recovery.recover(
            schedule=case.schedule,
            attempt=case.attempt,
            history=case.history,
            now=changes.tx.now,
        )
        flagged = replace(step.schedule, refund_due_at=changes.tx.now)
        changes.take(replace(step, schedule=flagged))
    changes.record("subscription_payment_success", case.subscription, paid)


def _fail(changes: Changes, case: Case, code: str) -> None:
    now = changes.tx.now
    classified = classify(rail=case.attempt.rail, code=code)
    if not classified.is_known:
        # So that the table can grow: nobody has sorted this code yet.
        log.warning("unseen_failure_code", rail=case.attempt.rail.value, code=code)
    failed = replace(
        _settled(case.attempt, AttemptStatus.FAILED, now),
        failure_code=code,
        failure_category=classified.category,
    )
    changes.attempts[failed.id] = failed
    changes.counts["failures"] += 1
    if case.invoice.status is InvoiceStatus.PAID:
        # Other money settled it meanwhile, so nobody is the worse.
        return
    error = {
        "code": code,
        "category": classified.category.value,
        "message": _sentence(classified.category),
    }
    noted = replace(case.subscription, last_payment_error=error)
    known = case.subscription.last_payment_error
    case = replace(case, attempt=failed, subscription=noted, known_error=known)
    match failed.purpose:
        case Purpose.FIRST:
            _first_failed(changes, case)
        case Purpose.RENEWAL:
            _renewal_failed(changes, case)
        case Purpose.RETRY:
            _retry_failed(changes, case)
        case Purpose.PLAN_CHANGE:
            _change_failed(changes, case)
        case Purpose.MANUAL | Purpose.PAY_LINK:
            _manual_failed(changes, case)


def _change_failed(changes: Changes, case: Case) -> None:
    """Nothing was changed, so nothing is noted on the subscription either."""
    before = replace(case.subscription, last_payment_error=case.known_error)
    if before.change is None:
        _drop(changes, case)
        return
    _record_failure(changes, changed.take_back(changes, before, case.invoice), case, None)


def _manual_failed(changes: Changes, case: Case) -> None:
    """The subscription's own method takes the path of any try; of another card nobody is the worse.

    What customers try by themselves never uses up the tries of their case.
    """
    status, of = case.subscription.status, case.schedule
    is_try = case.attempt.purpose is Purpose.MANUAL
    if status is Status.INCOMPLETE:
        _first_failed(changes, case)
    elif not can(status, Action.RECOVER):
        _drop(changes, case)
    elif of is None or not of.is_open or case.attempt.rail in PUSH:
        _record_failure(changes, case.subscription, case, None)
    elif is_try and any(
        case.attempt.payment_method_id == own.id for own in case.payer.methods.values()
    ):
        _retry_failed(changes, case)
    else:
        step = aftermath.put_back(
            schedule=of,
            planned_at=case.planned_at,
            history=case.history,
            payer=case.payer,
            zone=changes.zone,
            now=changes.tx.now,
        )
        changes.take(step)
        _record_failure(changes, case.subscription, case, step)


def _first_failed(changes: Changes, case: Case) -> None:
    subscription = case.subscription
    if subscription.status is Status.INCOMPLETE:
        subscription = replace(subscription, expires_at=_ends_at(changes, case))
    else:
        # A resume that was declined changes nothing, and its invoice is not owed.
        subscription = changes.undo(subscription, case.invoice)
    changes.subscriptions[subscription.id] = subscription
    _record_failure(changes, subscription, case, None)


def _renewal_failed(changes: Changes, case: Case) -> None:
    now = changes.tx.now
    if not can(case.subscription.status, Action.RENEWAL_FAILED):
        _drop(changes, case)
        return
    moved, event = case.subscription.step(Action.RENEWAL_FAILED)
    step = recovery.open_case(
        schedule_id=changes.new_id("dun"),
        invoice=case.invoice,
        attempt=case.attempt,
        payer=case.payer,
        terms=recovery.Terms(changes.in_force, changes.zone, now),
    )
    changes.subscriptions[moved.id] = moved
    changes.take(step, is_new=True)
    _record_failure(changes, moved, case, step)
    changes.record(event, moved, case.invoice)
    follow(changes, moved, case.invoice, step)


def _retry_failed(changes: Changes, case: Case) -> None:
    now, subscription = changes.tx.now, case.subscription
    changes.subscriptions[subscription.id] = subscription
    if case.schedule is None or case.schedule.state is not schedule.Status.IN_FLIGHT:
        return
    if not can(subscription.status, Action.RECOVER):
        _drop(changes, case)
        return
    step = recovery.follow_failure(
        schedule=case.schedule,
        attempt=case.attempt,
        history=[*(past for past in case.history if past.id != case.attempt.id), case.attempt],
        payer=case.payer,
        zone=changes.zone,
        now=now,
    )
    changes.take(step)
    _record_failure(changes, subscription, case, step)
    follow(changes, subscription, case.invoice, step)


def _record_failure(
    changes: Changes, subscription: Subscription, case: Case, step: recovery.Step | None
) -> None:
    changes.record(
        "subscription_payment_failed",
        subscription,
        case.invoice,
        failureCode=case.attempt.failure_code,
        failureCategory=case.attempt.failure_category,
        reason=step.schedule.reason if step else _sentence(recovery.failure_of(case.attempt)[0]),
        nextAttemptAt=step.schedule.next_attempt_at if step else None,
    )


def _settled(attempt: Attempt, status: AttemptStatus, at: datetime) -> Attempt:
    return replace(
        attempt, status=status, settled_at=at, check_at=None, lease_until=None, review_reason=None
    )


def _sentence(category: Category) -> str:
    words = wording.cause(category)
    return f"Payment failed: {words}."


def _is_wanted(case: Case) -> bool:
    """Whether the subscription still waits for this payment; it may have been stopped meanwhile."""
    subscription = case.subscription
    if not case.invoice.is_payable:
        return False
    match case.attempt.purpose:
        case Purpose.FIRST:
            return subscription.status in (Status.INCOMPLETE, Status.PAUSED)
        case Purpose.RENEWAL:
            return subscription.is_renewing
        case Purpose.RETRY:
            return can(subscription.status, Action.RECOVER)
        case Purpose.PLAN_CHANGE:
            change = subscription.change
            return change is not None and change.invoice_id == case.invoice.id
        case Purpose.MANUAL | Purpose.PAY_LINK:
            is_first = subscription.status is Status.INCOMPLETE
            return is_first or can(subscription.status, Action.RECOVER)
