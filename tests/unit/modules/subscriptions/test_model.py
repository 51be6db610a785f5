"""The steps of a subscription: what each clears, and when its customer is reminded."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from duro.billing.cycle import Period
from duro.billing.states import Action, IllegalTransitionError, Status
from duro.modules.subscriptions.model import Subscription

NOW = datetime(2027, 1, 5, 9, tzinfo=UTC)
DAY = timedelta(days=1)
MONTH = Period(NOW, NOW + 31 * DAY)


@pytest.fixture
def active() -> Subscription:
    fields: dict[str, object] = dict.fromkeys(Subscription.__dataclass_fields__)
    fields |= {"status": Status.ACTIVE, "cycles_completed": 1, "balance_minor": 0}
    blank = Subscription(**fields)  # type: ignore[arg-type]  # only what these tests look at is set
    return blank.in_period(MONTH, index=0, now=NOW, reminder=3 * DAY)


def test_a_period_is_renewed_at_its_end_and_reminded_of_before(
    active: Subscription,
) -> None:
    assert active.renews_at == MONTH.ends_at
    assert active.reminds_at == MONTH.ends_at - 3 * DAY


@pytest.mark.parametrize("length", [timedelta(hours=1), DAY, 3 * DAY])
def test_a_period_too_short_for_it_has_no_reminder(active: Subscription, length: timedelta) -> None:
    short = active.in_period(Period(NOW, NOW + length), index=1, now=NOW, reminder=3 * DAY)

    assert short.reminds_at is None


def test_a_period_that_is_nearly_over_has_no_reminder_left(active: Subscription) -> None:
    late = active.in_period(MONTH, index=0, now=MONTH.ends_at - DAY, reminder=3 * DAY)

    assert (late.reminds_at, late.renews_at) == (None, MONTH.ends_at)


@pytest.mark.parametrize(
    ("days", "reminder_days", "before_the_end"),
    [(14, 3, 3), (14, 13, 13), (14, 14, 1), (3, 3, 1), (2, 30, 1), (1, 1, None), (1, 30, None)],
)
def test_a_trial_shorter_than_the_reminder_is_told_of_a_day_before_its_end(
    active: Subscription, days: int, reminder_days: int, before_the_end: int | None
) -> None:
    trial = Period(NOW, NOW + days * DAY)
    trialing = replace(active, status=Status.TRIALING)

    planned = trialing.in_period(trial, index=-1, now=NOW, reminder=reminder_days * DAY)

    told = None if before_the_end is None else trial.ends_at - before_the_end * DAY
    assert planned.reminds_at == told
    assert planned.reminder_anew(now=NOW, reminder=reminder_days * DAY) == told


@pytest.mark.parametrize(
    ("days_gone", "reminder_days", "planned_on_day"),
    [(0, 3, 28), (0, 30, 1), (10, 3, 28), (10, 25, 10), (28, 3, 28), (30, 3, 30), (0, 31, None)],
)
def test_another_reminder_is_planned_for_its_day_or_at_once(
    active: Subscription, days_gone: int, reminder_days: int, planned_on_day: int | None
) -> None:
    now = NOW + days_gone * DAY

    planned = active.reminder_anew(now=now, reminder=reminder_days * DAY)

    assert planned == (None if planned_on_day is None else NOW + planned_on_day * DAY)


def test_nothing_is_planned_for_a_period_that_is_over(active: Subscription) -> None:
    assert active.reminder_anew(now=MONTH.ends_at, reminder=3 * DAY) is None
    without = replace(active, period_starts_at=None, period_ends_at=None)
    assert without.reminder_anew(now=NOW, reminder=3 * DAY) is None


@pytest.mark.parametrize("action", [Action.PAUSE, Action.RENEWAL_FAILED, Action.REACH_LIMIT])
def test_leaving_the_renewing_states_leaves_nothing_to_renew(
    active: Subscription, action: Action
) -> None:
    moved, _ = active.step(action)

    assert (moved.renews_at, moved.reminds_at) == (None, None)


def test_a_charge_under_way_is_an_active_subscription_that_is_not_due(
    active: Subscription,
) -> None:
    assert not active.is_renewing
    assert replace(active, renews_at=None).is_renewing
    assert not replace(active, status=Status.PAUSED, renews_at=None).is_renewing


def test_a_step_outside_the_table_raises(active: Subscription) -> None:
    with pytest.raises(IllegalTransitionError):
        active.step(Action.RESUME)
