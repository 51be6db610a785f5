"""Holds the day on which somebody is told that their card expires against a calendar."""

from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duro.billing.expiry import first_look, is_good, next_look, notice_at

_LAGOS: Final = ZoneInfo("Africa/Lagos")
_SOME_ZONES: Final = sorted(
    available_timezones()
    & {"Africa/Lagos", "Pacific/Kiritimati", "Etc/GMT+12", "America/New_York", "Asia/Kolkata"}
)


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.parametrize(
    ("month", "year", "now", "look"),
    [
        (3, 2027, "2027-01-05T09:00Z", "2027-02-28T10:00Z"),
        (1, 2028, "2027-01-05T09:00Z", "2027-12-31T10:00Z"),
        # Given in its last month: not before the next day.
        (1, 2027, "2027-01-05T09:00Z", "2027-01-06T09:00Z"),
        (1, 2027, "2027-02-01T11:59Z", "2027-02-02T11:59Z"),
        # Over, wherever the tenant is.
        (1, 2027, "2027-02-01T12:00Z", None),
        (12, 2026, "2027-01-05T09:00Z", None),
        (1, 2025, "2027-01-05T09:00Z", None),
    ],
)
def test_a_card_is_looked_at_when_its_last_month_begins_somewhere(
    month: int, year: int, now: str, look: str | None
) -> None:
    assert first_look(year=year, month=month, now=_at(now)) == (look and _at(look))


@pytest.mark.parametrize(
    ("month", "year"), [(None, None), (3, None), (None, 2027), (13, 2027), (0, 2027), (1, 99999)]
)
def test_what_has_no_date_is_never_looked_at(month: int | None, year: int | None) -> None:
    assert first_look(year=year, month=month, now=_at("2027-01-05T09:00Z")) is None


@pytest.mark.parametrize(
    ("zone", "told"),
    [
        ("Africa/Lagos", "2027-03-01T08:00Z"),
        ("UTC", "2027-03-01T09:00Z"),
        ("America/New_York", "2027-03-01T14:00Z"),
        ("Pacific/Kiritimati", "2027-02-28T19:00Z"),
    ],
)
def test_the_notice_is_at_nine_on_the_first_of_the_month_where_the_merchant_is(
    zone: str, told: str
) -> None:
    assert notice_at(year=2027, month=3, zone=ZoneInfo(zone)) == _at(told)


@pytest.mark.parametrize(
    ("at", "good"),
    [
        ("2027-03-31T22:59:59Z", True),
        ("2027-03-31T23:00:00Z", False),
        ("2026-12-31T22:00:00Z", True),
        ("2028-01-01T00:00:00Z", False),
    ],
)
def test_a_card_is_good_to_the_end_of_its_month_in_the_local_calendar(
    at: str, good: object
) -> None:
    assert is_good(year=2027, month=3, at=_at(at), zone=_LAGOS) is good


@pytest.mark.parametrize(
    ("now", "again"),
    [
        ("2027-02-28T10:00Z", "2027-03-07T10:00Z"),
        ("2027-02-20T10:00Z", "2027-03-01T08:00Z"),
        ("2027-03-01T08:00Z", "2027-03-08T08:00Z"),
        ("2027-03-24T08:00Z", "2027-03-31T08:00Z"),
        ("2027-03-25T08:00Z", None),
    ],
)
def test_a_card_that_nobody_pays_with_is_looked_at_each_week_of_its_month(
    now: str, again: str | None
) -> None:
    found = next_look(year=2027, month=3, now=_at(now), zone=_LAGOS)

    assert found == (again and _at(again))


@given(
    now=st.integers(0, 20 * 366).map(
        lambda days: _at("2020-01-01T11:59:59Z") + timedelta(days=days)
    ),
    year=st.integers(2020, 2041),
    month=st.integers(1, 12),
    zone=st.sampled_from(_SOME_ZONES).map(ZoneInfo),
)
def test_no_card_that_was_given_in_time_misses_its_morning(
    now: datetime, year: int, month: int, zone: ZoneInfo
) -> None:
    morning = notice_at(year=year, month=month, zone=zone)

    look = first_look(year=year, month=month, now=now)

    if look is None:
        assert not is_good(year=year, month=month, at=now, zone=zone)
    else:
        assert now < look
        assert look <= max(morning, now + timedelta(days=1))
