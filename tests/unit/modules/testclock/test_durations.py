"""How far an ISO 8601 duration moves a clock."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duro.modules.testclock.service import add_duration

JANUARY_31 = datetime(2027, 1, 31, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("P1D", "2027-02-01T00:00:00+00:00"),
        ("P1M", "2027-02-28T00:00:00+00:00"),
        ("P1Y1M", "2028-02-29T00:00:00+00:00"),
        ("P1W", "2027-02-07T00:00:00+00:00"),
        ("PT36H", "2027-02-01T12:00:00+00:00"),
        ("PT1M30S", "2027-01-31T00:01:30+00:00"),
        ("P0D", "2027-01-31T00:00:00+00:00"),
    ],
)
def test_durations_go_by_the_calendar(text: str, expected: str) -> None:
    assert add_duration(JANUARY_31, text) == datetime.fromisoformat(expected)


@pytest.mark.parametrize(
    "text", ["", "P", "PT", "P1DT", "1D", "-P1D", "P1.5D", "p1d", "P1D ", "P\u0661D"]
)
def test_what_is_no_duration_moves_nothing(text: str) -> None:
    assert add_duration(JANUARY_31, text) is None


@given(days=st.integers(0, 99_999), seconds=st.integers(0, 9_999_999))
def test_days_and_seconds_are_exact(days: int, seconds: int) -> None:
    moved = add_duration(JANUARY_31, f"P{days}DT{seconds}S")

    assert moved == JANUARY_31 + timedelta(days=days, seconds=seconds)


@given(text=st.from_regex(r"P(\d{1,4}Y)?(\d{1,4}M)?(\d{1,4}W)?(\d{1,5}D)?", fullmatch=True))
def test_no_duration_goes_back_or_breaks_the_calendar(text: str) -> None:
    moved = add_duration(JANUARY_31, text)

    assert moved is None or moved >= JANUARY_31
