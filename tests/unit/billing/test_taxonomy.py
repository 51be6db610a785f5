"""Owns the check of the table of failures against what gateways publish, code by code."""

from pathlib import Path

import pytest

from duro.billing.codes_page import page
from duro.billing.failures import (
    Category,
    Policy,
    classify,
    customer_words,
    find_row,
    is_in_progress,
)
from duro.billing.rails import Rail
from duro.billing.taxonomy import ROWS, Kind

ROOT = Path(__file__).resolve().parents[3]
BANK_RAILS = (Rail.DIRECT_DEBIT, Rail.TRANSFER, Rail.VIRTUAL_ACCOUNT, Rail.USSD)

# What the published table of response codes says of a code, and which categories that allows.
CLASSES = {
    "soft-funds": {"insufficient_funds"},
    "soft-limit": {"limit"},
    "soft-issuer": {"do_not_honor"},
    "soft-network": {"processor_error"},
    "config": {"processor_error"},
    "auth-needed": {"card_not_supported"},
    "ask-customer": {"card_not_supported"},
    "until-new-card": {"expired_card"},
    "hard-card": {"hard_decline", "card_not_supported"},
    "never-retry": {"hard_decline"},
    "hard-account": {"hard_decline"},
    "stop": {"hard_decline"},
}
CARD_CODES = {
    "01": "soft-issuer",
    "03": "config",
    "04": "hard-card",
    "05": "soft-issuer",
    "06": "soft-network",
    "07": "hard-card",
    "08": "config",
    "12": "never-retry",  # called a fault of the merchant, yet on every list of codes never to retry
    "13": "config",
    "14": "hard-card",
    "15": "hard-card",
    "17": "stop",
    "30": "config",
    "34": "hard-card",
    "36": "hard-card",
    "41": "hard-card",
    "43": "hard-card",
    "46": "never-retry",
    "51": "soft-funds",
    "54": "until-new-card",
    "55": "auth-needed",
    "57": "ask-customer",
    "58": "config",
    "59": "hard-card",
    "61": "soft-limit",
    "62": "hard-card",
    "63": "hard-card",
    "65": "soft-limit",
    "78": "ask-customer",  # the lists differ, so nobody is called a thief for it
    "91": "soft-network",
    "92": "soft-network",
    "93": "ask-customer",
    "96": "soft-network",
    "R0": "never-retry",
    "R1": "never-retry",
    "R3": "never-retry",
    "Z162": "soft-limit",
}
BANK_CODES = {
    "01": "config",
    "05": "soft-issuer",
    "06": "hard-account",
    "07": "hard-account",
    "08": "config",
    "16": "config",
    "17": "config",
    "30": "config",
    "34": "hard-card",
    "51": "soft-funds",
    "57": "ask-customer",
    "58": "config",
    "61": "soft-limit",
    "63": "hard-card",
    "65": "soft-limit",
    "69": "soft-network",
    "70": "soft-network",
    "71": "config",
    "91": "soft-network",
    "92": "soft-network",
    "96": "soft-network",
    "99": "soft-network",
}
# Pending, not found, duplicate, late: ask again, never retry blindly.
OPEN_ON_EVERY_RAIL = ("00", "09", "25", "26", "68", "94", "97")

TEXTS = {
    # Paystack: gateway responses and support lists.
    "Insufficient funds": "soft-funds",
    "Insufficient Funds": "soft-funds",
    "Declined": "soft-issuer",
    "Access Denied": "soft-network",
    "Auth Data Error": "auth-needed",
    "Auth Data Error (Verve)": "auth-needed",
    "Account Closed": "hard-account",
    "OTP-related error": "auth-needed",
    "invalid response from remote host": "soft-network",
    "invalid response from remote host (737)": "soft-network",
    "Expired card": "until-new-card",
    "Incorrect DOB": "auth-needed",
    "Incorrect PIN": "auth-needed",
    "Invalid card number": "hard-card",
    "unknown error": "soft-network",
    "Customer is blacklisted": "hard-card",
    "Currency not supported": "config",
    "Denied by Fraud System": "soft-network",
    "remote server cannot be reached": "soft-network",
    "Error, please try again": "soft-network",
    # Paystack: the API.
    "Authorization code does not exist or has been deactivated": "ask-customer",
    "This authorization is not reusable": "ask-customer",
    "Email does not match Authorization code": "ask-customer",
    "Charge attempt cannot be fulfilled until 45 minutes": "soft-limit",
    "Charge attempt cannot be fulfilled until 1440 minutes": "soft-limit",
    "Partial Debit not enabled": "config",
    "max amount 10,000,000": "config",
    # Flutterwave.
    "No Sufficient Funds": "soft-funds",
    "Not sufficient funds": "soft-funds",
    "Lost Card": "hard-card",
    "Lost Card, Pick-Up": "hard-card",
    "Pickup card (lost card)": "hard-card",
    "Issuer or Switch Inoperative": "soft-network",
    # The switch.
    "token required": "auth-needed",
    "token not generated": "auth-needed",
    "Recurrent transaction rate limit exceeded": "soft-limit",
    "Transfer limit exceeded": "soft-limit",
    "System malfunction": "soft-network",
    # Ours.
    "request_expired": "soft-network",
    "underpaid": "soft-network",
    "token_blocked": "never-retry",
    "attempt_cap": "soft-limit",
}
OPEN_TEXTS = (
    *("Approved", "Successful", "Payment successful", "Transaction in progress", "madePayment"),
    *("Duplicate Transaction ID", "Success", "Approved or completed successfully"),
    *("Request in progress", "Request processing in progress", "Unable to locate record"),
    *("Duplicate record", "Response received too late", "Timeout waiting for response"),
    *("Duplicate transmission", "Duplicate transaction"),
)
# The values of `issuer` in Flutterwave's fourth API, all 45.
ISSUER = {
    "already_reversed": None,
    "approved": None,
    "blocked_first_use": "ask-customer",
    "cannot_complete_violation_of_law": "never-retry",
    "cannot_verify_pin": "auth-needed",
    "do_not_honor": "soft-issuer",
    "error": "soft-network",
    "exceeds_approval_amount_limit": "soft-limit",
    "exceeds_withdrawal_limit": "soft-limit",
    "expired_card": "until-new-card",
    "file_temporarily_not_available": "soft-network",
    "incorrect_pin": "auth-needed",
    "insufficient_funds": "soft-funds",
    "invalid_account_number": "ask-customer",
    "invalid_amount": "config",
    "invalid_cvv": "auth-needed",
    "invalid_merchant": "config",
    "invalid_restricted_service_code": "ask-customer",
    "invalid_transaction": "never-retry",
    "issuer_unavailable": "soft-network",
    "lost_card_pick_up": "hard-card",
    "negative_cvv_result": "auth-needed",
    "no_action_taken": "soft-network",
    "no_checking_account": "ask-customer",
    "no_reason_to_decline": None,
    "no_savings_account": "ask-customer",
    "no_such_issuer": "hard-card",
    "partial_approval": None,
    "pick_up_card_fraud": "hard-card",
    "pick_up_card_no_fraud": "hard-card",
    "pin_data_required": "auth-needed",
    "pin_entry_tries_exceeded": "auth-needed",
    "refer_to_issuer": "soft-issuer",
    "refer_to_issuer_special_condition": "soft-issuer",
    "reenter_transaction": "soft-network",
    "security_violation": "hard-card",
    "stolen_card_pick_up": "hard-card",
    "suspected_fraud": "hard-card",
    "system_error": "soft-network",
    "transaction_does_not_fulfill_aml_req": "soft-issuer",
    "transaction_not_permitted_card": "ask-customer",
    "transaction_not_permitted_terminal": "config",
    "unable_to_locate_record_in_file": None,
    "unable_to_route_transaction": "soft-network",
    "unsolicited_reversal": None,
}


@pytest.mark.parametrize(("code", "published"), CARD_CODES.items())
def test_every_card_code_means_what_is_published(code: str, published: str) -> None:
    classified = classify(rail=Rail.CARD, code=code)

    assert classified.is_known
    assert classified.category in CLASSES[published]


@pytest.mark.parametrize("rail", BANK_RAILS)
@pytest.mark.parametrize(("code", "published"), BANK_CODES.items())
def test_every_bank_code_means_what_is_published(rail: Rail, code: str, published: str) -> None:
    classified = classify(rail=rail, code=code)

    assert classified.is_known
    assert classified.category in CLASSES[published]


@pytest.mark.parametrize("rail", Rail)
@pytest.mark.parametrize(("text", "published"), TEXTS.items())
def test_every_message_seen_maps_on_every_rail(rail: Rail, text: str, published: str) -> None:
    classified = classify(rail=rail, code=text)

    assert classified.is_known
    assert classified.category in CLASSES[published]


@pytest.mark.parametrize("rail", Rail)
@pytest.mark.parametrize("code", [*OPEN_ON_EVERY_RAIL, *OPEN_TEXTS])
def test_what_leaves_the_outcome_open_is_no_decline_anywhere(rail: Rail, code: str) -> None:
    row = find_row(rail=rail, code=code)

    assert is_in_progress(rail=rail, code=code)
    assert row is not None
    assert row.policy is Policy.LOOK_UP


def test_there_are_45_issuer_values() -> None:
    assert len(ISSUER) == 45


@pytest.mark.parametrize(("value", "published"), ISSUER.items())
def test_every_issuer_value_maps_on_cards(value: str, published: str | None) -> None:
    if published is None:
        assert is_in_progress(rail=Rail.CARD, code=value)
    else:
        classified = classify(rail=Rail.CARD, code=value)
        assert classified.is_known
        assert classified.category in CLASSES[published]


@pytest.mark.parametrize(
    "spelling",
    [
        *("Insufficient funds", "INSUFFICIENT FUNDS", "insufficient-funds", "insufficient_funds"),
        *("insufficientFunds", "InsufficientFund", "Insufficient fund", " insufficient  funds. "),
        *("INSUFFICIENTFUNDS", "insufficientfund"),
    ],
)
def test_spellings_of_want_of_money_are_alike(spelling: str) -> None:
    assert classify(rail=Rail.CARD, code=spelling).category is Category.INSUFFICIENT_FUNDS


@pytest.mark.parametrize(
    "spelling",
    [
        "Do not honour",
        "Do Not Honor",
        "do-not-honours",
        "DONOTHONOUR",
        "doNotHonour",
        "Do not honors",
    ],
)
def test_spellings_of_honour_are_alike(spelling: str) -> None:
    assert classify(rail=Rail.DIRECT_DEBIT, code=spelling).category is Category.DO_NOT_HONOR


@pytest.mark.parametrize(
    ("code", "policy"),
    [
        ("05", "once"),
        ("43", "never"),
        ("51", "payday"),
        ("54", "after_new_card"),
        ("61", "next_day"),
        ("91", "back_off"),
        ("96", "look_up"),
        ("09", "look_up"),
        ("Denied by Fraud System", "next_day"),  # clears after 24 hours
        ("request_expired", "next_rail"),
        ("underpaid", "next_rail"),
        ("attempt_cap", "next_day"),
        ("token_blocked", "never"),
    ],
)
def test_each_answer_says_what_may_be_tried(code: str, policy: str) -> None:
    row = find_row(rail=Rail.CARD, code=code)

    assert row is not None
    assert row.policy == policy


def test_no_two_rows_contradict_each_other_in_any_spelling() -> None:
    for row in ROWS:
        rails = {Kind.CARD: Rail.CARD, Kind.BANK: Rail.TRANSFER, Kind.WALLET: Rail.WALLET}
        code = row.code.replace("…", "30")
        for spelling in (code, code.upper(), code.replace(" ", "-"), code.replace(" ", "")):
            found = find_row(rail=rails.get(row.kind, Rail.WALLET), code=spelling)
            assert found is not None
            assert found.category is row.category


def test_a_row_is_open_exactly_when_it_names_no_category() -> None:
    assert all(row.is_in_progress is (row.category is None) for row in ROWS)
    assert all(row.policy is Policy.LOOK_UP for row in ROWS if row.is_in_progress)
    assert all(row.source and row.code for row in ROWS)


def test_customers_read_their_language() -> None:
    english = [customer_words(category) for category in Category]
    pidgin = [customer_words(category, language="pcm") for category in Category]

    assert customer_words(Category.INSUFFICIENT_FUNDS, language="pcm") == (
        "your bank talk say money no reach for the account"
    )
    assert len(set(pidgin)) == len(Category)
    assert not set(english) & set(pidgin)
    assert [customer_words(category, language="fr") for category in Category] == english


def test_the_page_of_failure_codes_is_the_table() -> None:
    """Written anew by: python -c "from duro.billing.codes_page import page; print(page(), end='')"."""
    assert (ROOT / "docs/failure-codes.md").read_text() == page()
