"""Owns when somebody is told that their card expires: on the first morning of the last month that it is good for."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

_MORNING: Final = time(9)
# A month begins so much earlier in the east, and ends so much later in the west, than in UTC.
_EASTERNMOST: Final = timedelta(hours=14)
_WESTERNMOST: Final = timedelta(hours=12)
# Whoever gives a card in its last month has just read what is printed on it.
_PEACE: Final = timedelta(days=1)
# A card that nobody pays with may be paid with before the month is over.
_LOOK_AGAIN: Final = timedelta(days=7)
_MONTHS: Final = 12
_LAST_YEAR: Final = 9998


def first_look(*, year: int | None, month: int | None, now: datetime) -> datetime | None:
    """When a card given at `now` is looked at: not after that morning in any zone; None if it needs no look."""
    if year is None or month is None or not _is_month(year, month):
        return None
    if now >= _utc(_month_after(year, month)) + _WESTERNMOST:
        return None
    return max(_utc(date(year, month, 1)) - _EASTERNMOST, now + _PEACE)


def notice_at(*, year: int, month: int, zone: ZoneInfo) -> datetime:
    """09:00 on the local first day of the card's last month, as a UTC instant."""
    return datetime.combine(date(year, month, 1), _MORNING, tzinfo=zone).astimezone(UTC)


def is_good(*, year: int, month: int, at: datetime, zone: ZoneInfo) -> bool:
    """Whether the local month of `at` is not after the card's last one."""
    local = at.astimezone(zone)
    return (local.year, local.month) <= (year, month)


def next_look(*, year: int, month: int, now: datetime, zone: ZoneInfo) -> datetime | None:
    """When a card that nobody pays with is looked at again, or that it is not."""
    again = max(notice_at(year=year, month=month, zone=zone), now + _LOOK_AGAIN)
    return again if is_good(year=year, month=month, at=again, zone=zone) else None


def _is_month(year: int, month: int) -> bool:
    return 1 <= month <= _MONTHS and 1 < year <= _LAST_YEAR


def _month_after(year: int, month: int) -> date:
    return date(year + month // _MONTHS, month % _MONTHS + 1, 1)


def _utc(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=UTC)
