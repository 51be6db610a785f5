"""What a payment means for the subscription: it starts, renews, recovers, or changes its plan.

Pure: everything goes into `Changes`, nothing is read or written here.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from duro.billing.cycle import Period, index_at, period
from duro.billing.rails import PULL, PUSH
from duro.billing.states import Action, Status
from duro.modules.catalog.model import Plan
from duro.modules.charging import changed
from duro.modules.charging.model import Case, Changes
from duro.modules.invoices.model import Invoice
from duro.modules.payments.model import Purpose
from duro.modules.recovery import aftermath
from duro.modules.recovery import service as recovery
from duro.modules.recovery.model import RecoveredBy, Schedule
from duro.modules.subscriptions.model import Subscription

# A charge this late was held up by an outage of ours; the next one keeps its distance from it.
_LATE: Final = timedelta(hours=1)
_CATCH_UP_GAP: Final = timedelta(hours=24)
_BY_HAND: Final = {
    Purpose.MANUAL: RecoveredBy.MANUAL,
    Purpose.PAY_LINK: RecoveredBy.PAY_LINK,
}


def settle(changes: Changes, case: Case, paid: Invoice) -> None:
    """What the attempt was made for happens."""
    match case.attempt.purpose:
        case Purpose.FIRST:
            if case.subscription.status is Status.INCOMPLETE:
                changes.beginning[case.subscription.id] = case.plan
            _receipt(changes, _started(changes, case.subscription, paid), case, paid)
        case Purpose.RENEWAL:
            onward = _renewed(changes, case.subscription, paid)
            changes.record("subscription_payment_success", onward, paid)
            _receipt(changes, onward, case, paid)
        case Purpose.RETRY:
            _recovered(changes, case, paid)
        case Purpose.PLAN_CHANGE:
            _plan_changed(changes, case, paid)
        case Purpose.MANUAL | Purpose.PAY_LINK:
            _paid_by_hand(changes, case, paid)


def settle_free(changes: Changes, subscription: Subscription, invoice: Invoice) -> None:
    """A renewal that costs nothing is paid without a charge."""
    paid = invoice.paid(rail=None, at=changes.tx.now)
    changes.new_invoices.append(paid)
    changes.record("invoice_created", subscription, invoice)
    moved = _renewed(changes, subscription, paid)
    changes.record("subscription_payment_success", moved, paid)


def start_free(changes: Changes, subscription: Subscription, invoice: Invoice) -> Subscription:
    """A first period that costs nothing is paid without a charge."""
    paid = invoice.paid(rail=None, at=changes.tx.now)
    changes.new_invoices.append(paid)
    changes.record("invoice_created", subscription, invoice)
    return _started(changes, subscription, paid)


def _plan_changed(changes: Changes, case: Case, paid: Invoice) -> None:
    change = case.subscription.change
    if change is None:
        raise ValueError(f"{case.subscription.id} waits for no change of plan")
    moved = changed.after(changes, case.subscription, change)
    _receipt(changes, changed.carry_out(changes, case.subscription, moved, paid), case, paid)


def _paid_by_hand(changes: Changes, case: Case, paid: Invoice) -> None:
    if case.attempt.keeps_method:
        kept = replace(case.subscription, payment_method_id=case.attempt.payment_method_id)
        case = replace(case, subscription=kept)
    if case.subscription.status is not Status.INCOMPLETE:
        _recovered(changes, case, paid)
        return
    # Whoever pays the first invoice later begins then, and not when it was made.
    attempt = case.attempt
    begins_at = changes.tx.now if attempt.rail in PUSH else attempt.created_at
    span = period(anchor=begins_at, n=0, cadence=case.plan.cadence, zone=changes.zone)
    moved = replace(paid, period_starts_at=span.starts_at, period_ends_at=span.ends_at)
    changes.invoices[moved.id] = moved
    _receipt(changes, _started(changes, case.subscription, moved), case, moved)


def _started(changes: Changes, before: Subscription, paid: Invoice) -> Subscription:
    """The first period of a new subscription, or of one that resumes after its period's end."""
    action = Action.RESUME if before.status is Status.PAUSED else Action.ACTIVATE
    moved, event = before.step(action)
    anchored = moved.paid_once_more(
        anchor_at=paid.period_starts_at,
        last_payment_error=None,
        latest_invoice_id=paid.id,
        period_price_minor=paid.price_minor,
    )
    span = Period(paid.period_starts_at, paid.period_ends_at)
    begun = anchored.in_period(
        span, index=paid.period_index, now=changes.tx.now, reminder=changes.reminder_window
    )
    changes.subscriptions[begun.id] = begun
    changes.record(event, begun, paid)
    changes.record("subscription_payment_success", begun, paid)
    return begun


def _renewed(changes: Changes, subscription: Subscription, paid: Invoice) -> Subscription:
    now = changes.tx.now
    moved, event = subscription, None
    if subscription.status is Status.TRIALING:
        moved, event = subscription.step(Action.ACTIVATE)
    span = Period(paid.period_starts_at, paid.period_ends_at)
    onward = replace(
        moved.paid_once_more().in_period(
            span, index=paid.period_index, now=now, reminder=changes.reminder_window
        ),
        last_payment_error=None,
        latest_invoice_id=paid.id,
        period_price_minor=paid.price_minor,
    )
    if now - span.starts_at > _LATE:
        gap = min(_CATCH_UP_GAP, span.ends_at - span.starts_at)
        onward = replace(onward, renews_at=max(span.ends_at, now + gap))
    changes.subscriptions[onward.id] = onward
    changes.counts["renewals"] += 1
    if event is not None:
        changes.record(event, onward, paid)
    return onward


def _recovered(changes: Changes, case: Case, paid: Invoice) -> None:
    now = changes.tx.now
    moved, event = case.subscription.step(Action.RECOVER)
    index, span = landing(paid, moved, case.plan, changes)
    back = replace(
        moved.paid_once_more().in_period(
            span, index=index, now=now, reminder=changes.reminder_window
        ),
        last_payment_error=None,
        period_price_minor=paid.price_minor,
    )
    changes.subscriptions[back.id] = back
    changes.counts["recovered"] += 1
    is_answer = _answers(case)
    if case.schedule is not None:
        step = _recovering(case, case.schedule, now)
        is_answer |= step.schedule.recovered_by is RecoveredBy.NEW_CARD
        changes.take(step)
    changes.record("subscription_payment_recovered", back, paid)
    changes.record(event, back, paid)
    told = {"invoiceId": paid.id}
    changes.tell("payment_recovered", back, paid.id, told, is_answer=is_answer)


def _recovering(case: Case, of: Schedule, now: datetime) -> recovery.Step:
    by = _BY_HAND.get(case.attempt.purpose)
    if not of.is_open:
        by = by or RecoveredBy.OTHER_RAIL
        return aftermath.recover_late(schedule=of, attempt=case.attempt, now=now, by=by)
    return recovery.recover(schedule=of, attempt=case.attempt, history=case.history, now=now, by=by)


def landing(
    paid: Invoice, subscription: Subscription, plan: Plan, changes: Changes
) -> tuple[int, Period]:
    """The period a recovery lands in: the invoice's own, or the present one if that is over too.

    Periods that ended while nobody paid are not billed, so the next renewal is the first anchor date after now.
    """
    now = changes.tx.now
    if paid.period_ends_at > now:
        return paid.period_index, Period(paid.period_starts_at, paid.period_ends_at)
    cadence = plan.cadence
    anchor = subscription.anchor_at
    index = index_at(anchor=anchor, at=now, cadence=cadence, zone=changes.zone)
    return index, period(anchor=anchor, n=index, cadence=cadence, zone=changes.zone)


def _receipt(changes: Changes, subscription: Subscription, case: Case, paid: Invoice) -> None:
    told = {"invoiceId": paid.id}
    changes.tell("receipt", subscription, paid.id, told, is_answer=_answers(case))


def _answers(case: Case) -> bool:
    """Whether somebody has just paid or asked for the charge, and waits for word of it, be it at night."""
    attempt = case.attempt
    return attempt.rail not in PULL or attempt.purpose not in (Purpose.RENEWAL, Purpose.RETRY)
