"""Owns the check of the words that decisions are explained with."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from duro.billing import wording
from duro.billing.failures import Category
from duro.billing.pattern import UNKNOWN, PatternKind, PaydayPattern
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


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        (PaydayPattern(kind=PatternKind.DAY_OF_MONTH, day=25), "around the 25th"),
        (PaydayPattern(kind=PatternKind.WEEKLY, weekday=0), "on Mondays"),
        (PaydayPattern(kind=PatternKind.LAST_WORKING_DAY), "on the last working day of the month"),
        (UNKNOWN, "on days that are not known yet"),
    ],
)
def test_paydays_read_after_is_usually_paid(pattern: PaydayPattern, expected: str) -> None:
    assert wording.usual_payday(pattern) == expected


def test_codes_of_our_own_say_more_than_their_category() -> None:
    category = Category.PROCESSOR_ERROR

    assert wording.cause(category, "underpaid") == "less than the full amount was paid"
    assert wording.cause(category, "91") == wording.cause(category)


def test_every_rail_and_category_has_words() -> None:
    assert len({wording.rail_name(rail) for rail in Rail}) == len(Rail)
    assert len({wording.cause(category) for category in Category}) == len(Category)
