"""What an event is, and every type there is."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class EventType(StrEnum):
    """The public names; an endpoint subscribes to some of them, or to all."""

    SUBSCRIPTION_CREATED = "subscription_created"
    SUBSCRIPTION_ACTIVATED = "subscription_activated"
    SUBSCRIPTION_UPDATED = "subscription_updated"
    SUBSCRIPTION_PLAN_CHANGED = "subscription_plan_changed"
    SUBSCRIPTION_PAUSED = "subscription_paused"
    SUBSCRIPTION_RESUMED = "subscription_resumed"
    SUBSCRIPTION_PAST_DUE = "subscription_past_due"
    SUBSCRIPTION_RECOVERED = "subscription_recovered"
    SUBSCRIPTION_UNPAID = "subscription_unpaid"
    SUBSCRIPTION_EXPIRED = "subscription_expired"
    SUBSCRIPTION_CANCELLED = "subscription_cancelled"
    SUBSCRIPTION_PAYMENT_SUCCESS = "subscription_payment_success"
    SUBSCRIPTION_PAYMENT_FAILED = "subscription_payment_failed"
    SUBSCRIPTION_PAYMENT_RECOVERED = "subscription_payment_recovered"
    SUBSCRIPTION_PAYMENT_REFUNDED = "subscription_payment_refunded"
    SUBSCRIPTION_PAYMENT_ACTION_REQUIRED = "subscription_payment_action_required"
    INVOICE_CREATED = "invoice_created"


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event about to be written; `data` is the snapshot that receivers see, JSON throughout."""

    type: EventType
    object_id: str
    data: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Event:
    """An event as it was written. Times are business time."""

    id: str
    type: EventType
    object_id: str
    data: dict[str, object]
    created_at: datetime
    dispatched_at: datetime | None
