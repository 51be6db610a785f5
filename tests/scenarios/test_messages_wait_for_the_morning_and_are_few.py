"""When customers are told something: never at night unless they have just asked for it, and not too often."""

import asyncio
from collections import Counter
from typing import Final

import pytest

from duro.kit.clock import monotonic_s
from tests.support.stories import Story

# The machine of the tests is slow, and not alone.
_PATIENCE_S: Final = 1.5

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
    caught: Story,
) -> None:
    customer_id = await caught.merchant.customer()
    for _ in range(9):
        await caught.merchant.subscribe(customerId=customer_id, paymentMethodId="pm_test_ok")
    other_id = await caught.merchant.customer(email="bola@example.com")
    await caught.merchant.subscribe(customerId=other_id, paymentMethodId="pm_test_ok")

    advanced = await caught.merchant.advance(to="2027-02-05T12:00:00.000Z")

    reminders = await caught.outbox("renewal_reminder")
    assert Counter(status for _, status, _ in reminders) == {"sent": 8, "capped": 2}
    assert advanced["counts"]["capped"] == 2
    # What confirms a payment is owed to everybody.
    assert [status for _, status, _ in await caught.outbox("receipt")] == ["sent"] * 20
    told = "SELECT count(*) FROM outbox WHERE status = 'sent' AND is_reminder AND customer_id = $1"
    assert [row[0] for row in await caught.query(told, customer_id)] == [7]
    assert [row[0] for row in await caught.query(told, other_id)] == [1]
    assert await caught.broken() == []


async def test_another_week_has_reminders_of_its_own(caught: Story) -> None:
    customer_id = await caught.merchant.customer()
    plan_id = await caught.merchant.plan(allowMultiple=True)
    for _ in range(8):
        await caught.merchant.subscribe(
            customerId=customer_id, planId=plan_id, paymentMethodId="pm_test_ok"
        )

    await caught.merchant.advance(by="P2M")

    reminders = await caught.outbox("renewal_reminder")
    days = Counter((at[:10], status) for _, status, at in reminders)
    assert days == {
        ("2027-02-02", "sent"): 7,
        ("2027-02-02", "capped"): 1,
        ("2027-03-02", "sent"): 7,
        ("2027-03-02", "capped"): 1,
    }
    assert await caught.broken() == []


async def test_a_reset_forgets_who_was_reminded(caught: Story) -> None:
    customer_id = await caught.merchant.customer()
    await caught.merchant.subscribe(customerId=customer_id, paymentMethodId="pm_test_ok")
    await caught.merchant.advance(by="P1M")
    before = await caught.query("SELECT cardinality(reminders) FROM contact_caps")

    assert (await caught.merchant.client.post("/v1/test-clock/reset")).status == 200

    assert [row[0] for row in before] == [1]
    assert await caught.query("SELECT cardinality(reminders) FROM contact_caps") == []


async def test_what_is_due_goes_out_within_a_second(caught: Story) -> None:
    """The scan comes every five seconds: without a bell one of these would have to wait for it."""
    waited_s = []
    for count in range(1, 6):
        await caught.active()
        began_s = monotonic_s()
        while await _sent(caught) < count:
            await asyncio.sleep(0.02)
        waited_s.append(monotonic_s() - began_s)

    assert max(waited_s) < _PATIENCE_S


async def _sent(story: Story) -> int:
    return [status for _, status, _ in await story.outbox("receipt")].count("sent")
