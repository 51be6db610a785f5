"""Owns which payday a case waits for: the customer's own where it was learnt, else the tenant's."""

from datetime import datetime

from duro.billing.case import Context
from duro.billing.failures import Category
from duro.billing.pattern import PatternKind, PaydayPattern, is_expected, next_expected
from duro.billing.payday import is_payday, next_payday


def learnt(context: Context) -> PaydayPattern | None:
    """The customer's own payday, where it is known and the tenant wants it used."""
    pattern = context.payday
    if pattern is None or not context.settings.learn_payday:
        return None
    return None if pattern.kind is PatternKind.UNKNOWN else pattern


def awaited(context: Context, *, after: datetime) -> datetime:
    """The first payday strictly after `after`."""
    pattern = learnt(context)
    if pattern is not None:
        return next_expected(pattern, after, context.zone, context.holidays)
    anchor_day = context.settings.payday_anchor_day
    return next_payday(after=after, zone=context.zone, anchor_day=anchor_day)


def is_today(context: Context) -> bool:
    """Whether the customer has been paid so lately that there should be money."""
    pattern = learnt(context)
    if pattern is not None:
        return is_expected(pattern, context.now, context.zone, context.holidays)
    anchor_day = context.settings.payday_anchor_day
    return is_payday(at=context.now, zone=context.zone, anchor_day=anchor_day)


def is_short(context: Context) -> bool:
    """Whether money was missing in this case and no payday has come since."""
    short_at = context.funds_short_at
    if context.category is Category.INSUFFICIENT_FUNDS:
        short_at = context.now
    if short_at is None or is_today(context):
        return False
    return awaited(context, after=short_at) > context.now
