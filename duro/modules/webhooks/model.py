"""Endpoints of merchants, and deliveries of events to them."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from duro.modules.events.model import EventType


class DeliveryStatus(StrEnum):
    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


class DisabledReason(StrEnum):
    """Why nothing is sent to an endpoint: somebody asked for it, it answered 410, or nothing arrived for days."""

    ASKED = "asked"
    GONE = "gone"
    FAILING = "failing"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a merchant receives events; no types means all of them."""

    id: str
    url: str
    types: tuple[str, ...]
    disabled_at: datetime | None
    created_at: datetime
    disabled_reason: DisabledReason | None = None

    def wants(self, event_type: EventType) -> bool:
        return not self.types or event_type in self.types


@dataclass(frozen=True, slots=True)
class NewDelivery:
    """One event that shall reach one endpoint."""

    id: str
    event_id: str
    endpoint_id: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """How far an event has come on its way to an endpoint. Times are business time.

    A delivery to an endpoint that was disabled meanwhile is pending without a next attempt.
    """

    id: str
    endpoint_id: str
    url: str
    status: DeliveryStatus
    attempts: int
    next_attempt_at: datetime | None
    last_status: int | None
    last_error: str | None
    last_answer: str | None
    created_at: datetime
    settled_at: datetime | None


@dataclass(frozen=True, slots=True)
class Sent:
    """One event on its way to one endpoint, as the endpoint's own list shows it. Times are business time."""

    id: str
    endpoint_id: str
    event_id: str
    event_type: EventType
    status: DeliveryStatus
    attempts: int
    next_attempt_at: datetime | None
    last_status: int | None
    last_error: str | None
    created_at: datetime
    settled_at: datetime | None


@dataclass(frozen=True, slots=True)
class Attempt:
    """What one attempt came to: an HTTP status, an error, or both. `at` is business time, at its end."""

    delivery_id: str
    number: int
    at: datetime
    duration_ms: int
    status: int | None
    error: str | None
    answer: str | None


@dataclass(frozen=True, slots=True)
class Replayable:
    """An event, and its delivery to one endpoint if it has one."""

    event_id: str
    event_type: EventType
    created_at: datetime
    delivery_id: str | None
    status: DeliveryStatus | None


@dataclass(frozen=True, slots=True)
class ClaimedDelivery:
    """A due delivery that this process holds, with all that one attempt needs.

    Both secrets are sealed; the old one is there during a rotation. `attempts` counts from the last replay.
    """

    id: str
    endpoint_id: str
    url: str
    secret: bytes
    old_secret: bytes | None
    attempts: int
    created_at: datetime
    event_id: str
    event_type: EventType
    event_at: datetime
    object_id: str
    data: dict[str, object]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an attempt changes: `attempts_used` is 0 when the fault was ours."""

    id: str
    endpoint_id: str
    status: DeliveryStatus
    attempts_used: int
    next_attempt_at: datetime | None
    settled_at: datetime | None
    last_status: int | None
    last_error: str | None
    last_answer: str | None
    duration_ms: int = 0
    is_endpoint_gone: bool = False
