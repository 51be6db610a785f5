"""A renewal fails off payday, waits for the 28th and recovers; the merchant's endpoint hears each step once."""

from collections import Counter

from duro.kit.modes import Mode
from tests.support.receiver import running_receiver
from tests.support.stories import Story
from tests.support.webhooks import verifies


async def test_the_wait_is_explained_and_the_recovery_is_told_once(story: Story) -> None:
    async with running_receiver() as receiver:
        endpoints = story.merchant.app.system.endpoints
        endpoint = await endpoints.add(
            Mode.TEST, story.merchant.tenant_id, url=receiver.url, types=()
        )
        made = await story.merchant.subscribe(paymentMethodId="pm_test_ok_then_insufficient_funds")
        assert made["status"] == "active"

        await story.merchant.advance(to="2027-02-06T00:00:00Z")
        failed = await story.merchant.subscription(made["id"])
        case = await story.case(made["id"])
        recovered = await story.merchant.advance(to="2027-03-01T00:00:00Z")

    assert failed["status"] == "past_due"
    assert failed["lastPaymentError"]["code"] == "51"
    assert failed["payUrl"] is not None
    assert case["nextAttemptAt"] == "2027-02-28T09:00:00.000Z"
    assert "insufficient funds, waiting for the 28th" in case["reason"]
    assert "28 Feb 2027" in case["reason"]
    assert recovered["counts"]["recovered"] == 1
    now = await story.merchant.subscription(made["id"])
    assert (now["status"], now["payUrl"]) == ("active", None)
    assert now["currentPeriodStart"] == "2027-02-05T09:00:00.000Z"
    assert now["currentPeriodEnd"] == "2027-03-05T09:00:00.000Z"
    assert (await story.case(made["id"]))["recoveredBy"] == "payday_retry"

    assert all(verifies(endpoint.secret, each) for each in receiver.received)
    told = Counter(each.json["type"] for each in receiver.received)
    assert told == {
        "subscription_created": 1,
        "invoice_created": 2,
        "subscription_activated": 1,
        "subscription_payment_success": 1,
        "subscription_payment_failed": 1,
        "subscription_past_due": 1,
        "subscription_payment_recovered": 1,
        "subscription_recovered": 1,
    }
    assert len(set(receiver.event_ids)) == len(receiver.event_ids)
    past_due = next(
        each.json for each in receiver.received if each.json["type"] == "subscription_past_due"
    )
    # A snapshot as the API showed it at that moment.
    assert past_due["data"]["subscription"]["status"] == "past_due"
    assert set(past_due["data"]["subscription"]) == set(failed)
    assert past_due["data"]["amount"] == 500_000
    assert past_due["createdAt"] == "2027-02-05T09:00:00.000Z"
    assert await story.broken() == []
