"""Owns learning when a customer is paid, from when their money was there and when it was not."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo

from duro.billing import wording
from duro.billing.pattern import (
    DEFAULT_HOUR,
    UNKNOWN,
    PatternKind,
    PaydayPattern,
    Shift,
    is_working_day,
    next_expected,
)

__all__ = ["Learnt", "PatternKind", "PaydayPattern", "Shift", "learn", "next_expected"]

# People change their jobs: what is older than this says nothing about the next payday.
MEMORY: Final = timedelta(days=400)
# A payday is known when money came on it so often, and that share of the times.
MIN_SEEN: Final = 3
MIN_SHARE: Final = Fraction(3, 4)
# How many times more likely than chance: there are some seventy paydays to mistake it for.
MIN_ODDS: Final = 200

_DAY: Final = timedelta(days=1)
_LAST_HOUR: Final = 20
# Money that keeps to no day still comes within a week or so: a span speaks for a day in it as much
# as it is shorter than that. One of more than a month says nothing at all.
_WEEK: Final = 7
_MAX_SPAN_DAYS: Final = 31
# Money that came on no payday, and a payday after which there was none. A late salary is normal.
_MISS: Final = Fraction(1, 8)
_ABSENCE: Final = Fraction(1, 4)


@dataclass(frozen=True, slots=True)
class Learnt:
    """What is known of a payday: how often it held, from 0 to 1, and why in a sentence."""

    pattern: PaydayPattern
    confidence: float
    because: str


@dataclass(frozen=True, slots=True)
class _Arrival:
    """The local days on one of which money came; on the first of them, not before an hour."""

    first: date
    last: date
    not_before: int

    @property
    def days(self) -> tuple[date, ...]:
        return tuple(self.first + n * _DAY for n in range((self.last - self.first).days + 1))


@dataclass(frozen=True, slots=True)
class _Fit:
    """How well a pattern tells what was seen; `hits` are its paydays with the span that held each."""

    pattern: PaydayPattern
    odds: Fraction
    hits: tuple[tuple[date, _Arrival], ...]
    misses: int
    is_recent: bool

    @property
    def seen(self) -> int:
        return len(self.hits)

    @property
    def share(self) -> Fraction:
        return Fraction(self.seen, max(self.seen + self.misses, 1))

    @property
    def rank(self) -> tuple[Fraction, int]:
        """Better is greater; of equal ones the later day, on which money surely was there."""
        return self.odds, -sum((arrival.last - day).days for day, arrival in self.hits)


def learn(
    outcomes: Sequence[tuple[datetime, bool]],
    *,
    zone: ZoneInfo,
    now: datetime,
    holidays: Collection[date] = (),
) -> Learnt:
    """The customer's payday, or an honest unknown.

    `outcomes` are the tries of a customer's charges whose outcome hung on money: paid, or declined
    for want of it. Each decline that a payment follows says that money came in between; a payday is
    what falls into all those spans and into few others.
    """
    known = sorted((at, is_paid) for at, is_paid in outcomes if now - MEMORY < at <= now)
    local = [(at.astimezone(zone), is_paid) for at, is_paid in known]
    arrivals = _arrivals(local)
    count = len(arrivals)
    if count < MIN_SEEN:
        times = "once" if count == 1 else f"{count} times"
        because = f"Money was seen to arrive {times if count else 'never'}; {MIN_SEEN} are needed."
        return Learnt(UNKNOWN, 0.0, because)
    evidence = _Evidence(arrivals, _failed_on(local), holidays=frozenset(holidays))
    best = max((evidence.fit(pattern) for pattern in _CANDIDATES), key=_rank)
    if best.seen < MIN_SEEN or best.share < MIN_SHARE or best.odds < MIN_ODDS:
        because = f"The {count} times that money arrived agree on no payday."
        return Learnt(UNKNOWN, 0.0, because)
    if not best.is_recent:
        words = wording.usual_payday(best.pattern)
        because = f"Money used to arrive {words}, but not the last two times."
        return Learnt(UNKNOWN, 0.0, because)
    pattern = _at_its_hour(best)
    total = best.seen + best.misses
    because = f"Money arrived {wording.usual_payday(pattern)} {best.seen} times out of {total}."
    return Learnt(pattern, best.seen / total, because)


def _rank(fit: _Fit) -> tuple[Fraction, int]:
    return fit.rank


def _arrivals(local: Sequence[tuple[datetime, bool]]) -> tuple[_Arrival, ...]:
    """The spans between a decline for want of money and the payment that followed it.

    A decline before money usually comes does not rule its own day out.
    """
    spans = []
    for (before, was_paid), (after, is_paid) in pairwise(local):
        if is_paid and not was_paid:
            is_open = before.hour < DEFAULT_HOUR or before.date() == after.date()
            first = before.date() if is_open else before.date() + _DAY
            spans.append(_Arrival(first, after.date(), before.hour + 1 if is_open else 0))
    return tuple(span for span in spans if len(span.days) <= _MAX_SPAN_DAYS)


def _failed_on(local: Sequence[tuple[datetime, bool]]) -> frozenset[date]:
    """Days of declines, but for the last before each payment, of which its span tells."""
    following = [*(is_paid for _, is_paid in local[1:]), False]
    return frozenset(
        at.date()
        for (at, is_paid), is_next_paid in zip(local, following, strict=True)
        if not is_paid and not is_next_paid
    )


_LAST_WORKING_DAY: Final = PaydayPattern(kind=PatternKind.LAST_WORKING_DAY)


def _of_day(day: int, shift: Shift) -> PaydayPattern:
    if (day, shift) == (31, Shift.BACK):
        return _LAST_WORKING_DAY
    return PaydayPattern(kind=PatternKind.DAY_OF_MONTH, day=day, shift=shift)


_BY_DAY: Final = MappingProxyType(
    {(day, shift): _of_day(day, shift) for shift in Shift for day in range(1, 32)}
)
_BY_WEEKDAY: Final = tuple(
    PaydayPattern(kind=PatternKind.WEEKLY, weekday=weekday) for weekday in range(7)
)

# The first of equal ones wins, so salaries that come before a weekend stand first.
_CANDIDATES: Final = (*_BY_DAY.values(), *_BY_WEEKDAY)


class _Evidence:
    """What was seen, sorted by the patterns that it speaks for."""

    def __init__(
        self,
        arrivals: tuple[_Arrival, ...],
        failed_on: frozenset[date],
        *,
        holidays: frozenset[date],
    ) -> None:
        self._arrivals = arrivals
        self._paid: dict[date, frozenset[PaydayPattern]] = {}
        self._holidays = holidays
        self._hits: dict[PaydayPattern, dict[int, date]] = {}
        self._absences: dict[PaydayPattern, set[date]] = {}
        for index, arrival in enumerate(arrivals):
            for day in arrival.days:
                for pattern in self._paid_on(day):
                    self._hits.setdefault(pattern, {})[index] = day
        for failed in failed_on:
            for day in (failed - 2 * _DAY, failed - _DAY):
                for pattern in self._paid_on(day):
                    self._absences.setdefault(pattern, set()).add(day)

    def _paid_on(self, day: date) -> frozenset[PaydayPattern]:
        if day not in self._paid:
            self._paid[day] = patterns_paid_on(day, self._holidays)
        return self._paid[day]

    def fit(self, pattern: PaydayPattern) -> _Fit:
        """Each span that holds a payday speaks for it, the more the shorter the span is."""
        found = self._hits.get(pattern, {})
        hits: dict[date, _Arrival] = {}
        for index, day in found.items():
            arrival = self._arrivals[index]
            if day not in hits or len(arrival.days) < len(hits[day].days):
                hits[day] = arrival
        missed = len(self._arrivals) - len(found)
        absences = len(self._absences.get(pattern, ()))
        odds = _MISS**missed * _ABSENCE**absences
        for arrival in hits.values():
            odds *= Fraction(_WEEK, min(_WEEK, len(arrival.days)))
        count = len(self._arrivals)
        is_recent = count - 1 in found or count - 2 in found
        return _Fit(pattern, odds, tuple(hits.items()), missed + absences, is_recent)


def patterns_paid_on(day: date, holidays: Collection[date] = ()) -> frozenset[PaydayPattern]:
    """The paydays that fall on a local day, the salaries that a weekend moves to it included."""
    is_working = is_working_day(day, holidays)
    weekdays = set() if day in holidays else {day.weekday()}
    days: dict[Shift, set[int]] = {shift: set() for shift in Shift}
    if is_working:
        for shift, step in ((Shift.BACK, _DAY), (Shift.FORWARD, -_DAY)):
            days[shift] |= _numbers(day)
            moved = day + step
            while not is_working_day(moved, holidays):
                days[shift] |= _numbers(moved)
                if shift is Shift.BACK and moved in holidays:
                    weekdays.add(moved.weekday())
                moved += step
    found = {_BY_DAY[number, shift] for shift, numbers in days.items() for number in numbers}
    found |= {_BY_WEEKDAY[weekday] for weekday in weekdays}
    return frozenset(found)


def _numbers(day: date) -> set[int]:
    """The days of the month that a date stands for; the last one stands for all that are missing."""
    is_last = (day + _DAY).day == 1
    return set(range(day.day, 32)) if is_last else {day.day}


def _at_its_hour(fit: _Fit) -> PaydayPattern:
    """After the latest hour at which, on paydays, money had not come yet; else in the morning."""
    late = [arrival.not_before for day, arrival in fit.hits if arrival.first == day]
    is_usual = 2 * len(late) > fit.seen
    hour = min(max(late), _LAST_HOUR) if is_usual else DEFAULT_HOUR
    old = fit.pattern
    return PaydayPattern(
        kind=old.kind,
        day=old.day,
        weekday=old.weekday,
        shift=old.shift,
        hour=max(hour, DEFAULT_HOUR),
    )
