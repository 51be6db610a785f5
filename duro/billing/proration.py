"""Owns the price of changing plan inside a period."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from duro.billing.cycle import Period
from duro.billing.money import MAX_MINOR, round_half_up

_MICROSECOND: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Proration:
    """A non-negative amount in minor units and who owes it."""

    amount_minor: int
    kind: Literal["charge", "credit", "none"]


@dataclass(frozen=True, slots=True)
class Parts:
    """The two lines of a change of plan, in minor units."""

    unused_credit_minor: int
    new_charge_minor: int

    @property
    def net(self) -> Proration:
        net = self.new_charge_minor - self.unused_credit_minor
        if net > 0:
            return Proration(net, "charge")
        return Proration(-net, "credit") if net < 0 else Proration(0, "none")


def prorate(
    *, old_amount_minor: int, new_amount_minor: int, period: Period, now: datetime
) -> Proration:
    """Net price of swapping plans for the rest of `period`."""
    return rest_of(
        old_amount_minor=old_amount_minor,
        new_amount_minor=new_amount_minor,
        period=period,
        now=now,
    ).net


def rest_of(
    *, old_amount_minor: int, new_amount_minor: int, period: Period, now: datetime
) -> Parts:
    """What both plans are worth for the rest of `period`; outside it `now` is clamped.

    Each line, the unused credit and the new charge, rounds half up once. Nothing is owed for an
    empty period. A change of interval asks for the credit alone: `new_amount_minor=0`.
    """
    if not (0 <= old_amount_minor <= MAX_MINOR and 0 <= new_amount_minor <= MAX_MINOR):
        raise ValueError("amounts are 0 to MAX_MINOR")
    # Whole microseconds, not float seconds: a float quotient can fall a kobo short.
    whole = (period.ends_at - period.starts_at) // _MICROSECOND
    if whole == 0:
        return Parts(0, 0)
    at = min(max(now, period.starts_at), period.ends_at)
    left = (period.ends_at - at) // _MICROSECOND
    return Parts(
        unused_credit_minor=round_half_up(old_amount_minor * left, whole),
        new_charge_minor=round_half_up(new_amount_minor * left, whole),
    )
