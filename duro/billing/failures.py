"""Owns what a declined charge means: from rail and code, in any spelling, to a category."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from duro.billing.rails import Rail
from duro.billing.taxonomy import ROWS, Category, Kind, Policy, Row

__all__ = [
    "Category",
    "Classified",
    "NotADeclineError",
    "Policy",
    "classify",
    "customer_words",
    "find_row",
    "is_hard",
    "is_in_progress",
    "requires_new_card",
]


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


_KIND_OF: Final = MappingProxyType(
    {
        Rail.CARD: Kind.CARD,
        Rail.USSD: Kind.BANK,
        Rail.TRANSFER: Kind.BANK,
        Rail.VIRTUAL_ACCOUNT: Kind.BANK,
        Rail.DIRECT_DEBIT: Kind.BANK,
        Rail.WALLET: Kind.WALLET,
    }
)

# Stands at the end of a row that means all codes which begin like it.
_AND_SO_ON: Final = "…"
# A shorter word is hardly a plural.
_SHORTEST_PLURAL: Final = 4

_ENGLISH: Final = MappingProxyType(
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

_PIDGIN: Final = MappingProxyType(
    {
        Category.INSUFFICIENT_FUNDS: "your bank talk say money no reach for the account",
        Category.LIMIT: "your bank talk say you don reach your limit for today",
        Category.EXPIRED_CARD: "your card don expire",
        Category.CARD_NOT_SUPPORTED: "this card or account no fit work for this payment",
        Category.DO_NOT_HONOR: "your bank no gree for the payment, and dem no talk why",
        Category.HARD_DECLINE: "your bank no gree make we charge this card or account again",
        Category.PROCESSOR_ERROR: "the bank or the payment network get small problem",
        Category.NO_PAYMENT_METHOD: "no card or account dey wey we fit charge",
    }
)

# ISO 639 codes; pcm is Nigerian Pidgin.
_CUSTOMER_WORDS: Final = MappingProxyType({"en": _ENGLISH, "pcm": _PIDGIN})


def _normalise(code: str) -> str:
    """One spelling for all: letters and digits only, lower case, singular, "honor" for "honour"."""
    plain = "".join(_singular(word) for word in _words(code)).replace("honour", "honor")
    if plain.isdecimal():
        return plain.lstrip("0").zfill(2)
    return _singular(plain)


def _words(code: str) -> Iterator[str]:
    """Cut at everything but letters and digits, and before a capital inside a word."""
    word = ""
    for char in code:
        if not char.isalnum() or (char.isupper() and word[-1:].islower()):
            yield word.casefold()
            word = ""
        if char.isalnum():
            word += char
    yield word.casefold()


def _singular(word: str) -> str:
    is_plural = word.endswith("s") and not word.endswith("ss") and len(word) >= _SHORTEST_PLURAL
    return word[:-1] if is_plural else word


def _squeezed(code: str) -> str:
    """For a gateway that writes a text without any gap, where no word can be told from the next."""
    return _singular("".join(char for char in code.casefold() if char.isalnum())).replace(
        "honour", "honor"
    )


def _spellings(code: str) -> tuple[str, str]:
    return _normalise(code), _squeezed(code)


def _table() -> Mapping[tuple[Kind, str], Row]:
    rows = [row for row in ROWS if not row.code.endswith(_AND_SO_ON)]
    return MappingProxyType(
        {(row.kind, spelling): row for row in rows for spelling in _spellings(row.code)}
    )


_TABLE: Final = _table()

_BEGINNINGS: Final = tuple(
    (spelling, row)
    for row in ROWS
    if row.code.endswith(_AND_SO_ON)
    for spelling in _spellings(row.code)
)


def find_row(*, rail: Rail, code: str) -> Row | None:
    """The row of the table that a code stands for on this rail, in whatever spelling."""
    spellings = _spellings(code)
    for kind in (_KIND_OF[rail], Kind.ANY):
        for spelling in spellings:
            row = _TABLE.get((kind, spelling))
            if row is not None:
                return row
    begins_like = (
        row
        for beginning, row in _BEGINNINGS
        if any(spelling.startswith(beginning) for spelling in spellings)
    )
    return next(begins_like, None)


def is_in_progress(*, rail: Rail, code: str) -> bool:
    """Whether the code leaves the outcome open: such an attempt is unknown, never declined."""
    row = find_row(rail=rail, code=code)
    return row is not None and row.is_in_progress


def classify(*, rail: Rail, code: str) -> Classified:
    """The category of a final decline; an unseen code behaves like a processor error, never harder.

    Raises `NotADeclineError` where `is_in_progress` holds: treating such a code as a decline would
    charge twice.
    """
    row = find_row(rail=rail, code=code)
    if row is None:
        return Classified(Category.PROCESSOR_ERROR, is_known=False)
    if row.category is None:
        raise NotADeclineError(rail, code)
    return Classified(row.category, is_known=True)


def says_no_money(*, rail: Rail, code: str) -> bool:
    """Whether the code is a final decline because there was not enough money."""
    if is_in_progress(rail=rail, code=code):
        return False
    return classify(rail=rail, code=code).category is Category.INSUFFICIENT_FUNDS


def requires_new_card(category: Category) -> bool:
    return category in {Category.EXPIRED_CARD, Category.CARD_NOT_SUPPORTED}


def is_hard(category: Category) -> bool:
    return category in {Category.HARD_DECLINE, Category.DO_NOT_HONOR}


def customer_words(category: Category, language: str = "en") -> str:
    """What happened, as part of a sentence to the customer; in English where a language is missing."""
    return _CUSTOMER_WORDS.get(language, _ENGLISH)[category]
