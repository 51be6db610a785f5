"""The accounts of a tenant, and the postings that the movements of its money make."""

from dataclasses import dataclass
from enum import StrEnum


class Account(StrEnum):
    """`gateway_clearing` is money that came in by a gateway; the others say whose it is."""

    GATEWAY_CLEARING = "gateway_clearing"
    CUSTOMER_CREDIT = "customer_credit"
    WALLET = "wallet"
    MERCHANT_PAYABLE = "merchant_payable"
    SUSPENSE = "suspense"


class Cause(StrEnum):
    """What moved the money; the posting's `cause_id` is the id of that row."""

    CHARGE = "charge"
    EXCESS = "excess"
    REFUND = "refund"
    BALANCE = "balance"
    INCOMING = "incoming"
    SUSPENSE = "suspense"


@dataclass(frozen=True, slots=True)
class Posting:
    """An amount, in minor units, that is taken from one account (debit) and given to another (credit)."""

    debit: Account
    credit: Account
    amount_minor: int
    currency: str
    cause: str
    cause_id: str


@dataclass(frozen=True, slots=True)
class Balances:
    """Debits less credits of each account in one currency, in minor units; together they are 0."""

    currency: str
    gateway_clearing: int = 0
    customer_credit: int = 0
    wallet: int = 0
    merchant_payable: int = 0
    suspense: int = 0


def charged(attempt_id: str, amount_minor: int, currency: str) -> Posting:
    """A settled charge: the gateway has the money, and the merchant is owed it."""
    return Posting(
        Account.GATEWAY_CLEARING,
        Account.MERCHANT_PAYABLE,
        amount_minor,
        currency,
        Cause.CHARGE,
        attempt_id,
    )


def refunded(refund_id: str, amount_minor: int, currency: str) -> Posting:
    """Money of the merchant's that went back by the gateway."""
    return Posting(
        Account.MERCHANT_PAYABLE,
        Account.GATEWAY_CLEARING,
        amount_minor,
        currency,
        Cause.REFUND,
        refund_id,
    )


def credited(entry_id: str, amount_minor: int, currency: str, *, is_overpaid: bool) -> Posting:
    """A movement of a credit balance; negative uses it up. What was overpaid is money that came in, not a gift."""
    giver = Account.GATEWAY_CLEARING if is_overpaid else Account.MERCHANT_PAYABLE
    sides = (giver, Account.CUSTOMER_CREDIT)
    debit, credit = sides if amount_minor > 0 else sides[::-1]
    return Posting(debit, credit, abs(amount_minor), currency, Cause.BALANCE, entry_id)
