"""Holds what follows from an attempt against the described schedule."""

from datetime import UTC, datetime, timedelta
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duro.modules.events.model import EventType
from duro.modules.webhooks.egress import Answer, Answered, Blocked, Unreachable
from duro.modules.webhooks.model import ClaimedDelivery, DeliveryStatus, Outcome
from duro.modules.webhooks.schedule import judge, own_fault, wait_after

NOW: Final = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
# Under a test clock the machine's time is another one.
WALL: Final = datetime(2026, 1, 28, 9, 0, tzinfo=UTC)
MINUTE: Final = timedelta(minutes=1)
HOUR: Final = timedelta(hours=1)
# First try at once, then these.
SCHEDULE: Final = (
    *(MINUTE, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 6 * HOUR),
    *(24 * HOUR, 24 * HOUR, 24 * HOUR),
)


def _delivery(*, attempts: int = 0, age: timedelta = timedelta()) -> ClaimedDelivery:
    return ClaimedDelivery(
        id="whd_1",
        endpoint_id="whe_1",
        url="https://example.com",
        secret=b"",
        old_secret=None,
        attempts=attempts,
        created_at=NOW - age,
        event_id="evt_1",
        event_type=EventType.INVOICE_CREATED,
        event_at=NOW,
        object_id="inv_1",
        data={},
    )


def _judge(answer: Answer, *, attempts: int = 0) -> Outcome:
    return judge(_delivery(attempts=attempts), answer, now=NOW, wall=WALL)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_every_2xx_is_success(status: int) -> None:
    outcome = _judge(Answered(status, "ok"))

    assert outcome.status is DeliveryStatus.DELIVERED
    assert outcome.settled_at == NOW
    assert outcome.next_attempt_at is None
    assert (outcome.attempts_used, outcome.last_status, outcome.last_error) == (1, status, None)


@pytest.mark.parametrize("status", [100, 199, 300, 301, 302, 304, 400, 404, 429, 500, 503, 600])
def test_everything_else_that_is_answered_is_tried_again(status: int) -> None:
    outcome = _judge(Answered(status, "no"))

    assert outcome.status is DeliveryStatus.PENDING
    assert outcome.next_attempt_at is not None
    assert outcome.attempts_used == 1
    assert outcome.last_error == f"HTTP {status}"


@pytest.mark.parametrize(("attempt", "wait"), list(enumerate(SCHEDULE, start=1)))
def test_each_wait_is_the_described_one_less_at_most_a_tenth(attempt: int, wait: timedelta) -> None:
    outcome = _judge(Unreachable("no answer within 15 s"), attempts=attempt - 1)

    assert outcome.next_attempt_at is not None
    assert wait * 0.9 < outcome.next_attempt_at - NOW <= wait
    assert outcome.last_error == "no answer within 15 s"


@pytest.mark.parametrize("answer", [Answered(500, "no"), Unreachable("no answer within 15 s")])
def test_the_ninth_failure_is_the_last(answer: Answer) -> None:
    outcome = _judge(answer, attempts=8)

    assert outcome.status is DeliveryStatus.FAILED
    assert outcome.next_attempt_at is None
    assert outcome.settled_at == NOW


@given(delivery_id=st.text(min_size=1), attempt=st.integers(1, 8))
def test_jitter_is_the_same_for_the_same_attempt(delivery_id: str, attempt: int) -> None:
    wait = wait_after(delivery_id, attempt)

    assert wait == wait_after(delivery_id, attempt)
    assert wait is not None
    assert SCHEDULE[attempt - 1] * 0.9 < wait <= SCHEDULE[attempt - 1]


def test_jitter_spreads_deliveries_that_failed_together() -> None:
    waits = {wait_after(f"whd_{number}", 1) for number in range(100)}

    assert len(waits) > 90


def test_410_ends_the_delivery_and_its_endpoint() -> None:
    outcome = _judge(Answered(410, "gone"))

    assert outcome.status is DeliveryStatus.FAILED
    assert outcome.is_endpoint_gone


@pytest.mark.parametrize("status", [404, 200, 500])
def test_nothing_but_410_ends_an_endpoint(status: int) -> None:
    assert not _judge(Answered(status, "")).is_endpoint_gone


def test_a_blocked_destination_is_not_tried_again() -> None:
    outcome = _judge(Blocked("The host's address is not on the public internet."))

    assert outcome.status is DeliveryStatus.FAILED
    assert outcome.last_error == "blocked destination"
    assert outcome.next_attempt_at is None


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("text", "wait"),
    [
        ("600", timedelta(minutes=10)),
        (" 600 ", timedelta(minutes=10)),
        ("86400", timedelta(hours=24)),
        ("86401", timedelta(hours=24)),
        ("9" * 40, timedelta(hours=24)),
        # A date is read against the machine's time, not the tenant's.
        ("Wed, 28 Jan 2026 09:10:00 GMT", timedelta(minutes=10)),
        ("Fri, 30 Jan 2099 09:00:00 GMT", timedelta(hours=24)),
    ],
)
def test_retry_after_is_waited_for_within_a_day(status: int, text: str, wait: timedelta) -> None:
    outcome = _judge(Answered(status, "", retry_after=text))

    assert outcome.next_attempt_at == NOW + wait


@pytest.mark.parametrize(
    "text",
    ["", "5", "0", "-3600", "soon", "3600.5", "Wed, 28 Jan 2026 08:00:00 GMT", "Wed, 99 Jan 2026"],
)
def test_retry_after_never_shortens_the_schedule(text: str) -> None:
    outcome = _judge(Answered(503, "", retry_after=text))

    assert outcome.next_attempt_at is not None
    assert outcome.next_attempt_at - NOW == wait_after("whd_1", 1)


def test_retry_after_of_another_status_is_not_read() -> None:
    outcome = _judge(Answered(500, "", retry_after="7200"))

    assert outcome.next_attempt_at is not None
    assert outcome.next_attempt_at - NOW <= MINUTE


@pytest.mark.parametrize(
    ("age", "wait"),
    [
        (timedelta(), MINUTE),
        (timedelta(minutes=10), 5 * MINUTE),
        (timedelta(days=300), 24 * HOUR),
    ],
)
def test_our_own_fault_counts_as_no_attempt_and_returns_ever_more_rarely(
    age: timedelta, wait: timedelta
) -> None:
    outcome = own_fault(_delivery(attempts=3, age=age), now=NOW)

    assert outcome.status is DeliveryStatus.PENDING
    assert outcome.attempts_used == 0
    assert outcome.next_attempt_at == NOW + wait
