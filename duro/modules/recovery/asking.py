"""How a case moves while its customer is asked to pay by themselves: pure steps."""

from dataclasses import replace
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from duro.billing import wording
from duro.billing.decision import Decision, Move
from duro.billing.money import format_minor
from duro.billing.schedule import Action, Status
from duro.modules.payments.model import Attempt, PaymentRequest, Purpose
from duro.modules.recovery import service
from duro.modules.recovery.model import Schedule
from duro.modules.recovery.service import Step

_REQUEST_SENT: Final = "request_sent"


def await_payment(
    *, schedule: Schedule, request: PaymentRequest, zone: ZoneInfo, now: datetime
) -> Step:
    """The customer was told how to pay; the case waits until the request is paid or expires."""
    amount = format_minor(request.amount_minor, request.currency)
    by = wording.rail_name(request.rail)
    reason = (
        f"The customer was asked for {amount} by {by}; it can be paid until "
        f"{wording.local_time(request.expires_at, zone)}."
    )
    waiting = replace(
        schedule.step(Action.AWAIT_CUSTOMER),
        rail=request.rail,
        next_action=Move.AWAIT_PAYMENT,
        next_attempt_at=request.expires_at,
        deadline_at=None,
        reason=reason,
    )
    decision = Decision(Move.AWAIT_PAYMENT, request.expires_at, request.rail, reason, _REQUEST_SENT)
    inputs = {
        "now": now.isoformat(),
        "payment_request_id": request.id,
        "amount": request.amount_minor,
        "expires_at": request.expires_at.isoformat(),
    }
    return Step(waiting, (service.decision_row(waiting, decision, inputs, at=now),), (), None)


def is_awaiting(schedule: Schedule, attempt: Attempt, expires_at: datetime) -> bool:
    """Whether what the case waits for is this request, and nothing was done by hand meanwhile."""
    return (
        attempt.purpose is Purpose.RETRY
        and schedule.state is Status.AWAITING_CUSTOMER
        and schedule.next_action is Move.AWAIT_PAYMENT
        and schedule.rail is attempt.rail
        and (schedule.next_attempt_at or expires_at) >= expires_at
    )
