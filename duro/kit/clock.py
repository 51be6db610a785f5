"""The one place that reads the time."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Wall time: rules credentials, leases and time-outs. Business time is a tenant's own (`Tx.now`)."""

    def wall(self) -> datetime:
        """The present instant, aware, UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def wall(self) -> datetime:
        return datetime.now(UTC)  # noqa: TID251 - the one reader of the clock


@dataclass
class FixedClock:
    """A clock that stands still until it is moved, for tests and tools."""

    at: datetime

    def wall(self) -> datetime:
        return self.at

    def move(self, by: timedelta) -> None:
        self.at += by


def monotonic_s() -> float:
    """Seconds on the loop's clock, for measuring how long something took."""
    return asyncio.get_running_loop().time()
