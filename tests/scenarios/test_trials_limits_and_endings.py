"""How subscriptions begin with a trial, and how they end: by limit, by date, by nobody paying."""

from tests.support.stories import Story


async def test_the_first_charge_falls_at_the_end_of_the_trial_which_is_the_anchor(
    story: Story,
) -> None:
    plan_id = await story.merchant.plan(trialDays=14)
    made = await story.merchant.subscribe(planId=plan_id, paymentMethodId="pm_test_ok")

    await story.merchant.advance(to="2027-03-20T00:00:00Z")

    assert made["status"] == "trialing"
    assert made["trialEnd"] == made["currentPeriodEnd"] == "2027-01-19T09:00:00.000Z"
    assert made["latestInvoiceId"] is None
    assert [row["periodStart"] for row in await story.invoices(made["id"])] == [
        *("2027-01-19T09:00:00.000Z", "2027-02-19T09:00:00.000Z", "2027-03-19T09:00:00.000Z")
    ]
    now = await story.merchant.subscription(made["id"])
    assert (now["status"], now["cyclesCompleted"]) == ("active", 3)
    assert (await story.types())[:4] == [
        *("subscription_created", "invoice_created", "subscription_activated"),
        "subscription_payment_success",
    ]
    assert (await story.messages())[:2] == ["trial_ending", "receipt"]
    assert await story.broken() == []


async def test_a_trial_that_cannot_be_charged_is_past_due_and_recovers_into_its_first_period(
    story: Story,
) -> None:
    plan_id = await story.merchant.plan(trialDays=14)
    made = await story.merchant.subscribe(planId=plan_id, paymentMethodId="pm_test_payday")

    await story.merchant.advance(to="2027-01-20T00:00:00Z")
    failed = await story.merchant.subscription(made["id"])
    await story.merchant.advance(to="2027-01-29T00:00:00Z")

    assert (failed["status"], failed["cyclesCompleted"]) == ("past_due", 0)
    now = await story.merchant.subscription(made["id"])
    assert (now["status"], now["cyclesCompleted"]) == ("active", 1)
    assert now["currentPeriodStart"] == "2027-01-19T09:00:00.000Z"
    assert now["currentPeriodEnd"] == "2027-02-19T09:00:00.000Z"
    assert await story.broken() == []


async def test_a_trial_without_a_card_asks_for_one_and_charges_what_is_given(story: Story) -> None:
    plan_id = await story.merchant.plan(trialDays=14)
    made = await story.merchant.subscribe(planId=plan_id)

    await story.merchant.advance(to="2027-01-20T00:00:00Z")
    failed = await story.merchant.subscription(made["id"])
    await story.change(made["id"], paymentMethodId="pm_test_ok")
    await story.merchant.advance(by="PT0S")

    assert failed["status"] == "past_due"
    assert failed["lastPaymentError"]["code"] == "no_payment_method"
    assert (await story.merchant.subscription(made["id"]))["status"] == "active"
    assert (await story.case(made["id"]))["recoveredBy"] == "new_card"
    assert [row["status"] for row in await story.charges()] == ["succeeded"]
    assert await story.broken() == []


async def test_a_plan_of_three_cycles_expires_after_the_third(story: Story) -> None:
    subscription_id = (await story.active(maxCycles=3))["id"]

    advanced = await story.merchant.advance(by="P6M")

    assert len(await story.invoices(subscription_id)) == 3
    now = await story.merchant.subscription(subscription_id)
    assert (now["status"], now["cyclesCompleted"]) == ("expired", 3)
    assert (await story.types())[-1] == "subscription_expired"
    assert advanced["counts"]["expired"] == 1
    assert await story.broken() == []


async def test_a_cancellation_at_the_period_end_waits_for_it_and_charges_nothing(
    story: Story,
) -> None:
    subscription_id = (await story.active())["id"]

    asked = await story.act(subscription_id, "cancel", atPeriodEnd=True, reason="Moved away")
    advanced = await story.merchant.advance(by="P2M")

    assert (asked["status"], asked["cancelAtPeriodEnd"]) == ("active", True)
    assert (await story.merchant.subscription(subscription_id))["status"] == "canceled"
    assert await story.settled() == 1
    assert advanced["counts"]["canceled"] == 1
    assert (await story.types())[-2:] == ["subscription_updated", "subscription_cancelled"]
    assert await story.broken() == []


async def test_a_declined_start_waits_a_day_for_its_customer_and_expires(story: Story) -> None:
    made = await story.merchant.subscribe(paymentMethodId="pm_test_insufficient_funds")

    await story.merchant.advance(by="PT23H59M")
    waiting = await story.merchant.subscription(made["id"])
    await story.merchant.advance(by="PT2M")

    assert made["status"] == waiting["status"] == "incomplete"
    assert made["lastPaymentError"]["category"] == "insufficient_funds"
    assert made["payUrl"] is not None
    now = await story.merchant.subscription(made["id"])
    assert (now["status"], now["payUrl"]) == ("incomplete_expired", None)
    assert [row["status"] for row in await story.invoices(made["id"])] == ["void"]
    assert await story.types() == [
        *("subscription_created", "invoice_created", "subscription_payment_failed"),
        "subscription_expired",
    ]
    assert await story.broken() == []


async def test_a_start_without_a_card_waits_a_day_with_a_link(story: Story) -> None:
    made = await story.merchant.subscribe()

    await story.merchant.advance(by="P1D")

    assert (made["status"], made["lastPaymentError"]) == ("incomplete", None)
    assert made["payUrl"] is not None
    assert (await story.merchant.subscription(made["id"]))["status"] == "incomplete_expired"
    assert await story.charges() == []
    assert await story.broken() == []
