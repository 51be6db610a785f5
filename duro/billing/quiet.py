"""Owns the quiet hours: when nobody is sent anything that a telephone would ring for."""

from datetime import UTC, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

# Local wall time; the first is the first quiet minute, the second the first that is not.
QUIET_FROM: Final = time(21)
QUIET_TO: Final = time(7)


def is_quiet(at: datetime, zone: ZoneInfo) -> bool:
    local = at.astimezone(zone).time()
    return local >= QUIET_FROM or local < QUIET_TO


def quiet_until(at: datetime, zone: ZoneInfo) -> datetime:
    """When something due at `at` may be sent: then, or at the end of the night it falls in."""
    if not is_quiet(at, zone):
        return at
    local = at.astimezone(zone)
    day = local.date() if local.time() < QUIET_TO else local.date() + timedelta(days=1)
    return datetime.combine(day, QUIET_TO, tzinfo=zone).astimezone(UTC)
