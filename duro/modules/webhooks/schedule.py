"""What follows from an attempt: delivered, when to try again, or the end."""

import hashlib
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

from duro.modules.webhooks.egress import Answer, Answered, Blocked, Unreachable
from duro.modules.webhooks.model import ClaimedDelivery, DeliveryStatus, Outcome

# The wait after the first failed attempt, the second, and so on; after the ninth there is none.
WAITS: Final = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=6),
    timedelta(hours=24),
    timedelta(hours=24),
    timedelta(hours=24),
)
RETRY_AFTER_MAX: Final = timedelta(hours=24)
# A wait is shortened by up to a tenth, so that what failed together does not return together.
_JITTER_PARTS: Final = 10
_FRACTION: Final = 1 << 32
_MICROSECOND: Final = timedelta(microseconds=1)
_OWN_FAULT_WAIT_MIN: Final = timedelta(minutes=1)
_OWN_FAULT_WAIT_MAX: Final = timedelta(hours=24)
_SUCCESS: Final = range(200, 300)
_GONE: Final = 410
_ASK_FOR_PATIENCE: Final = frozenset({429, 503})


def judge(delivery: ClaimedDelivery, answer: Answer, *, now: datetime, wall: datetime) -> Outcome:
    """What the answer means. `now` is business time, by which retries fall due; `wall` reads a Retry-After date."""
    match answer:
        case Answered(status=status) if status in _SUCCESS:
            return _ended(delivery, DeliveryStatus.DELIVERED, answer, None, now=now)
        case Answered(status=status) if status == _GONE:
            error = "HTTP 410: the receiver wants no more events; the endpoint is disabled"
            return _ended(delivery, DeliveryStatus.FAILED, answer, error, now=now)
        case Answered(status=status):
            return _failed(delivery, answer, f"HTTP {status}", now=now, wall=wall)
        case Unreachable(reason=reason):
            return _failed(delivery, answer, reason, now=now, wall=wall)
        case Blocked():
            error = "blocked destination"
            return _ended(delivery, DeliveryStatus.FAILED, answer, error, now=now)


def own_fault(delivery: ClaimedDelivery, *, now: datetime) -> Outcome:
    """Nothing was sent because something of ours broke: try again, and count nothing."""
    # Half the age, so that a fault that stays costs ever fewer rounds.
    wait = min(max((now - delivery.created_at) / 2, _OWN_FAULT_WAIT_MIN), _OWN_FAULT_WAIT_MAX)
    return Outcome(
        id=delivery.id,
        endpoint_id=delivery.endpoint_id,
        status=DeliveryStatus.PENDING,
        attempts_used=0,
        next_attempt_at=now + wait,
        settled_at=None,
        last_status=None,
        last_error="an error of Duro's own; the attempt does not count",
        last_answer=None,
    )


def wait_after(delivery_id: str, attempt: int) -> timedelta | None:
    """How long to wait after failed attempt number `attempt` (from 1); null when it was the last.

    The jitter comes from the delivery and the attempt, so that a test clock always gives the same times.
    """
    if attempt > len(WAITS):
        return None
    whole = WAITS[attempt - 1]
    digest = hashlib.sha256(f"{delivery_id} {attempt}".encode()).digest()
    # Whole microseconds: a timedelta times 32 bits overflows.
    spread_us = whole // _MICROSECOND // _JITTER_PARTS
    return whole - spread_us * int.from_bytes(digest[:4]) // _FRACTION * _MICROSECOND


def _failed(
    delivery: ClaimedDelivery, answer: Answer, error: str, *, now: datetime, wall: datetime
) -> Outcome:
    wait = wait_after(delivery.id, delivery.attempts + 1)
    if wait is None:
        return _ended(delivery, DeliveryStatus.FAILED, answer, error, now=now)
    status, excerpt = _shown(answer)
    return Outcome(
        id=delivery.id,
        endpoint_id=delivery.endpoint_id,
        status=DeliveryStatus.PENDING,
        attempts_used=1,
        next_attempt_at=now + max(wait, _asked_wait(answer, wall=wall)),
        settled_at=None,
        last_status=status,
        last_error=error,
        last_answer=excerpt,
    )


def _ended(
    delivery: ClaimedDelivery,
    ended: DeliveryStatus,
    answer: Answer,
    error: str | None,
    *,
    now: datetime,
) -> Outcome:
    status, excerpt = _shown(answer)
    return Outcome(
        id=delivery.id,
        endpoint_id=delivery.endpoint_id,
        status=ended,
        attempts_used=1,
        next_attempt_at=None,
        settled_at=now,
        last_status=status,
        last_error=error,
        last_answer=excerpt,
        is_endpoint_gone=status == _GONE,
    )


def _shown(answer: Answer) -> tuple[int | None, str | None]:
    return (answer.status, answer.excerpt) if isinstance(answer, Answered) else (None, None)


def _asked_wait(answer: Answer, *, wall: datetime) -> timedelta:
    """What a busy receiver asks for in Retry-After (RFC 9110, 10.2.3): seconds or a date; bounded."""
    if not isinstance(answer, Answered) or answer.status not in _ASK_FOR_PATIENCE:
        return timedelta()
    text = (answer.retry_after or "").strip()
    if text.isascii() and text.isdigit():
        # More digits than any wait within bounds has could not be kept in a timedelta.
        return min(timedelta(seconds=int(text[:9])), RETRY_AFTER_MAX)
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        # The second for numbers that no day, hour or zone has: the parser looks at them too late.
        return timedelta()
    # A date without a zone is meant in UTC.
    return min(at.replace(tzinfo=at.tzinfo or UTC) - wall, RETRY_AFTER_MAX)
