"""Owns the tables of waiting for the customer: reminders, their times, and the deadline."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from duro.billing.case import Context, Settings
from duro.billing.dunning import Decision, decide, decide_waiting, waiting_deadline
from duro.billing.failures import Category
from duro.billing.rails import ORDER, Rail

# A Saturday, 09:00 in Lagos, far from payday.
NOW = datetime(2026, 1, 10, 8, tzinfo=UTC)
DAY = timedelta(days=1)
EXPIRED = Context(
    now=NOW,
    zone=ZoneInfo("Africa/Lagos"),
    settings=Settings(),
    rail=Rail.CARD,
    code="54",
    category=Category.EXPIRED_CARD,
    attempts_made=1,
    first_failed_at=NOW,
    last_pull_at=NOW,
    usable_rails=ORDER,
)


def gist(decision: Decision) -> tuple[str, str, str | None]:
    return (decision.move, decision.rule, decision.rail)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_the_deadline_is_the_next_payday_or_the_last_offset() -> None:
    late = utc("2026-01-27T08:00")

    assert waiting_deadline(context=EXPIRED) == utc("2026-01-28T09:00")
    assert waiting_deadline(context=replace(EXPIRED, now=late, first_failed_at=late)) == (
        late + 7 * DAY
    )


def test_reminders_come_at_each_offset_and_then_the_deadline() -> None:
    deadline = waiting_deadline(context=EXPIRED)
    first = decide(EXPIRED)
    assert first.next_attempt_at is not None
    times, now = [first.next_attempt_at], first.next_attempt_at

    while (
        decision := decide_waiting(context=replace(EXPIRED, now=now), deadline_at=deadline)
    ).next_attempt_at:
        assert gist(decision) == ("remind", "reminder", None)
        now = decision.next_attempt_at
        times.append(now)

    assert times == [NOW + DAY, NOW + 3 * DAY, NOW + 5 * DAY, NOW + 7 * DAY, deadline]
    assert gist(decision) == ("exhaust", "deadline", None)
    assert "Nothing was paid by Wed 28 Jan 2026 at 10:00" in decision.reason


def test_after_a_payday_wait_reminders_count_from_the_last_attempt() -> None:
    payday = utc("2026-01-28T09:00")

    decision = decide(replace(EXPIRED, now=payday, last_pull_at=payday, attempts_made=2))

    assert decision.next_attempt_at == payday + timedelta(hours=48)


def test_a_reminder_never_passes_the_deadline() -> None:
    deadline = NOW + timedelta(hours=5)

    decision = decide_waiting(context=EXPIRED, deadline_at=deadline)

    assert decision.next_attempt_at == deadline
    assert decision.reason == (
        "Payment failed: the card has expired. The customer is reminded; "
        "the next step is on Sat 10 Jan 2026 at 14:00."
    )


def test_at_the_deadline_it_ends_whatever_the_attempts() -> None:
    decision = decide_waiting(context=EXPIRED, deadline_at=NOW)

    assert gist(decision) == ("exhaust", "deadline", None)
