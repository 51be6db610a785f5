"""Owns the laws of billing dates, against a slow oracle that walks minute by minute or day by day."""

from calendar import monthrange
from datetime import UTC, date, datetime, timedelta
from time import perf_counter
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duro.billing.cycle import (
    MAX_INTERVAL_COUNT,
    Cadence,
    Interval,
    Period,
    advance,
    index_at,
    period,
)

LAGOS = ZoneInfo("Africa/Lagos")
ZONES = (
    "Africa/Lagos",
    "Africa/Cairo",
    "Europe/London",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "Pacific/Kiritimati",
    "UTC",
)
MONTHS = {Interval.MONTH: 1, Interval.QUARTER: 3, Interval.BIANNUAL: 6, Interval.YEAR: 12}

zones = st.sampled_from(ZONES).map(ZoneInfo)
cadences = st.builds(Cadence, st.sampled_from(Interval), st.integers(1, 5))
anchors = st.datetimes(
    min_value=datetime(2023, 1, 1),  # noqa: DTZ001  (hypothesis wants naive bounds)
    max_value=datetime(2030, 12, 31),  # noqa: DTZ001  (hypothesis wants naive bounds)
    timezones=st.just(UTC),
)


def oracle_date(anchor: date, n: int, cadence: Cadence) -> date:
    """Counts days one by one and months one by one, always from the anchor."""
    if cadence.interval in MONTHS:
        year, month = anchor.year, anchor.month
        for _ in range(n * cadence.count * MONTHS[cadence.interval]):
            year, month = (year, month + 1) if month < 12 else (year + 1, 1)
        return date(year, month, min(anchor.day, monthrange(year, month)[1]))
    days = 1 if cadence.interval is Interval.DAY else 7
    day = anchor
    for _ in range(n * cadence.count * days):
        day += timedelta(days=1)
    return day


def oracle_instants(local: datetime, zone: ZoneInfo) -> list[datetime]:
    """Every UTC instant whose wall clock in `zone` shows `local`: none in a gap, two in a fold."""
    naive = local.replace(tzinfo=None)
    around = naive.replace(tzinfo=UTC)
    offsets = {
        (around + timedelta(hours=hours)).astimezone(zone).utcoffset() or timedelta()
        for hours in range(-30, 31)
    }
    found = [around - offset for offset in sorted(offsets, reverse=True)]
    return [at for at in found if at.astimezone(zone).replace(tzinfo=None) == naive]


@given(anchor=anchors, n=st.integers(0, 60), cadence=cadences, zone=zones)
def test_advance_agrees_with_the_slow_oracle(
    anchor: datetime, n: int, cadence: Cadence, zone: ZoneInfo
) -> None:
    at = advance(anchor=anchor, n=n, cadence=cadence, zone=zone)

    if cadence.interval is Interval.HOUR:
        assert at == anchor + timedelta(hours=n * cadence.count)
        return
    local = anchor.astimezone(zone)
    wanted = datetime.combine(oracle_date(local.date(), n, cadence), local.time())
    candidates = oracle_instants(wanted, zone)
    if candidates:
        assert at in candidates
        assert at == (candidates[-1] if local.fold else candidates[0])
    else:
        # The clock skipped that wall time: later by the length of the gap, never earlier.
        shown = at.astimezone(zone).replace(tzinfo=None)
        assert timedelta() < shown - wanted <= timedelta(hours=1)


@given(anchor=anchors, n=st.integers(0, 400), cadence=cadences, zone=zones)
def test_periods_leave_no_gap_do_not_overlap_and_move_forward(
    anchor: datetime, n: int, cadence: Cadence, zone: ZoneInfo
) -> None:
    this = period(anchor=anchor, n=n, cadence=cadence, zone=zone)
    following = period(anchor=anchor, n=n + 1, cadence=cadence, zone=zone)

    assert this.ends_at == following.starts_at
    assert this.starts_at < this.ends_at
    assert this.starts_at.tzinfo is UTC


@given(anchor=anchors, cadence=cadences, zone=zones, fold=st.integers(0, 1))
def test_period_zero_starts_at_the_anchor(
    anchor: datetime, cadence: Cadence, zone: ZoneInfo, fold: int
) -> None:
    local = anchor.astimezone(zone).replace(fold=fold)

    assert advance(anchor=local, n=0, cadence=cadence, zone=zone) == local.astimezone(UTC)


@given(
    anchor=anchors,
    cadence=cadences,
    zone=zones,
    seconds=st.integers(0, 20 * 366 * 86_400),
)
def test_index_names_the_period_that_contains_the_instant(
    anchor: datetime, cadence: Cadence, zone: ZoneInfo, seconds: int
) -> None:
    at = anchor + timedelta(seconds=seconds)

    found = period(
        anchor=anchor,
        n=index_at(anchor=anchor, at=at, cadence=cadence, zone=zone),
        cadence=cadence,
        zone=zone,
    )

    assert found.starts_at <= at < found.ends_at


@given(anchor=anchors, n=st.integers(0, 1500), cadence=cadences, zone=zones)
def test_index_turns_exactly_at_the_boundary(
    anchor: datetime, n: int, cadence: Cadence, zone: ZoneInfo
) -> None:
    start = advance(anchor=anchor, n=n + 1, cadence=cadence, zone=zone)
    before = start - timedelta(microseconds=1)

    assert index_at(anchor=anchor, at=start, cadence=cadence, zone=zone) == n + 1
    assert index_at(anchor=anchor, at=before, cadence=cadence, zone=zone) == n


def test_a_subscription_of_the_31st_returns_to_the_31st_over_a_leap_year() -> None:
    anchor = datetime(2027, 8, 31, 10, tzinfo=UTC)
    monthly = Cadence(Interval.MONTH, 1)

    dates = [advance(anchor=anchor, n=n, cadence=monthly, zone=LAGOS).date() for n in range(20)]

    assert [(d.month, d.day) for d in dates] == [
        *((8, 31), (9, 30), (10, 31), (11, 30), (12, 31)),
        *((1, 31), (2, 29), (3, 31), (4, 30), (5, 31), (6, 30), (7, 31), (8, 31), (9, 30)),
        *((10, 31), (11, 30), (12, 31)),
        *((1, 31), (2, 28), (3, 31)),
    ]


def test_a_subscription_of_29_february_bills_on_the_28th_until_the_next_leap_year() -> None:
    anchor = datetime(2028, 2, 29, 10, tzinfo=UTC)
    yearly = Cadence(Interval.YEAR)

    dates = [advance(anchor=anchor, n=n, cadence=yearly, zone=LAGOS).date() for n in range(5)]

    assert [d.isoformat() for d in dates] == [
        *("2028-02-29", "2029-02-28", "2030-02-28", "2031-02-28", "2032-02-29"),
    ]


@pytest.mark.parametrize(
    ("zone", "anchor", "cadence", "expected"),
    [
        # 23:30 UTC on 30 January is already the 31st in Lagos.
        ("Africa/Lagos", "2026-01-30T23:30", Cadence(Interval.MONTH), "2026-02-27T23:30"),
        # Wall time over the change to summer time: an hour earlier in UTC.
        ("Europe/London", "2026-03-20T09:00", Cadence(Interval.MONTH), "2026-04-20T08:00"),
        ("America/New_York", "2026-03-07T15:00", Cadence(Interval.DAY), "2026-03-08T14:00"),
        ("Africa/Cairo", "2026-04-23T10:00", Cadence(Interval.WEEK), "2026-04-30T09:00"),
        # Hours are absolute: no wall time is kept.
        ("America/New_York", "2026-03-08T06:30", Cadence(Interval.HOUR, 24), "2026-03-09T06:30"),
        # 01:30 does not exist in London on 29 March 2026: later by the hour that was skipped.
        ("Europe/London", "2026-03-28T01:30", Cadence(Interval.DAY), "2026-03-29T01:30"),
        # 01:30 occurs twice on 25 October 2026: the first one.
        ("Europe/London", "2026-10-24T00:30", Cadence(Interval.DAY), "2026-10-25T00:30"),
        ("Africa/Lagos", "2026-08-31T10:00", Cadence(Interval.QUARTER), "2026-11-30T10:00"),
        ("Africa/Lagos", "2026-08-31T10:00", Cadence(Interval.BIANNUAL), "2027-02-28T10:00"),
    ],
)
def test_local_calendar_rules(zone: str, anchor: str, cadence: Cadence, expected: str) -> None:
    start = datetime.fromisoformat(anchor).replace(tzinfo=UTC)

    at = advance(anchor=start, n=1, cadence=cadence, zone=ZoneInfo(zone))

    assert at == datetime.fromisoformat(expected).replace(tzinfo=UTC)


def test_the_second_of_two_equal_wall_times_stays_the_second_and_skips_gaps_forward() -> None:
    london, daily = ZoneInfo("Europe/London"), Cadence(Interval.DAY)
    second = datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    assert second.astimezone(london).fold == 1

    assert advance(anchor=second, n=0, cadence=daily, zone=london) == second
    # 28 March 2027 has no 01:30; the reading by the new offset would fall before the gap.
    in_gap = advance(anchor=second, n=154, cadence=daily, zone=london)
    assert in_gap == datetime(2027, 3, 28, 1, 30, tzinfo=UTC)


def test_a_fold_across_midnight_does_not_confuse_the_index() -> None:
    # At 00:01 on 29 October 2006 the clocks of St John's went back to 23:01 of the 28th.
    zone, daily = ZoneInfo("America/St_Johns"), Cadence(Interval.DAY)
    anchor = datetime(2006, 10, 20, tzinfo=zone).astimezone(UTC)
    at = datetime(2006, 10, 28, 23, 30, fold=1, tzinfo=zone).astimezone(UTC)

    n = index_at(anchor=anchor, at=at, cadence=daily, zone=zone)

    found = period(anchor=anchor, n=n, cadence=daily, zone=zone)
    assert n == 9
    assert found.starts_at <= at < found.ends_at


def test_a_calendar_day_that_a_zone_skips_is_an_empty_period_that_contains_nothing() -> None:
    # Samoa had no 30 December 2011.
    zone, daily = ZoneInfo("Pacific/Apia"), Cadence(Interval.DAY)
    anchor = datetime(2011, 12, 28, 12, tzinfo=zone).astimezone(UTC)

    skipped = period(anchor=anchor, n=2, cadence=daily, zone=zone)

    assert skipped.starts_at == skipped.ends_at
    assert index_at(anchor=anchor, at=skipped.starts_at, cadence=daily, zone=zone) == 3


def test_fifty_years_of_hours_are_found_without_walking() -> None:
    anchor = datetime(2026, 1, 1, tzinfo=UTC)
    at = anchor + timedelta(days=50 * 365, minutes=5)
    started = perf_counter()

    found = [index_at(anchor=anchor, at=at, cadence=Cadence(i), zone=LAGOS) for i in Interval]

    assert found[0] == 50 * 365 * 24
    assert perf_counter() - started < 0.5


@pytest.mark.parametrize("count", [0, -1, MAX_INTERVAL_COUNT + 1])
def test_an_interval_count_out_of_range_is_refused(count: int) -> None:
    with pytest.raises(ValueError, match="interval count"):
        Cadence(Interval.DAY, count)


def test_naive_instants_backward_periods_and_negative_indexes_are_refused() -> None:
    anchor, daily = datetime(2026, 1, 1, tzinfo=UTC), Cadence(Interval.DAY)
    naive = anchor.replace(tzinfo=None)
    earlier = anchor - timedelta(seconds=1)

    with pytest.raises(ValueError, match="anchor needs a zone"):
        advance(anchor=naive, n=0, cadence=daily, zone=LAGOS)
    with pytest.raises(ValueError, match="counted from 0"):
        advance(anchor=anchor, n=-1, cadence=daily, zone=LAGOS)
    with pytest.raises(ValueError, match="before the anchor"):
        index_at(anchor=anchor, at=earlier, cadence=daily, zone=LAGOS)
    with pytest.raises(ValueError, match="aware"):
        Period(naive, anchor)
    with pytest.raises(ValueError, match="aware"):
        Period(anchor, naive)
    with pytest.raises(ValueError, match="before it starts"):
        Period(anchor, earlier)
