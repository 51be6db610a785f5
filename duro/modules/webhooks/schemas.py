"""An event with its deliveries, as it goes out."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from pydantic import Field

from duro.kit.schema import Out
from duro.modules.events.model import Event
from duro.modules.events.schemas import EventOut, event_out
from duro.modules.webhooks.model import Delivery, DeliveryStatus


class DeliveryOut(Out):
    id: str
    endpoint_id: str
    url: str
    status: DeliveryStatus
    attempts: int
    next_attempt_at: Annotated[
        datetime | None, Field(description="Null when settled, or while the endpoint is disabled.")
    ]
    last_status: Annotated[int | None, Field(description="HTTP status of the last answer.")]
    last_error: str | None
    last_answer: Annotated[str | None, Field(description="The first 2 kB of the last answer.")]
    created_at: datetime
    settled_at: datetime | None


class EventDetailOut(EventOut):
    deliveries: list[DeliveryOut]


def event_detail_out(event: Event, deliveries: Sequence[Delivery]) -> EventDetailOut:
    shown = event_out(event)
    return EventDetailOut(
        **dict(shown), deliveries=[_delivery_out(delivery) for delivery in deliveries]
    )


def _delivery_out(delivery: Delivery) -> DeliveryOut:
    return DeliveryOut(
        id=delivery.id,
        endpoint_id=delivery.endpoint_id,
        url=delivery.url,
        status=delivery.status,
        attempts=delivery.attempts,
        next_attempt_at=delivery.next_attempt_at,
        last_status=delivery.last_status,
        last_error=delivery.last_error,
        last_answer=delivery.last_answer,
        created_at=delivery.created_at,
        settled_at=delivery.settled_at,
    )
