"""How a case moves when its invoice is charged by hand, voided or refunded, also after the case was closed: pure steps.

What happens after the end moves the amount on in the ledger, by rows that name their cause.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from duro.billing.decision import Decision, Move
from duro.billing.schedule import Action, Status
from duro.modules.invoices.model import Invoice
from duro.modules.payments.model import Attempt, PaymentMethod
from duro.modules.recovery import service
from duro.modules.recovery.model import (
    DecisionRow,
    LedgerRow,
    Movement,
    RecoveredBy,
    Schedule,
)
from duro.modules.recovery.seen import Payer
from duro.modules.recovery.service import Step

MANUAL_PAY: Final = "manual_pay"
_PLANNED: Final = "planned_at"
_WAITING: Final = frozenset(
    {Move.REQUEST_CARD_UPDATE, Move.REMIND, Move.ESCALATE, Move.AWAIT_PAYMENT}
)
BY_MERCHANT: Final = "The invoice was charged by hand."
BY_CUSTOMER: Final = "The customer pays by themselves."


def pay(
    *, schedule: Schedule, method: PaymentMethod, now: datetime, reason: str = BY_MERCHANT
) -> Step:
    """The case is claimed for a charge of its invoice that somebody asked for; what was planned is noted."""
    claimed = replace(schedule.step(Action.CLAIM), next_attempt_at=None)
    planned_at = schedule.next_attempt_at
    decision = Decision(Move.MANUAL_RETRY, now, method.rail, reason, MANUAL_PAY)
    inputs = {
        "asked_at": now.isoformat(),
        "state": schedule.state.value,
        "planned_action": schedule.next_action,
        _PLANNED: planned_at and planned_at.isoformat(),
        "payment_method_id": method.id,
    }
    return Step(claimed, (service.decision_row(claimed, decision, inputs, at=now),))


def planned_at(decisions: Sequence[DecisionRow]) -> datetime | None:
    """When the next step was planned before the latest charge by hand."""
    for row in reversed(decisions):
        if row.rule == MANUAL_PAY and row.inputs[_PLANNED]:
            return datetime.fromisoformat(row.inputs[_PLANNED])
    return None


def put_back(
    *,
    schedule: Schedule,
    planned_at: datetime | None,
    history: Sequence[Attempt],
    payer: Payer,
    zone: ZoneInfo,
    now: datetime,
) -> Step:
    """Another card than the subscription's was declined: the case goes on as it was planned.

    Unless the subscription got a new method meanwhile, which is charged at once.
    """
    action = Action.AWAIT_CUSTOMER if schedule.next_action in _WAITING else Action.RESCHEDULE
    moved = replace(schedule.step(action), next_attempt_at=max(planned_at or now, now))
    tried = {past.payment_method_id for past in history}
    if any(method.id not in tried for method in payer.methods.values()):
        step = service.charge_new_method(
            schedule=moved, history=history, payer=payer, zone=zone, now=now
        )
        if step is not None:
            return step
    return Step(moved)


def recover_late(*, schedule: Schedule, attempt: Attempt, now: datetime, by: RecoveredBy) -> Step:
    """Paid after the case was given up: what was lost or cancelled is recovered."""
    paid = replace(
        schedule.step(Action.RECOVER),
        recovered_by=by,
        closed_at=now,
        reason="Paid after it was given up.",
    )
    taken_back, why = _left_by(schedule)
    return Step(
        paid,
        (),
        (
            _moved(schedule, taken_back, why, now, -schedule.amount_minor, attempt.id),
            _moved(schedule, Movement.RECOVERED, by.value, now, schedule.amount_minor, attempt.id),
        ),
    )


def void(*, schedule: Schedule, invoice: Invoice, now: datetime) -> Step | None:
    """The invoice is not owed any more: an open case is cancelled, and what was lost is cancelled instead."""
    reason = "The invoice was voided."
    if schedule.is_open:
        return service.cancel(schedule=schedule, reason=reason, now=now)
    if schedule.state is not Status.EXHAUSTED:
        return None
    lost, why = _left_by(schedule)
    amount = schedule.amount_minor
    return Step(
        replace(schedule.step(Action.CANCEL), reason=reason),
        (),
        (
            _moved(schedule, lost, why, now, -amount, invoice.id),
            _moved(schedule, Movement.CANCELLED, "cancelled", now, amount, invoice.id),
        ),
    )


def refund(
    *, schedule: Schedule, refund_id: str, amount_minor: int, is_whole: bool, now: datetime
) -> Step:
    """Money that had been recovered went back: so much of it moves from recovered to cancelled."""
    if schedule.recovered_by is None:
        raise ValueError(f"case {schedule.id} has recovered nothing")
    by = schedule.recovered_by.value
    moved = replace(schedule, refund_due_at=None) if is_whole else schedule
    return Step(
        moved,
        (),
        (
            _moved(schedule, Movement.RECOVERED, by, now, -amount_minor, refund_id),
            _moved(schedule, Movement.CANCELLED, "refunded", now, amount_minor, refund_id),
        ),
    )


def _left_by(schedule: Schedule) -> tuple[Movement, str]:
    """How a case that nobody paid had left the ledger."""
    if schedule.state is Status.EXHAUSTED:
        return Movement.LOST, schedule.failure_category.value
    return Movement.CANCELLED, "cancelled"


def _moved(
    schedule: Schedule, movement: Movement, reason: str, at: datetime, amount_minor: int, cause: str
) -> LedgerRow:
    return LedgerRow(
        schedule_id=schedule.id,
        movement=movement,
        amount_minor=amount_minor,
        currency=schedule.currency,
        reason=reason,
        moved_at=at,
        cause_id=cause,
    )
