"""Sums of a period in one currency; `docs/metrics.md` defines every one of them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from duro.billing.money import round_half_up

_SCALE = 10_000
_OPEN = ("scheduled", "in_flight", "awaiting_customer")


@dataclass(frozen=True, slots=True)
class Span:
    """A half-open stretch of business time."""

    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Revenue:
    """Monthly recurring revenue at the period's end and how it moved in it, in minor units."""

    currency: str
    closing_minor: int = 0
    active: int = 0
    new_minor: int = 0
    reactivation_minor: int = 0
    expansion_minor: int = 0
    contraction_minor: int = 0
    voluntary_minor: int = 0
    involuntary_minor: int = 0
    started: int = 0
    voluntary: int = 0
    involuntary: int = 0

    @property
    def churn_minor(self) -> int:
        return self.voluntary_minor + self.involuntary_minor

    @property
    def opening_minor(self) -> int:
        grown = self.new_minor + self.reactivation_minor + self.expansion_minor
        return self.closing_minor - grown + self.contraction_minor + self.churn_minor

    @property
    def churn_rate(self) -> float:
        """Subscriptions that churned, of those that earned at the start or came in the period."""
        churned = self.voluntary + self.involuntary
        opening = self.active - self.started + churned
        return ratio(churned, opening + self.started)


@dataclass(slots=True)
class Ledger:
    """Money at risk in a period: by movement and reason, in minor units."""

    currency: str
    closing_minor: int = 0
    by_reason: dict[str, dict[str, int]] = field(
        default_factory=lambda: {name: {} for name in ("entered", "recovered", "lost", "cancelled")}
    )

    def add(self, movement: str, reason: str, amount_minor: int) -> None:
        reasons = self.by_reason[movement]
        reasons[reason] = reasons.get(reason, 0) + amount_minor

    def total(self, movement: str) -> int:
        return sum(self.by_reason[movement].values())

    @property
    def opening_minor(self) -> int:
        left = sum(self.total(movement) for movement in ("recovered", "lost", "cancelled"))
        return self.closing_minor - self.total("entered") + left


@dataclass(frozen=True, slots=True)
class Tally:
    """How many, and how much in minor units."""

    count: int = 0
    amount_minor: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(self.count + other.count, self.amount_minor + other.amount_minor)


NOTHING = Tally()


@dataclass(frozen=True, slots=True)
class CohortPart:
    """The cases in one state that came to be at risk by one failure."""

    state: str
    failure_code: str
    failure_category: str
    cases: Tally


@dataclass(slots=True)
class Cohort:
    """The cases of the invoices billed in a period, as they stand now."""

    currency: str
    parts: list[CohortPart] = field(default_factory=list)

    @property
    def in_flight(self) -> Tally:
        return self.within(*_OPEN)

    @property
    def recovered(self) -> Tally:
        return self.within("recovered")

    @property
    def exhausted(self) -> Tally:
        return self.within("exhausted")

    @property
    def canceled(self) -> Tally:
        return self.within("canceled")

    @property
    def all(self) -> Tally:
        return sum((part.cases for part in self.parts), NOTHING)

    @property
    def recovery_rate(self) -> float:
        """Of the money."""
        return share(self.recovered.amount_minor, self.exhausted.amount_minor)

    @property
    def case_rate(self) -> float:
        """Of the cases."""
        return share(self.recovered.count, self.exhausted.count)

    def within(self, *states: str) -> Tally:
        return sum((part.cases for part in self.parts if part.state in states), NOTHING)

    def by_code(self) -> dict[str, "Cohort"]:
        """Each failure code as a cohort of its own, by name."""
        return self._by(lambda part: part.failure_code)

    def by_category(self) -> dict[str, "Cohort"]:
        return self._by(lambda part: part.failure_category)

    def _by(self, key: Callable[[CohortPart], str]) -> dict[str, "Cohort"]:
        names = sorted({key(part) for part in self.parts})
        return {
            name: Cohort(self.currency, [part for part in self.parts if key(part) == name])
            for name in names
        }


class Dimension(StrEnum):
    """What tries are told apart by."""

    RAIL = "rail"
    NUMBER = "number"
    WEEKDAY = "weekday"
    DAY = "day"


@dataclass(frozen=True, slots=True)
class Tries:
    """What was tried after the first failure, and what of it succeeded."""

    dimension: Dimension
    key: str
    tried: Tally
    succeeded: Tally

    @property
    def success_rate(self) -> float:
        """Of the money."""
        return ratio(self.succeeded.amount_minor, self.tried.amount_minor)

    @property
    def try_rate(self) -> float:
        return ratio(self.succeeded.count, self.tried.count)


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds from the first failure to the recovery; None without one."""

    median_s: int | None
    p90_s: int | None


@dataclass(frozen=True, slots=True)
class SettingsChange:
    """When a version of the recovery settings came into force."""

    version: int
    changed_at: datetime


def share(won: int, lost: int) -> float:
    """What was won of what is decided."""
    return ratio(won, won + lost)


def ratio(part: int, whole: int) -> float:
    """From 0 to 1 with four decimals, half up; 0 of nothing is 0."""
    return round_half_up(part * _SCALE, whole) / _SCALE if whole > 0 else 0.0
