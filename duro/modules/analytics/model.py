"""Sums of a period in one currency; `docs/metrics.md` defines every one of them."""

from dataclasses import dataclass, field
from datetime import datetime

from duro.billing.money import round_half_up

_SCALE = 10_000


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


@dataclass(slots=True)
class Cohort:
    """The cases of the invoices billed in a period, as they stand now."""

    currency: str
    in_flight_minor: int = 0
    recovered_minor: int = 0
    exhausted_minor: int = 0
    by_code: dict[str, int] = field(default_factory=dict)
    by_category: dict[str, int] = field(default_factory=dict)

    @property
    def recovery_rate(self) -> float:
        return ratio(self.recovered_minor, self.recovered_minor + self.exhausted_minor)


def ratio(part: int, whole: int) -> float:
    """From 0 to 1 with four decimals, half up; 0 of nothing is 0."""
    return round_half_up(part * _SCALE, whole) / _SCALE if whole > 0 else 0.0
