"""Owns the table of what gateways and banks answer: one row for each code or text, open to more."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final, TypeAlias


class Category(StrEnum):
    INSUFFICIENT_FUNDS = "insufficient_funds"
    LIMIT = "limit"
    EXPIRED_CARD = "expired_card"
    CARD_NOT_SUPPORTED = "card_not_supported"
    DO_NOT_HONOR = "do_not_honor"
    HARD_DECLINE = "hard_decline"
    PROCESSOR_ERROR = "processor_error"
    NO_PAYMENT_METHOD = "no_payment_method"


class Kind(StrEnum):
    """The same number means different things on the card switch (ISO 8583) and on NIP."""

    ANY = "any"
    CARD = "card"
    BANK = "bank"
    WALLET = "wallet"


class Policy(StrEnum):
    """What may be tried after it, as far as the answer alone can tell."""

    NEVER = "never"
    AFTER_NEW_CARD = "after_new_card"
    ONCE = "once"
    PAYDAY = "payday"
    NEXT_DAY = "next_day"
    NEXT_RAIL = "next_rail"
    BACK_OFF = "back_off"
    LOOK_UP = "look_up"


@dataclass(frozen=True, slots=True)
class Row:
    """`category` is missing where the answer leaves the outcome open: that is not a decline.

    A code that ends in "…" stands for all that begin like it. `meaning` is the label of a number.
    """

    kind: Kind
    code: str
    meaning: str
    category: Category | None
    policy: Policy
    source: str

    @property
    def is_in_progress(self) -> bool:
        return self.category is None


_USUAL: Final = MappingProxyType(
    {
        Category.INSUFFICIENT_FUNDS: Policy.PAYDAY,
        Category.LIMIT: Policy.NEXT_DAY,
        Category.EXPIRED_CARD: Policy.AFTER_NEW_CARD,
        Category.CARD_NOT_SUPPORTED: Policy.AFTER_NEW_CARD,
        Category.DO_NOT_HONOR: Policy.ONCE,
        Category.HARD_DECLINE: Policy.NEVER,
        Category.PROCESSOR_ERROR: Policy.BACK_OFF,
        Category.NO_PAYMENT_METHOD: Policy.NEXT_RAIL,
    }
)

_FUNDS: Final = Category.INSUFFICIENT_FUNDS
_LIMIT: Final = Category.LIMIT
_EXPIRED: Final = Category.EXPIRED_CARD
_CARD: Final = Category.CARD_NOT_SUPPORTED
_REFUSED: Final = Category.DO_NOT_HONOR
_HARD: Final = Category.HARD_DECLINE
_ERROR: Final = Category.PROCESSOR_ERROR
_OPEN: Final = None

_Meant: TypeAlias = tuple[str, str, Category | None]
_Group: TypeAlias = tuple[Category | None, tuple[str, ...]]

_ISO: Final = "ISO 8583, Interswitch"
_NIP: Final = "NIBSS NIP"
_SCHEMES: Final = "card schemes' lists"
_PAYSTACK: Final = "Paystack"
_FLUTTERWAVE: Final = "Flutterwave"
_FLUTTERWAVE_4: Final = "Flutterwave v4"
_NOMBA: Final = "Nomba"
_DURO: Final = "Duro"

# In progress, duplicate, late and not found: what happened is unknown, so the answer is a look-up.
# An approval inside a failure contradicts itself, which is just as little a decline.
_BOTH_CODES: Final[tuple[_Meant, ...]] = (
    ("00", "Approved", _OPEN),
    ("09", "Request in progress", _OPEN),
    ("25", "Unable to locate record", _OPEN),
    ("26", "Duplicate record", _OPEN),
    ("68", "Response received too late", _OPEN),
    ("94", "Duplicate transmission", _OPEN),
    ("97", "Timeout waiting for response", _OPEN),
)

# 17 is the customer's own refusal, 55 wants a PIN that a stored card cannot give; 03, 13, 30 and 58
# are faults of the merchant's set-up, where another card would not help.
_CARD_CODES: Final[tuple[_Meant, ...]] = (
    ("01", "Refer to issuer", _REFUSED),
    ("03", "Invalid merchant", _ERROR),
    ("04", "Pick-up card", _HARD),
    ("05", "Do not honour", _REFUSED),
    ("06", "Error", _ERROR),
    ("07", "Pick-up, special", _HARD),
    ("08", "Honour with ID", _ERROR),
    ("12", "Invalid transaction", _HARD),
    ("13", "Invalid amount", _ERROR),
    ("14", "Invalid card number", _CARD),
    ("15", "No such issuer", _CARD),
    ("17", "Customer cancellation", _HARD),
    ("30", "Format error", _ERROR),
    ("34", "Suspected fraud", _HARD),
    ("36", "Restricted card", _HARD),
    ("41", "Lost card, pick-up", _HARD),
    ("43", "Stolen card, pick-up", _HARD),
    ("51", "Insufficient funds", _FUNDS),
    ("54", "Expired card", _EXPIRED),
    ("55", "Incorrect PIN", _CARD),
    ("57", "Not permitted to cardholder", _CARD),
    ("58", "Not permitted to terminal", _ERROR),
    ("59", "Suspected fraud", _HARD),
    ("61", "Exceeds withdrawal limit", _LIMIT),
    ("62", "Restricted card", _HARD),
    ("63", "Security violation", _HARD),
    ("65", "Exceeds withdrawal frequency", _LIMIT),
    ("91", "Issuer or switch inoperative", _ERROR),
    ("92", "Routing error", _ERROR),
    ("96", "System malfunction", _ERROR),
    # Its column is doubtful where it was published, so this is the mild reading.
    ("Z162", "Recurrent transaction rate limit exceeded", _LIMIT),
)

# Schemes forbid to retry these; of 78 and 93 the lists differ, so the card is asked for, not damned.
_SCHEME_CODES: Final[tuple[_Meant, ...]] = (
    ("46", "Closed account", _HARD),
    ("78", "Blocked, first used", _CARD),
    ("93", "Violation of law", _CARD),
    ("R0", "Stop payment order", _HARD),
    ("R1", "Revocation of authorization", _HARD),
    ("R3", "Revocation of all authorizations", _HARD),
)

# Transfers and mandates. 12, 14 and 15 are listed by processors without a published meaning, so
# they stay unknown here. 05 also answers a mandate that is not ready yet.
_BANK_CODES: Final[tuple[_Meant, ...]] = (
    ("01", "Invalid sender", _ERROR),
    ("05", "Do not honour", _REFUSED),
    ("06", "Dormant account", _HARD),
    ("07", "Invalid account", _HARD),
    ("08", "Account name mismatch", _ERROR),
    ("16", "Unknown bank code", _ERROR),
    ("17", "Invalid channel", _ERROR),
    ("30", "Format error", _ERROR),
    ("34", "Suspected fraud", _HARD),
    ("51", "No sufficient funds", _FUNDS),
    ("57", "Not permitted to sender", _CARD),
    ("58", "Not permitted on channel", _ERROR),
    ("61", "Transfer limit exceeded", _LIMIT),
    ("63", "Security violation", _HARD),
    ("65", "Exceeds withdrawal frequency", _LIMIT),
    ("69", "Amount block failed", _ERROR),
    ("70", "Amount unblock failed", _ERROR),
    ("71", "Empty mandate reference", _ERROR),
    ("91", "Beneficiary bank not available", _ERROR),
    ("92", "Routing error", _ERROR),
    ("96", "System malfunction", _ERROR),
    ("98", "Transaction exists", _OPEN),
    ("99", "Transaction failed", _ERROR),
)

_DURO_TEXTS: Final[tuple[_Group, ...]] = (
    *((category, (category.value,)) for category in Category),
    (_LIMIT, ("attempt_cap",)),
    (_HARD, ("token_blocked", "wallet_closed", "wallet_frozen")),
    (_FUNDS, ("insufficient_balance",)),
    (_ERROR, ("request_expired", "payment_request_expired", "underpaid")),
)

_SWITCH_TEXTS: Final[tuple[_Group, ...]] = (
    (_LIMIT, ("Exceeds withdrawal limit", "Exceeds withdrawal frequency")),
    (_LIMIT, ("Transfer limit exceeded", "Recurrent transaction rate limit exceeded")),
    (_CARD, ("Invalid card", "Not permitted to cardholder", "Not permitted to sender")),
    (_CARD, ("Token required", "Token not generated")),
    (_REFUSED, ("Do not honour", "Refer to issuer")),
    (_HARD, ("Stolen card", "Pickup card (stolen card)", "Pick-up card", "Restricted card")),
    (_HARD, ("Closed account", "Suspected fraud", "Security violation")),
    (_ERROR, ("Error", "System malfunction", "Routing error")),
    (_OPEN, ("Request in progress", "Request processing in progress", "Duplicate record")),
    (_OPEN, ("Unable to locate record", "Duplicate transmission", "Duplicate transaction")),
    (_OPEN, ("Response received too late", "Timeout waiting for response")),
)

_PAYSTACK_TEXTS: Final[tuple[_Group, ...]] = (
    (_OPEN, ("Approved", "Successful", "Payment successful", "madePayment")),
    (_OPEN, ("Transaction in progress", "Duplicate Transaction ID", "duplicate_reference")),
    (_FUNDS, ("Insufficient funds",)),
    (_EXPIRED, ("Expired card",)),
    (_REFUSED, ("Declined",)),
    (_HARD, ("Account Closed", "Customer is blacklisted")),
    (_CARD, ("Auth Data Error", "Auth Data Error (Verve)", "OTP-related error")),
    (_CARD, ("Incorrect DOB", "Incorrect PIN", "Invalid card number")),
    (_CARD, ("Authorization code does not exist or has been deactivated",)),
    (_CARD, ("This authorization is not reusable",)),
    (_CARD, ("Email does not match Authorization code",)),
    (_LIMIT, ("Charge attempt cannot be fulfilled until …",)),
    (_ERROR, ("Access Denied", "unknown error", "Currency not supported")),
    (_ERROR, ("invalid response from remote host", "invalid response from remote host (737)")),
    (_ERROR, ("Denied by Fraud System", "remote server cannot be reached")),
    (_ERROR, ("Error, please try again", "Partial Debit not enabled", "max amount …")),
)

_FLUTTERWAVE_TEXTS: Final[tuple[_Group, ...]] = (
    (_FUNDS, ("No Sufficient Funds", "Not sufficient funds")),
    (_HARD, ("Lost Card", "Lost Card, Pick-Up", "Pickup card (lost card)")),
    (_ERROR, ("Issuer or Switch Inoperative",)),
)

_FLUTTERWAVE_4_TEXTS: Final[tuple[_Group, ...]] = (
    (_OPEN, ("already_reversed", "approved", "no_reason_to_decline", "partial_approval")),
    (_OPEN, ("unable_to_locate_record_in_file", "unsolicited_reversal")),
    (_FUNDS, ("insufficient_funds",)),
    (_LIMIT, ("exceeds_approval_amount_limit", "exceeds_withdrawal_limit")),
    (_EXPIRED, ("expired_card",)),
    (_CARD, ("blocked_first_use", "cannot_verify_pin", "incorrect_pin", "invalid_cvv")),
    (_CARD, ("invalid_account_number", "invalid_restricted_service_code", "no_such_issuer")),
    (_CARD, ("negative_cvv_result", "no_checking_account", "no_savings_account")),
    (_CARD, ("pin_data_required", "pin_entry_tries_exceeded", "transaction_not_permitted_card")),
    (_REFUSED, ("do_not_honor", "refer_to_issuer", "refer_to_issuer_special_condition")),
    (_REFUSED, ("transaction_does_not_fulfill_aml_req",)),
    (_HARD, ("cannot_complete_violation_of_law", "lost_card_pick_up", "stolen_card_pick_up")),
    (_HARD, ("pick_up_card_fraud", "pick_up_card_no_fraud", "security_violation")),
    (_HARD, ("suspected_fraud",)),
    (_ERROR, ("error", "file_temporarily_not_available", "invalid_amount", "invalid_merchant")),
    (_ERROR, ("issuer_unavailable", "no_action_taken", "reenter_transaction", "system_error")),
    (_ERROR, ("transaction_not_permitted_terminal", "unable_to_route_transaction")),
)

_NOMBA_TEXTS: Final[tuple[_Group, ...]] = (
    (_OPEN, ("Success", "Approved or completed successfully")),
)

# What differs from the usual of its category.
_POLICIES: Final = MappingProxyType(
    {
        # The switch may have done it before it broke down.
        "96": Policy.LOOK_UP,
        "System malfunction": Policy.LOOK_UP,
        # Clears after 24 hours.
        "Denied by Fraud System": Policy.NEXT_DAY,
        # Nobody paid the request, or not all of it; the attempt itself has nothing to repeat.
        "request_expired": Policy.NEXT_RAIL,
        "payment_request_expired": Policy.NEXT_RAIL,
        "underpaid": Policy.NEXT_RAIL,
    }
)


def _row(kind: Kind, code: str, meaning: str, category: Category | None, source: str) -> Row:
    usual = Policy.LOOK_UP if category is None else _USUAL[category]
    return Row(kind, code, meaning, category, _POLICIES.get(code, usual), source)


def _codes(kind: Kind, source: str, meant: tuple[_Meant, ...]) -> Iterator[Row]:
    """Numbers, and then their labels: some gateways hand on the one, some the other."""
    for code, label, category in meant:
        yield _row(kind, code, label, category, source)
    for _, label, category in meant:
        yield _row(kind, label, "", category, source)


def _texts(source: str, groups: tuple[_Group, ...]) -> Iterator[Row]:
    for category, texts in groups:
        for text in texts:
            yield _row(Kind.ANY, text, "", category, source)


def _unique(rows: Iterator[Row]) -> tuple[Row, ...]:
    """One row for one spelling on one kind of rail; the first source is named."""
    return tuple({(row.kind, row.code): row for row in reversed([*rows])}.values())[::-1]


def _all() -> Iterator[Row]:
    yield from _codes(Kind.ANY, f"{_ISO}; {_NIP}", _BOTH_CODES)
    yield from _codes(Kind.CARD, _ISO, _CARD_CODES)
    yield from _codes(Kind.CARD, _SCHEMES, _SCHEME_CODES)
    yield from _codes(Kind.BANK, _NIP, _BANK_CODES)
    yield _row(Kind.CARD, "invalid_transaction", "", _HARD, _FLUTTERWAVE_4)
    yield from _texts(_DURO, _DURO_TEXTS)
    yield from _texts(_PAYSTACK, _PAYSTACK_TEXTS)
    yield from _texts(_FLUTTERWAVE, _FLUTTERWAVE_TEXTS)
    yield from _texts(_FLUTTERWAVE_4, _FLUTTERWAVE_4_TEXTS)
    yield from _texts(_NOMBA, _NOMBA_TEXTS)
    yield from _texts(_ISO, _SWITCH_TEXTS)


ROWS: Final = _unique(_all())
