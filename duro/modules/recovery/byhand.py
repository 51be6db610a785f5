"""How a case moves when a merchant steps in: pure steps, each logged with a rule that begins with `manual_`."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from duro.billing import wording
from duro.billing.decision import Decision, Move
from duro.billing.dunning import MIN_PULL_GAP
from duro.billing.schedule import Action
from duro.errors import ConflictError
from duro.modules.payments.model import Attempt
from duro.modules.recovery import service
from duro.modules.recovery.model import DecisionRow, Schedule
from duro.modules.recovery.seen import Payer, is_spent
from duro.modules.recovery.service import Step

MANUAL_RETRY: Final = "manual_retry"
MANUAL_SKIP: Final = "manual_skip"
MANUAL_CANCEL: Final = "manual_cancel"


def retry(
    *,
    schedule: Schedule,
    history: Sequence[Attempt],
    payer: Payer,
    zone: ZoneInfo,
    now: datetime,
    note: str | None,
) -> Step:
    """The case is claimed for a charge now; raises `ConflictError` if its method must not be charged."""
    chosen = next(iter(payer.methods.items()), None)
    if chosen is None:
        raise ConflictError("The customer has no payment method that can be charged.")
    rail, method = chosen
    if is_spent(method, history):
        raise ConflictError(
            "The bank does not take this payment method any more; the customer has to change it."
        )
    pulls = [past.created_at for past in history if past.payment_method_id == method.id]
    free_at = max(pulls, default=now - MIN_PULL_GAP) + MIN_PULL_GAP
    if now < free_at:
        when = wording.local_time(free_at, zone)
        raise ConflictError(f"This payment method was charged lately; it may be again on {when}.")
    reason = "The payment was tried again by hand."
    claimed = replace(
        schedule.step(Action.CLAIM),
        rail=rail,
        next_action=Move.MANUAL_RETRY,
        next_attempt_at=None,
        deadline_at=None,
        reason=reason,
    )
    decision = Decision(Move.MANUAL_RETRY, now, rail, reason, MANUAL_RETRY)
    inputs = {**_seen(schedule, now, note), "payment_method_id": method.id}
    return Step(claimed, (service.decision_row(claimed, decision, inputs, at=now),))


def skip(
    *,
    schedule: Schedule,
    history: Sequence[Attempt],
    payer: Payer,
    zone: ZoneInfo,
    now: datetime,
    note: str | None,
) -> Step:
    """The next decision, as if the planned try had been made at its time and failed as the last one did."""
    planned_at = max(schedule.next_attempt_at or now, now)
    called_off = replace(
        schedule.step(Action.CLAIM), attempts_skipped=schedule.attempts_skipped + 1
    )
    step = service.decide_next(
        called_off, attempt=history[-1], history=history, payer=payer, zone=zone, now=planned_at
    )
    moved = step.schedule
    said = f"The try on {wording.local_time(planned_at, zone)} was skipped by hand."
    reason = f"{said} {moved.reason}" if moved.is_open else f"{said} No more are planned."
    moved = replace(moved, reason=reason, closed_at=None if moved.is_open else now)
    (decided,) = step.decisions
    logged = replace(
        decided,
        decided_at=now,
        reason=reason,
        rule=MANUAL_SKIP,
        inputs={**decided.inputs, **_seen(schedule, now, note), "rule": decided.rule},
    )
    movements = tuple(replace(row, moved_at=now) for row in step.movements)
    return Step(moved, (logged,), movements, step.move)


def cancel(*, schedule: Schedule, now: datetime, note: str | None) -> Step:
    """Nobody works the case any more."""
    reason = "Recovery was given up by hand."
    step = service.cancel(schedule=schedule, reason=reason, now=now)
    row = DecisionRow(
        schedule_id=schedule.id,
        decided_at=now,
        action=Action.CANCEL.value,
        rail=None,
        next_attempt_at=None,
        reason=reason,
        rule=MANUAL_CANCEL,
        inputs=_seen(schedule, now, note),
        settings_version=schedule.settings_version,
    )
    return replace(step, decisions=(row,))


def _seen(schedule: Schedule, now: datetime, note: str | None) -> dict[str, Any]:
    planned_at = schedule.next_attempt_at
    return {
        "asked_at": now.isoformat(),
        "state": schedule.state.value,
        "planned_action": schedule.next_action,
        "planned_at": planned_at and planned_at.isoformat(),
        "note": note,
    }
