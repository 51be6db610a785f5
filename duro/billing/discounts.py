"""Owns the arithmetic of promo codes: what one takes off a price, and for how many cycles."""

from enum import StrEnum
from typing import Final

from duro.billing.money import MAX_MINOR, round_half_up

_WHOLE_PERCENT: Final = 100


class DiscountType(StrEnum):
    PERCENTAGE = "percentage"
    FIXED = "fixed"


class Duration(StrEnum):
    ONCE = "once"
    FOREVER = "forever"
    REPEATING = "repeating"


def discount_minor(*, price_minor: int, kind: DiscountType, value: int) -> int:
    """Minor units off `price_minor`, never more than it.

    `value` is whole percent, 1 to 100, or minor units. A percentage rounds half up once, so the
    customer gains the half.
    """
    if not (0 <= price_minor <= MAX_MINOR and 0 < value <= MAX_MINOR):
        raise ValueError("prices are 0 to MAX_MINOR, discounts 1 to MAX_MINOR")
    if kind is DiscountType.FIXED:
        return min(value, price_minor)
    if value > _WHOLE_PERCENT:
        raise ValueError("a percentage is at most 100")
    return round_half_up(price_minor * value, _WHOLE_PERCENT)


def cycles(duration: Duration, *, repeating: int | None) -> int | None:
    """How many paid cycles get the discount; None means all. `repeating` counts for that duration."""
    match duration:
        case Duration.ONCE:
            return 1
        case Duration.FOREVER:
            return None
        case Duration.REPEATING:
            if repeating is None or repeating < 1:
                raise ValueError("a repeating discount has at least one cycle")
            return repeating


def after_cycle(left: int | None) -> int | None:
    """What is left after one more paid cycle; None stays for ever, 0 means used up."""
    return None if left is None else max(left - 1, 0)
