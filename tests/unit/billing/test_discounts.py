"""Owns the laws of what a promo code takes off a price."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duro.billing.discounts import DiscountType, Duration, after_cycle, cycles, discount_minor
from duro.billing.money import MAX_MINOR, invoice_total

prices = st.integers(0, MAX_MINOR)
percents = st.integers(1, 100)
values = st.integers(1, MAX_MINOR)
offers = st.tuples(st.just(DiscountType.PERCENTAGE), percents) | st.tuples(
    st.just(DiscountType.FIXED), values
)


@pytest.mark.parametrize(
    ("price", "kind", "value", "expected"),
    [
        (500_000, DiscountType.PERCENTAGE, 20, 100_000),
        (500_000, DiscountType.PERCENTAGE, 100, 500_000),
        (500_000, DiscountType.FIXED, 150_000, 150_000),
        (500_000, DiscountType.FIXED, 500_001, 500_000),
        # 15 % of 10 is 1.5 and of 90 is 13.5: half up.
        (10, DiscountType.PERCENTAGE, 15, 2),
        (90, DiscountType.PERCENTAGE, 15, 14),
        # 33 % of 1 is 0.33: nothing is left of it.
        (1, DiscountType.PERCENTAGE, 33, 0),
        (1, DiscountType.PERCENTAGE, 50, 1),
        (0, DiscountType.PERCENTAGE, 50, 0),
        (0, DiscountType.FIXED, 1, 0),
    ],
)
def test_examples(price: int, kind: DiscountType, value: int, expected: int) -> None:
    assert discount_minor(price_minor=price, kind=kind, value=value) == expected


@given(price=prices, offer=offers)
def test_a_discount_is_never_above_the_price_nor_below_nothing(
    price: int, offer: tuple[DiscountType, int]
) -> None:
    kind, value = offer

    assert 0 <= discount_minor(price_minor=price, kind=kind, value=value) <= price


@given(price=prices, percent=percents)
def test_a_percentage_is_off_by_at_most_half_a_unit_and_halves_favour_the_customer(
    price: int, percent: int
) -> None:
    exact = Fraction(price * percent, 100)

    taken = discount_minor(price_minor=price, kind=DiscountType.PERCENTAGE, value=percent)

    assert -Fraction(1, 2) < taken - exact <= Fraction(1, 2)


@given(price=prices, dearer=prices, offer=offers)
def test_a_dearer_plan_never_gets_less_off(
    price: int, dearer: int, offer: tuple[DiscountType, int]
) -> None:
    low, high = sorted((price, dearer))
    kind, value = offer

    assert discount_minor(price_minor=low, kind=kind, value=value) <= discount_minor(
        price_minor=high, kind=kind, value=value
    )


@given(price=prices, offer=offers, balance=prices)
def test_discount_credit_and_charge_sum_to_the_price(
    price: int, offer: tuple[DiscountType, int], balance: int
) -> None:
    kind, value = offer
    discount = discount_minor(price_minor=price, kind=kind, value=value)

    total = invoice_total(price_minor=price, discount_minor=discount, balance_minor=balance)

    assert total.amount_minor + total.discount_minor + total.balance_used_minor == price
    assert total.discount_minor == discount


@pytest.mark.parametrize(
    ("price", "kind", "value"),
    [
        (-1, DiscountType.FIXED, 1),
        (MAX_MINOR + 1, DiscountType.FIXED, 1),
        (1, DiscountType.FIXED, 0),
        (1, DiscountType.PERCENTAGE, 0),
        (1, DiscountType.PERCENTAGE, 101),
        (1, DiscountType.PERCENTAGE, -1),
    ],
)
def test_what_makes_no_sense_is_refused(price: int, kind: DiscountType, value: int) -> None:
    with pytest.raises(ValueError, match=r"MAX_MINOR|100"):
        discount_minor(price_minor=price, kind=kind, value=value)


@pytest.mark.parametrize(
    ("duration", "repeating", "expected"),
    [
        (Duration.ONCE, None, 1),
        (Duration.FOREVER, None, None),
        (Duration.REPEATING, 1, 1),
        (Duration.REPEATING, 12, 12),
    ],
)
def test_a_duration_is_so_many_paid_cycles(
    duration: Duration, repeating: int | None, expected: int | None
) -> None:
    assert cycles(duration, repeating=repeating) == expected


@pytest.mark.parametrize("repeating", [None, 0, -1])
def test_repeating_needs_its_number(repeating: int | None) -> None:
    with pytest.raises(ValueError, match="at least one"):
        cycles(Duration.REPEATING, repeating=repeating)


@given(count=st.integers(1, 50))
def test_so_many_paid_cycles_use_it_up_and_no_fewer(count: int) -> None:
    left: int | None = cycles(Duration.REPEATING, repeating=count)
    seen = []
    for _ in range(count + 1):
        seen.append(left)
        left = after_cycle(left)

    assert seen == [*range(count, -1, -1)]
    assert left == 0


def test_for_ever_is_never_used_up() -> None:
    assert after_cycle(None) is None
