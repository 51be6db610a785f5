"""A clock of a test tenant, and the advances that move it."""

from dataclasses import dataclass
from datetime import datetime

from duro.modules.events.model import Event


@dataclass(frozen=True, slots=True)
class Advance:
    """A request to move the clock to `target_at` (business time) with all that falls due on the way."""

    id: str
    target_at: datetime
    after_event: int
    counts: dict[str, int]
    finished_at: datetime | None
    failure: str | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """A finished advance: where the clock stands, what was done, and its first thousand events."""

    now: datetime
    counts: dict[str, int]
    events: list[Event]
