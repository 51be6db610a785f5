"""Owns the replay of real cases: what is known of them answers, and what is not stays unknown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from duro.billing.decision import Move
from duro.billing.ladder import Case, Knowledge, Strategy, Try, work
from duro.billing.outcome import EXPIRED, Answer, Known, Told
from duro.billing.rails import Rail
from duro.billing.simulation import OnStep, Report

# Work falls due in scans, so a real charge comes a little after the instant that was decided.
TOLERANCE: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One real attempt that was settled; `code` is empty where it was paid."""

    at: datetime
    settled_at: datetime
    rail: Rail
    token: str
    code: str = ""

    @property
    def is_paid(self) -> bool:
        return not self.code


@dataclass(frozen=True, slots=True, kw_only=True)
class RealCase:
    """A failed invoice with all its attempts, oldest first, and the customer's charges before it.

    `was_asked` for another card by the real case; `is_over`, so that a card that has not come never came.
    """

    case: Case
    facts: tuple[Fact, ...]
    past: tuple[Try, ...] = ()
    was_asked: bool = False
    is_over: bool = True


@dataclass(frozen=True, slots=True)
class FactWorld:
    """Answers by facts alone.

    Before a known failure of a token it fails, from its known success on it succeeds; in between, and after a last
    failure, nobody knows.
    """

    real: RealCase

    def charge(self, *, rail: Rail, token: int, at: datetime) -> Answer:
        own = [fact for fact in self.real.facts if fact.rail is rail and self._is_of(fact, token)]
        return _judged(own, at) or Answer(Known.UNKNOWN, at)

    def request(self, *, rail: Rail, at: datetime, expires_at: datetime) -> Answer:
        own = [fact for fact in self.real.facts if fact.rail is rail]
        known = _judged(own, at)
        if known is None:
            return Answer(Known.UNKNOWN, expires_at, EXPIRED)
        if known.known is Known.DECLINED:
            return Answer(Known.DECLINED, expires_at, EXPIRED)
        paid = next(fact for fact in own if fact.is_paid)
        return Answer(Known.PAID, max(paid.settled_at, at))

    def new_card(self, *, told: Sequence[Told]) -> Answer | None:
        card = self._new_card()
        if card is not None:
            is_in_time = bool(told) and told[0].at <= card.at
            return Answer(Known.PAID if is_in_time else Known.UNKNOWN, card.at)
        was_told_so = self.real.was_asked and self.real.is_over
        if was_told_so or not any(each.move in _ASKING for each in told):
            return None
        return Answer(Known.UNKNOWN, told[-1].at)

    def _is_of(self, fact: Fact, token: int) -> bool:
        if fact.rail is not Rail.CARD:
            return True
        if token == 0:
            return fact.token == self._first_token()
        card = self._new_card()
        return card is not None and fact.token == card.token

    def _first_token(self) -> str:
        return next((fact.token for fact in self.real.facts if fact.rail is Rail.CARD), "")

    def _new_card(self) -> Fact | None:
        first = self._first_token()
        cards = (fact for fact in self.real.facts if fact.rail is Rail.CARD)
        return next((fact for fact in cards if fact.token != first), None)


_ASKING: Final = frozenset({Move.REQUEST_CARD_UPDATE, Move.REMIND})


def _judged(own: Sequence[Fact], at: datetime) -> Answer | None:
    """What is known of one token at an instant."""
    paid = next((fact for fact in own if fact.is_paid), None)
    if paid is not None and at >= paid.at:
        return Answer(Known.PAID, at)
    later = next((fact for fact in own if not fact.is_paid and at <= fact.at), None)
    if later is not None:
        return Answer(Known.DECLINED, at, later.code)
    if paid is not None and at >= paid.at - TOLERANCE:
        return Answer(Known.PAID, paid.at)
    return None


@dataclass(frozen=True, slots=True)
class Replayed:
    """The reports by strategy, and how many cases are unknown under any of them."""

    reports: Mapping[str, Report]
    unknown: int


def replay(
    *,
    cases: Sequence[RealCase],
    strategies: Sequence[Strategy],
    holidays: Sequence[date] = (),
    on_step: OnStep | None = None,
) -> Replayed:
    """Each strategy over the same real cases."""
    reports = {strategy.name: Report(strategy.name) for strategy in strategies}
    if len(reports) < len(strategies):
        raise ValueError("strategies need names of their own")
    unknown = 0
    for done, real in enumerate(cases, start=1):
        known, world = Knowledge(real.past, tuple(holidays)), FactWorld(real)
        results = [
            work(case=real.case, strategy=strategy, world=world, knowledge=known)
            for strategy in strategies
        ]
        for strategy, result in zip(strategies, results, strict=True):
            reports[strategy.name].add(result)
        unknown += any(result.known is Known.UNKNOWN for result in results)
        if on_step is not None:
            on_step(done)
    return Replayed(reports, unknown)
