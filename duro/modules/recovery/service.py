"""How a case moves: pure steps from a failure or a payment to the schedule, its log and the ledger."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from duro.billing import wording
from duro.billing.case import Context, Escalation
from duro.billing.decision import Decision, Move, Rule
from duro.billing.dunning import MIN_PULL_GAP, decide, decide_waiting, is_counted, waiting_deadline
from duro.billing.failures import Category
from duro.billing.rails import PUSH
from duro.billing.schedule import Action, Status
from duro.modules.invoices.model import Invoice
from duro.modules.payments.model import Attempt
from duro.modules.recovery.model import (
    DecisionRow,
    LedgerRow,
    Movement,
    RecoveredBy,
    Schedule,
    SettingsVersion,
)
from duro.modules.recovery.seen import Payer, context_of, is_spent

_METHOD_CHANGED: Final = "method_changed"


@dataclass(frozen=True, slots=True)
class Terms:
    """What a new case lives by: the settings in force, the tenant's zone and its present."""

    in_force: SettingsVersion
    zone: ZoneInfo
    now: datetime


@dataclass(frozen=True, slots=True)
class Step:
    """What one step of a case writes."""

    schedule: Schedule
    decisions: tuple[DecisionRow, ...] = ()
    movements: tuple[LedgerRow, ...] = ()
    move: Move | None = None


def open_case(
    *,
    schedule_id: str,
    invoice: Invoice,
    attempt: Attempt,
    payer: Payer,
    terms: Terms,
) -> Step:
    """The case of a renewal that has just failed: at risk, with its first decision.

    It keeps the settings in force, whatever they are changed to later.
    """
    category, code = failure_of(attempt)
    now = terms.now
    schedule = Schedule(
        id=schedule_id,
        subscription_id=attempt.subscription_id,
        invoice_id=invoice.id,
        customer_id=invoice.customer_id,
        state=Status.IN_FLIGHT,
        amount_minor=invoice.amount_minor,
        currency=invoice.currency,
        rail=attempt.rail,
        failure_code=code,
        failure_category=category,
        attempts_made=0,
        attempts_skipped=0,
        settings=dict(terms.in_force.settings.plan().to_dict()),
        settings_version=terms.in_force.version,
        next_action=None,
        next_attempt_at=None,
        reason="",
        first_failed_at=now,
        last_pull_at=None,
        deadline_at=None,
        recovered_by=None,
        refund_due_at=None,
        opened_at=now,
        closed_at=None,
    )
    step = follow_failure(
        schedule=schedule, attempt=attempt, history=[attempt], payer=payer, zone=terms.zone, now=now
    )
    entered = _movement(step.schedule, Movement.ENTERED, category.value, now)
    return replace(step, movements=(entered, *step.movements))


def follow_failure(
    *,
    schedule: Schedule,
    attempt: Attempt,
    history: Sequence[Attempt],
    payer: Payer,
    zone: ZoneInfo,
    now: datetime,
) -> Step:
    """The next decision after a failed attempt of the case; `history` has all its attempts."""
    category, code = failure_of(attempt)
    was_charged = attempt.payment_method_id is not None
    failed = replace(
        schedule,
        rail=attempt.rail,
        failure_code=code,
        failure_category=category,
        last_pull_at=attempt.created_at if was_charged else schedule.last_pull_at,
    )
    context = context_of(failed, attempt=attempt, history=history, payer=payer, zone=zone, now=now)
    if is_counted(context):
        failed = replace(failed, attempts_made=schedule.attempts_made + 1)
    step = decide_next(failed, attempt=attempt, history=history, payer=payer, zone=zone, now=now)
    method_ids = {method.id for method in payer.methods.values()}
    was_asked = attempt.rail in PUSH
    is_same = not method_ids or attempt.payment_method_id in method_ids
    if not step.schedule.is_open or was_asked or is_same:
        return step
    # The method was changed while the old one was being charged.
    again = charge_new_method(
        schedule=step.schedule, history=history, payer=payer, zone=zone, now=now
    )
    if again is None:
        return step
    return replace(again, decisions=(*step.decisions, *again.decisions), movements=step.movements)


def decide_next(
    schedule: Schedule,
    *,
    attempt: Attempt,
    history: Sequence[Attempt],
    payer: Payer,
    zone: ZoneInfo,
    now: datetime,
) -> Step:
    """The decision on a case in flight whose latest try is `attempt`."""
    context = context_of(
        schedule, attempt=attempt, history=history, payer=payer, zone=zone, now=now
    )
    return _decided(schedule, context, decide(context), dict(context.to_dict()))


def follow_wait(*, schedule: Schedule, payer: Payer, zone: ZoneInfo, now: datetime) -> Step:
    """A case that awaits its customer has come due: remind once more, or give up."""
    context = context_of(schedule, attempt=None, history=(), payer=payer, zone=zone, now=now)
    deadline_at = schedule.deadline_at
    if deadline_at is None and schedule.plan.escalation is not Escalation.KEEP_PAST_DUE:
        deadline_at = now
    decision = decide_waiting(context=context, deadline_at=deadline_at)
    inputs = {**context.to_dict(), "deadline_at": deadline_at and deadline_at.isoformat()}
    return _decided(schedule, context, decision, inputs)


def charge_new_method(
    *, schedule: Schedule, history: Sequence[Attempt], payer: Payer, zone: ZoneInfo, now: datetime
) -> Step | None:
    """The customer has changed the method, so an open case charges it at once.

    None when there is none, or it must not be charged again. One that was charged a short while ago, before another,
    waits until its token may be charged again.
    """
    chosen = next(iter(payer.methods.items()), None)
    if chosen is None or is_spent(chosen[1], history):
        return None
    rail, method = chosen
    pulls = [past.created_at for past in history if past.payment_method_id == method.id]
    at = max([now, *(pulled_at + MIN_PULL_GAP for pulled_at in pulls)])
    moved = schedule
    if schedule.state is Status.AWAITING_CUSTOMER:
        moved = schedule.step(Action.CLAIM).step(Action.RESCHEDULE)
    reason = "The payment method was changed, so it is charged now."
    if at > now:
        when = wording.local_time(at, zone)
        reason = f"The payment method was changed to one charged lately; next try on {when}."
    decision = Decision(Move.RETRY, at, rail, reason, _METHOD_CHANGED)
    moved = replace(
        moved,
        rail=rail,
        next_action=decision.move,
        next_attempt_at=at,
        deadline_at=None,
        reason=reason,
    )
    inputs = {
        "now": now.isoformat(),
        "state": schedule.state.value,
        "payment_method_id": method.id,
        "last_pull_at": max(pulls).isoformat() if pulls else None,
    }
    return Step(moved, (decision_row(moved, decision, inputs, at=now),), (), decision.move)


def recover(
    *,
    schedule: Schedule,
    attempt: Attempt,
    history: Sequence[Attempt],
    now: datetime,
    by: RecoveredBy | None = None,
) -> Step:
    """The money came back; `by` where it is known, else as the attempts tell."""
    by = by or _recovered_by(schedule, attempt, history)
    reason = f"Recovered by {by.value.replace('_', ' ')}."
    closed = replace(schedule.closed(Action.RECOVER, at=now, reason=reason), recovered_by=by)
    return Step(closed, (), (_movement(closed, Movement.RECOVERED, by.value, now),))


def cancel(*, schedule: Schedule, reason: str, now: datetime) -> Step:
    """Nothing is owed any more: the subscription was cancelled or the invoice voided."""
    closed = schedule.closed(Action.CANCEL, at=now, reason=reason)
    return Step(closed, (), (_movement(closed, Movement.CANCELLED, "cancelled", now),))


def failure_of(attempt: Attempt) -> tuple[Category, str]:
    """The category and code of a failed attempt."""
    if attempt.failure_category is None or attempt.failure_code is None:
        raise ValueError(f"attempt {attempt.id} has not failed")
    return attempt.failure_category, attempt.failure_code


def _decided(
    schedule: Schedule, context: Context, decision: Decision, inputs: dict[str, Any]
) -> Step:
    moved = replace(
        schedule,
        rail=decision.rail or schedule.rail,
        next_action=decision.move,
        next_attempt_at=decision.next_attempt_at,
        reason=decision.reason,
    )
    now = context.now
    movements: tuple[LedgerRow, ...] = ()
    match decision.move:
        case Move.RETRY | Move.RETRY_PAYDAY | Move.MANUAL_RETRY | Move.SWITCH_RAIL:
            moved = replace(moved.step(Action.RESCHEDULE), deadline_at=None)
        case Move.REQUEST_CARD_UPDATE:
            moved = _waiting(moved, until=waiting_deadline(context=context))
        case Move.ESCALATE | Move.AWAIT_PAYMENT:
            moved = _waiting(moved, until=decision.next_attempt_at)
        case Move.REMIND:
            is_kept = decision.rule == Rule.KEPT_PAST_DUE
            moved = _waiting(moved, until=None if is_kept else schedule.deadline_at)
        case Move.EXHAUST:
            moved = schedule.closed(Action.EXHAUST, at=now, reason=decision.reason)
            movements = (_movement(moved, Movement.LOST, schedule.failure_category.value, now),)
    row = decision_row(moved, decision, inputs, at=now)
    return Step(moved, (row,), movements, decision.move)


def _waiting(schedule: Schedule, *, until: datetime | None) -> Schedule:
    if schedule.state is not Status.AWAITING_CUSTOMER:
        schedule = schedule.step(Action.AWAIT_CUSTOMER)
    return replace(schedule, deadline_at=until)


def _recovered_by(schedule: Schedule, attempt: Attempt, history: Sequence[Attempt]) -> RecoveredBy:
    first = next((past for past in history if past.id != attempt.id), attempt)
    if attempt.rail in PUSH or attempt.rail is not first.rail:
        return RecoveredBy.OTHER_RAIL
    if first.payment_method_id != attempt.payment_method_id:
        return RecoveredBy.NEW_CARD
    if schedule.next_action is Move.MANUAL_RETRY:
        return RecoveredBy.MANUAL
    if schedule.next_action is Move.RETRY_PAYDAY:
        return RecoveredBy.PAYDAY_RETRY
    return RecoveredBy.RETRY


def decision_row(
    schedule: Schedule, decision: Decision, inputs: dict[str, Any], *, at: datetime
) -> DecisionRow:
    return DecisionRow(
        schedule_id=schedule.id,
        decided_at=at,
        action=decision.move.value,
        rail=decision.rail,
        next_attempt_at=decision.next_attempt_at,
        reason=decision.reason,
        rule=decision.rule,
        inputs=inputs,
        settings_version=schedule.settings_version,
        alternatives=decision.alternatives,
        would_change=decision.would_change,
    )


def _movement(schedule: Schedule, movement: Movement, reason: str, at: datetime) -> LedgerRow:
    return LedgerRow(
        schedule_id=schedule.id,
        movement=movement,
        amount_minor=schedule.amount_minor,
        currency=schedule.currency,
        reason=reason,
        moved_at=at,
    )
