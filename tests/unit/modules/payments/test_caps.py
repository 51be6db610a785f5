"""When a card that was charged often may be charged again."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from duro.modules.payments.caps import Cap

NOW = datetime(2026, 1, 28, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
FRESH = Cap("card", (), (), 0, None, None)


def daily(count: int, *, last: datetime) -> Sequence[datetime]:
    """One charge a day, the last of them then."""
    return tuple(last - DAY * back for back in reversed(range(count)))


@pytest.mark.parametrize(
    ("cap", "free_at"),
    [
        (FRESH, NOW),
        (replace(FRESH, pulled_at=daily(14, last=NOW)), NOW),
        # The fifteenth try lies in the window until thirty days after the first of the fifteen.
        (replace(FRESH, pulled_at=daily(15, last=NOW)), NOW + 16 * DAY),
        (replace(FRESH, pulled_at=daily(15, last=NOW - 15 * DAY)), NOW + DAY),
        (replace(FRESH, pulled_at=daily(15, last=NOW - 16 * DAY)), NOW),
        (replace(FRESH, pulled_at=daily(16, last=NOW)), NOW + 16 * DAY),
        (replace(FRESH, pulled_at=(NOW,) * 15), NOW + 30 * DAY),
        (replace(FRESH, pulled_at=(NOW - HOUR,), consecutive_failures=9), NOW),
        (replace(FRESH, pulled_at=(NOW - HOUR,), consecutive_failures=10), NOW + 23 * HOUR),
        (replace(FRESH, pulled_at=(NOW - DAY,), consecutive_failures=10), NOW),
        (replace(FRESH, pulled_at=(), consecutive_failures=40), NOW),
        # Both rules bind: the later one counts.
        (
            replace(FRESH, pulled_at=daily(15, last=NOW - HOUR), consecutive_failures=15),
            NOW - HOUR + 16 * DAY,
        ),
        (
            replace(FRESH, pulled_at=(NOW - HOUR,), under_way=("txn_1",), consecutive_failures=9),
            NOW + 23 * HOUR,
        ),
        (
            replace(FRESH, pulled_at=(NOW,) * 12, under_way=("txn_1",) * 12),
            NOW,
        ),
    ],
)
def test_it_is_free_when_neither_cap_binds(cap: Cap, free_at: datetime) -> None:
    assert cap.free_at(NOW) == free_at


def test_the_order_of_its_charges_does_not_matter() -> None:
    cap = replace(FRESH, pulled_at=tuple(reversed(daily(15, last=NOW))))

    assert cap.free_at(NOW) == NOW + 16 * DAY


@pytest.mark.parametrize(("hard_declined_at", "is_blocked"), [(None, False), (NOW, True)])
def test_it_is_blocked_once_the_bank_forbade_it(
    hard_declined_at: datetime | None, *, is_blocked: bool
) -> None:
    assert replace(FRESH, hard_declined_at=hard_declined_at).is_blocked is is_blocked
