"""Owns the chain of rails: which of them can be used, which comes next, and how soon."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from duro.billing import wages
from duro.billing.case import Context
from duro.billing.failures import Category
from duro.billing.quiet import quiet_until
from duro.billing.rails import PULL, PUSH, Rail

# Two charges of one token on one day annoy the customer and count against scheme limits.
MIN_PULL_GAP: Final = timedelta(hours=20)


class Hold(StrEnum):
    """What keeps a rail from being used at once."""

    CAP = "cap"
    MANDATE = "mandate"
    FUNDS = "funds"
    QUIET = "quiet"


def first_of(context: Context, rails: tuple[Rail, ...]) -> Rail | None:
    """The first of them that can be charged, or its customer asked."""
    usable = (
        rail for rail in rails if is_chargeable(context, rail) and not is_premature(context, rail)
    )
    return next(usable, None)


def pull_rail(context: Context) -> Rail | None:
    """The present rail if it can be charged again without the customer, else the best that can."""
    rails = list(context.settings.rails)
    if context.rail is not None:
        rails.insert(0, context.rail)
    for rail in rails:
        if rail in PULL and is_chargeable(context, rail):
            return rail
    return None


def is_chargeable(context: Context, rail: Rail) -> bool:
    is_dead = context.category is Category.HARD_DECLINE and rail is context.rail
    return rail in context.usable_rails and rail not in context.spent_rails and not is_dead


def is_premature(context: Context, rail: Rail) -> bool:
    """Whether the bank may not know the mandate yet."""
    ready_at = context.mandate_ready_at
    return rail is Rail.DIRECT_DEBIT and ready_at is not None and context.now < ready_at


def holds(context: Context, rail: Rail) -> dict[Hold, datetime]:
    """What keeps a rail waiting, and until when.

    The central bank lets a bank charge its customer for a failed debit, so a mandate is never a
    probe: after want of money it waits for payday.
    """
    found: dict[Hold, datetime] = {}
    if rail in context.capped_until:
        found[Hold.CAP] = context.capped_until[rail]
    if rail is Rail.DIRECT_DEBIT and context.mandate_ready_at is not None:
        found[Hold.MANDATE] = context.mandate_ready_at
    if rail is Rail.DIRECT_DEBIT and wages.is_short(context):
        found[Hold.FUNDS] = wages.awaited(context, after=context.now)
    return {hold: at for hold, at in found.items() if at > context.now}


def available_at(context: Context, rail: Rail, due: datetime) -> datetime:
    """The first instant from `due` on at which the rail may be charged, or its customer asked.

    The gap between two pulls of one token is not in it.
    """
    at = max([due, context.now, *holds(context, rail).values()])
    return quiet_until(at, context.zone) if rail in PUSH else at


def binding(context: Context, rail: Rail, at: datetime) -> Hold | None:
    """The hold that made it `at`, if one did."""
    for hold, until in holds(context, rail).items():
        if until == at:
            return hold
    is_moved = rail in PUSH and at > max([context.now, *holds(context, rail).values()])
    return Hold.QUIET if is_moved else None


def earliest_pull(context: Context) -> datetime:
    """When any token may be charged again; a pull without a record counts as made just now."""
    if context.last_pull_at is not None:
        return context.last_pull_at + MIN_PULL_GAP
    has_pulled = context.rail in PULL or context.pulled_rails
    return context.now + MIN_PULL_GAP if has_pulled else context.now
