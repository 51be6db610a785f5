"""Owns made customers: when they are paid, how they spend, what their cards, banks and habits do.

Nothing here is seen by a strategy. What a share rests on is told in `docs/guides/backtest.md`.
"""

from calendar import monthrange
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import IntEnum, StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from duro.billing.chance import Chance, seeded
from duro.billing.cycle import Cadence, Interval, advance

ZONE: Final = ZoneInfo("Africa/Lagos")
MONTHLY: Final = Cadence(Interval.MONTH)

_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)
_DAY_HOURS: Final = 24
_WEEK: Final = 7
_MONTH_HOURS: Final = 30 * 24
_SATURDAY: Final = 5
# Money from before the first renewal may still be there, and the last case runs past the last one.
_LEAD_DAYS: Final = 75
_TAIL_DAYS: Final = 75
_KOBO: Final = 100


class Earner(StrEnum):
    """How money comes to a customer's account."""

    DAY_25 = "day_25"
    DAY_28 = "day_28"
    LAST_WORKING_DAY = "last_working_day"
    EARLY_MONTH = "early_month"
    WEEKLY = "weekly"
    IRREGULAR = "irregular"
    COMFORTABLE = "comfortable"


class _Of(IntEnum):
    """What a draw is for: each purpose has a stream of its own."""

    CUSTOMER = 0
    BANK = 1
    EARNER = 2
    PRICE = 3
    RATIO = 4
    LUMP = 5
    SPENDING = 6
    DAY = 7
    HOUR = 8
    SHIFT = 9
    SIGN_UP = 10
    FLOOR = 11
    PHONE = 12
    USSD = 13
    TRANSFER = 14
    PAYDAY = 15
    HELP = 16
    AMOUNT = 17
    LATE = 18
    NEAR = 19
    ANSWER = 20
    DOWN_DAY = 21
    OUTAGE = 22


@dataclass(frozen=True, slots=True, kw_only=True)
class Shares:
    """The dials of a population, per mille unless named otherwise."""

    earners: tuple[tuple[Earner, int], ...] = (
        (Earner.DAY_25, 170),
        (Earner.DAY_28, 150),
        (Earner.LAST_WORKING_DAY, 130),
        (Earner.EARLY_MONTH, 80),
        (Earner.WEEKLY, 110),
        (Earner.IRREGULAR, 110),
        (Earner.COMFORTABLE, 250),
    )
    prices_minor: tuple[tuple[int, int], ...] = (
        (150_000, 250),
        (250_000, 250),
        (500_000, 300),
        (1_000_000, 150),
        (2_500_000, 50),
    )
    signs_up_near_payday: int = 350
    # Days that a month's salary lasts; each month differs by up to a quarter.
    spending_days: tuple[int, int] = (6, 34)
    late_salary: int = 80
    help_per_week: int = 150
    has_phone: int = 930
    ussd_habit: int = 400
    transfer_habit: int = 550
    answers: int = 450
    dead_card: int = 12
    expired_card: int = 12
    refused_month: int = 10
    refused_day: int = 12
    limit_day: int = 8
    downtime_day: int = 45
    outage_month: int = 60


@dataclass(frozen=True, slots=True)
class Income:
    """Money at a local hour of the calendar; `lump` per mille goes within a day, the rest in time."""

    hour: int
    amount_minor: int
    lump: int
    lasts_hours: int

    def left_minor(self, hour: int) -> int:
        """What of it is unspent at an hour."""
        since = hour - self.hour
        if not 0 <= since < self.lasts_hours:
            return 0
        kept = 1000 * _DAY_HOURS - self.lump * min(since, _DAY_HOURS)
        spent = self.amount_minor * kept * (self.lasts_hours - since)
        return spent // (1000 * _DAY_HOURS * self.lasts_hours)


@dataclass(frozen=True, slots=True)
class Calendar:
    """The hours of a run: counted from local midnight of the first day, which is before any renewal."""

    starts_on: date
    days: int
    holidays: frozenset[date]

    @property
    def midnight(self) -> datetime:
        return datetime.combine(self.starts_on, time(), tzinfo=ZONE)

    def hour_of(self, at: datetime) -> int:
        return (at - self.midnight) // _HOUR

    def instant(self, hour: int) -> datetime:
        return self.midnight + hour * _HOUR

    def hour_on(self, day: date, hour: int) -> int:
        return (day - self.starts_on).days * _DAY_HOURS + hour

    def dates(self) -> Iterator[date]:
        return (self.starts_on + n * _DAY for n in range(self.days))


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """One customer, hidden model and all."""

    number: int
    chance: Chance
    down_hours: frozenset[int]
    earner: Earner
    price_minor: int
    floor_minor: int
    incomes: tuple[Income, ...]
    anchor: datetime
    has_phone: bool
    uses_ussd: bool
    uses_transfer: bool
    answers: bool

    def renewal(self, month: int) -> datetime:
        return advance(anchor=self.anchor, n=month, cadence=MONTHLY, zone=ZONE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Population:
    """Customers by number, made when they are asked for: nothing is kept, so size costs no memory."""

    seed: int
    size: int
    months: int
    starts_on: date
    holidays: frozenset[date]
    shares: Shares = Shares()

    @property
    def calendar(self) -> Calendar:
        first = self.starts_on - _LEAD_DAYS * _DAY
        return Calendar(first, _LEAD_DAYS + 31 * (self.months + 1) + _TAIL_DAYS, self.holidays)

    def customers(self) -> Iterator[Customer]:
        calendar, root = self.calendar, seeded(self.seed)
        banks = [
            frozenset(_down_hours(root.at(_Of.BANK, n), calendar.days, self.shares))
            for n in range(_BANKS)
        ]
        for number in range(self.size):
            own = root.at(_Of.CUSTOMER, number)
            yield _customer(number, own, banks[own.at(_Of.BANK).below(_BANKS)], self)


_BANKS: Final = 8


def _down_hours(bank: Chance, days: int, shares: Shares) -> Iterator[int]:
    """When a bank cannot be reached: some hours of some days, and longer once in a while."""
    for day in range(days):
        window = bank.at(_Of.DOWN_DAY, day)
        if window.happens(shares.downtime_day):
            begins = window.at(0).below(_DAY_HOURS)
            # Not past midnight: the next day has a window of its own.
            ends = min(begins + window.at(1).between(1, 8), _DAY_HOURS)
            yield from range(day * _DAY_HOURS + begins, day * _DAY_HOURS + ends)
    for month in range(days * _DAY_HOURS // _MONTH_HOURS):
        outage = bank.at(_Of.OUTAGE, month)
        if outage.happens(shares.outage_month):
            begins = month * _MONTH_HOURS + outage.at(0).below(_MONTH_HOURS)
            yield from range(begins, begins + outage.at(1).between(12, 48))


def _customer(
    number: int, own: Chance, down_hours: frozenset[int], population: Population
) -> Customer:
    shares, calendar = population.shares, population.calendar
    earner = own.at(_Of.EARNER).pick(shares.earners)
    price = own.at(_Of.PRICE).pick(shares.prices_minor)
    incomes = _incomes(own, earner, price, calendar, shares)
    has_phone = own.at(_Of.PHONE).happens(shares.has_phone)
    return Customer(
        number=number,
        chance=own,
        down_hours=down_hours,
        earner=earner,
        price_minor=price,
        floor_minor=_floor(own.at(_Of.FLOOR), earner, price),
        incomes=incomes,
        anchor=_anchor(own, earner, incomes, calendar, population),
        has_phone=has_phone,
        uses_ussd=has_phone and own.at(_Of.USSD).happens(shares.ussd_habit),
        uses_transfer=own.at(_Of.TRANSFER).happens(shares.transfer_habit),
        answers=own.at(_Of.ANSWER).happens(shares.answers),
    )


def _floor(chance: Chance, earner: Earner, price_minor: int) -> int:
    """What is never spent: little, or for the comfortable always more than the price."""
    if earner is Earner.COMFORTABLE:
        return 2 * price_minor
    return price_minor * chance.between(0, 600) // 1000


def _anchor(
    own: Chance,
    earner: Earner,
    incomes: tuple[Income, ...],
    calendar: Calendar,
    population: Population,
) -> datetime:
    """When the first renewal is: on any day of the month, or where the customer had money to sign up with."""
    first = calendar.hour_on(population.starts_on, 0)
    is_near = own.at(_Of.NEAR).happens(population.shares.signs_up_near_payday)
    hour = first + own.at(_Of.DAY).below(30) * _DAY_HOURS + own.at(_Of.HOUR).between(7, 22)
    if is_near and earner is not Earner.COMFORTABLE:
        paid = [income.hour for income in incomes if income.hour >= first]
        hour = paid[0] + own.at(_Of.SIGN_UP).below(4 * _DAY_HOURS)
    minutes = own.at(_Of.HOUR, 1).below(60)
    return calendar.instant(hour) + timedelta(minutes=minutes)


def _incomes(
    own: Chance, earner: Earner, price_minor: int, calendar: Calendar, shares: Shares
) -> tuple[Income, ...]:
    if earner is Earner.COMFORTABLE:
        return ()
    paid = _pay_hours(own, earner, calendar, shares)
    if earner in (Earner.WEEKLY, Earner.IRREGULAR):
        ratio, lasts = own.at(_Of.RATIO).between(1300, 5000), (2, 7)
    else:
        ratio, lasts = own.at(_Of.RATIO).between(3000, 20_000), shares.spending_days
    usual = own.at(_Of.SPENDING).between(*lasts) * _DAY_HOURS
    lump = own.at(_Of.LUMP).between(200, 600)
    found = [
        Income(
            hour,
            price_minor * ratio // 1000 * own.at(_Of.AMOUNT, n).between(800, 1200) // 1000,
            lump,
            max(usual * own.at(_Of.SPENDING, n).between(750, 1250) // 1000, _DAY_HOURS),
        )
        for n, hour in enumerate(paid)
    ]
    return tuple(sorted([*found, *_help(own, price_minor, calendar, shares)], key=_by_hour))


def _by_hour(income: Income) -> int:
    return income.hour


def _help(own: Chance, price_minor: int, calendar: Calendar, shares: Shares) -> Iterator[Income]:
    """Now and then somebody sends money; it is meant for something and soon gone."""
    for week in range(calendar.days // _WEEK):
        chance = own.at(_Of.HELP, week)
        if chance.happens(shares.help_per_week):
            hour = (week * _WEEK + chance.at(0).below(_WEEK)) * _DAY_HOURS
            amount = price_minor * chance.at(1).between(500, 3000) // 1000
            yield Income(hour + chance.at(2).between(7, 21), amount, 0, chance.at(3).between(6, 48))


def _pay_hours(own: Chance, earner: Earner, calendar: Calendar, shares: Shares) -> Iterator[int]:
    arrives = own.at(_Of.HOUR, 2).between(0, 14)
    for n, day in enumerate(_pay_days(own, earner, calendar)):
        chance = own.at(_Of.PAYDAY, n)
        late = chance.at(_Of.LATE)
        days = late.at(0).between(1, 5) if late.happens(shares.late_salary) else 0
        yield calendar.hour_on(day + days * _DAY, arrives + chance.below(4))


def _pay_days(own: Chance, earner: Earner, calendar: Calendar) -> Iterator[date]:
    if earner is Earner.WEEKLY:
        weekday = own.at(_Of.DAY, 1).pick(((4, 600), (5, 250), (0, 150)))
        yield from (day for day in calendar.dates() if day.weekday() == weekday)
        return
    if earner is Earner.IRREGULAR:
        yield from _irregular(own, calendar)
        return
    # Most employers pay before a weekend, some after it; a salary of the new month never comes early.
    is_before = own.at(_Of.SHIFT).happens(800) and earner is not Earner.EARLY_MONTH
    step = -_DAY if is_before or earner is Earner.LAST_WORKING_DAY else _DAY
    early = own.at(_Of.DAY, 1).between(1, 3)
    for first in (day for day in calendar.dates() if day.day == 1):
        length = monthrange(first.year, first.month)[1]
        number = {Earner.DAY_25: 25, Earner.DAY_28: 28, Earner.EARLY_MONTH: early}.get(
            earner, length
        )
        yield _working(first.replace(day=number), step, calendar.holidays)


def _irregular(own: Chance, calendar: Calendar) -> Iterator[date]:
    """A trader's good days, two to nine days apart."""
    passed = own.at(_Of.DAY, 2).below(_WEEK)
    for n in range(calendar.days):
        if passed >= calendar.days:
            return
        yield calendar.starts_on + passed * _DAY
        passed += own.at(_Of.DAY, 3, n).between(2, 9)


# Not the learner's own calendar, so that a fault in the one does not hide in the other.
def _working(day: date, step: timedelta, holidays: Collection[date]) -> date:
    while day.weekday() >= _SATURDAY or day in holidays:
        day += step
    return day
