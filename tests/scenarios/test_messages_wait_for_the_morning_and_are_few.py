"""When customers are told something: never at night unless they have just asked for it, and not too often."""

from collections import Counter

import pytest

from tests.support.stories import Story

# In Lagos it is an hour later.
_LATE_EVENING = "2027-01-05T21:30:00.000Z"
_BEFORE_DAWN = "2027-01-06T03:30:00.000Z"


@pytest.mark.parametrize(
    ("begun", "morning"),
    [
        (_LATE_EVENING, "2027-02-06T06:00"),
        (_BEFORE_DAWN, "2027-02-06T06:00"),
        ("2027-01-05T12:00:00.000Z", "2027-02-05T12:00"),
        # The last minute of the day, and the first of the night.
        ("2027-01-05T19:59:00.000Z", "2027-02-05T19:59"),
        ("2027-01-05T20:00:00.000Z", "2027-02-06T06:00"),
    ],
)
async def test_a_renewal_by_night_is_told_in_the_morning(
    story: Story, begun: str, morning: str
) -> None:
    await story.begin(begun)
    await story.active()

    await story.merchant.advance(by="P1M")

    # Whoever pays at night is awake, and has the receipt at once.
    assert await story.outbox("receipt") == [
        ("receipt", "queued", begun[:16]),
        ("receipt", "queued", morning),
    ]
    assert await story.broken() == []


async def test_a_failure_by_night_is_told_in_the_morning_and_a_new_card_at_once(
    story: Story,
) -> None:
    await story.merchant.advance(to=_LATE_EVENING)
    subscription_id = (await story.active("pm_test_expired"))["id"]

    await story.merchant.advance(to="2027-02-05T21:40:00.000Z")
    await story.change(subscription_id, paymentMethodId="pm_test_ok")
    await story.merchant.advance(by="PT0S")

    assert await story.outbox("payment_action_required", "payment_recovered") == [
        ("payment_action_required", "queued", "2027-02-06T06:00"),
        ("payment_recovered", "queued", "2027-02-05T21:40"),
    ]
    assert await story.broken() == []


async def test_a_customer_of_many_subscriptions_is_reminded_seven_times_a_week(
    story: Story,
) -> None:
    customer_id = await story.merchant.customer()
    for _ in range(9):
        await story.merchant.subscribe(customerId=customer_id, paymentMethodId="pm_test_ok")
    other = await story.active()

    advanced = await story.merchant.advance(to="2027-02-05T12:00:00.000Z")

    reminders = await story.outbox("renewal_reminder")
    assert Counter(status for _, status, _ in reminders) == {"queued": 8, "capped": 2}
    assert advanced["counts"]["capped"] == 2
    # What confirms a payment is owed to everybody.
    assert [status for _, status, _ in await story.outbox("receipt")] == ["queued"] * 20
    told = (
        "SELECT count(*) FROM outbox WHERE status = 'queued' AND is_reminder AND customer_id = $1"
    )
    assert [row[0] for row in await story.query(told, customer_id)] == [7]
    assert [row[0] for row in await story.query(told, other["customerId"])] == [1]
    assert await story.broken() == []


async def test_another_week_has_reminders_of_its_own(story: Story) -> None:
    customer_id = await story.merchant.customer()
    plan_id = await story.merchant.plan(allowMultiple=True)
    for _ in range(8):
        await story.merchant.subscribe(
            customerId=customer_id, planId=plan_id, paymentMethodId="pm_test_ok"
        )

    await story.merchant.advance(by="P2M")

    reminders = await story.outbox("renewal_reminder")
    days = Counter((at[:10], status) for _, status, at in reminders)
    assert days == {
        ("2027-02-02", "queued"): 7,
        ("2027-02-02", "capped"): 1,
        ("2027-03-02", "queued"): 7,
        ("2027-03-02", "capped"): 1,
    }
