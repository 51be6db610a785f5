"""The words of the pay page: every language says everything, with the same names in it."""

import string
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from duro.billing.failures import Category, customer_words
from duro.modules.charging.paying import PayState
from duro.runtime.paywords import LANGUAGES, words_in

LAGOS = ZoneInfo("Africa/Lagos")


def names_in(text: object) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(str(text)) if name}


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_language_has_every_text_with_the_same_names(code: str) -> None:
    english, other = words_in("en").texts, words_in(code).texts

    assert list(other) == list(english)
    assert {key: names_in(text) for key, text in other.items()} == {
        key: names_in(text) for key, text in english.items()
    }


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_state_has_a_title_and_every_cause_has_words(code: str) -> None:
    titles = {words_in(code).say(f"title_{state.value}", amount="₦1.00") for state in PayState}
    causes = {customer_words(category, code) for category in Category}

    assert "" not in titles | causes
    assert len(causes) == len(Category)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("en", "Wed 28 Jan 2026 at 00:30, Lagos time"),
        ("pcm", "Wed 28 Jan 2026, 00:30 for Lagos time"),
    ],
)
def test_a_moment_is_told_in_the_zone_of_the_business(code: str, expected: str) -> None:
    at = datetime(2026, 1, 27, 23, 30, tzinfo=UTC)

    assert words_in(code).moment(at, LAGOS) == expected
    assert words_in(code).date(at, LAGOS) == "28 Jan 2026"


def test_pidgin_is_not_english() -> None:
    same = {
        key
        for key, text in words_in("pcm").texts.items()
        if isinstance(text, str) and text == words_in("en").texts[key]
    }

    # Words that Pidgin shares with English.
    assert same <= {
        *("for_what", "invoice", "date", "title_due", "title_pending", "total", "card"),
        *("card_which", "card_keep", "transfer", "transfer_ask", "ussd", "ussd_ask"),
        *("virtual_account", "virtual_account_ask", "code", "dial", "bank", "account_number"),
        *("account_name", "amount", "reference"),
    }
