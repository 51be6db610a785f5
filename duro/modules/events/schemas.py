"""Events as they go out."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from duro.kit.pagination import ListQuery
from duro.kit.schema import Out
from duro.modules.events.model import Event, EventType


class EventQuery(ListQuery):
    type: EventType | None = None


class EventOut(Out):
    id: str
    type: EventType
    created_at: datetime
    data: Annotated[
        dict[str, Any],
        Field(description="A snapshot from the moment of the event; it never changes."),
    ]
    dispatched_at: Annotated[
        datetime | None, Field(description="When it was handed to the webhook endpoints.")
    ]


def event_out(event: Event) -> EventOut:
    return EventOut(
        id=event.id,
        type=event.type,
        created_at=event.created_at,
        data=event.data,
        dispatched_at=event.dispatched_at,
    )
