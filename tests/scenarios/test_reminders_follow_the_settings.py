"""Customers are reminded of a renewal or of a trial's end once in each period, as long before as the merchant wants."""

import pytest

from tests.support.stories import Story

# A month from the beginning is 5 February; three days before, at the hour of the renewal.
_AS_EVER = ("renewal_reminder", "queued", "2027-02-02T09:00")


async def _choose(story: Story, **settings: object) -> None:
    answer = await story.merchant.client.patch("/v1/settings/recovery", settings)
    assert answer.status == 200, answer.body


async def test_each_period_has_one_reminder(story: Story) -> None:
    await story.active()

    await story.merchant.advance(by="P3M")

    assert await story.outbox("renewal_reminder") == [
        _AS_EVER,
        ("renewal_reminder", "queued", "2027-03-02T09:00"),
        ("renewal_reminder", "queued", "2027-04-02T09:00"),
    ]


@pytest.mark.parametrize(
    ("changed_on", "days", "told"),
    [
        # Before either reminder.
        ("2027-01-10T09:00:00Z", 7, ["2027-01-29T09:00"]),
        ("2027-01-10T09:00:00Z", 1, ["2027-02-04T09:00"]),
        ("2027-01-10T09:00:00Z", 26, ["2027-01-10T09:00"]),
        # Between them: what is over already is told at once, by day.
        ("2027-01-31T12:00:00Z", 7, ["2027-01-31T12:00"]),
        ("2027-01-31T22:00:00Z", 7, ["2027-02-01T06:00"]),
        # After the first: nobody is told twice of one renewal.
        ("2027-02-03T09:00:00Z", 7, ["2027-02-02T09:00"]),
        ("2027-02-03T09:00:00Z", 1, ["2027-02-02T09:00"]),
    ],
)
async def test_other_days_are_for_periods_under_way_too(
    story: Story, changed_on: str, days: int, told: list[str]
) -> None:
    await story.active()
    await story.merchant.advance(to=changed_on)

    await _choose(story, renewalReminderDays=days)
    await story.merchant.advance(to="2027-02-05T08:00:00Z")

    assert [at for _, _, at in await story.outbox("renewal_reminder")] == told
    assert await story.query("SELECT FROM reminder_replans") == []
    assert await story.broken() == []


async def test_a_change_reaches_more_subscriptions_than_one_step_takes(story: Story) -> None:
    await story.active()
    # As if each had been made by a request; one step takes 500.
    await story.query(
        """INSERT INTO subscriptions
           SELECT (s).*
             FROM (SELECT jsonb_populate_record(s, jsonb_build_object(
                              'id', 'sub_' || lpad(n::text, 26, '0'), 'is_exclusive', false)) AS s
                     FROM subscriptions AS s, generate_series(1, 1200) AS n) AS many"""
    )

    await _choose(story, renewalReminderDays=10)
    await story.merchant.advance(by="PT1M")

    planned = await story.query("SELECT reminds_at, count(*) FROM subscriptions GROUP BY 1")
    assert [(row[0].isoformat()[:16], row[1]) for row in planned] == [("2027-01-26T09:00", 1201)]
    assert await story.query("SELECT FROM reminder_replans") == []
    await story.query("DELETE FROM subscriptions WHERE id LIKE 'sub_0000000000%'")


async def test_reminders_switched_off_act_at_once_and_switched_on_too(story: Story) -> None:
    await story.active()
    await _choose(story, renewalReminders=False)
    await story.merchant.advance(to="2027-02-03T09:00:00Z")
    silent = await story.outbox("renewal_reminder")

    await _choose(story, renewalReminders=True)
    await story.merchant.advance(by="PT1M")

    assert silent == []
    assert await story.outbox("renewal_reminder") == [
        ("renewal_reminder", "queued", "2027-02-03T09:00")
    ]


@pytest.mark.parametrize(
    ("trial_days", "reminder_days", "told"),
    [
        (14, 3, ["2027-01-16T09:00"]),
        (14, 7, ["2027-01-12T09:00"]),
        # Shorter than that: the day before, because nobody expects its first charge.
        (14, 14, ["2027-01-18T09:00"]),
        (3, 3, ["2027-01-07T09:00"]),
        (2, 3, ["2027-01-06T09:00"]),
        (1, 3, []),
    ],
)
async def test_the_end_of_a_trial_is_told_in_time(
    story: Story, trial_days: int, reminder_days: int, told: list[str]
) -> None:
    await _choose(story, renewalReminderDays=reminder_days)
    plan_id = await story.merchant.plan(trialDays=trial_days)
    await story.merchant.subscribe(planId=plan_id, paymentMethodId="pm_test_ok")

    await story.merchant.advance(to="2027-01-19T10:00:00Z")

    assert [at for _, _, at in await story.outbox("trial_ending")] == told


async def test_a_period_shorter_than_the_days_has_no_reminder(story: Story) -> None:
    await story.active(interval="day", intervalCount=3)

    await story.merchant.advance(by="P9D")

    assert await story.outbox("renewal_reminder") == []


@pytest.mark.parametrize("ending", ["at its period's end", "by its plan's last cycle"])
async def test_nobody_is_reminded_of_a_renewal_that_will_not_be(story: Story, ending: str) -> None:
    is_last = ending == "by its plan's last cycle"
    made = await story.active(maxCycles=1 if is_last else None)
    if not is_last:
        await story.act(made["id"], "cancel", atPeriodEnd=True)

    await story.merchant.advance(by="P2M")

    assert await story.outbox("renewal_reminder") == []
    assert (await story.merchant.subscription(made["id"]))["status"] in ("canceled", "expired")
