"""Owns the check of what is learnt of a payday: from made histories, and where it must not be."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duro.billing.holidays import holidays_between
from duro.billing.learning import Learnt, learn, patterns_paid_on
from duro.billing.pattern import (
    UNKNOWN,
    PatternKind,
    PaydayPattern,
    Shift,
    paydays_between,
)

LAGOS = ZoneInfo("Africa/Lagos")
FIRST, LAST = date(2025, 11, 1), date(2026, 10, 31)
NOW = datetime(2026, 10, 31, 12, tzinfo=UTC)
HOLIDAYS = holidays_between(FIRST, LAST)
LAST_WORKING_DAY = PaydayPattern(kind=PatternKind.LAST_WORKING_DAY)
FRIDAYS = PaydayPattern(kind=PatternKind.WEEKLY, weekday=4)

Outcomes = list[tuple[datetime, bool]]


def day(number: int, *, shift: Shift = Shift.BACK) -> PaydayPattern:
    return PaydayPattern(kind=PatternKind.DAY_OF_MONTH, day=number, shift=shift)


def at(on: date, hour: int = 10) -> datetime:
    return datetime.combine(on, time(hour), tzinfo=LAGOS)


def tried_around(paydays: Sequence[date]) -> Outcomes:
    """Declined on the day before each payday, paid on the payday."""
    return [
        outcome
        for payday in paydays
        for outcome in ((at(payday - timedelta(days=1)), False), (at(payday), True))
    ]


def learnt(outcomes: Outcomes, *, now: datetime = NOW) -> Learnt:
    return learn(outcomes, zone=LAGOS, now=now, holidays=HOLIDAYS)


@pytest.mark.parametrize(
    ("pattern", "because"),
    [
        (day(25), "Money arrived around the 25th 12 times out of 12."),
        (day(28), "Money arrived around the 28th 12 times out of 12."),
        (day(7), "Money arrived around the 7th 12 times out of 12."),
        (
            day(15, shift=Shift.FORWARD),
            "Money arrived around the 15th 12 times out of 12.",
        ),
        (
            LAST_WORKING_DAY,
            "Money arrived on the last working day of the month 12 times out of 12.",
        ),
    ],
)
def test_a_year_of_salaries_is_learnt_with_their_shifts(
    pattern: PaydayPattern, because: str
) -> None:
    paydays = paydays_between(pattern, FIRST, LAST, HOLIDAYS)

    assert learnt(tried_around(paydays)) == Learnt(pattern, 1.0, because)


def test_a_weekly_payday_is_learnt() -> None:
    paydays = paydays_between(FRIDAYS, date(2026, 8, 1), LAST, HOLIDAYS)

    found = learnt(tried_around(paydays))

    assert found.pattern == FRIDAYS
    assert found.because == "Money arrived on Fridays 13 times out of 13."


def test_three_sharp_sightings_are_enough_and_two_are_not() -> None:
    paydays = paydays_between(day(25), date(2026, 8, 1), LAST, HOLIDAYS)

    assert learnt(tried_around(paydays)).pattern == day(25)
    assert learnt(tried_around(paydays[1:])) == Learnt(
        UNKNOWN, 0.0, "Money was seen to arrive 2 times; 3 are needed."
    )
    assert learnt(tried_around(paydays[2:])).because == (
        "Money was seen to arrive once; 3 are needed."
    )


def test_nothing_is_learnt_from_nothing_or_from_payments_alone() -> None:
    paid = [(at(on), True) for on in paydays_between(day(25), FIRST, LAST, HOLIDAYS)]

    for outcomes in ([], paid):
        assert learnt(outcomes).because == "Money was seen to arrive never; 3 are needed."


def test_wide_spans_name_no_day() -> None:
    """Declined on the 10th, paid on the 28th: the money may have come on any day in between."""
    outcomes = [
        outcome
        for month in range(1, 10)
        for outcome in (
            (at(date(2026, month, 10)), False),
            (at(date(2026, month, 28)), True),
        )
    ]

    assert learnt(outcomes) == Learnt(
        UNKNOWN, 0.0, "The 9 times that money arrived agree on no payday."
    )


def test_paydays_that_contradict_each_other_stay_unknown() -> None:
    days = [date(2026, 3, 3), date(2026, 4, 16), date(2026, 5, 22), date(2026, 7, 9)]

    assert learnt(tried_around(days)).pattern == UNKNOWN


def test_one_late_salary_does_not_unlearn() -> None:
    paydays = list(paydays_between(day(25), FIRST, LAST, HOLIDAYS))
    paydays[5] += timedelta(days=2)

    found = learnt(tried_around(paydays))

    assert found.pattern == day(25)
    assert found.confidence == 11 / 12
    assert found.because == "Money arrived around the 25th 11 times out of 12."


def test_a_new_employer_makes_it_unknown_again() -> None:
    old = paydays_between(day(25), FIRST, date(2026, 8, 31), HOLIDAYS)
    moved = [date(2026, 9, 4), date(2026, 10, 6)]

    found = learnt(tried_around([*old, *moved]))

    assert found.pattern == UNKNOWN
    assert found.because == "Money used to arrive around the 25th, but not the last two times."


def test_paydays_without_money_afterwards_count_against_it() -> None:
    paydays = paydays_between(day(25), FIRST, LAST, HOLIDAYS)
    good, bad = paydays[:8], paydays[8:]
    without = [(at(on + timedelta(days=1)), False) for on in bad]

    assert learnt(tried_around(good)).pattern == day(25)
    assert learnt(tried_around(good) + without).pattern == UNKNOWN


def test_what_is_old_or_yet_to_come_is_not_looked_at() -> None:
    paydays = paydays_between(day(25), FIRST, LAST, HOLIDAYS)
    outcomes = tried_around(paydays)

    assert learnt(outcomes, now=NOW + timedelta(days=400)).pattern == UNKNOWN
    assert learnt(outcomes, now=at(FIRST)).pattern == UNKNOWN


def test_the_order_in_which_outcomes_are_told_does_not_matter() -> None:
    outcomes = tried_around(paydays_between(day(25), FIRST, LAST, HOLIDAYS))

    assert learnt(outcomes[::-1]) == learnt(outcomes)


def test_money_that_comes_in_the_afternoon_is_waited_for_until_then() -> None:
    paydays = paydays_between(day(25), FIRST, LAST, HOLIDAYS)
    outcomes = [outcome for on in paydays for outcome in ((at(on, 13), False), (at(on, 18), True))]

    assert learnt(outcomes).pattern == PaydayPattern(kind=PatternKind.DAY_OF_MONTH, day=25, hour=14)


def test_a_decline_in_the_small_hours_does_not_rule_its_day_out() -> None:
    paydays = paydays_between(day(25), FIRST, LAST, HOLIDAYS)
    outcomes = [outcome for on in paydays for outcome in ((at(on, 2), False), (at(on, 18), True))]

    assert learnt(outcomes).pattern == day(25)


def test_random_arrivals_are_hardly_ever_taken_for_a_payday() -> None:
    step = 0
    taken = 0
    for seed in range(40):
        days = []
        on = FIRST
        for turn in range(12):
            step = (step * 1103515245 + 12345 + seed + turn) % 2**31
            on += timedelta(days=9 + step // 65536 % 35)
            days.append(on)
        taken += learnt(tried_around([on for on in days if on <= LAST])).pattern != UNKNOWN

    assert taken <= 2


patterns = st.one_of(
    st.builds(day, st.integers(1, 30), shift=st.sampled_from(Shift)),
    st.builds(PaydayPattern, kind=st.just(PatternKind.WEEKLY), weekday=st.integers(0, 6)),
    st.just(LAST_WORKING_DAY),
)


@given(pattern=patterns, on=st.dates(date(2024, 1, 1), date(2028, 12, 31)))
def test_a_day_pays_the_patterns_that_expect_it(pattern: PaydayPattern, on: date) -> None:
    holidays = holidays_between(date(2023, 12, 1), date(2029, 1, 31))

    is_expected = bool(paydays_between(pattern, on, on, holidays))

    assert (pattern in patterns_paid_on(on, holidays)) is is_expected


outcome_lists = st.lists(
    st.tuples(
        st.datetimes(
            min_value=datetime(2025, 10, 1),  # noqa: DTZ001  (hypothesis wants naive bounds)
            max_value=datetime(2026, 11, 30),  # noqa: DTZ001  (hypothesis wants naive bounds)
            timezones=st.just(UTC),
        ),
        st.booleans(),
    ),
    max_size=40,
)


@given(outcomes=outcome_lists)
def test_whatever_is_learnt_is_explained_and_sure_enough(outcomes: Outcomes) -> None:
    found = learnt(outcomes)

    assert found.because.startswith(("Money ", "The "))
    assert found.because.endswith(".")
    if found.pattern.kind is PatternKind.UNKNOWN:
        assert found.confidence == 0
    else:
        assert 0.75 <= found.confidence <= 1
