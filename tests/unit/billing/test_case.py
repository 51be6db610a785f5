"""Owns the check of what a decision is made from: valid settings, and a lossless log form."""

import json
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from duro.billing.case import MAX_ESCALATION_DAYS, MAX_OFFSET_HOURS, Context, Settings
from duro.billing.failures import Category
from duro.billing.logged import Json
from duro.billing.pattern import PatternKind, PaydayPattern, Shift
from duro.billing.rails import ORDER, Rail

LAGOS = ZoneInfo("Africa/Lagos")
NOW = datetime(2026, 1, 10, 8, tzinfo=UTC)


def example() -> Context:
    return Context(
        now=NOW,
        zone=LAGOS,
        settings=Settings(
            payday_anchor_day=25, offsets_hours=(0, 10), max_attempts=2, learn_payday=True
        ),
        rail=Rail.CARD,
        code="51",
        category=Category.INSUFFICIENT_FUNDS,
        attempts_made=1,
        first_failed_at=NOW,
        last_pull_at=NOW,
        usable_rails=(Rail.CARD, Rail.USSD),
        spent_rails=frozenset({Rail.USSD, Rail.CARD}),
        pulled_rails=frozenset({Rail.DIRECT_DEBIT}),
        capped_until={Rail.CARD: NOW + timedelta(days=2)},
        mandate_ready_at=NOW + timedelta(hours=2),
        funds_short_at=NOW - timedelta(days=1),
        payday=PaydayPattern(kind=PatternKind.WEEKLY, weekday=4, shift=Shift.FORWARD, hour=11),
        holidays=(date(2026, 1, 1), date(2026, 4, 3)),
    )


def test_defaults_are_the_documented_ones() -> None:
    settings = Settings()

    assert settings.payday_aware
    assert settings.payday_anchor_day == 28
    assert settings.offsets_hours == (0, 24, 72, 120, 168)
    assert settings.max_attempts == 5
    assert settings.rails == ORDER


@pytest.mark.parametrize("anchor", [0, 32])
def test_a_payday_outside_the_month_is_refused(anchor: int) -> None:
    with pytest.raises(ValueError, match="payday_anchor_day"):
        Settings(payday_anchor_day=anchor)


@pytest.mark.parametrize(
    "offsets", [(), (1, 2), (-1, 0), (0, 0), (0, 24, 23), (0, MAX_OFFSET_HOURS + 1)]
)
def test_offsets_start_at_the_renewal_and_rise_within_bounds(offsets: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="offsets_hours"):
        Settings(offsets_hours=offsets, max_attempts=1)


@pytest.mark.parametrize("attempts", [0, 6])
def test_every_attempt_needs_an_offset(attempts: int) -> None:
    with pytest.raises(ValueError, match="max_attempts"):
        Settings(max_attempts=attempts)


@pytest.mark.parametrize("days", [0, MAX_ESCALATION_DAYS + 1])
def test_escalation_comes_within_its_bounds(days: int) -> None:
    with pytest.raises(ValueError, match="escalation_days"):
        Settings(escalation_days=days)


@pytest.mark.parametrize("rails", [(Rail.CARD, Rail.CARD), (Rail.WALLET,)])
def test_rails_are_distinct_and_without_the_wallet(rails: tuple[Rail, ...]) -> None:
    with pytest.raises(ValueError, match="rails"):
        Settings(rails=rails)


def test_a_context_survives_the_log_as_json() -> None:
    context = example()

    text = json.dumps(context.to_dict())

    assert Context.from_dict(json.loads(text)) == context


def test_a_context_without_rail_and_pull_survives_too() -> None:
    context = Context(
        now=NOW,
        zone=LAGOS,
        settings=Settings(),
        rail=None,
        code="no_payment_method",
        category=Category.NO_PAYMENT_METHOD,
        attempts_made=0,
        first_failed_at=NOW,
    )

    assert Context.from_dict(context.to_dict()) == context


LATER = ("capped_until", "mandate_ready_at", "funds_short_at", "payday", "holidays")


def test_a_decision_logged_before_a_fact_was_looked_at_still_replays() -> None:
    data = {name: value for name, value in example().to_dict().items() if name not in LATER}
    data["settings"] = {
        name: value for name, value in Settings().to_dict().items() if name != "learn_payday"
    }

    context = Context.from_dict(data)

    assert not context.settings.learn_payday
    assert (context.capped_until, context.mandate_ready_at, context.funds_short_at) == (
        *({}, None, None),
    )
    assert (context.payday, context.holidays) == (None, ())


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("code", 5),
        ("attempts_made", "1"),
        ("attempts_made", True),
        ("settings", []),
        ("usable_rails", "card"),
        ("capped_until", []),
        ("payday", "28th"),
        ("settings", {**Settings().to_dict(), "payday_aware": 1}),
    ],
)
def test_a_damaged_log_entry_is_refused(field: str, value: Json) -> None:
    data = {**example().to_dict(), field: value}

    with pytest.raises(TypeError, match="in a logged decision"):
        Context.from_dict(data)


def test_naive_instants_and_negative_counts_are_refused() -> None:
    data = example().to_dict()

    instants = ("now", "first_failed_at", "last_pull_at", "mandate_ready_at", "funds_short_at")
    for field in instants:
        with pytest.raises(ValueError, match="aware"):
            Context.from_dict({**data, field: "2026-01-10T08:00:00"})
    with pytest.raises(ValueError, match="aware"):
        Context.from_dict({**data, "capped_until": {"card": "2026-01-10T08:00:00"}})
    for field in ("attempts_made", "same_category_failures"):
        with pytest.raises(ValueError, match="counted from 0"):
            Context.from_dict({**data, field: -1})
