"""Test clocks as they are shown and moved."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from duro.kit.schema import Body, InstantIn, Out
from duro.modules.events.model import Event
from duro.modules.testclock.model import Outcome


class TestClockOut(Out):
    """The tenant's time in test mode; it runs in real time until it is advanced."""

    now: datetime
    frozen: bool


class TestClockAdvance(Body):
    """Where to move the clock: an instant, or how far."""

    to: InstantIn | None = None
    by: Annotated[str | None, Field(max_length=40, description="ISO 8601, such as P1M.")] = None


class EventSummary(Out):
    """One event that the advance brought about."""

    id: str
    type: str
    created_at: datetime


class AdvanceOut(Out):
    """A finished advance."""

    now: datetime
    counts: dict[str, int]
    events: Annotated[list[EventSummary], Field(description="The first thousand.")]


def present(outcome: Outcome) -> AdvanceOut:
    return AdvanceOut.model_construct(
        now=outcome.now,
        counts=outcome.counts,
        events=[_summary(event) for event in outcome.events],
    )


def _summary(event: Event) -> EventSummary:
    return EventSummary.model_construct(
        id=event.id, type=event.type.value, created_at=event.created_at
    )
