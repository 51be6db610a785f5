"""Owns the payday tables: which local days count, and the next one to wait for."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duro.billing.payday import EARLY_MONTH_DAYS, PAYDAY_ANCHOR_DAY, is_payday, next_payday

LAGOS = ZoneInfo("Africa/Lagos")

zones = st.sampled_from(
    [
        *("Africa/Lagos", "Pacific/Honolulu", "Pacific/Kiritimati", "Etc/GMT+12"),
        *("America/New_York", "Asia/Kathmandu"),
    ]
).map(ZoneInfo)
instants = st.datetimes(
    min_value=datetime(2024, 1, 1),  # noqa: DTZ001  (hypothesis wants naive bounds)
    max_value=datetime(2033, 1, 1),  # noqa: DTZ001  (hypothesis wants naive bounds)
    timezones=st.just(UTC),
)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_the_constants() -> None:
    assert (PAYDAY_ANCHOR_DAY, EARLY_MONTH_DAYS) == (28, 3)


@pytest.mark.parametrize("day", range(1, 32))
def test_the_28th_to_the_3rd_are_payday(day: int) -> None:
    at = datetime(2026, 1, day, 12, tzinfo=UTC)

    assert is_payday(at=at, zone=LAGOS) is (day >= 28 or day <= 3)


@pytest.mark.parametrize(
    ("at", "zone", "anchor", "expected"),
    [
        ("2026-01-27T22:59", "Africa/Lagos", 28, False),
        ("2026-01-27T23:00", "Africa/Lagos", 28, True),  # midnight in Lagos
        ("2026-02-03T22:59", "Africa/Lagos", 28, True),
        ("2026-02-03T23:00", "Africa/Lagos", 28, False),
        ("2026-01-28T03:00", "America/New_York", 28, False),
        ("2026-01-15T12:00", "Africa/Lagos", 15, True),
        ("2026-01-14T12:00", "Africa/Lagos", 15, False),
        # February has no 31st: its last day stands in.
        ("2026-02-28T12:00", "Africa/Lagos", 31, True),
        ("2026-02-27T12:00", "Africa/Lagos", 31, False),
    ],
)
def test_payday_is_a_local_date(at: str, zone: str, anchor: int, *, expected: bool) -> None:
    assert is_payday(at=utc(at), zone=ZoneInfo(zone), anchor_day=anchor) is expected


@pytest.mark.parametrize(
    ("after", "zone", "anchor", "expected"),
    [
        ("2026-01-10T08:00", "Africa/Lagos", 28, "2026-01-28T09:00"),
        ("2026-01-28T08:59", "Africa/Lagos", 28, "2026-01-28T09:00"),
        ("2026-01-28T09:00", "Africa/Lagos", 28, "2026-02-28T09:00"),
        ("2026-12-31T10:00", "Africa/Lagos", 28, "2027-01-28T09:00"),
        ("2026-12-28T10:00", "Africa/Lagos", 28, "2027-01-28T09:00"),
        ("2026-01-31T10:00", "Africa/Lagos", 31, "2026-02-28T09:00"),
        ("2028-02-01T10:00", "Africa/Lagos", 31, "2028-02-29T09:00"),
        ("2026-04-02T10:00", "Africa/Lagos", 31, "2026-04-30T09:00"),
        # 23:30 UTC on the 31st is already February in Lagos.
        ("2026-01-31T23:30", "Africa/Lagos", 1, "2026-02-01T09:00"),
        # 09:00 UTC on the 28th is still the 27th in Honolulu.
        ("2026-01-10T08:00", "Pacific/Honolulu", 28, "2026-01-29T09:00"),
        ("2026-01-10T08:00", "Pacific/Kiritimati", 28, "2026-01-28T09:00"),
    ],
)
def test_the_next_payday_is_the_coming_anchor_at_nine_utc(
    after: str, zone: str, anchor: int, expected: str
) -> None:
    assert next_payday(after=utc(after), zone=ZoneInfo(zone), anchor_day=anchor) == utc(expected)


@given(after=instants, zone=zones, anchor=st.integers(1, 31))
def test_the_next_payday_is_later_within_a_month_and_is_a_payday(
    after: datetime, zone: ZoneInfo, anchor: int
) -> None:
    payday = next_payday(after=after, zone=zone, anchor_day=anchor)

    assert timedelta() < payday - after <= timedelta(days=31)
    assert is_payday(at=payday, zone=zone, anchor_day=anchor)
    assert (payday.hour, payday.minute) == (9, 0)


@pytest.mark.parametrize("anchor", [0, 32])
def test_an_anchor_that_is_no_day_of_a_month_is_refused(anchor: int) -> None:
    with pytest.raises(ValueError, match="1 to 31"):
        next_payday(after=utc("2026-01-10T08:00"), zone=LAGOS, anchor_day=anchor)
