"""A change of plan inside the period: what it costs, when it happens, and that a decline changes nothing."""

from typing import Any

import pytest

from tests.support.api import Answer
from tests.support.stories import Story

# Half of the period of 31 days that begins on 5 January at 09:00.
MIDDLE = "2027-01-20T21:00:00Z"
END = "2027-02-05T09:00:00.000Z"


async def change(story: Story, subscription_id: str, plan_id: str, **more: object) -> Answer:
    path = f"/v1/subscriptions/{subscription_id}/change-plan"
    return await story.merchant.client.post(path, {"planId": plan_id, **more})


async def changed(
    story: Story, subscription_id: str, plan_id: str, **more: object
) -> dict[str, Any]:
    answer = await change(story, subscription_id, plan_id, **more)
    assert answer.status == 200, answer.body
    return answer.json


async def entries(story: Story) -> list[tuple[int, int, str]]:
    rows = await story.query(
        "SELECT amount_minor, balance_after_minor, reason FROM balance_entries ORDER BY id"
    )
    return [(row["amount_minor"], row["balance_after_minor"], row["reason"]) for row in rows]


async def test_an_upgrade_is_charged_for_the_rest_of_the_period_at_once(story: Story) -> None:
    subscription_id = (await story.active())["id"]
    gold = await story.merchant.plan(name="Platinum", amount=1_000_000)
    await story.merchant.advance(to=MIDDLE)
    before = len(await story.types())

    done = await changed(story, subscription_id, gold)
    told = await story.types(after=before)
    await story.merchant.advance(to="2027-02-06T00:00:00Z")

    assert done["proration"] == {"amount": 250_000, "kind": "charge"}
    assert done["subscription"]["planId"] == gold
    assert done["subscription"]["currentPeriodEnd"] == END
    assert done["invoice"] == {
        "amount": 250_000,
        "currency": "NGN",
        "lines": [
            {
                "kind": "proration",
                "description": "Platinum, rest of the period",
                "amount": 500_000,
            },
            {"kind": "proration", "description": "Unused time on Gold", "amount": -250_000},
        ],
        "periodStart": "2027-01-20T21:00:00.000Z",
        "periodEnd": END,
    }
    assert told == [
        *("invoice_created", "subscription_plan_changed", "subscription_payment_success")
    ]
    assert [row["amount"] for row in await story.invoices(subscription_id)] == [
        *(500_000, 250_000, 1_000_000)
    ]
    assert await story.settled() == 3
    now = await story.merchant.subscription(subscription_id)
    assert (now["status"], now["cyclesCompleted"], now["balance"]) == ("active", 2, 0)
    assert await story.broken() == []


async def test_a_downgrade_gives_credit_that_nets_against_the_next_renewals(story: Story) -> None:
    subscription_id = (await story.active(amount=1_000_000))["id"]
    student = await story.merchant.plan(name="Student", amount=150_000)
    await story.merchant.advance(to=MIDDLE)

    done = await changed(story, subscription_id, student)
    await story.merchant.advance(to="2027-05-06T00:00:00Z")

    # Half of ₦10,000 less half of ₦1,500.
    assert done["proration"] == {"amount": 425_000, "kind": "credit"}
    assert (done["subscription"]["balance"], done["invoice"]) == (425_000, None)
    assert [row["amount"] for row in await story.invoices(subscription_id)] == [
        *(1_000_000, 0, 0, 25_000, 150_000)
    ]
    assert await entries(story) == [
        (425_000, 425_000, "downgrade"),
        (-150_000, 275_000, "renewal"),
        (-150_000, 125_000, "renewal"),
        (-125_000, 0, "renewal"),
    ]
    assert await story.broken() == []


async def test_there_and_back_at_one_instant_costs_nothing(story: Story) -> None:
    made = await story.active(amount=1_000_000)
    student = await story.merchant.plan(name="Student", amount=150_000)
    await story.merchant.advance(to=MIDDLE)

    await changed(story, made["id"], student)
    back = await changed(story, made["id"], made["planId"])

    assert back["proration"] == {"amount": 425_000, "kind": "charge"}
    assert back["invoice"]["amount"] == 0
    assert (back["subscription"]["balance"], await story.settled()) == (0, 1)
    assert [row[2] for row in await entries(story)] == ["downgrade", "plan_change"]
    assert await story.broken() == []


async def test_a_plan_of_the_same_price_costs_nothing(story: Story) -> None:
    subscription_id = (await story.active())["id"]
    other = await story.merchant.plan(name="Gold, new terms")
    await story.merchant.advance(to=MIDDLE)

    done = await changed(story, subscription_id, other)

    assert done["proration"] == {"amount": 0, "kind": "none"}
    assert (done["invoice"], done["subscription"]["planId"]) == (None, other)
    assert await story.broken() == []


async def test_an_upgrade_may_stand_on_the_next_invoice(story: Story) -> None:
    subscription_id = (await story.active())["id"]
    platinum = await story.merchant.plan(name="Platinum", amount=1_000_000)
    await story.merchant.advance(to=MIDDLE)

    done = await changed(story, subscription_id, platinum, billing="next_invoice")
    settled = await story.settled()
    await story.merchant.advance(to="2027-03-06T00:00:00Z")

    assert done["proration"] == {"amount": 250_000, "kind": "charge"}
    assert (done["invoice"], done["subscription"]["carried"], settled) == (None, 250_000, 1)
    first, second, third = await story.invoices(subscription_id)
    assert (second["amount"], third["amount"]) == (1_250_000, 1_000_000)
    assert second["lines"][1] == {
        "kind": "carried",
        "description": "Change of plan in the last period",
        "amount": 250_000,
    }
    assert (await story.merchant.subscription(subscription_id))["carried"] == 0
    assert first["amount"] == 500_000
    assert await story.broken() == []


async def test_another_interval_begins_a_new_period_less_what_is_unused(story: Story) -> None:
    subscription_id = (await story.active())["id"]
    yearly = await story.merchant.plan(name="Gold yearly", amount=5_000_000, interval="year")
    await story.merchant.advance(to=MIDDLE)

    done = await changed(story, subscription_id, yearly)
    await story.merchant.advance(to="2028-01-21T00:00:00Z")

    assert done["proration"] == {"amount": 4_750_000, "kind": "charge"}
    row = done["subscription"]
    assert (row["currentPeriodStart"], row["currentPeriodEnd"]) == (
        *("2027-01-20T21:00:00.000Z", "2028-01-20T21:00:00.000Z"),
    )
    assert row["cyclesCompleted"] == 2
    assert [line["amount"] for line in done["invoice"]["lines"]] == [5_000_000, -250_000]
    renewed = await story.merchant.subscription(subscription_id)
    assert renewed["currentPeriodEnd"] == "2029-01-20T21:00:00.000Z"
    assert await story.broken() == []


async def test_a_shorter_interval_leaves_credit_and_charges_nothing(story: Story) -> None:
    subscription_id = (await story.active(amount=5_000_000, interval="year"))["id"]
    monthly = await story.merchant.plan(name="Monthly", amount=500_000)
    # 73 of 365 days.
    await story.merchant.advance(to="2027-03-19T09:00:00Z")

    done = await changed(story, subscription_id, monthly)
    await story.merchant.advance(to="2027-04-20T00:00:00Z")

    assert done["proration"] == {"amount": 3_500_000, "kind": "credit"}
    assert (done["invoice"]["amount"], done["subscription"]["balance"]) == (0, 3_500_000)
    assert done["subscription"]["currentPeriodEnd"] == "2027-04-19T09:00:00.000Z"
    assert (await story.merchant.subscription(subscription_id))["balance"] == 3_000_000
    assert await story.settled() == 1
    assert await story.broken() == []


async def test_a_declined_change_is_refused_and_changes_nothing(story: Story) -> None:
    made = await story.active("pm_test_insufficient_funds")
    platinum = await story.merchant.plan(name="Platinum", amount=1_000_000)
    yearly = await story.merchant.plan(name="Yearly", amount=5_000_000, interval="year")
    await story.give_credit(made["id"], 100_000)
    await story.merchant.advance(to=MIDDLE)
    before = await story.merchant.subscription(made["id"])

    refused = await change(story, made["id"], platinum)
    again = await change(story, made["id"], yearly)

    for answer in (refused, again):
        assert (answer.status, answer.code) == (409, "payment_failed")
    assert await story.merchant.subscription(made["id"]) == before
    assert [row["status"] for row in await story.invoices(made["id"])] == ["paid", "void", "void"]
    assert [row[2] for row in await entries(story)] == [
        *("downgrade", "plan_change", "void", "plan_change", "void")
    ]
    assert "subscription_plan_changed" not in await story.types()
    assert await story.broken() == []


@pytest.mark.parametrize("method", ["pm_test_timeout_charged", "pm_test_timeout_not_charged"])
async def test_a_change_without_an_answer_waits_and_others_are_refused(
    story: Story, method: str
) -> None:
    made = await story.active(method)
    platinum = await story.merchant.plan(name="Platinum", amount=1_000_000)
    other = await story.merchant.plan(name="Other", amount=700_000)
    await story.merchant.advance(to=MIDDLE)

    waiting = await changed(story, made["id"], platinum)
    refused = [
        await change(story, made["id"], other),
        await change(story, made["id"], other, when="period_end"),
        await story.merchant.client.post(f"/v1/subscriptions/{made['id']}/pause"),
        await story.merchant.client.post(
            f"/v1/subscriptions/{made['id']}/change-plan/preview", {"planId": other}
        ),
        # Nobody else may take the plan meanwhile.
        await story.merchant.client.post(
            "/v1/subscriptions", {"customerId": made["customerId"], "planId": platinum}
        ),
    ]
    await story.merchant.advance(by="PT2M")

    row = waiting["subscription"]
    assert (row["planId"], row["pendingPlanId"]) == (made["planId"], platinum)
    assert [(answer.status, answer.code) for answer in refused] == [(409, "conflict")] * 5
    now = await story.merchant.subscription(made["id"])
    assert (now["planId"], now["pendingPlanId"]) == (platinum, None)
    assert now["currentPeriodEnd"] == END
    assert await story.settled() == 2
    await story.change(made["id"], paymentMethodId="pm_test_ok")
    await story.merchant.advance(to="2027-02-06T00:00:00Z")
    assert (await story.invoice(made["id"]))["amount"] == 1_000_000
    assert await story.broken() == []


async def test_a_cancellation_while_the_change_waits_gets_its_money_flagged(story: Story) -> None:
    made = await story.active("pm_test_timeout_charged")
    platinum = await story.merchant.plan(name="Platinum", amount=1_000_000)
    await story.merchant.advance(to=MIDDLE)
    await changed(story, made["id"], platinum)

    await story.act(made["id"], "cancel")
    await story.merchant.advance(by="PT2M")

    now = await story.merchant.subscription(made["id"])
    assert (now["status"], now["planId"], now["pendingPlanId"]) == (
        "canceled",
        made["planId"],
        None,
    )
    rows = await story.query(
        "SELECT review_reason, status FROM payment_attempts WHERE purpose = 'plan_change'"
    )
    assert [row["status"] for row in rows] == ["succeeded"]
    assert "to be refunded" in rows[0]["review_reason"]
    assert await story.broken() == []


async def test_a_trial_changes_its_plan_without_a_charge_and_keeps_its_end(story: Story) -> None:
    plan_id = await story.merchant.plan(trialDays=14)
    made = await story.merchant.subscribe(planId=plan_id, paymentMethodId="pm_test_ok")
    yearly = await story.merchant.plan(name="Yearly", amount=5_000_000, interval="year")
    await story.merchant.advance(by="P3D")

    done = await changed(story, made["id"], yearly)
    await story.merchant.advance(to="2027-01-20T00:00:00Z")

    assert done["proration"] == {"amount": 0, "kind": "none"}
    assert (done["subscription"]["status"], done["invoice"]) == ("trialing", None)
    assert done["subscription"]["trialEnd"] == made["trialEnd"]
    now = await story.merchant.subscription(made["id"])
    assert (now["status"], now["currentPeriodEnd"]) == ("active", "2028-01-19T09:00:00.000Z")
    assert await story.settled() == 1
    assert await story.broken() == []


async def test_a_price_that_was_raised_since_gives_nobody_a_credit(story: Story) -> None:
    made = await story.active()
    student = await story.merchant.plan(name="Student", amount=150_000)
    raised = await story.merchant.client.patch(
        f"/v1/plans/{made['planId']}", {"amount": 50_000_000}
    )
    await story.merchant.advance(to=MIDDLE)

    done = await changed(story, made["id"], student)

    assert raised.status == 200
    # Half of the ₦5,000 that were billed, less half of ₦1,500.
    assert done["proration"] == {"amount": 175_000, "kind": "credit"}
    assert await story.broken() == []


async def test_proration_counts_what_the_promo_code_leaves_of_both_prices(story: Story) -> None:
    await story.merchant.made(
        "/v1/promo-codes",
        {"code": "HALF", "discountType": "percentage", "discountValue": 50, "duration": "forever"},
    )
    plan_id = await story.merchant.plan()
    made = await story.merchant.subscribe(
        planId=plan_id, paymentMethodId="pm_test_ok", promoCode="HALF"
    )
    platinum = await story.merchant.plan(name="Platinum", amount=1_000_000)
    await story.merchant.advance(to=MIDDLE)

    done = await changed(story, made["id"], platinum)

    assert done["proration"] == {"amount": 125_000, "kind": "charge"}
    assert await story.broken() == []
