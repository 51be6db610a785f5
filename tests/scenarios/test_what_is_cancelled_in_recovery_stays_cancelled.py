"""A merchant cancels in mid-recovery: nothing more is asked for, and money that comes all the same is found."""

from typing import Any

from tests.support.stories import Story

CANCELLED = {"entered": 500_000, "cancelled": 500_000}
JANUARY = {"gatewayClearing": 500_000, "merchantPayable": -500_000}


async def cancelled_while_asked(story: Story) -> tuple[dict[str, Any], dict[str, Any]]:
    """A subscription that was cancelled while its customer was asked to pay by USSD, and that request."""
    made = await story.active("pm_test_stolen")
    await story.merchant.advance(to="2027-02-05T12:00:00Z")
    (ussd,) = await story.requests(made["id"])
    assert ussd["status"] == "open"
    await story.act(made["id"], "cancel", reason="Moved to another gym.")
    return made, ussd


async def pay_late(story: Story) -> tuple[dict[str, Any], dict[str, Any]]:
    """The same, and the customer paid an hour later; that money, which nobody owes."""
    made, ussd = await cancelled_while_asked(story)
    await story.merchant.advance(by="PT1H")
    await story.pay(ussd["id"])
    (held,) = await story.suspense()
    assert (held["reason"], held["amount"], held["subscriptionId"]) == (
        *("not_owed", 500_000),
        made["id"],
    )
    assert await story.accounts() == {
        "gatewayClearing": 1_000_000,
        "merchantPayable": -500_000,
        "suspense": -500_000,
    }
    return made, held


async def resolve(story: Story, item_id: str, **how: object) -> dict[str, Any]:
    answer = await story.merchant.client.post(f"/v1/suspense/{item_id}/resolve", how)
    assert answer.status == 200, answer.body
    return answer.json


async def test_a_retry_that_was_planned_is_not_made(story: Story) -> None:
    subscription_id = (await story.active("pm_test_payday"))["id"]
    await story.merchant.advance(to="2027-02-10T12:00:00Z")
    planned = await story.case(subscription_id)
    before = len(await story.types())

    await story.act(subscription_id, "cancel")
    await story.merchant.advance(to="2027-03-31T00:00:00Z")

    assert (planned["state"], planned["nextAction"]) == ("scheduled", "retry_payday")
    assert len(await story.charges()) == 2
    case = await story.case(subscription_id)
    assert (case["state"], case["nextAction"], case["nextAttemptAt"]) == ("canceled", None, None)
    assert case["reason"] == "The subscription was cancelled."
    assert (await story.invoice(subscription_id))["status"] == "void"
    assert await story.types(after=before) == ["subscription_cancelled"]
    assert await story.at_risk() == CANCELLED
    assert await story.accounts() == JANUARY
    assert await story.broken() == []


async def test_a_request_that_was_open_is_void_and_nobody_is_asked_again(story: Story) -> None:
    made, _ = await cancelled_while_asked(story)

    await story.merchant.advance(to="2027-03-31T00:00:00Z")

    assert [row["status"] for row in await story.requests(made["id"])] == ["void"]
    assert (await story.case(made["id"]))["state"] == "canceled"
    assert (await story.types())[-1] == "subscription_cancelled"
    assert await story.at_risk() == CANCELLED
    assert await story.accounts() == JANUARY
    assert await story.broken() == []


async def test_money_that_comes_afterwards_is_held_and_noted_as_given_back(story: Story) -> None:
    made, held = await pay_late(story)

    resolved = await resolve(story, held["id"], action="refunded", note="By bank transfer.")

    assert (resolved["status"], resolved["resolution"]) == ("resolved", "refunded")
    assert (await story.merchant.subscription(made["id"]))["status"] == "canceled"
    assert (await story.invoice(made["id"]))["status"] == "void"
    assert await story.suspense() == []
    assert await story.at_risk() == CANCELLED
    assert await story.accounts() == JANUARY
    assert await story.broken() == []


async def test_money_that_comes_afterwards_pays_for_what_the_customer_has_next(
    story: Story,
) -> None:
    made, held = await pay_late(story)
    again = await story.merchant.subscribe(
        customerId=made["customerId"], paymentMethodId="pm_test_ok"
    )

    await resolve(story, held["id"], action="credit", subscriptionId=again["id"])
    credited = await story.merchant.subscription(again["id"])
    await story.merchant.advance(to="2027-03-06T00:00:00Z")

    assert credited["balance"] == 500_000
    now = await story.merchant.subscription(again["id"])
    assert (now["status"], now["cyclesCompleted"], now["balance"]) == ("active", 2, 0)
    moved = [row["amount"] for row in await story.charges() if row["status"] == "succeeded"]
    assert moved == [500_000, 500_000]
    # January, the second subscription's first month by card, and its second by what had come too late.
    assert await story.accounts() == {"gatewayClearing": 1_500_000, "merchantPayable": -1_500_000}
    assert await story.suspense() == []
    assert await story.broken() == []


async def test_a_case_that_is_given_up_with_its_subscription_asks_for_nothing_more(
    story: Story,
) -> None:
    await story.settle_on(dunningEscalation="cancel")
    subscription_id = (await story.active("pm_test_stolen"))["id"]
    await story.merchant.advance(to="2027-02-05T12:00:00Z")
    case_id = (await story.case(subscription_id))["id"]

    given_up = await story.merchant.client.post(f"/v1/recovery/{case_id}/cancel", {})
    (ussd,) = await story.requests(subscription_id)

    assert (given_up.status, given_up.json["state"]) == (200, "canceled")
    assert (await story.merchant.subscription(subscription_id))["status"] == "canceled"
    assert (await story.invoice(subscription_id))["status"] == "uncollectible"
    assert (ussd["status"], ussd["closedAt"]) == ("void", "2027-02-05T12:00:00.000Z")
    assert (await story.reasons(subscription_id))[-1] == "Recovery was given up by hand."
    assert (await story.types())[-1] == "subscription_cancelled"
    assert await story.at_risk() == CANCELLED
    assert await story.accounts() == JANUARY
    assert await story.broken() == []


async def test_a_case_that_is_given_up_can_be_paid_while_its_subscription_lives(
    story: Story,
) -> None:
    subscription_id = (await story.active("pm_test_stolen"))["id"]
    await story.merchant.advance(to="2027-02-05T12:00:00Z")
    case_id = (await story.case(subscription_id))["id"]

    await story.merchant.client.post(f"/v1/recovery/{case_id}/cancel", {})
    unpaid = await story.merchant.subscription(subscription_id)
    (ussd,) = await story.requests(subscription_id)
    await story.pay(ussd["id"])

    assert (unpaid["status"], ussd["status"]) == ("unpaid", "open")
    assert (await story.merchant.subscription(subscription_id))["status"] == "active"
    assert await story.at_risk() == {"entered": 500_000, "recovered": 500_000}
    assert await story.accounts() == {"gatewayClearing": 1_000_000, "merchantPayable": -1_000_000}
    assert await story.broken() == []
