"""An event with its deliveries, as it goes out."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from pydantic import Field

from duro.kit.schema import Out
from duro.modules.events.model import Event
from duro.modules.events.schemas import EventOut, event_out
from duro.modules.webhooks.model import Attempt, Delivery, DeliveryStatus


class AttemptOut(Out):
    number: int
    at: datetime
    duration_ms: int
    status: Annotated[int | None, Field(description="HTTP status of the answer.")]
    error: Annotated[str | None, Field(description="Why it was no success; null when it was.")]
    answer: Annotated[str | None, Field(description="The first 2 kB of the answer.")]


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
    last_answer: Annotated[
        str | None, Field(description="The first 2 kB of the last answer, for 30 days.")
    ]
    created_at: datetime
    settled_at: datetime | None
    attempt_log: Annotated[
        list[AttemptOut],
        Field(description="The last ten attempts of the last 30 days, in their order."),
    ]


class EventDetailOut(EventOut):
    deliveries: Annotated[list[DeliveryOut], Field(description="At most a hundred.")]


def event_detail_out(
    event: Event, deliveries: Sequence[Delivery], attempts: Sequence[Attempt]
) -> EventDetailOut:
    shown = event_out(event)
    log: dict[str, list[AttemptOut]] = {}
    for attempt in attempts:
        log.setdefault(attempt.delivery_id, []).append(attempt_out(attempt))
    return EventDetailOut(
        **dict(shown),
        deliveries=[_delivery_out(delivery, log.get(delivery.id, [])) for delivery in deliveries],
    )


def attempt_out(attempt: Attempt) -> AttemptOut:
    return AttemptOut(
        number=attempt.number,
        at=attempt.at,
        duration_ms=attempt.duration_ms,
        status=attempt.status,
        error=attempt.error,
        answer=attempt.answer,
    )


def _delivery_out(delivery: Delivery, log: list[AttemptOut]) -> DeliveryOut:
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
        attempt_log=log,
    )
