"""The gateway does not answer: the attempt is unknown until a look-up settles it, and nothing is charged twice."""

import pytest

from tests.support.stories import Story

SILENT = ["pm_test_timeout_charged", "pm_test_timeout_not_charged"]


@pytest.mark.parametrize("method", SILENT)
async def test_a_first_charge_without_an_answer_is_settled_a_minute_later(
    story: Story, method: str
) -> None:
    made = await story.merchant.subscribe(paymentMethodId=method)
    unknown = await story.tries(made["id"])

    advanced = await story.merchant.advance(by="PT2M")

    assert made["status"] == "incomplete"
    assert made["lastPaymentError"] is None
    assert unknown == [("2027-01-05T09:00", None, "unknown")]
    assert await story.tries(made["id"]) == [("2027-01-05T09:00", None, "succeeded")]
    assert await story.settled() == 1
    now = await story.merchant.subscription(made["id"])
    assert (now["status"], now["cyclesCompleted"]) == ("active", 1)
    # An unknown that settles keeps the creation as its anchor.
    assert now["currentPeriodStart"] == "2027-01-05T09:00:00.000Z"
    assert (await story.invoice(made["id"]))["paidAt"] == "2027-01-05T09:01:00.000Z"
    assert advanced["counts"]["lookups"] == 1
    assert await story.types() == [
        *("subscription_created", "invoice_created"),
        *("subscription_activated", "subscription_payment_success"),
    ]
    assert await story.broken() == []


@pytest.mark.parametrize("method", SILENT)
async def test_a_renewal_without_an_answer_is_settled_a_minute_later(
    story: Story, method: str
) -> None:
    subscription_id = (await story.active(method))["id"]

    await story.merchant.advance(to="2027-02-05T09:00:30Z")
    between = await story.merchant.subscription(subscription_id)
    await story.merchant.advance(to="2027-03-05T09:02:00Z")

    # Still active: whether it was paid is not known yet.
    assert between["status"] == "active"
    assert await story.settled() == 3
    now = await story.merchant.subscription(subscription_id)
    assert (now["status"], now["cyclesCompleted"]) == ("active", 3)
    assert now["currentPeriodStart"] == "2027-03-05T09:00:00.000Z"
    assert [row["paidAt"] for row in await story.invoices(subscription_id)] == [
        "2027-01-05T09:00:00.000Z",
        "2027-02-05T09:01:00.000Z",
        "2027-03-05T09:01:00.000Z",
    ]
    assert await story.broken() == []


@pytest.mark.parametrize(("method", "settled"), list(zip(SILENT, [2, 1], strict=True)))
async def test_a_cancellation_during_the_silence_asks_for_no_more_money(
    story: Story, method: str, settled: int
) -> None:
    subscription_id = (await story.active(method))["id"]
    await story.merchant.advance(to="2027-02-05T09:00:30Z")

    await story.act(subscription_id, "cancel")
    await story.merchant.advance(by="P2D")

    # What the gateway had taken is recorded and has to go back; what it never saw is not asked for again.
    assert await story.settled() == settled
    assert (await story.merchant.subscription(subscription_id))["status"] == "canceled"
    (attempt,) = await story.query(
        "SELECT status, review_reason, failure_code FROM payment_attempts WHERE purpose = 'renewal'"
    )
    invoice = await story.invoice(subscription_id)
    if method == "pm_test_timeout_charged":
        assert (attempt["status"], invoice["status"]) == ("succeeded", "paid")
        assert "to be refunded" in attempt["review_reason"]
    else:
        assert (attempt["status"], invoice["status"]) == ("failed", "void")
        assert attempt["failure_code"] == "canceled"
    assert await story.broken() == []


async def test_an_incomplete_subscription_does_not_expire_while_its_charge_is_open(
    story: Story,
) -> None:
    made = await story.merchant.subscribe(paymentMethodId="pm_test_timeout_charged")
    # As a gateway that cannot say for three days.
    await story.query("UPDATE payment_attempts SET check_at = check_at + interval '3 days'")

    await story.merchant.advance(by="P2D")
    waiting = await story.merchant.subscription(made["id"])
    await story.merchant.advance(by="P2D")

    assert waiting["status"] == "incomplete"
    assert (await story.merchant.subscription(made["id"]))["status"] == "active"
    assert await story.settled() == 1
    assert await story.broken() == []
