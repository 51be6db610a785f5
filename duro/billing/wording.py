"""Owns the plain words of recovery decisions: days, times, rails and causes."""

from datetime import datetime
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo

from duro.billing.failures import Category
from duro.billing.pattern import PatternKind, PaydayPattern
from duro.billing.rails import Rail

# Not strftime: its names follow the machine's locale, and a replayed decision must not.
_WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_DAYS: Final = ("Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays")
_MONTHS: Final = (
    *("Jan", "Feb", "Mar", "Apr", "May", "Jun"),
    *("Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
)
_TEENS: Final = range(11, 14)
_SUFFIXES: Final = MappingProxyType({1: "st", 2: "nd", 3: "rd"})

_RAILS: Final = MappingProxyType(
    {
        Rail.CARD: "card",
        Rail.USSD: "USSD",
        Rail.TRANSFER: "bank transfer",
        Rail.VIRTUAL_ACCOUNT: "virtual account",
        Rail.DIRECT_DEBIT: "direct debit",
        Rail.WALLET: "wallet",
    }
)

_CAUSES: Final = MappingProxyType(
    {
        Category.INSUFFICIENT_FUNDS: "insufficient funds",
        Category.LIMIT: "the bank's daily limit was reached",
        Category.EXPIRED_CARD: "the card has expired",
        Category.CARD_NOT_SUPPORTED: "the card or account cannot be used for this payment",
        Category.DO_NOT_HONOR: "the bank declined without giving a reason",
        Category.HARD_DECLINE: "the bank does not allow another charge",
        Category.PROCESSOR_ERROR: "the bank or the payment network had a temporary problem",
        Category.NO_PAYMENT_METHOD: "there is no saved card or account to charge",
    }
)

# Codes of our own say more than their category.
_OWN_CAUSES: Final = MappingProxyType(
    {
        "request_expired": "the request was not paid in time",
        "payment_request_expired": "the request was not paid in time",
        "underpaid": "less than the full amount was paid",
        "token_blocked": "this card or account must not be charged again",
        "attempt_cap": "the card or account was charged as often as is allowed",
    }
)


def local_time(at: datetime, zone: ZoneInfo) -> str:
    """Such as "Wed 28 Jan 2026 at 10:00", in `zone`."""
    local = at.astimezone(zone)
    day = f"{_WEEKDAYS[local.weekday()]} {local.day} {_MONTHS[local.month - 1]} {local.year}"
    return f"{day} at {local.hour:02d}:{local.minute:02d}"


def ordinal(number: int) -> str:
    """Such as "28th"; for days of the month."""
    suffix = "th" if number in _TEENS else _SUFFIXES.get(number % 10, "th")
    return f"{number}{suffix}"


def rail_name(rail: Rail) -> str:
    return _RAILS[rail]


def cause(category: Category, code: str = "") -> str:
    """What happened, for the middle of a sentence; a code of our own says it more exactly."""
    return _OWN_CAUSES.get(code, _CAUSES[category])


def usual_payday(pattern: PaydayPattern) -> str:
    """Such as "around the 25th" or "on Fridays", after "is usually paid"."""
    match pattern.kind:
        case PatternKind.DAY_OF_MONTH:
            return f"around the {ordinal(pattern.day or 0)}"
        case PatternKind.LAST_WORKING_DAY:
            return "on the last working day of the month"
        case PatternKind.WEEKLY:
            return f"on {_DAYS[pattern.weekday or 0]}"
        case PatternKind.UNKNOWN:
            return "on days that are not known yet"
