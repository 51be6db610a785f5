"""Owns what becomes of a charge in a simulated world: the answers, and the world of a made customer."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum
from typing import Final, Protocol

from duro.billing.chance import Chance
from duro.billing.decision import Move
from duro.billing.population import Calendar, Customer, Income, Shares
from duro.billing.rails import Rail

_DAY_HOURS: Final = 24
# Nobody pays a request at night.
_WAKING: Final = range(7, 22)
_LONGEST_H: Final = 48 * _DAY_HOURS
_LAST: Final = timedelta(microseconds=1)

EXPIRED: Final = "request_expired"


class Known(StrEnum):
    """What a world can say of one try."""

    PAID = "paid"
    DECLINED = "declined"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Answer:
    """`at` is when it was known: a request is paid or expires later than it is made."""

    known: Known
    at: datetime
    code: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """One message to the customer, and what the case did then."""

    at: datetime
    move: Move


class World(Protocol):
    """What answers for the bank and the customer of one case; a strategy never sees it.

    Tokens of a rail are counted: 0 is the one that failed, 1 the one that the customer gave for it.
    """

    def charge(self, *, rail: Rail, token: int, at: datetime) -> Answer: ...

    def request(self, *, rail: Rail, at: datetime, expires_at: datetime) -> Answer: ...

    def new_card(self, *, told: Sequence[Told]) -> Answer | None:
        """When the customer, told all this, gives another card; `None` if it is known that none comes."""
        ...


class _Of(IntEnum):
    DEAD = 100
    WHICH = 101
    MOODY_DAY = 102
    LIMIT_DAY = 103
    PATIENCE = 106
    DELAY = 107
    REQUEST = 108


_DEAD_CODES: Final = (("43", 250), ("41", 250), ("62", 200), ("57", 300))


@dataclass(frozen=True, slots=True)
class MadeWorld:
    """The hidden month of one made customer; everything in it changes on whole hours only."""

    customer: Customer
    month: int
    calendar: Calendar
    shares: Shares

    def charge(self, *, rail: Rail, token: int, at: datetime) -> Answer:
        code = self.code_at(self.calendar.hour_of(at), token) if rail is Rail.CARD else "51"
        return Answer(Known.DECLINED if code else Known.PAID, at, code or "")

    def request(self, *, rail: Rail, at: datetime, expires_at: datetime) -> Answer:
        first = self.calendar.hour_of(at) + self._request_delay(rail)
        if self._uses(rail):
            last = self.calendar.hour_of(expires_at - _LAST)
            for hour in range(first, last):
                if self._can_send(hour):
                    return Answer(Known.PAID, self.calendar.instant(hour + 1))
        return Answer(Known.DECLINED, expires_at, EXPIRED)

    def new_card(self, *, told: Sequence[Told]) -> Answer | None:
        chance = self._chance(_Of.PATIENCE)
        if not self.customer.answers or self._dead_code() is None:
            return None
        heard = chance.pick(((0, 600), (1, 300), (2, 100)))
        if len(told) <= heard:
            return None
        return Answer(Known.PAID, told[heard].at + timedelta(hours=self._delay()))

    def code_at(self, hour: int, token: int) -> str | None:
        """Why the bank declines in this hour; `None` if it pays."""
        day = hour // _DAY_HOURS
        if hour in self.customer.down_hours:
            return "91"
        dead = self._dead_code() if token == 0 else None
        if dead is not None:
            return dead
        own = self.customer.chance
        if own.at(_Of.LIMIT_DAY, day).happens(self.shares.limit_day):
            return "61"
        if own.at(_Of.MOODY_DAY, day).happens(self.shares.refused_day):
            return "05"
        return None if self.balance_minor(hour) >= self.customer.price_minor else "51"

    def balance_minor(self, hour: int) -> int:
        customer = self.customer
        balance = customer.floor_minor
        for n in range(bisect_right(customer.incomes, hour, key=_hour) - 1, -1, -1):
            income = customer.incomes[n]
            if income.hour < hour - _LONGEST_H:
                break
            balance += income.left_minor(hour)
        return balance

    def best_instant(self, after: datetime, before: datetime) -> datetime | None:
        """The first instant at which a charge, a new card or a request could have brought the money.

        Hour by hour, and every hour that any strategy could meet is looked at: a new card comes soonest if it is
        asked for at once, and a request finds its customer soonest likewise.
        """
        begin, end = self.calendar.hour_of(after), self.calendar.hour_of(before - _LAST)
        card_at = self._card_hour(begin)
        requests = [
            self._request_delay(rail) for rail in (Rail.USSD, Rail.TRANSFER) if self._uses(rail)
        ]
        send_at = begin + min(requests) if requests else None
        for hour in self._rich_hours(begin, end):
            can_pull = self.code_at(hour, 0) is None or (
                card_at is not None and hour >= card_at and self.code_at(hour, 1) is None
            )
            if can_pull or (send_at is not None and hour >= send_at and self._can_send(hour)):
                return max(after, self.calendar.instant(hour))
        return None

    def _rich_hours(self, begin: int, end: int) -> Iterator[int]:
        """The hours with enough money: a balance only falls between incomes, so most days are told by a few hours."""
        price = self.customer.price_minor
        rises = {income.hour for income in self.customer.incomes if begin <= income.hour <= end}
        day = begin - begin % _DAY_HOURS
        while day <= end:
            hours = range(max(day, begin), min(day + _DAY_HOURS, end + 1))
            peaks = [hours[0], *(hour for hour in hours if hour in rises)]
            if any(self.balance_minor(hour) >= price for hour in peaks):
                yield from (hour for hour in hours if self.balance_minor(hour) >= price)
            day += _DAY_HOURS

    def _card_hour(self, begin: int) -> int | None:
        if self._dead_code() is None or not self.customer.answers:
            return None
        return begin + self._delay()

    def _can_send(self, hour: int) -> bool:
        is_awake = hour % _DAY_HOURS in _WAKING
        is_up = hour not in self.customer.down_hours
        return is_awake and is_up and self.balance_minor(hour) >= self.customer.price_minor

    def _uses(self, rail: Rail) -> bool:
        customer = self.customer
        return customer.uses_ussd if rail is Rail.USSD else customer.uses_transfer

    def _request_delay(self, rail: Rail) -> int:
        return self._chance(_Of.REQUEST).at(0 if rail is Rail.USSD else 1).between(1, 30)

    def _delay(self) -> int:
        """Whole hours from hearing of it to giving a new card: soon, or days later."""
        chance = self._chance(_Of.DELAY)
        least, most = chance.pick((((1, 8), 500), ((8, 48), 300), ((48, 168), 200)))
        return chance.at(0).between(least, most)

    def _dead_code(self) -> str | None:
        """The card's end, in this month; the next month begins with a card that works."""
        chance, shares = self._chance(_Of.DEAD), self.shares
        drawn = chance.below(1000)
        if drawn < shares.expired_card:
            return "54"
        if drawn < shares.expired_card + shares.dead_card:
            return chance.at(0).pick(_DEAD_CODES)
        if drawn < shares.expired_card + shares.dead_card + shares.refused_month:
            return "05"
        return None

    def _chance(self, purpose: _Of) -> Chance:
        return self.customer.chance.at(self.month, purpose)


def _hour(income: Income) -> int:
    return income.hour
