"""Owns the ways money can move, their order, and who starts each of them."""

from enum import StrEnum
from typing import Final


class Rail(StrEnum):
    CARD = "card"
    USSD = "ussd"
    TRANSFER = "transfer"
    VIRTUAL_ACCOUNT = "virtual_account"
    DIRECT_DEBIT = "direct_debit"
    WALLET = "wallet"


# The wallet is in neither set: it is tried before any rail and never part of the recovery chain.
ORDER: Final[tuple[Rail, ...]] = (
    Rail.CARD,
    Rail.USSD,
    Rail.TRANSFER,
    Rail.VIRTUAL_ACCOUNT,
    Rail.DIRECT_DEBIT,
)

# Charged without the customer.
PULL: Final = frozenset({Rail.CARD, Rail.DIRECT_DEBIT})

# The "charge" is a payment request; the customer sends the money.
PUSH: Final = frozenset({Rail.USSD, Rail.TRANSFER, Rail.VIRTUAL_ACCOUNT})
