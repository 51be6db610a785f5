"""Owns billing dates: periods counted from the anchor, in the tenant's zone."""

from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo

# A bound that keeps every computed date inside the calendar for decades of periods.
MAX_INTERVAL_COUNT: Final = 366


class Interval(StrEnum):
    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    BIANNUAL = "biannual"
    YEAR = "year"


_HOUR: Final = timedelta(hours=1)
_DAYS: Final = MappingProxyType({Interval.DAY: 1, Interval.WEEK: 7})
_MONTHS: Final = MappingProxyType(
    {Interval.MONTH: 1, Interval.QUARTER: 3, Interval.BIANNUAL: 6, Interval.YEAR: 12}
)


@dataclass(frozen=True, slots=True)
class Cadence:
    """Every `count` intervals."""

    interval: Interval
    count: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.count <= MAX_INTERVAL_COUNT:
            raise ValueError(f"interval count must be 1 to {MAX_INTERVAL_COUNT}")


@dataclass(frozen=True, slots=True)
class Period:
    """A half-open stretch of UTC time, [starts_at, ends_at).

    It may be empty: where a zone skips a whole calendar day (Samoa, 30 December 2011), the daily
    period of that day has no length.
    """

    starts_at: datetime
    ends_at: datetime

    def __post_init__(self) -> None:
        if self.starts_at.tzinfo is None or self.ends_at.tzinfo is None:
            raise ValueError("a period needs aware instants")
        if self.ends_at < self.starts_at:
            raise ValueError("a period ends before it starts")


def advance(*, anchor: datetime, n: int, cadence: Cadence, zone: ZoneInfo) -> datetime:
    """Start of period `n`, UTC; `advance(n=0)` is the anchor itself.

    Days and months are counted from the anchor's local date, never from the previous period, so
    a 31st comes back after February. Local wall time is kept; hours are absolute.
    A wall time that a clock change skips moves later by the length of the gap; one that occurs
    twice keeps the anchor's choice, which is the first unless the anchor itself is a second one.
    """
    if anchor.tzinfo is None:
        raise ValueError("the anchor needs a zone")
    if n < 0:
        raise ValueError("periods are counted from 0")
    steps = n * cadence.count
    if cadence.interval is Interval.HOUR:
        return anchor.astimezone(UTC) + steps * _HOUR
    local = anchor.astimezone(zone)
    days = _DAYS.get(cadence.interval)
    if days is not None:
        # Adding a timedelta forgets which of two equal wall times was meant.
        return _to_utc((local + timedelta(days=steps * days)).replace(fold=local.fold))
    return _to_utc(_add_months(local, steps * _MONTHS[cadence.interval]))


def period(*, anchor: datetime, n: int, cadence: Cadence, zone: ZoneInfo) -> Period:
    return Period(
        starts_at=advance(anchor=anchor, n=n, cadence=cadence, zone=zone),
        ends_at=advance(anchor=anchor, n=n + 1, cadence=cadence, zone=zone),
    )


def index_at(*, anchor: datetime, at: datetime, cadence: Cadence, zone: ZoneInfo) -> int:
    """`n` of the period that contains `at`, in constant time; `at` must not precede the anchor."""
    if at < anchor:
        raise ValueError("there is no period before the anchor")
    if cadence.interval is Interval.HOUR:
        return (at - anchor) // (cadence.count * _HOUR)
    start, end = anchor.astimezone(zone), at.astimezone(zone)
    days = _DAYS.get(cadence.interval)
    if days is not None:
        estimate = (end.date() - start.date()).days // (days * cadence.count)
    else:
        months = (end.year - start.year) * 12 + end.month - start.month
        estimate = months // (_MONTHS[cadence.interval] * cadence.count)
    # The calendar ignores the time of day and clock changes, so it may miss by one either way.
    n = max(estimate, 0) + 1
    while advance(anchor=anchor, n=n, cadence=cadence, zone=zone) > at:
        n -= 1
    return n


def _add_months(local: datetime, months: int) -> datetime:
    years, month0 = divmod(local.month - 1 + months, 12)
    year, month = local.year + years, month0 + 1
    return local.replace(year=year, month=month, day=min(local.day, monthrange(year, month)[1]))


def _to_utc(local: datetime) -> datetime:
    early = local.replace(fold=0)
    late = local.replace(fold=1)
    if early.astimezone(UTC) > late.astimezone(UTC):
        # In a gap the reading by the old offset (fold 0) is the later instant.
        return early.astimezone(UTC)
    return local.astimezone(UTC)
