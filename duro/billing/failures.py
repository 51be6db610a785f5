"""Owns what a declined charge means: one table from rail and code to a category."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from duro.billing.rails import Rail


class Category(StrEnum):
    INSUFFICIENT_FUNDS = "insufficient_funds"
    LIMIT = "limit"
    EXPIRED_CARD = "expired_card"
    CARD_NOT_SUPPORTED = "card_not_supported"
    DO_NOT_HONOR = "do_not_honor"
    HARD_DECLINE = "hard_decline"
    PROCESSOR_ERROR = "processor_error"
    NO_PAYMENT_METHOD = "no_payment_method"


@dataclass(frozen=True, slots=True)
class Classified:
    """`is_known` is false for a code the table has never seen: log it, so the table can grow."""

    category: Category
    is_known: bool


class NotADeclineError(Exception):
    """The code does not say that the payment failed; ask the gateway, do not retry."""

    def __init__(self, rail: Rail, code: str) -> None:
        super().__init__(f"{code!r} on {rail.value} is not a final decline")
        self.rail = rail
        self.code = code


class _Kind(StrEnum):
    """The same number means different things on the card switch (ISO 8583) and on NIP."""

    CARD = "card"
    BANK = "bank"
    WALLET = "wallet"


_KIND_OF: Final = MappingProxyType(
    {
        Rail.CARD: _Kind.CARD,
        Rail.USSD: _Kind.BANK,
        Rail.TRANSFER: _Kind.BANK,
        Rail.VIRTUAL_ACCOUNT: _Kind.BANK,
        Rail.DIRECT_DEBIT: _Kind.BANK,
        Rail.WALLET: _Kind.WALLET,
    }
)

# ISO 8583 field 39. Besides the obvious ones: 12, 46, R0, R1 and R3 stand in every published list
# of codes that card schemes forbid to retry, 17 is the customer's own refusal, 55 wants a PIN that
# a stored card cannot give; 03, 13, 30 and 58 are faults of the merchant's set-up, where another
# card would not help.
_CARD_CODES: Final = MappingProxyType(
    {
        Category.INSUFFICIENT_FUNDS: ("51",),
        Category.LIMIT: ("61", "65"),
        Category.EXPIRED_CARD: ("54",),
        Category.CARD_NOT_SUPPORTED: ("14", "15", "55", "57"),
        Category.DO_NOT_HONOR: ("01", "05"),
        Category.HARD_DECLINE: (
            *("04", "07", "12", "17", "34", "36", "41", "43", "46", "59", "62", "63"),
            *("R0", "R1", "R3"),
        ),
        Category.PROCESSOR_ERROR: ("03", "06", "08", "13", "30", "58", "91", "92", "96"),
    }
)

# NIBSS NIP, for transfers and mandates. 12, 14 and 15 are listed by processors without a published
# meaning, so they stay unknown here. 05 also answers a mandate that is not ready yet: one more try.
_BANK_CODES: Final = MappingProxyType(
    {
        Category.INSUFFICIENT_FUNDS: ("51",),
        Category.LIMIT: ("61", "65"),
        Category.CARD_NOT_SUPPORTED: ("57",),
        Category.DO_NOT_HONOR: ("05",),
        Category.HARD_DECLINE: ("06", "07", "34", "63"),
        Category.PROCESSOR_ERROR: (
            *("01", "08", "16", "17", "30", "58", "69", "70", "71", "91", "92", "96", "99"),
        ),
    }
)

# Words of gateways, the same on every rail.
_WORDS: Final = MappingProxyType(
    {
        Category.INSUFFICIENT_FUNDS: (
            *("insufficient funds", "no sufficient funds", "not sufficient funds"),
            "insufficient balance",
        ),
        Category.LIMIT: (
            *("limit", "exceeds withdrawal limit", "exceeds withdrawal frequency"),
            *("exceeds approval amount limit", "transfer limit exceeded"),
            "recurrent transaction rate limit exceeded",
        ),
        Category.EXPIRED_CARD: ("expired card",),
        Category.CARD_NOT_SUPPORTED: (
            *("card not supported", "invalid card", "invalid card number", "no such issuer"),
            *("not permitted to cardholder", "transaction not permitted card"),
            *("incorrect pin", "invalid cvv", "negative cvv result", "otp related error"),
            *("pin data required", "incorrect dob", "auth data error"),
            "authorization code does not exist or has been deactivated",
            "this authorization is not reusable",
            "email does not match authorization code",
        ),
        Category.DO_NOT_HONOR: ("do not honor", "do not honour", "declined", "refer to issuer"),
        Category.HARD_DECLINE: (
            *("hard decline", "stolen card", "stolen card pick up", "lost card"),
            *("lost card pick up", "pickup card lost card", "pickup card stolen card"),
            *("pick up card", "pick up card fraud", "pick up card no fraud", "restricted card"),
            *("closed account", "account closed", "wallet closed", "wallet frozen"),
            *("suspected fraud", "security violation", "customer is blacklisted"),
        ),
        Category.PROCESSOR_ERROR: (
            *("processor error", "error", "system error", "unknown error", "system malfunction"),
            *("issuer or switch inoperative", "issuer unavailable", "routing error"),
            *("unable to route transaction", "error please try again", "access denied"),
            *("remote server cannot be reached", "invalid response from remote host"),
            *("denied by fraud system", "currency not supported", "payment request expired"),
        ),
        Category.NO_PAYMENT_METHOD: ("no payment method",),
    }
)

# In progress, duplicate, late and not found: what happened is unknown, so the answer is a look-up.
# An approval inside a failure contradicts itself, which is just as little a decline.
_UNDECIDED: Final = (
    *("00", "09", "25", "26", "68", "94", "97"),
    *("transaction in progress", "request in progress", "request processing in progress"),
    *("unable to locate record", "unable to locate record in file", "duplicate record"),
    *("duplicate reference", "duplicate transaction", "duplicate transaction id"),
    *("duplicate transmission", "response received too late", "timeout waiting for response"),
    *("approved", "successful", "success", "payment successful", "made payment"),
    "approved or completed successfully",
)
_UNDECIDED_BANK: Final = ("98",)

# Followed by a number of minutes: the bank caps how often a card is charged.
_WAIT_PREFIX: Final = "chargeattemptcannotbefulfilleduntil"

_CUSTOMER_WORDS: Final = MappingProxyType(
    {
        Category.INSUFFICIENT_FUNDS: "your bank said there is not enough money",
        Category.LIMIT: "your bank said today's limit is used up",
        Category.EXPIRED_CARD: "your card has expired",
        Category.CARD_NOT_SUPPORTED: "your card or account cannot be used for this payment",
        Category.DO_NOT_HONOR: "your bank declined the payment without giving a reason",
        Category.HARD_DECLINE: "your bank does not allow this card or account to be charged again",
        Category.PROCESSOR_ERROR: "the bank or the payment network had a temporary problem",
        Category.NO_PAYMENT_METHOD: "there is no saved card or account to charge",
    }
)


def _normalise(code: str) -> str:
    """One spelling for all: letters and digits only, lower case, two digits at least."""
    plain = "".join(char for char in code.casefold() if char.isalnum())
    if plain.isdecimal():
        return plain.lstrip("0").zfill(2)
    return plain


def _table() -> Mapping[tuple[_Kind, str], Category]:
    return MappingProxyType(
        {
            (kind, _normalise(code)): category
            for kind, groups in (
                *((kind, _WORDS) for kind in _Kind),
                (_Kind.CARD, _CARD_CODES),
                (_Kind.BANK, _BANK_CODES),
            )
            for category, codes in groups.items()
            for code in codes
        }
    )


_TABLE: Final = _table()

_UNDECIDED_KEYS: Final = frozenset(
    {(kind, _normalise(code)) for kind in _Kind for code in _UNDECIDED}
    | {(_Kind.BANK, code) for code in _UNDECIDED_BANK}
)


def is_in_progress(*, rail: Rail, code: str) -> bool:
    """Whether the code leaves the outcome open: such an attempt is unknown, never declined."""
    return (_KIND_OF[rail], _normalise(code)) in _UNDECIDED_KEYS


def classify(*, rail: Rail, code: str) -> Classified:
    """The category of a final decline; an unseen code behaves like a processor error.

    Raises `NotADeclineError` where `is_in_progress` holds: treating such a code as a decline would
    charge twice.
    """
    if is_in_progress(rail=rail, code=code):
        raise NotADeclineError(rail, code)
    plain = _normalise(code)
    category = _TABLE.get((_KIND_OF[rail], plain))
    if category is not None:
        return Classified(category, is_known=True)
    if plain.startswith(_WAIT_PREFIX):
        return Classified(Category.LIMIT, is_known=True)
    return Classified(Category.PROCESSOR_ERROR, is_known=False)


def requires_new_card(category: Category) -> bool:
    return category in {Category.EXPIRED_CARD, Category.CARD_NOT_SUPPORTED}


def is_hard(category: Category) -> bool:
    return category in {Category.HARD_DECLINE, Category.DO_NOT_HONOR}


def customer_words(category: Category) -> str:
    """What happened, as part of a sentence to the customer."""
    return _CUSTOMER_WORDS[category]
