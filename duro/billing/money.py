"""Owns arithmetic on amounts: integers in minor units, one rounding rule, and their text."""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

# What a signed 64-bit column holds.
MAX_MINOR: Final = 2**63 - 1

# The largest amount a caller may name: one trillion naira in kobo. It is far above any real price,
# and low enough that sums over tens of thousands of them still fit MAX_MINOR.
MAX_AMOUNT_MINOR: Final = 10**14

_SYMBOLS: Final = MappingProxyType({"NGN": "₦", "GHS": "GH₵", "KES": "KSh", "ZAR": "R", "USD": "$"})
_EXPONENTS: Final = MappingProxyType({"XOF": 0, "UGX": 0, "RWF": 0})
_DEFAULT_EXPONENT: Final = 2
_CODE_LENGTH: Final = 3


@dataclass(frozen=True, slots=True)
class InvoiceTotal:
    """Minor units; the three parts sum to the price and what was carried to it."""

    amount_minor: int
    discount_minor: int
    balance_used_minor: int


def round_half_up(numerator: int, denominator: int) -> int:
    """`numerator / denominator` to the nearest integer; a half goes towards plus infinity."""
    if denominator <= 0:
        raise ValueError("the denominator must be positive")
    return (2 * numerator + denominator) // (2 * denominator)


def invoice_total(
    *, price_minor: int, discount_minor: int, balance_minor: int, carried_minor: int = 0
) -> InvoiceTotal:
    """What is left to charge after the discount and the credit balance, never below 0.

    A discount above the price is cut to it, and takes nothing off what was carried here from
    before; only as much balance is used as the rest needs.
    """
    for part in (price_minor, discount_minor, balance_minor, carried_minor):
        if not 0 <= part <= MAX_MINOR:
            raise ValueError("amounts are 0 to MAX_MINOR")
    discount = min(discount_minor, price_minor)
    due = price_minor - discount + carried_minor
    used = min(balance_minor, due)
    return InvoiceTotal(
        amount_minor=due - used,
        discount_minor=discount,
        balance_used_minor=used,
    )


def format_minor(amount_minor: int, currency: str) -> str:
    """The amount for a message, such as ₦5,000.00; unknown currencies get two decimals."""
    if len(currency) != _CODE_LENGTH or not (
        currency.isascii() and currency.isalpha() and currency.isupper()
    ):
        raise ValueError("the currency must be an ISO 4217 code")
    sign = "-" if amount_minor < 0 else ""
    prefix = _SYMBOLS.get(currency, currency + " ")
    exponent = _EXPONENTS.get(currency, _DEFAULT_EXPONENT)
    if exponent == 0:
        return f"{sign}{prefix}{abs(amount_minor):,}"
    whole, rest = divmod(abs(amount_minor), 100)
    return f"{sign}{prefix}{whole:,}.{rest:02d}"
