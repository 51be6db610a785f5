"""A change of plan that waits for the period's end, and what keeps it from happening."""

from typing import Any

from tests.support.api import Answer
from tests.support.stories import Story


async def ask(story: Story, subscription_id: str, plan_id: str, **more: object) -> Answer:
    path = f"/v1/subscriptions/{subscription_id}/change-plan"
    return await story.merchant.client.post(path, {"planId": plan_id, **more})


async def schedule(story: Story, subscription_id: str, plan_id: str) -> dict[str, Any]:
    answer = await ask(story, subscription_id, plan_id, when="period_end")
    assert answer.status == 200, answer.body
    row: dict[str, Any] = answer.json["subscription"]
    return row


async def test_a_scheduled_plan_begins_with_the_next_period_without_proration(story: Story) -> None:
    made = await story.active()
    yearly = await story.merchant.plan(name="Yearly", amount=5_000_000, interval="year")
    await story.merchant.advance(by="P5D")

    answer = await ask(story, made["id"], yearly, when="period_end")
    before = len(await story.types())
    await story.merchant.advance(to="2027-02-06T00:00:00Z")

    assert answer.json["proration"] == {"amount": 0, "kind": "none"}
    assert answer.json["subscription"]["scheduledPlanId"] == yearly
    assert answer.json["subscription"]["planId"] == made["planId"]
    now = await story.merchant.subscription(made["id"])
    assert (now["planId"], now["scheduledPlanId"]) == (yearly, None)
    assert now["currentPeriodEnd"] == "2028-02-05T09:00:00.000Z"
    assert await story.types(after=before) == [
        *("subscription_plan_changed", "invoice_created", "subscription_payment_success")
    ]
    assert await story.broken() == []


async def test_a_schedule_is_replaced_and_dropped_and_a_change_now_ends_it(story: Story) -> None:
    made = await story.active()
    first = await story.merchant.plan(name="First", amount=700_000)
    second = await story.merchant.plan(name="Second", amount=800_000)

    scheduled = [
        (await schedule(story, made["id"], plan_id))["scheduledPlanId"]
        for plan_id in (first, second, made["planId"], first)
    ]
    now = (await ask(story, made["id"], second)).json["subscription"]

    assert scheduled == [first, second, None, first]
    assert (now["planId"], now["scheduledPlanId"]) == (second, None)
    assert await story.broken() == []


async def test_a_scheduled_plan_that_the_customer_took_meanwhile_is_dropped(story: Story) -> None:
    made = await story.active()
    other = await story.merchant.plan(name="Other", amount=700_000)
    await schedule(story, made["id"], other)
    taken = await story.merchant.subscribe(
        customerId=made["customerId"], planId=other, paymentMethodId="pm_test_ok"
    )

    await story.merchant.advance(to="2027-02-06T00:00:00Z")

    now = await story.merchant.subscription(made["id"])
    assert taken["status"] == "active"
    assert (now["planId"], now["scheduledPlanId"]) == (made["planId"], None)
    assert (now["status"], now["cyclesCompleted"]) == ("active", 2)
    assert await story.broken() == []


async def test_what_cannot_be_changed_is_refused(story: Story) -> None:
    made = await story.active()
    other = await story.merchant.plan(name="Other", amount=700_000)
    dollars = await story.merchant.plan(name="Dollars", currency="USD")
    yearly = await story.merchant.plan(name="Yearly", interval="year", amount=5_000_000)
    archived = await story.merchant.plan(name="Old")
    await story.merchant.client.delete(f"/v1/plans/{archived}")
    await story.merchant.subscribe(
        customerId=made["customerId"], planId=yearly, paymentMethodId="pm_test_ok"
    )
    paused = (await story.active())["id"]
    await story.act(paused, "pause")
    ending = (await story.active())["id"]
    await story.act(ending, "cancel", atPeriodEnd=True)
    weekly = await story.merchant.plan(name="Weekly", interval="week")

    refused = {
        "same": await ask(story, made["id"], made["planId"]),
        "archived": await ask(story, made["id"], archived),
        "rival": await ask(story, made["id"], yearly),
        "paused": await ask(story, paused, other),
        "no next period": await ask(story, ending, other, when="period_end"),
        "no next invoice": await ask(story, ending, other, billing="next_invoice"),
        "currency": await ask(story, made["id"], dollars),
        "interval": await ask(story, made["id"], weekly, billing="next_invoice"),
        "unknown plan": await ask(story, made["id"], "plan_01JD0G4Y8Z7V6T5S4R3Q2P1N0M"),
        "unknown": await ask(story, "sub_01JD0G4Y8Z7V6T5S4R3Q2P1N0M", other),
        "when": await ask(story, made["id"], other, when="later"),
        "field": await ask(story, made["id"], other, amount=1),
    }

    assert {name: answer.status for name, answer in refused.items()} == {
        **dict.fromkeys(("same", "archived", "rival", "paused"), 409),
        **dict.fromkeys(("no next period", "no next invoice"), 409),
        **dict.fromkeys(("currency", "interval", "when", "field"), 422),
        **dict.fromkeys(("unknown plan", "unknown"), 404),
    }
    assert [refused[name].paths for name in ("currency", "interval", "when", "field")] == [
        *(["planId"], ["billing"], ["when"], ["amount"])
    ]
    assert (await story.merchant.subscription(made["id"]))["planId"] == made["planId"]
    assert await story.broken() == []
