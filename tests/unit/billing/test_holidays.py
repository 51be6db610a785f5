"""Owns the check of Nigeria's public holidays against published dates."""

from datetime import date

import pytest

from duro.billing.holidays import easter, holidays_between, public_holidays


@pytest.mark.parametrize(
    "sunday",
    [
        # The earliest and the latest that can be, and this decade's.
        *(date(1818, 3, 22), date(1943, 4, 25), date(2024, 3, 31), date(2025, 4, 20)),
        *(date(2026, 4, 5), date(2027, 3, 28), date(2028, 4, 16), date(2029, 4, 1)),
        *(date(2030, 4, 21), date(2049, 4, 18), date(1954, 4, 18)),
    ],
)
def test_easter_falls_as_published(sunday: date) -> None:
    assert easter(sunday.year) == sunday


def test_a_whole_year_of_declared_holidays() -> None:
    days = [day.strftime("%d %b") for day in sorted(public_holidays(2025))]

    assert days == [
        *("01 Jan", "31 Mar", "01 Apr", "18 Apr", "21 Apr", "01 May", "06 Jun", "09 Jun"),
        *("12 Jun", "05 Sep", "01 Oct", "25 Dec", "26 Dec"),
    ]


@pytest.mark.parametrize("year", range(2024, 2029))
def test_each_year_of_the_table_has_both_eids_and_mawlid_on_working_days(year: int) -> None:
    fixed = {(1, 1), (5, 1), (6, 12), (10, 1), (12, 25), (12, 26)}
    moving = {day for day in public_holidays(year) if (day.month, day.day) not in fixed}

    islamic = sorted(moving)
    assert len(islamic) >= 7
    assert all(day.weekday() < 5 for day in islamic)


def test_outside_the_table_only_what_can_be_computed_is_known() -> None:
    assert len(public_holidays(2031)) == 8


def test_holidays_between_two_days_are_in_order_with_both_ends() -> None:
    assert holidays_between(date(2025, 12, 25), date(2026, 1, 1)) == (
        *(date(2025, 12, 25), date(2025, 12, 26), date(2026, 1, 1)),
    )
    assert holidays_between(date(2026, 2, 1), date(2026, 2, 28)) == ()
