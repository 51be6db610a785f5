"""Owns the form of a customer's payday: its kinds, its dates, and the next one to wait for."""

from calendar import monthrange
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo

from duro.billing import logged
from duro.billing.logged import Json
from duro.billing.payday import PAYDAY_ANCHOR_DAY, next_payday

# When money usually is there on a payday, local time, unless the customer's own history says else.
DEFAULT_HOUR: Final = 9

_LAST_DAY: Final = 31
_SATURDAY: Final = 5
_WEEK: Final = 7
_HOURS: Final = 24
_DAY: Final = timedelta(days=1)
# Each look around a day sees more than this to either side of it.
_STEP: Final = timedelta(days=14)


class PatternKind(StrEnum):
    UNKNOWN = "unknown"
    DAY_OF_MONTH = "day_of_month"
    LAST_WORKING_DAY = "last_working_day"
    WEEKLY = "weekly"


class Shift(StrEnum):
    """Where a payday goes that falls on a weekend or a public holiday."""

    BACK = "back"
    FORWARD = "forward"


# Money does not stay long: how many local days, the payday included, still count as one.
_WINDOW_DAYS: Final = MappingProxyType(
    {
        PatternKind.UNKNOWN: 1,
        PatternKind.DAY_OF_MONTH: 3,
        PatternKind.LAST_WORKING_DAY: 3,
        PatternKind.WEEKLY: 2,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PaydayPattern:
    """When a customer is usually paid.

    `day` is of the month, in a shorter month its last; `weekday` counts from Monday, 0.
    `hour` is local: the one after which money usually had arrived.
    """

    kind: PatternKind
    day: int | None = None
    weekday: int | None = None
    shift: Shift = Shift.BACK
    hour: int = DEFAULT_HOUR

    def __post_init__(self) -> None:
        wants_day = self.kind is PatternKind.DAY_OF_MONTH
        if (self.day is not None) is not wants_day or not 1 <= (self.day or 1) <= _LAST_DAY:
            raise ValueError("a payday by day of the month has a day, 1 to 31, and no other has")
        wants_weekday = self.kind is PatternKind.WEEKLY
        if (self.weekday is not None) is not wants_weekday or (self.weekday or 0) not in range(
            _WEEK
        ):
            raise ValueError("a weekly payday has a weekday, 0 to 6, and no other has")
        if self.hour not in range(_HOURS):
            raise ValueError("the hour of a payday is 0 to 23")

    def to_dict(self) -> dict[str, Json]:
        return {
            "kind": self.kind.value,
            "day": self.day,
            "weekday": self.weekday,
            "shift": self.shift.value,
            "hour": self.hour,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Json]) -> "PaydayPattern":
        return cls(
            kind=PatternKind(logged.text(data["kind"])),
            day=logged.number_or_none(data["day"]),
            weekday=logged.number_or_none(data["weekday"]),
            shift=Shift(logged.text(data["shift"])),
            hour=logged.number(data["hour"]),
        )


UNKNOWN: Final = PaydayPattern(kind=PatternKind.UNKNOWN)


def is_working_day(day: date, holidays: Collection[date] = ()) -> bool:
    return day.weekday() < _SATURDAY and day not in holidays


def working_day(day: date, holidays: Collection[date] = (), shift: Shift = Shift.BACK) -> date:
    """The day itself, or the nearest working day before it (or after it)."""
    step = -_DAY if shift is Shift.BACK else _DAY
    while not is_working_day(day, holidays):
        day += step
    return day


def pay_date(
    pattern: PaydayPattern, *, year: int, month: int, holidays: Collection[date] = ()
) -> date:
    """The day on which a monthly pattern pays the salary of this month."""
    length = monthrange(year, month)[1]
    if pattern.kind is PatternKind.LAST_WORKING_DAY:
        return working_day(date(year, month, length), holidays)
    nominal = date(year, month, min(pattern.day or length, length))
    return working_day(nominal, holidays, pattern.shift)


def next_expected(
    pattern: PaydayPattern,
    after: datetime,
    zone: ZoneInfo,
    holidays: Collection[date] = (),
    *,
    anchor_day: int = PAYDAY_ANCHOR_DAY,
) -> datetime:
    """The first expected payday strictly after `after`, as a UTC instant at the pattern's local hour.

    An unknown pattern answers the anchor's payday, at 09:00 UTC.
    """
    if pattern.kind is PatternKind.UNKNOWN:
        return next_payday(after=after, zone=zone, anchor_day=anchor_day)
    # Shifts over a cluster of holidays may change the order of two paydays, so the least counts.
    return min(at for at in _instants(pattern, after, zone, holidays) if at > after)


def is_expected(
    pattern: PaydayPattern, at: datetime, zone: ZoneInfo, holidays: Collection[date] = ()
) -> bool:
    """Whether a payday has begun so lately that its money should still be there."""
    window = timedelta(days=_WINDOW_DAYS[pattern.kind])
    today = at.astimezone(zone).date()
    return any(
        began <= at and today < began.astimezone(zone).date() + window
        for began in _instants(pattern, at, zone, holidays)
    )


def paydays_between(
    pattern: PaydayPattern, first: date, last: date, holidays: Collection[date] = ()
) -> tuple[date, ...]:
    """The local days on which the pattern pays, both ends included, without a day twice."""
    found: set[date] = set()
    around = first
    while around < last + _STEP:
        found |= {day for day in _dates(pattern, around, holidays) if first <= day <= last}
        around += _STEP
    return tuple(sorted(found))


def _instants(
    pattern: PaydayPattern, around: datetime, zone: ZoneInfo, holidays: Collection[date]
) -> Iterator[datetime]:
    days = _dates(pattern, around.astimezone(zone).date(), holidays)
    for day in days:
        yield datetime.combine(day, time(pattern.hour), tzinfo=zone).astimezone(UTC)


def _dates(pattern: PaydayPattern, around: date, holidays: Collection[date]) -> Iterator[date]:
    """Paydays from well before to well after a day; a shift moves one by days, never by weeks."""
    if pattern.kind is PatternKind.WEEKLY:
        monday = around - timedelta(days=around.weekday())
        for week in range(-2, 4):
            day = monday + timedelta(days=_WEEK * week + (pattern.weekday or 0))
            yield _weekly(day, holidays, pattern.shift)
    elif pattern.kind is not PatternKind.UNKNOWN:
        for offset in range(-2, 4):
            years, month0 = divmod(around.month - 1 + offset, 12)
            yield pay_date(pattern, year=around.year + years, month=month0 + 1, holidays=holidays)


def _weekly(day: date, holidays: Collection[date], shift: Shift) -> date:
    """Who is paid on Saturdays is paid on Saturdays: only holidays move a weekly payday."""
    return working_day(day, holidays, shift) if day in holidays else day
