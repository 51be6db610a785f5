"""Owns the exact monthly sum of a price, and the names of its movements."""

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duro.billing.cycle import Cadence, Interval
from duro.billing.money import MAX_AMOUNT_MINOR
from duro.billing.revenue import Moved, Movement, monthly_minor, moved

# A year of 365 days has twelve average months.
MONTHS = {
    Interval.HOUR: Fraction(12, 365 * 24),
    Interval.DAY: Fraction(12, 365),
    Interval.WEEK: Fraction(12 * 7, 365),
    Interval.MONTH: Fraction(1),
    Interval.QUARTER: Fraction(3),
    Interval.BIANNUAL: Fraction(6),
    Interval.YEAR: Fraction(12),
}
CADENCES = st.builds(Cadence, st.sampled_from(Interval), st.integers(1, 366))


@pytest.mark.parametrize(
    ("price", "cadence", "monthly"),
    [
        (500_000, Cadence(Interval.MONTH), 500_000),
        (500_000, Cadence(Interval.MONTH, 3), 166_667),
        (500_000, Cadence(Interval.QUARTER), 166_667),
        (600_000, Cadence(Interval.BIANNUAL), 100_000),
        (6_000_000, Cadence(Interval.YEAR), 500_000),
        (6, Cadence(Interval.YEAR), 1),
        (84, Cadence(Interval.WEEK), 365),
        (12, Cadence(Interval.DAY), 365),
        (1, Cadence(Interval.HOUR), 730),
        (1, Cadence(Interval.YEAR), 1),
    ],
)
def test_a_price_comes_to_so_much_in_a_month(price: int, cadence: Cadence, monthly: int) -> None:
    assert monthly_minor(price_minor=price, cadence=cadence) == monthly


@given(price=st.integers(1, MAX_AMOUNT_MINOR), cadence=CADENCES)
def test_the_monthly_sum_is_the_exact_one_rounded_half_up(price: int, cadence: Cadence) -> None:
    exact = price / (MONTHS[cadence.interval] * cadence.count)

    found = monthly_minor(price_minor=price, cadence=cadence)

    assert found == max((2 * exact + 1) // 2, 1)


@given(sums=st.lists(st.integers(0, 10), max_size=20))
def test_movements_add_up_to_what_is_earned_at_the_end(sums: list[int]) -> None:
    total, has_earned = 0, False
    for before, after in pairwise([0, *sums]):
        change = moved(before_minor=before, after_minor=after, has_earned=has_earned)
        if change is None:
            assert before == after
            continue
        is_loss = change.kind in {Movement.CHURN, Movement.CONTRACTION}
        total += -change.amount_minor if is_loss else change.amount_minor
        assert change.amount_minor > 0
        assert (change.kind is Movement.CHURN) is (after == 0)
        assert (change.kind is Movement.NEW) is (not has_earned)
        has_earned = True

    assert total == [0, *sums][-1]


def test_coming_back_from_nothing_is_a_reactivation() -> None:
    change = moved(before_minor=0, after_minor=5, has_earned=True)

    assert change == Moved(Movement.REACTIVATION, 5)
