"""Owns the check of the quiet hours: 21:00 to 07:00 where the customer lives."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duro.billing.quiet import is_quiet, quiet_until

LAGOS = ZoneInfo("Africa/Lagos")

zones = st.sampled_from(["Africa/Lagos", "Africa/Cairo", "Asia/Kathmandu"]).map(ZoneInfo)
instants = st.datetimes(
    min_value=datetime(2024, 1, 1),  # noqa: DTZ001  (hypothesis wants naive bounds)
    max_value=datetime(2033, 1, 1),  # noqa: DTZ001  (hypothesis wants naive bounds)
    timezones=st.just(UTC),
)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2026-01-10T19:59", "2026-01-10T19:59"),  # 20:59 in Lagos
        ("2026-01-10T20:00", "2026-01-11T06:00"),
        ("2026-01-10T23:30", "2026-01-11T06:00"),
        ("2026-01-11T05:59", "2026-01-11T06:00"),
        ("2026-01-11T06:00", "2026-01-11T06:00"),
        ("2026-01-11T12:00", "2026-01-11T12:00"),
    ],
)
def test_what_falls_into_the_night_waits_until_seven(at: str, expected: str) -> None:
    assert quiet_until(utc(at), LAGOS) == utc(expected)


@given(at=instants, zone=zones)
def test_a_wait_ends_by_day_within_the_night(at: datetime, zone: ZoneInfo) -> None:
    until = quiet_until(at, zone)

    assert timedelta() <= until - at <= timedelta(hours=11)
    assert not is_quiet(until, zone)
    assert (until == at) is not is_quiet(at, zone)
