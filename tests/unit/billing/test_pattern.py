"""Owns the calendar of customers' paydays: shifts, the next one, and how long one lasts."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duro.billing.pattern import (
    UNKNOWN,
    PatternKind,
    PaydayPattern,
    Shift,
    is_expected,
    next_expected,
)

LAGOS = ZoneInfo("Africa/Lagos")
LAST = PaydayPattern(kind=PatternKind.LAST_WORKING_DAY)
FRIDAYS = PaydayPattern(kind=PatternKind.WEEKLY, weekday=4)
CHRISTMAS = (date(2026, 12, 25), date(2026, 12, 26))


def day(number: int, *, shift: Shift = Shift.BACK, hour: int = 9) -> PaydayPattern:
    return PaydayPattern(kind=PatternKind.DAY_OF_MONTH, day=number, shift=shift, hour=hour)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("pattern", "after", "expected"),
    [
        (day(28), "2026-01-10T08:00", "2026-01-28T08:00"),  # 09:00 in Lagos
        (day(28), "2026-01-28T07:59", "2026-01-28T08:00"),
        # 28 February 2026 is a Saturday: paid on the Friday before.
        (day(28), "2026-01-28T08:00", "2026-02-27T08:00"),
        (day(28, shift=Shift.FORWARD), "2026-01-28T08:00", "2026-03-02T08:00"),
        (day(28, hour=14), "2026-01-10T08:00", "2026-01-28T13:00"),
        (day(31), "2026-04-02T08:00", "2026-04-30T08:00"),
        # 1 March 2026 is a Sunday, so the March salary comes at the end of February.
        (day(1), "2026-02-10T08:00", "2026-02-27T08:00"),
        # Christmas Day 2026 is a Friday.
        (day(25), "2026-12-10T08:00", "2026-12-24T08:00"),
        (day(25, shift=Shift.FORWARD), "2026-12-10T08:00", "2026-12-28T08:00"),
        (LAST, "2026-01-10T08:00", "2026-01-30T08:00"),  # the 31st is a Saturday
        (LAST, "2026-12-10T08:00", "2026-12-31T08:00"),
        (LAST, "2026-12-31T08:00", "2027-01-29T08:00"),
        (FRIDAYS, "2026-01-10T08:00", "2026-01-16T08:00"),
        (FRIDAYS, "2026-12-20T08:00", "2026-12-24T08:00"),
        (PaydayPattern(kind=PatternKind.WEEKLY, weekday=5), "2026-01-05T08:00", "2026-01-10T08:00"),
    ],
)
def test_the_next_payday_keeps_the_calendar(
    pattern: PaydayPattern, after: str, expected: str
) -> None:
    assert next_expected(pattern, utc(after), LAGOS, CHRISTMAS) == utc(expected)


def test_an_unknown_payday_is_the_anchors() -> None:
    after = utc("2026-01-10T08:00")

    assert next_expected(UNKNOWN, after, LAGOS) == utc("2026-01-28T09:00")
    assert next_expected(UNKNOWN, after, LAGOS, anchor_day=25) == utc("2026-01-25T09:00")


@pytest.mark.parametrize(
    ("pattern", "at", "expected"),
    [
        (day(14), "2026-01-14T07:59", False),  # the money has not come yet
        (day(14), "2026-01-14T08:00", True),
        (day(14), "2026-01-16T22:59", True),
        (day(14), "2026-01-16T23:00", False),  # the fourth day in Lagos
        (LAST, "2026-02-01T12:00", True),
        (LAST, "2026-02-02T12:00", False),
        (FRIDAYS, "2026-01-17T12:00", True),
        (FRIDAYS, "2026-01-18T12:00", False),
        (UNKNOWN, "2026-01-28T12:00", False),
    ],
)
def test_money_lasts_three_days_of_a_month_and_two_of_a_week(
    pattern: PaydayPattern, at: str, *, expected: bool
) -> None:
    assert is_expected(pattern, utc(at), LAGOS) is expected


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": PatternKind.DAY_OF_MONTH},
        {"kind": PatternKind.DAY_OF_MONTH, "day": 32},
        {"kind": PatternKind.WEEKLY},
        {"kind": PatternKind.WEEKLY, "weekday": 7},
        {"kind": PatternKind.LAST_WORKING_DAY, "day": 3},
        {"kind": PatternKind.UNKNOWN, "hour": 24},
    ],
)
def test_a_payday_that_cannot_be_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="payday"):
        PaydayPattern(**wrong)  # type: ignore[arg-type]  # what a caller may get wrong


patterns = st.one_of(
    st.builds(day, st.integers(1, 31), shift=st.sampled_from(Shift), hour=st.integers(0, 23)),
    st.just(LAST),
    st.builds(
        PaydayPattern,
        kind=st.just(PatternKind.WEEKLY),
        weekday=st.integers(0, 6),
        shift=st.sampled_from(Shift),
    ),
)
instants = st.datetimes(
    min_value=datetime(2024, 1, 1),  # noqa: DTZ001  (hypothesis wants naive bounds)
    max_value=datetime(2033, 1, 1),  # noqa: DTZ001  (hypothesis wants naive bounds)
    timezones=st.just(UTC),
)
holiday_sets = st.frozensets(st.dates(date(2024, 1, 1), date(2033, 1, 1)), max_size=20)


@given(pattern=patterns, after=instants, holidays=holiday_sets)
def test_the_next_payday_is_later_within_six_weeks_and_is_one(
    pattern: PaydayPattern, after: datetime, holidays: frozenset[date]
) -> None:
    at = next_expected(pattern, after, LAGOS, holidays)

    assert timedelta() < at - after <= timedelta(days=42)
    assert is_expected(pattern, at, LAGOS, holidays)
    assert at.astimezone(LAGOS).date() not in holidays


@given(pattern=patterns)
def test_a_payday_survives_the_log(pattern: PaydayPattern) -> None:
    assert PaydayPattern.from_dict(pattern.to_dict()) == pattern
