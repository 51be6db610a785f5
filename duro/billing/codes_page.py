"""Owns the page of failure codes, written from the table so that the two cannot differ."""

from collections.abc import Iterator
from types import MappingProxyType
from typing import Final

from duro.billing.failures import customer_words
from duro.billing.taxonomy import ROWS, Category, Policy, Row

_OPENING: Final = """# Failure codes

What gateways and banks answer when a charge does not succeed, and what Duro makes of it.
This page is written from the table in `duro/billing/taxonomy.py`.
Codes and texts match in any spelling: case, hyphens, underscores, spaces, plural and "honour" or "honor" make \
no difference.
The same number means different things for cards and for bank transfers, so a row belongs to a kind of \
rail: `card`, `bank` (USSD, transfer, virtual account, direct debit), `wallet` or `any`.
A row of the rail's own kind goes before one for any.
A code that is not in the table counts as `processor_error`, is tried again a limited number of times, \
and is logged as `unseen_failure_code`.
It is never taken for a hard decline.
"""

_CATEGORIES: Final = """## Categories

| category | a customer reads, in English | in Nigerian Pidgin |
|---|---|---|
"""

_POLICIES: Final = """## What may be tried after it

| policy | what it means |
|---|---|
"""

_MEANINGS: Final = MappingProxyType(
    {
        Policy.NEVER: "The card or account is not charged again; another rail is tried.",
        Policy.AFTER_NEW_CARD: "The customer is asked for a new card or account, and that is charged.",
        Policy.ONCE: "One more try; then another rail.",
        Policy.PAYDAY: "Waits for the next payday.",
        Policy.NEXT_DAY: "Waits for the next day.",
        Policy.NEXT_RAIL: "Nothing to repeat: another rail is tried.",
        Policy.BACK_OFF: "Tried again after a while, ever less often.",
        Policy.LOOK_UP: "The gateway is asked what became of it before anything else is tried.",
    }
)

_ROWS: Final = """## The table

Where the outcome is open, the answer does not say that the payment failed: the attempt stays `unknown` \
and is looked up.

| kind | code or text | meaning | category | outcome open | policy | source |
|---|---|---|---|---|---|---|
"""


def page() -> str:
    """The whole page, as Markdown."""
    return "\n".join(
        (
            _OPENING,
            _CATEGORIES + "\n".join(_categories()) + "\n",
            _POLICIES + "\n".join(_policies()) + "\n",
            _ROWS + "\n".join(map(_line, ROWS)) + "\n",
        )
    )


def _categories() -> Iterator[str]:
    for category in Category:
        english, pidgin = customer_words(category), customer_words(category, "pcm")
        yield f"| `{category.value}` | {english} | {pidgin} |"


def _policies() -> Iterator[str]:
    for policy in Policy:
        yield f"| `{policy.value}` | {_MEANINGS[policy]} |"


def _line(row: Row) -> str:
    category = "" if row.category is None else f"`{row.category.value}`"
    is_open = "yes" if row.is_in_progress else "no"
    cells = (f"`{row.code}`", row.meaning, category, is_open, f"`{row.policy.value}`", row.source)
    return f"| {row.kind.value} |{''.join(f' {cell} |' if cell else ' |' for cell in cells)}"
