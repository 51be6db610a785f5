"""Owns what a price comes to in an average month, and the name of each way that sum can move."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from duro.billing.cycle import Cadence, Interval
from duro.billing.money import round_half_up
from duro.billing.states import Status

# Earning is who is billed: a trial is not yet, and what is paused, unpaid or over is not any more.
EARNING: Final = frozenset({Status.ACTIVE, Status.PAST_DUE})

# How many of an interval are in a month, as (numerator, denominator). A year has 365 days.
_PER_MONTH: Final[Mapping[Interval, tuple[int, int]]] = MappingProxyType(
    {
        Interval.HOUR: (730, 1),
        Interval.DAY: (365, 12),
        Interval.WEEK: (365, 84),
        Interval.MONTH: (1, 1),
        Interval.QUARTER: (1, 3),
        Interval.BIANNUAL: (1, 6),
        Interval.YEAR: (1, 12),
    }
)


class Movement(StrEnum):
    """Only churn leaves nothing; `new` is a subscription's first, `reactivation` its return from nothing."""

    NEW = "new"
    REACTIVATION = "reactivation"
    EXPANSION = "expansion"
    CONTRACTION = "contraction"
    CHURN = "churn"


@dataclass(frozen=True, slots=True)
class Moved:
    """By how much, always positive, in minor units."""

    kind: Movement
    amount_minor: int


def monthly_minor(*, price_minor: int, cadence: Cadence) -> int:
    """The price of one period, in minor units, as it comes to in an average month.

    Rounds half up, once, at the end; what earns anything earns at least 1.
    """
    numerator, denominator = _PER_MONTH[cadence.interval]
    return max(round_half_up(price_minor * numerator, denominator * cadence.count), 1)


def moved(*, before_minor: int, after_minor: int, has_earned: bool) -> Moved | None:
    """What a change of one subscription's monthly sum is; `has_earned` if it ever came to anything."""
    if before_minor == after_minor:
        return None
    amount = abs(after_minor - before_minor)
    if after_minor == 0:
        return Moved(Movement.CHURN, amount)
    if before_minor == 0:
        return Moved(Movement.REACTIVATION if has_earned else Movement.NEW, amount)
    kind = Movement.EXPANSION if after_minor > before_minor else Movement.CONTRACTION
    return Moved(kind, amount)
