"""Owns the table of failure codes, rail by rail, as published."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duro.billing.failures import (
    Category,
    Classified,
    NotADeclineError,
    classify,
    customer_words,
    is_hard,
    is_in_progress,
    requires_new_card,
)
from duro.billing.rails import ORDER, PULL, PUSH, Rail

BANK_RAILS = (Rail.DIRECT_DEBIT, Rail.TRANSFER, Rail.VIRTUAL_ACCOUNT, Rail.USSD)

CARD = {
    "insufficient_funds": "51",
    "limit": "61 65",
    "expired_card": "54",
    "card_not_supported": "14 15 55 57",
    "do_not_honor": "01 05",
    "hard_decline": "04 07 12 17 34 36 41 43 46 59 62 63 R0 R1 R3",
    "processor_error": "03 06 08 13 30 58 91 92 96",
}
BANK = {
    "insufficient_funds": "51",
    "limit": "61 65",
    "card_not_supported": "57",
    "do_not_honor": "05",
    "hard_decline": "06 07 34 63",
    "processor_error": "01 08 16 17 30 58 69 70 71 91 92 96 99",
}
MESSAGES = {
    "insufficient_funds": [
        *("insufficient_funds", "Insufficient funds", "Insufficient Funds", "insufficient-funds"),
        *("No Sufficient Funds", "Not sufficient funds", "INSUFFICIENT_BALANCE"),
    ],
    "limit": [
        *("exceeds_withdrawal_limit", "exceeds_approval_amount_limit", "Transfer limit exceeded"),
        "Charge attempt cannot be fulfilled until 45 minutes",
        "Recurrent transaction rate limit exceeded",
    ],
    "expired_card": ["expired_card", "Expired card"],
    "card_not_supported": [
        *("card_not_supported", "Invalid card number", "Incorrect PIN", "Incorrect DOB"),
        *("Auth Data Error", "OTP-related error", "no_such_issuer", "invalid_cvv"),
        "Authorization code does not exist or has been deactivated",
        "This authorization is not reusable",
        "Email does not match Authorization code",
    ],
    "do_not_honor": ["do_not_honor", "Do not honour", "Do Not Honor", "Declined"],
    "hard_decline": [
        *("stolen_card", "lost_card", "Lost Card", "Lost Card, Pick-Up"),
        *("Pickup card (lost card)", "closed account", "Account Closed", "suspected_fraud"),
        *("stolen_card_pick_up", "pick_up_card_fraud", "Customer is blacklisted"),
    ],
    "processor_error": [
        *("processor_error", "Issuer or Switch Inoperative", "Access Denied", "unknown error"),
        *("remote server cannot be reached", "Error, please try again", "system_error"),
        *("Denied by Fraud System", "Currency not supported", "payment_request_expired"),
        "invalid response from remote host",
    ],
    "no_payment_method": ["no_payment_method"],
}
OPEN_CODES = ["09", "25", "26", "68", "94", "97"]
OPEN_MESSAGES = [
    *("Transaction in progress", "Duplicate Transaction ID", "unable_to_locate_record_in_file"),
    *("00", "Approved", "Successful", "Payment successful", "madePayment", "Success"),
    *("Approved or completed successfully", "duplicate_reference"),
]


@pytest.mark.parametrize(
    ("code", "category"),
    [(code, category) for category, codes in CARD.items() for code in codes.split()],
)
def test_card_codes(code: str, category: str) -> None:
    assert classify(rail=Rail.CARD, code=code) == Classified(Category(category), is_known=True)


@pytest.mark.parametrize("rail", BANK_RAILS)
@pytest.mark.parametrize(
    ("code", "category"),
    [(code, category) for category, codes in BANK.items() for code in codes.split()],
)
def test_bank_codes(rail: Rail, code: str, category: str) -> None:
    assert classify(rail=rail, code=code) == Classified(Category(category), is_known=True)


@pytest.mark.parametrize("rail", Rail)
@pytest.mark.parametrize(
    ("message", "category"),
    [(message, category) for category, messages in MESSAGES.items() for message in messages],
)
def test_messages_mean_the_same_on_every_rail(rail: Rail, message: str, category: str) -> None:
    assert classify(rail=rail, code=message) == Classified(Category(category), is_known=True)


@pytest.mark.parametrize("category", Category)
def test_every_category_name_is_a_code_of_its_own(category: Category) -> None:
    assert classify(rail=Rail.CARD, code=category.value) == Classified(category, is_known=True)


def test_the_same_number_differs_by_rail() -> None:
    on_card = [classify(rail=Rail.CARD, code=code).category for code in ("06", "01", "17")]
    on_bank = [classify(rail=Rail.DIRECT_DEBIT, code=code).category for code in ("06", "01", "17")]

    assert on_card == ["processor_error", "do_not_honor", "hard_decline"]
    assert on_bank == ["hard_decline", "processor_error", "processor_error"]


@pytest.mark.parametrize("rail", Rail)
@pytest.mark.parametrize("code", OPEN_CODES + OPEN_MESSAGES)
def test_open_outcomes_are_never_declines(rail: Rail, code: str) -> None:
    assert is_in_progress(rail=rail, code=code)
    with pytest.raises(NotADeclineError, match="not a final decline") as refusal:
        classify(rail=rail, code=code)
    assert (refusal.value.rail, refusal.value.code) == (rail, code)


def test_98_is_open_on_bank_rails_only() -> None:
    assert is_in_progress(rail=Rail.TRANSFER, code="98")
    assert not is_in_progress(rail=Rail.CARD, code="98")


@pytest.mark.parametrize(
    "spelling", ["5", "05", "005", " 05 ", "Do-Not-Honor", "DO_NOT_HONOUR", "doNotHonor"]
)
def test_spellings_are_alike(spelling: str) -> None:
    expected = Classified(Category.DO_NOT_HONOR, is_known=True)

    assert classify(rail=Rail.CARD, code=spelling) == expected


@pytest.mark.parametrize("rail", Rail)
@pytest.mark.parametrize("code", ["", "  ", "zz", "88", "Z999", "\u0665\u0661"])
def test_unseen_codes_are_temporary_and_reported_as_unknown(rail: Rail, code: str) -> None:
    expected = Classified(Category.PROCESSOR_ERROR, is_known=False)

    assert classify(rail=rail, code=code) == expected


@pytest.mark.parametrize("code", ["12", "14", "15"])
def test_codes_without_a_published_meaning_stay_unknown_on_bank_rails(code: str) -> None:
    assert not classify(rail=Rail.DIRECT_DEBIT, code=code).is_known


@given(code=st.text(max_size=40), rail=st.sampled_from(Rail))
def test_any_text_is_either_open_or_classified(code: str, rail: Rail) -> None:
    if not is_in_progress(rail=rail, code=code):
        assert classify(rail=rail, code=code).category in Category


def test_who_can_fix_it() -> None:
    assert [c.value for c in Category if requires_new_card(c)] == [
        *("expired_card", "card_not_supported"),
    ]
    assert [c.value for c in Category if is_hard(c)] == ["do_not_honor", "hard_decline"]


def test_customers_read_words_not_codes() -> None:
    words = [customer_words(category) for category in Category]

    assert customer_words(Category.INSUFFICIENT_FUNDS) == "your bank said there is not enough money"
    assert len(set(words)) == len(Category)
    assert all(text[0].islower() and "_" not in text for text in words)


def test_the_chain_is_the_five_rails_and_each_is_pull_or_push() -> None:
    assert list(ORDER) == ["card", "ussd", "transfer", "virtual_account", "direct_debit"]
    assert set(ORDER) == PULL | PUSH
    assert not PULL & PUSH
