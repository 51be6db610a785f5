"""Owns the comparison of recovery strategies: over a made population, beside the best that anybody could do."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from duro.billing.ladder import Case, Knowledge, Result, Strategy, Try, category_of, work
from duro.billing.outcome import Known, MadeWorld
from duro.billing.population import ZONE, Customer, Population
from duro.billing.rails import Rail

# Called with the customers or cases done so far; whatever it raises ends the run.
OnStep: TypeAlias = Callable[[int], None]

OPTIMUM: Final = "optimum"
_USABLE: Final = (Rail.CARD, Rail.USSD, Rail.TRANSFER)
_SECOND: Final = timedelta(seconds=1)


@dataclass(slots=True)
class Tally:
    """What became of cases: counts, minor units, tries after the renewal, and the seconds until money came."""

    cases: int = 0
    amount_minor: int = 0
    recovered: int = 0
    recovered_minor: int = 0
    lost: int = 0
    lost_minor: int = 0
    unknown: int = 0
    unknown_minor: int = 0
    pulls: int = 0
    requests: int = 0
    contacts: int = 0
    waited_s: int = 0

    @property
    def attempts(self) -> int:
        return self.pulls + self.requests

    def add(self, result: Result) -> None:
        case = result.case
        self.cases += 1
        self.amount_minor += case.amount_minor
        self.pulls += result.pulls
        self.requests += result.requests
        self.contacts += result.contacts
        if result.paid_at is not None:
            self.recovered += 1
            self.recovered_minor += case.amount_minor
            self.waited_s += (result.paid_at - case.failed_at) // _SECOND
        elif result.known is Known.UNKNOWN:
            self.unknown += 1
            self.unknown_minor += case.amount_minor
        else:
            self.lost += 1
            self.lost_minor += case.amount_minor

    def less(self, other: "Tally") -> "Tally":
        """Field by field."""
        pairs = zip(self.values(), other.values(), strict=True)
        return Tally(*(mine - theirs for mine, theirs in pairs))

    def values(self) -> tuple[int, ...]:
        """In the order of the fields."""
        return (
            *(self.cases, self.amount_minor, self.recovered, self.recovered_minor),
            *(self.lost, self.lost_minor, self.unknown, self.unknown_minor),
            *(self.pulls, self.requests, self.contacts, self.waited_s),
        )


@dataclass(slots=True)
class Report:
    """One strategy over all cases, in total and by the month billed (`2027-01`)."""

    name: str
    total: Tally = field(default_factory=Tally)
    by_month: dict[str, Tally] = field(default_factory=dict[str, Tally])

    def add(self, result: Result) -> None:
        case = result.case
        local = case.failed_at.astimezone(case.zone)
        month = f"{local.year:04d}-{local.month:02d}"
        self.total.add(result)
        self.by_month.setdefault(month, Tally()).add(result)


def compare(
    *,
    population: Population,
    strategies: Sequence[Strategy],
    on_step: OnStep | None = None,
) -> Mapping[str, Report]:
    """Each strategy over the same renewals of the same customers, and the optimum.

    Every renewal is charged, whatever became of the one before: the cases are the same for all. A case's time is
    over at the next renewal. What a strategy learns, it learns from its own tries.
    """
    reports = {strategy.name: Report(strategy.name) for strategy in strategies}
    if len(reports) < len(strategies) or OPTIMUM in reports:
        raise ValueError("strategies need names of their own")
    best = Report(OPTIMUM)
    known = Knowledge(holidays=tuple(sorted(population.holidays)))
    for done, customer in enumerate(population.customers(), start=1):
        months = _months(population, customer)
        for strategy in strategies:
            _Life(strategy, known).live(months, reports[strategy.name])
        for world, case in months:
            if isinstance(case, Case):
                best.add(_clairvoyant(world, case))
        if on_step is not None:
            on_step(done)
    return {**reports, OPTIMUM: best}


def _months(population: Population, customer: Customer) -> list[tuple[MadeWorld, Case | datetime]]:
    calendar, shares = population.calendar, population.shares
    worlds = [MadeWorld(customer, n, calendar, shares) for n in range(population.months)]
    return [(world, _renewed(customer, world)) for world in worlds]


@dataclass(slots=True)
class _Life:
    """One customer under one strategy, month by month."""

    strategy: Strategy
    knowledge: Knowledge
    past: list[Try] = field(default_factory=list[Try])

    def live(self, months: Sequence[tuple[MadeWorld, Case | datetime]], report: Report) -> None:
        for world, case in months:
            if isinstance(case, datetime):
                self.past.append(Try(case, Rail.CARD, 0, None))
                continue
            category = category_of(case.rail, case.code)
            known = replace(self.knowledge, past=tuple(self.past))
            self.past.append(Try(case.failed_at, case.rail, 0, category))
            result = work(case=case, strategy=self.strategy, world=world, knowledge=known)
            self.past += result.tries
            report.add(result)


def _renewed(customer: Customer, world: MadeWorld) -> Case | datetime:
    """The case of a renewal that is declined, or when it was paid."""
    at = customer.renewal(world.month)
    answer = world.charge(rail=Rail.CARD, token=0, at=at)
    if answer.known is Known.PAID:
        return at
    return Case(
        id=f"{customer.number}-{world.month}",
        amount_minor=customer.price_minor,
        rail=Rail.CARD,
        code=answer.code,
        failed_at=at,
        ends_at=customer.renewal(world.month + 1),
        zone=ZONE,
        usable_rails=_USABLE,
    )


def _clairvoyant(world: MadeWorld, case: Case) -> Result:
    """Who knows every balance tries once, at the first instant that works, or not at all."""
    at = world.best_instant(case.failed_at, case.ends_at)
    tried = () if at is None else (Try(at, Rail.CARD, 0, None),)
    known = Known.DECLINED if at is None else Known.PAID
    return Result(case=case, known=known, paid_at=at, contacts=0, tries=tried)
