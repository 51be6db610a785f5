"""A customer is told that the card they pay with expires, once, on the first morning of its last month."""

import pytest

from tests.support.stories import Story

# Test cards are good until the end of 2040.
_TOLD = ("card_expiring", "queued", "2040-12-01T08:00")


@pytest.fixture
async def story(story: Story) -> Story:
    """The merchant in the autumn before the cards expire."""
    for _ in range(6):
        await story.merchant.advance(by="P2Y")
    await story.merchant.advance(to="2040-10-20T09:00:00.000Z")
    return story


async def test_a_card_in_use_is_told_of_once(story: Story) -> None:
    made = await story.active()

    before = await story.merchant.advance(to="2040-12-01T07:59:00.000Z")
    told = await story.outbox("card_expiring")
    on_the_day = await story.merchant.advance(to="2040-12-01T08:00:00.000Z")
    await story.merchant.advance(to="2041-01-10T00:00:00.000Z")

    assert (before["counts"]["reminders"], told) == (1, [])
    assert on_the_day["counts"]["reminders"] == 1
    assert await story.outbox("card_expiring") == [_TOLD]
    (row,) = await story.query(
        "SELECT customer_id, data FROM outbox WHERE template = $1", *_TOLD[:1]
    )
    assert row["customer_id"] == made["customerId"]
    assert '"last4": "3210"' in row["data"]
    assert '"renewsAt": "2040-12-20T09:00:00' in row["data"]
    assert await story.broken() == []


async def test_the_default_card_of_a_subscription_without_its_own_is_in_use(story: Story) -> None:
    made = await story.active()
    await story.query("UPDATE subscriptions SET payment_method_id = NULL")

    await story.merchant.advance(to="2040-12-02T00:00:00.000Z")

    assert await story.outbox("card_expiring") == [_TOLD]
    assert (await story.merchant.subscription(made["id"]))["status"] == "active"


@pytest.mark.parametrize("how", ["canceled", "to be canceled", "another card", "paused", "off"])
async def test_nobody_is_told_of_a_card_that_will_not_be_charged(story: Story, how: str) -> None:
    made = await story.active()
    match how:
        case "canceled":
            await story.act(made["id"], "cancel")
        case "to be canceled":
            await story.act(made["id"], "cancel", atPeriodEnd=True)
        case "paused":
            await story.act(made["id"], "pause")
        case "off":
            await story.merchant.client.patch("/v1/settings/recovery", {"renewalReminders": False})
        case _:
            # Which itself is good for ever.
            await story.change(made["id"], paymentMethodId="pm_test_payday")
            await story.query(
                "UPDATE payment_methods SET expiry_notice_at = NULL WHERE last4 = '2828'"
            )

    await story.merchant.advance(to="2041-01-10T00:00:00.000Z")

    assert await story.outbox("card_expiring") == []
    left = "SELECT count(*) FROM payment_methods WHERE expiry_notice_at IS NOT NULL"
    assert [row[0] for row in await story.query(left)] == [0]


async def test_a_card_that_is_used_again_in_its_last_month_is_told_of_then(story: Story) -> None:
    made = await story.active(amount=700_000)
    await story.act(made["id"], "pause")
    await story.merchant.advance(to="2040-12-03T09:00:00.000Z")
    await story.act(made["id"], "resume")

    await story.merchant.advance(to="2040-12-20T00:00:00.000Z")

    assert await story.outbox("card_expiring") == [("card_expiring", "queued", "2040-12-08T08:00")]


async def test_a_card_given_in_its_last_month_is_told_of_the_next_day(story: Story) -> None:
    await story.merchant.advance(to="2040-12-15T22:00:00.000Z")
    await story.active()

    await story.merchant.advance(by="P2D")

    # A day later it is night again.
    assert await story.outbox("card_expiring") == [("card_expiring", "queued", "2040-12-17T06:00")]
