"""How each test instrument behaves: pure decisions, no IO."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final, TypeAlias

from duro.modules.payments.testcards import Instrument

_OUTAGE: Final = timedelta(hours=48)
_PROCESSOR_ERRORS: Final = 2
# How long a bank takes over a mandate: NIBSS names a day, and debits that come too early are "do not honour".
MANDATE_WINDOW: Final = timedelta(hours=24)


class Status(StrEnum):
    """What the gateway's books hold; a dropped request never reached it."""

    DROPPED = "dropped"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class Reply(StrEnum):
    """When the one who asks hears of it."""

    AT_ONCE = "at_once"
    LATE = "late"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What becomes of a new reference; a failure has its response code."""

    status: Status
    code: str | None = None
    reply: Reply = Reply.AT_ONCE


@dataclass(frozen=True, slots=True)
class Use:
    """One use of a token: how often it was used before and since when, and what day it is there.

    A mandate is used first when it is set up.
    """

    uses_before: int
    first_used_at: datetime | None
    at: datetime
    is_payday: bool


APPROVED: Final = Outcome(Status.SUCCEEDED)
_Rule: TypeAlias = Callable[[Use], Outcome]


def _declined(code: str) -> Outcome:
    return Outcome(Status.FAILED, code)


def _always(outcome: Outcome) -> _Rule:
    return lambda _use: outcome


def _first(times: int, outcome: Outcome) -> _Rule:
    return lambda use: outcome if use.uses_before < times else APPROVED


def _on_payday(use: Use) -> Outcome:
    return APPROVED if use.is_payday else _declined("51")


def _ok_then_on_payday(use: Use) -> Outcome:
    return APPROVED if use.uses_before == 0 else _on_payday(use)


def _after_the_outage(use: Use) -> Outcome:
    is_over = use.first_used_at is not None and use.at >= use.first_used_at + _OUTAGE
    return APPROVED if is_over else _declined("91")


def _after_the_window(use: Use) -> Outcome:
    is_over = use.first_used_at is not None and use.at >= use.first_used_at + MANDATE_WINDOW
    return APPROVED if is_over else _declined("05")


# ISO 8583 response codes, as a card switch answers them.
_RULES: Final[Mapping[Instrument, _Rule]] = MappingProxyType(
    {
        Instrument.OK: _always(APPROVED),
        Instrument.INSUFFICIENT_FUNDS: _always(_declined("51")),
        Instrument.PAYDAY: _on_payday,
        Instrument.EXPIRED: _always(_declined("54")),
        Instrument.NOT_SUPPORTED: _always(_declined("57")),
        Instrument.DO_NOT_HONOR: _always(_declined("05")),
        Instrument.DO_NOT_HONOR_ONCE: _first(1, _declined("05")),
        Instrument.STOLEN: _always(_declined("43")),
        Instrument.PROCESSOR_ERROR_TWICE: _first(_PROCESSOR_ERRORS, _declined("96")),
        Instrument.ISSUER_DOWN_48H: _after_the_outage,
        Instrument.TIMEOUT_CHARGED: _always(Outcome(Status.SUCCEEDED, reply=Reply.NEVER)),
        Instrument.TIMEOUT_NOT_CHARGED: _always(Outcome(Status.DROPPED, reply=Reply.NEVER)),
        Instrument.SLOW: _always(Outcome(Status.SUCCEEDED, reply=Reply.LATE)),
        Instrument.OK_THEN_INSUFFICIENT_FUNDS: _ok_then_on_payday,
        Instrument.MANDATE: _after_the_window,
        Instrument.MANDATE_EARLY: _after_the_window,
        Instrument.MANDATE_INSUFFICIENT_FUNDS: _on_payday,
    }
)
# A token that this gateway never gave out: invalid card number.
_INVALID: Final = _declined("14")


def decide(instrument: Instrument | None, use: Use) -> Outcome:
    """What becomes of a new reference on this instrument; `None` is a token of nobody."""
    return _INVALID if instrument is None else _RULES[instrument](use)
