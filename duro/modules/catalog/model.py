"""The plan as the database keeps it."""

from dataclasses import dataclass
from datetime import datetime

from duro.billing.cycle import Interval


@dataclass(frozen=True, slots=True)
class Plan:
    """A price per interval; an archived one can be bought by nobody and goes on for those who have it."""

    id: str
    name: str
    amount_minor: int
    currency: str
    interval: Interval
    interval_count: int
    trial_days: int
    max_cycles: int | None
    allow_multiple: bool
    archived_at: datetime | None
    metadata: dict[str, str]
    created_at: datetime

    @property
    def is_active(self) -> bool:
        return self.archived_at is None
