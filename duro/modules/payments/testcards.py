"""The cards and mandates that every test tenant may use by name: what is shown of them, and their tokens."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from duro.billing.rails import Rail

PREFIX: Final = "pm_test_"
_TOKEN_PREFIX: Final = "sim_"  # noqa: S105 - how a simulated token begins, not a secret
_DIGEST_LENGTH: Final = 20


class Instrument(StrEnum):
    """A test method's name without `pm_test_`; what each does is the simulated gateway's business."""

    OK = "ok"
    INSUFFICIENT_FUNDS = "insufficient_funds"
    PAYDAY = "payday"
    EXPIRED = "expired"
    NOT_SUPPORTED = "not_supported"
    DO_NOT_HONOR = "do_not_honor"
    DO_NOT_HONOR_ONCE = "do_not_honor_once"
    STOLEN = "stolen"
    PROCESSOR_ERROR_TWICE = "processor_error_twice"
    ISSUER_DOWN_48H = "issuer_down_48h"
    TIMEOUT_CHARGED = "timeout_charged"
    TIMEOUT_NOT_CHARGED = "timeout_not_charged"
    SLOW = "slow"
    OK_THEN_INSUFFICIENT_FUNDS = "ok_then_insufficient_funds"
    MANDATE = "mandate"
    MANDATE_EARLY = "mandate_early"
    MANDATE_INSUFFICIENT_FUNDS = "mandate_insufficient_funds"


@dataclass(frozen=True, slots=True)
class Face:
    """What may be shown of a card, or of the account behind a mandate, whose brand is its bank."""

    brand: str
    last4: str
    exp_month: int | None = None
    exp_year: int | None = None
    rail: Rail = Rail.CARD


def _account(last4: str) -> Face:
    return Face("Duro Test Bank", last4, rail=Rail.DIRECT_DEBIT)


_FACES: Final[Mapping[Instrument, Face]] = MappingProxyType(
    {
        Instrument.OK: Face("verve", "3210", 12, 2040),
        Instrument.INSUFFICIENT_FUNDS: Face("mastercard", "6506", 12, 2040),
        Instrument.PAYDAY: Face("verve", "2828", 12, 2040),
        Instrument.EXPIRED: Face("visa", "0054", 1, 2025),
        Instrument.NOT_SUPPORTED: Face("mastercard", "9020", 12, 2040),
        Instrument.DO_NOT_HONOR: Face("mastercard", "9965", 12, 2040),
        Instrument.DO_NOT_HONOR_ONCE: Face("mastercard", "0501", 12, 2040),
        Instrument.STOLEN: Face("visa", "0043", 12, 2040),
        Instrument.PROCESSOR_ERROR_TWICE: Face("verve", "9602", 12, 2040),
        Instrument.ISSUER_DOWN_48H: Face("verve", "9148", 12, 2040),
        Instrument.TIMEOUT_CHARGED: Face("visa", "6801", 12, 2040),
        Instrument.TIMEOUT_NOT_CHARGED: Face("visa", "6800", 12, 2040),
        Instrument.SLOW: Face("visa", "0012", 12, 2040),
        Instrument.OK_THEN_INSUFFICIENT_FUNDS: Face("verve", "0051", 12, 2040),
        Instrument.MANDATE: _account("7324"),
        Instrument.MANDATE_EARLY: _account("0524"),
        Instrument.MANDATE_INSUFFICIENT_FUNDS: _account("5124"),
    }
)
_BY_NAME: Final = {instrument.value: instrument for instrument in Instrument}


def find_instrument(method_id: str) -> Instrument | None:
    """The instrument that `pm_test_…` names."""
    return _parse(method_id.removeprefix(PREFIX)) if method_id.startswith(PREFIX) else None


def face_of(instrument: Instrument) -> Face:
    return _FACES[instrument]


def token_of(instrument: Instrument, customer_id: str) -> str:
    """The token of this customer's card: the same each time, so that the card is saved once."""
    return f"{_TOKEN_PREFIX}{instrument.value}_{_digest('token', instrument, customer_id)}"


def fingerprint_of(instrument: Instrument, customer_id: str) -> str:
    """Tells whether two saved methods are one card; no two customers share a test card."""
    return _digest("card", instrument, customer_id)


def instrument_of_token(token: str) -> Instrument | None:
    """The instrument behind a token that `token_of` made."""
    if not token.startswith(_TOKEN_PREFIX):
        return None
    return _parse(token.removeprefix(_TOKEN_PREFIX).rpartition("_")[0])


def _parse(name: str) -> Instrument | None:
    return _BY_NAME.get(name)


def _digest(purpose: str, instrument: Instrument, customer_id: str) -> str:
    text = f"{purpose} {instrument.value} {customer_id}"
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGEST_LENGTH]
