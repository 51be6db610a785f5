"""Owns the check of the words that decisions are explained with."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from duro.billing import wording
from duro.billing.failures import Category
from duro.billing.rails import Rail


def test_times_are_local_and_spelled_out() -> None:
    lagos = ZoneInfo("Africa/Lagos")

    assert wording.local_time(datetime(2026, 1, 28, 9, tzinfo=UTC), lagos) == (
        "Wed 28 Jan 2026 at 10:00"
    )
    assert wording.local_time(datetime(2026, 12, 31, 23, 5, tzinfo=UTC), lagos) == (
        "Fri 1 Jan 2027 at 00:05"
    )


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        *((1, "1st"), (2, "2nd"), (3, "3rd"), (4, "4th"), (11, "11th"), (12, "12th")),
        *((13, "13th"), (21, "21st"), (22, "22nd"), (23, "23rd"), (28, "28th"), (31, "31st")),
    ],
)
def test_ordinals(number: int, expected: str) -> None:
    assert wording.ordinal(number) == expected


def test_lists_read_as_english() -> None:
    assert wording.listing(["USSD"]) == "USSD"
    assert wording.listing(["USSD", "bank transfer"]) == "USSD and bank transfer"
    assert wording.listing(["a", "b", "c"]) == "a, b and c"


def test_every_rail_and_category_has_words() -> None:
    assert len({wording.rail_name(rail) for rail in Rail}) == len(Rail)
    assert len({wording.cause(category) for category in Category}) == len(Category)
