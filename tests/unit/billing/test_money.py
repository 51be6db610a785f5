"""Owns the laws of amounts: rounding, invoice totals and their text."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duro.billing.money import (
    MAX_AMOUNT_MINOR,
    MAX_MINOR,
    InvoiceTotal,
    format_minor,
    invoice_total,
    round_half_up,
)

amounts = st.integers(0, MAX_MINOR)


@pytest.mark.parametrize(
    ("numerator", "denominator", "expected"),
    [(1, 2, 1), (3, 2, 2), (1, 3, 0), (2, 3, 1), (-1, 2, 0), (-3, 2, -1), (-2, 3, -1), (6, 3, 2)],
)
def test_halves_go_up(numerator: int, denominator: int, expected: int) -> None:
    assert round_half_up(numerator, denominator) == expected


@given(numerator=st.integers(-(10**30), 10**30), denominator=st.integers(1, 10**18))
def test_rounding_is_off_by_at_most_a_half(numerator: int, denominator: int) -> None:
    error = round_half_up(numerator, denominator) - Fraction(numerator, denominator)

    assert Fraction(-1, 2) < error <= Fraction(1, 2)


@pytest.mark.parametrize("denominator", [0, -1])
def test_a_denominator_that_is_not_positive_is_refused(denominator: int) -> None:
    with pytest.raises(ValueError, match="positive"):
        round_half_up(1, denominator)


@pytest.mark.parametrize(
    ("price", "discount", "balance", "expected"),
    [
        (500_000, 0, 0, InvoiceTotal(500_000, 0, 0)),
        (500_000, 50_000, 100_000, InvoiceTotal(350_000, 50_000, 100_000)),
        (500_000, 0, 900_000, InvoiceTotal(0, 0, 500_000)),
        (500_000, 400_000, 900_000, InvoiceTotal(0, 400_000, 100_000)),
        (500_000, 600_000, 100, InvoiceTotal(0, 500_000, 0)),
    ],
)
def test_discount_comes_before_balance_and_the_rest_of_the_balance_stays(
    price: int, discount: int, balance: int, expected: InvoiceTotal
) -> None:
    total = invoice_total(price_minor=price, discount_minor=discount, balance_minor=balance)

    assert total == expected


@given(price=amounts, discount=amounts, balance=amounts)
def test_the_parts_of_an_invoice_sum_to_the_price(price: int, discount: int, balance: int) -> None:
    total = invoice_total(price_minor=price, discount_minor=discount, balance_minor=balance)

    assert total.amount_minor + total.discount_minor + total.balance_used_minor == price
    assert total.amount_minor >= 0
    assert 0 <= total.discount_minor <= discount
    assert 0 <= total.balance_used_minor <= balance


@pytest.mark.parametrize("bad", [-1, MAX_MINOR + 1])
def test_amounts_out_of_range_are_refused(bad: int) -> None:
    for price, discount, balance in ((bad, 0, 0), (0, bad, 0), (0, 0, bad)):
        with pytest.raises(ValueError, match="MAX_MINOR"):
            invoice_total(price_minor=price, discount_minor=discount, balance_minor=balance)


def test_many_of_the_largest_amounts_still_sum_within_the_column() -> None:
    assert 90_000 * MAX_AMOUNT_MINOR <= MAX_MINOR


@pytest.mark.parametrize(
    ("amount", "currency", "expected"),
    [
        (500_000, "NGN", "₦5,000.00"),
        (5, "NGN", "₦0.05"),
        (0, "NGN", "₦0.00"),
        (-123_456_789, "NGN", "-₦1,234,567.89"),
        (100, "GHS", "GH₵1.00"),
        (100, "KES", "KSh1.00"),
        (100, "ZAR", "R1.00"),
        (100, "USD", "$1.00"),
        (5000, "XOF", "XOF 5,000"),
        (5000, "UGX", "UGX 5,000"),
        (5000, "RWF", "RWF 5,000"),
        (5000, "EUR", "EUR 50.00"),
    ],
)
def test_amounts_read_as_people_write_them(amount: int, currency: str, expected: str) -> None:
    assert format_minor(amount, currency) == expected


@pytest.mark.parametrize("currency", ["", "ngn", "NAIRA", "N1A", "ÄÖÜ"])
def test_what_is_no_currency_code_is_refused(currency: str) -> None:
    with pytest.raises(ValueError, match="ISO 4217"):
        format_minor(1, currency)
