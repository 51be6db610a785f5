"""Owns when people are paid: the days that count as payday and the next one to wait for."""

from calendar import monthrange
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

PAYDAY_ANCHOR_DAY: Final = 28
EARLY_MONTH_DAYS: Final = 3

_PAYDAY_TIME: Final = time(9, tzinfo=UTC)
_LAST_DAY: Final = 31


def is_payday(*, at: datetime, zone: ZoneInfo, anchor_day: int = PAYDAY_ANCHOR_DAY) -> bool:
    """Whether the local day is the anchor day or later, or one of the month's first three.

    An anchor beyond the month's length means its last day.
    """
    day = at.astimezone(zone).date()
    return day.day <= EARLY_MONTH_DAYS or day >= _anchor_date(day.year, day.month, anchor_day)


def next_payday(
    *, after: datetime, zone: ZoneInfo, anchor_day: int = PAYDAY_ANCHOR_DAY
) -> datetime:
    """The first anchor day at 09:00 UTC strictly after `after`, as a UTC instant.

    The anchor is a local date, so far west of Greenwich it is the 09:00 UTC of the day after.
    """
    local = after.astimezone(zone)
    candidate = _payday_of(local.year, local.month, zone=zone, anchor_day=anchor_day)
    if candidate > after:
        return candidate
    years, month0 = divmod(local.month, 12)
    return _payday_of(local.year + years, month0 + 1, zone=zone, anchor_day=anchor_day)


def _payday_of(year: int, month: int, *, zone: ZoneInfo, anchor_day: int) -> datetime:
    day = _anchor_date(year, month, anchor_day)
    instant = datetime.combine(day, _PAYDAY_TIME)
    if instant.astimezone(zone).date() < day:
        return instant + timedelta(days=1)
    return instant


def _anchor_date(year: int, month: int, anchor_day: int) -> date:
    if not 1 <= anchor_day <= _LAST_DAY:
        raise ValueError("the payday anchor is a day of the month, 1 to 31")
    return date(year, month, min(anchor_day, monthrange(year, month)[1]))
