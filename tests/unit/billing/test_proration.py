"""Owns the laws of changing plan inside a period."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duro.billing.cycle import Period
from duro.billing.money import MAX_MINOR
from duro.billing.proration import Proration, prorate

JUNE = Period(datetime(2026, 6, 1, tzinfo=UTC), datetime(2026, 7, 1, tzinfo=UTC))
MIDDLE = datetime(2026, 6, 16, tzinfo=UTC)

prices = st.integers(0, MAX_MINOR)
instants = st.integers(-(10**6), 31 * 86_400 * 10**6).map(
    lambda microseconds: JUNE.starts_at + timedelta(microseconds=microseconds)
)


def signed(proration: Proration) -> int:
    return -proration.amount_minor if proration.kind == "credit" else proration.amount_minor


@pytest.mark.parametrize(
    ("old", "new", "now", "expected"),
    [
        (500_000, 1_000_000, MIDDLE, Proration(250_000, "charge")),
        (1_000_000, 500_000, MIDDLE, Proration(250_000, "credit")),
        (500_000, 500_000, MIDDLE, Proration(0, "none")),
        (500_000, 1_000_000, JUNE.starts_at, Proration(500_000, "charge")),
        (500_000, 1_000_000, JUNE.ends_at, Proration(0, "none")),
        (500_000, 1_000_000, JUNE.starts_at - timedelta(1), Proration(500_000, "charge")),
        (500_000, 1_000_000, JUNE.ends_at + timedelta(1), Proration(0, "none")),
        # Each line rounds by itself: half of 1 and half of 3 are 0.5 and 1.5, so 1 and 2.
        (1, 3, MIDDLE, Proration(1, "charge")),
        # The unused credit alone, for a change of interval.
        (500_000, 0, MIDDLE, Proration(250_000, "credit")),
    ],
)
def test_examples(old: int, new: int, now: datetime, expected: Proration) -> None:
    assert prorate(old_amount_minor=old, new_amount_minor=new, period=JUNE, now=now) == expected


@given(old=prices, new=prices, now=instants)
def test_the_way_back_costs_what_the_way_there_gave(old: int, new: int, now: datetime) -> None:
    there = prorate(old_amount_minor=old, new_amount_minor=new, period=JUNE, now=now)
    back = prorate(old_amount_minor=new, new_amount_minor=old, period=JUNE, now=now)

    assert signed(there) == -signed(back)


@given(old=prices, new=prices, now=instants)
def test_the_net_is_exact_to_one_minor_unit_and_bounded(old: int, new: int, now: datetime) -> None:
    at = min(max(now, JUNE.starts_at), JUNE.ends_at)
    left = Fraction((JUNE.ends_at - at) // timedelta(microseconds=1), 30 * 86_400 * 10**6)

    result = prorate(old_amount_minor=old, new_amount_minor=new, period=JUNE, now=now)

    assert abs(signed(result) - (new - old) * left) <= 1
    assert 0 <= result.amount_minor <= abs(new - old)
    assert (result.kind == "none") is (result.amount_minor == 0)


@given(price=prices, now=instants)
def test_used_and_unused_parts_sum_to_the_price(price: int, now: datetime) -> None:
    unused = prorate(old_amount_minor=price, new_amount_minor=0, period=JUNE, now=now)
    elapsed = JUNE.starts_at + (JUNE.ends_at - min(max(now, JUNE.starts_at), JUNE.ends_at))
    used = prorate(old_amount_minor=price, new_amount_minor=0, period=JUNE, now=elapsed)

    # Both halves round up at most once, so at most one minor unit appears.
    assert unused.amount_minor + used.amount_minor - price in {0, 1}


def test_an_empty_period_owes_nothing() -> None:
    empty = Period(MIDDLE, MIDDLE)

    result = prorate(old_amount_minor=1, new_amount_minor=2, period=empty, now=MIDDLE)

    assert result == Proration(0, "none")


@pytest.mark.parametrize("bad", [-1, MAX_MINOR + 1])
def test_amounts_out_of_range_are_refused(bad: int) -> None:
    for old, new in ((bad, 0), (0, bad)):
        with pytest.raises(ValueError, match="MAX_MINOR"):
            prorate(old_amount_minor=old, new_amount_minor=new, period=JUNE, now=MIDDLE)
