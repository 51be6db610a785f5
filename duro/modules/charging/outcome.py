"""What an answer of the gateway means for the attempt, the invoice, the subscription and the case.

Pure: everything goes into `Changes`, nothing is read or written here.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import structlog

from duro.billing import schedule, wording
from duro.billing.cycle import Cadence, Period, index_at, period
from duro.billing.failures import Category, classify, is_in_progress
from duro.billing.states import Action, Status, can
from duro.modules.catalog.model import Plan
from duro.modules.charging.decided import follow
from duro.modules.charging.model import Case, Changes, Withdrawn
from duro.modules.invoices.model import Invoice, InvoiceStatus
from duro.modules.payments.gateway import Answer, Failed, Pending, Succeeded, Unknown
from duro.modules.payments.model import Attempt, AttemptStatus, Purpose
from duro.modules.recovery import service as recovery
from duro.modules.subscriptions.model import INCOMPLETE_LIFETIME, Subscription

log: Final = structlog.get_logger()

# The gateway is asked again after this much business time, then ever less often.
FIRST_CHECK: Final = timedelta(seconds=60)
SLOWEST_CHECK: Final = timedelta(hours=1)
# Of an attempt that was given up before the gateway was asked; no gateway's code.
_WITHDRAWN: Final = "canceled"
# A charge this late was held up by an outage of ours; the next one keeps its distance from it.
_LATE: Final = timedelta(hours=1)
_CATCH_UP_GAP: Final = timedelta(hours=24)


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
            _wait(changes, case, AttemptStatus.PENDING)
        case Unknown():
            _wait(changes, case, AttemptStatus.UNKNOWN)


def settle_free(changes: Changes, subscription: Subscription, invoice: Invoice) -> None:
    """A renewal that costs nothing is paid without a charge."""
    paid = invoice.paid(rail=None, at=changes.tx.now)
    changes.new_invoices.append(paid)
    changes.record("invoice_created", subscription, invoice)
    renewed = _renewed(changes, subscription, paid)
    changes.record("subscription_payment_success", renewed, paid)


def start_free(changes: Changes, subscription: Subscription, invoice: Invoice) -> Subscription:
    """A first period that costs nothing is paid without a charge."""
    paid = invoice.paid(rail=None, at=changes.tx.now)
    changes.new_invoices.append(paid)
    changes.record("invoice_created", subscription, invoice)
    return _started(changes, subscription, paid)


def hold(changes: Changes, case: Case, why: str) -> None:
    """A person has to look at this attempt; nothing is charged for its invoice meanwhile."""
    if case.attempt.status.is_open:
        _hold(changes, case, why)


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
    changes.attempts[withdrawn.id] = replace(withdrawn, failure_code=_WITHDRAWN)
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
    if case.invoice.status is InvoiceStatus.PAID:
        # One settled charge for each invoice is what the database demands; this money has to go back.
        _hold(changes, case, "charged, but the invoice was paid already; to be refunded")
        return
    settled = _settled(case.attempt, AttemptStatus.SUCCEEDED, now)
    changes.attempts[settled.id] = settled
    changes.counts["charges"] += 1
    paid = case.invoice.paid(rail=settled.rail, at=now) if case.invoice.is_payable else case.invoice
    changes.invoices[paid.id] = paid
    if not _is_wanted(case):
        _refund_due(changes, case, settled, paid)
        return
    match settled.purpose:
        case Purpose.FIRST:
            started = _started(changes, case.subscription, paid)
            _receipt(changes, started, paid)
        case Purpose.RENEWAL:
            renewed = _renewed(changes, case.subscription, paid)
            changes.record("subscription_payment_success", renewed, paid)
            _receipt(changes, renewed, paid)
        case Purpose.RETRY:
            _recovered(changes, case, paid)


def _started(changes: Changes, before: Subscription, paid: Invoice) -> Subscription:
    """The first period of a new subscription, or of one that resumes after its period's end."""
    action = Action.RESUME if before.status is Status.PAUSED else Action.ACTIVATE
    moved, event = before.step(action)
    anchored = replace(
        moved.paid_once_more(),
        anchor_at=paid.period_starts_at,
        last_payment_error=None,
        latest_invoice_id=paid.id,
    )
    span = Period(paid.period_starts_at, paid.period_ends_at)
    started = anchored.in_period(
        span, index=paid.period_index, now=changes.tx.now, reminder=changes.reminder_window
    )
    changes.subscriptions[started.id] = started
    changes.record(event, started, paid)
    changes.record("subscription_payment_success", started, paid)
    return started


def _renewed(changes: Changes, subscription: Subscription, paid: Invoice) -> Subscription:
    now = changes.tx.now
    moved, event = subscription, None
    if subscription.status is Status.TRIALING:
        moved, event = subscription.step(Action.ACTIVATE)
    span = Period(paid.period_starts_at, paid.period_ends_at)
    renewed = replace(
        moved.paid_once_more().in_period(
            span, index=paid.period_index, now=now, reminder=changes.reminder_window
        ),
        last_payment_error=None,
        latest_invoice_id=paid.id,
    )
    if now - span.starts_at > _LATE:
        gap = min(_CATCH_UP_GAP, span.ends_at - span.starts_at)
        renewed = replace(renewed, renews_at=max(span.ends_at, now + gap))
    changes.subscriptions[renewed.id] = renewed
    changes.counts["renewals"] += 1
    if event is not None:
        changes.record(event, renewed, paid)
    return renewed


def _recovered(changes: Changes, case: Case, paid: Invoice) -> None:
    now = changes.tx.now
    moved, event = case.subscription.step(Action.RECOVER)
    index, span = _landing(paid, moved, case.plan, changes)
    recovered = replace(
        moved.paid_once_more().in_period(
            span, index=index, now=now, reminder=changes.reminder_window
        ),
        last_payment_error=None,
    )
    changes.subscriptions[recovered.id] = recovered
    changes.counts["recovered"] += 1
    if case.schedule is not None and case.schedule.is_open:
        step = recovery.recover(
            schedule=case.schedule, attempt=case.attempt, history=case.history, now=now
        )
        changes.take(step)
    changes.record("subscription_payment_recovered", recovered, paid)
    changes.record(event, recovered, paid)
    changes.tell("payment_recovered", recovered, paid.id, {"invoiceId": paid.id})


def _landing(
    paid: Invoice, subscription: Subscription, plan: Plan, changes: Changes
) -> tuple[int, Period]:
    """The period a recovery lands in: the invoice's own, or the present one if that is over too.

    Periods that ended while nobody paid are not billed, so the next renewal is the first anchor date after now.
    """
    now = changes.tx.now
    if paid.period_ends_at > now:
        return paid.period_index, Period(paid.period_starts_at, paid.period_ends_at)
    cadence = Cadence(plan.interval, plan.interval_count)
    anchor = subscription.anchor_at
    index = index_at(anchor=anchor, at=now, cadence=cadence, zone=changes.zone)
    return index, period(anchor=anchor, n=index, cadence=cadence, zone=changes.zone)


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
    error = {
        "code": code,
        "category": classified.category.value,
        "message": _sentence(classified.category),
    }
    noted = replace(case.subscription, last_payment_error=error)
    case = replace(case, attempt=failed, subscription=noted)
    match failed.purpose:
        case Purpose.FIRST:
            _first_failed(changes, case)
        case Purpose.RENEWAL:
            _renewal_failed(changes, case)
        case Purpose.RETRY:
            _retry_failed(changes, case)


def _first_failed(changes: Changes, case: Case) -> None:
    subscription = case.subscription
    if subscription.status is Status.INCOMPLETE:
        lives_until = subscription.created_at + INCOMPLETE_LIFETIME
        subscription = replace(subscription, expires_at=max(lives_until, changes.tx.now))
    else:
        # A resume that was declined changes nothing, and its invoice is not owed.
        subscription = changes.void(subscription, case.invoice)
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


def _receipt(changes: Changes, subscription: Subscription, paid: Invoice) -> None:
    changes.tell("receipt", subscription, paid.id, {"invoiceId": paid.id})


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
