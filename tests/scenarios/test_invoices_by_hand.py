"""A merchant voids an invoice or charges it by hand, in every state that its subscription can be in."""

from typing import Any

import pytest

from tests.support.api import Answer
from tests.support.stories import Story

RENEWED = "2027-02-05T09:00:00.000Z"
NEXT = "2027-03-05T09:00:00.000Z"


async def act(story: Story, invoice_id: str, action: str, **body: object) -> Answer:
    path = f"/v1/invoices/{invoice_id}/{action}"
    return await story.merchant.client.post(path, body or None)


async def past_due(story: Story, method: str = "pm_test_insufficient_funds") -> dict[str, Any]:
    """A subscription whose renewal of 5 February was declined the day before now."""
    made = await story.active(method)
    await story.merchant.advance(to="2027-02-06T09:00:00Z")
    row = await story.merchant.subscription(made["id"])
    assert row["status"] == "past_due"
    return row


async def unpaid(story: Story) -> dict[str, Any]:
    made = await story.active("pm_test_do_not_honor")
    await story.merchant.advance(to="2027-02-20T00:00:00Z")
    row = await story.merchant.subscription(made["id"])
    assert row["status"] == "unpaid"
    return row


async def ledger(story: Story) -> dict[str, int]:
    rows = await story.query(
        "SELECT movement, sum(amount_minor)::bigint AS amount FROM recovery_ledger GROUP BY movement"
    )
    return {row["movement"]: row["amount"] for row in rows if row["amount"]}


async def test_a_past_due_invoice_is_paid_by_hand_with_another_card(story: Story) -> None:
    row = await past_due(story)
    before = len(await story.types())

    paid = await act(
        story, row["latestInvoiceId"], "pay", paymentMethodId="pm_test_do_not_honor_once"
    )
    again = await act(story, row["latestInvoiceId"], "pay", paymentMethodId="pm_test_ok")

    assert (paid.status, paid.code) == (409, "payment_failed")
    assert (again.status, again.json["status"]) == (200, "paid")
    now = await story.merchant.subscription(row["id"])
    assert (now["status"], now["cyclesCompleted"]) == ("active", 2)
    assert (now["currentPeriodStart"], now["currentPeriodEnd"]) == (RENEWED, NEXT)
    # The card was for this charge only.
    assert now["paymentMethodId"] == row["paymentMethodId"]
    case = await story.case(row["id"])
    assert (case["state"], case["recoveredBy"], case["attemptsMade"]) == ("recovered", "manual", 1)
    assert await story.types(after=before) == [
        *("subscription_payment_failed", "subscription_payment_recovered"),
        "subscription_recovered",
    ]
    assert await ledger(story) == {"entered": 500_000, "recovered": 500_000}
    assert await story.broken() == []


async def test_a_decline_of_another_card_leaves_the_case_as_it_was_planned(story: Story) -> None:
    row = await past_due(story)
    planned = await story.case(row["id"])

    refused = await act(story, row["latestInvoiceId"], "pay", paymentMethodId="pm_test_stolen")

    assert (refused.status, refused.code) == (409, "payment_failed")
    case = await story.case(row["id"])
    for name in ("state", "nextAction", "nextAttemptAt", "attemptsMade", "reason"):
        assert case[name] == planned[name], name
    assert case["decisions"][-1]["rule"] == "manual_pay"
    spent = await act(story, row["latestInvoiceId"], "pay", paymentMethodId="pm_test_stolen")
    assert (spent.status, spent.code) == (409, "conflict")
    assert await story.broken() == []


async def test_a_decline_of_its_own_card_counts_as_a_try(story: Story) -> None:
    await story.settle_on(rails=["card"])
    row = await past_due(story, "pm_test_do_not_honor")
    await story.merchant.advance(by="PT1H")

    refused = await act(story, row["latestInvoiceId"], "pay")

    # An hour after the automatic try of 09:00: the 20 hours do not bind what somebody asked for.
    assert (refused.status, refused.code) == (409, "payment_failed")
    case = await story.case(row["id"])
    assert (case["state"], case["attemptsMade"]) == ("scheduled", 3)
    assert case["nextAttemptAt"] >= "2027-02-07T06:00:00.000Z"
    await story.merchant.advance(to="2027-03-01T00:00:00Z")
    assert len(await story.tries(row["id"])) == 5
    assert await story.broken() == []


async def test_an_awaiting_case_is_put_back_and_its_reminders_go_on(story: Story) -> None:
    row = await past_due(story, "pm_test_expired")
    planned = await story.case(row["id"])

    await act(story, row["latestInvoiceId"], "pay", paymentMethodId="pm_test_insufficient_funds")
    case = await story.case(row["id"])
    await story.merchant.advance(to="2027-03-31T00:00:00Z")

    assert (planned["state"], case["state"]) == ("awaiting_customer", "awaiting_customer")
    assert case["nextAttemptAt"] == planned["nextAttemptAt"]
    assert (await story.merchant.subscription(row["id"]))["status"] == "unpaid"
    assert await story.broken() == []


async def test_a_case_that_was_given_up_is_paid_late(story: Story) -> None:
    row = await unpaid(story)
    lost = await ledger(story)

    paid = await act(story, row["latestInvoiceId"], "pay", paymentMethodId="pm_test_ok")

    assert lost == {"entered": 500_000, "lost": 500_000}
    assert (paid.status, paid.json["status"]) == (200, "paid")
    now = await story.merchant.subscription(row["id"])
    assert (now["status"], now["currentPeriodEnd"]) == ("active", NEXT)
    case = await story.case(row["id"])
    assert (case["state"], case["recoveredBy"]) == ("recovered", "manual")
    assert await ledger(story) == {"entered": 500_000, "recovered": 500_000}
    assert await story.broken() == []


async def test_a_decline_of_a_late_payment_leaves_it_unpaid(story: Story) -> None:
    row = await unpaid(story)

    refused = await act(
        story, row["latestInvoiceId"], "pay", paymentMethodId="pm_test_insufficient_funds"
    )

    assert (refused.status, refused.code) == (409, "payment_failed")
    assert (await story.merchant.subscription(row["id"]))["status"] == "unpaid"
    assert (await story.invoice(row["id"]))["status"] == "uncollectible"
    assert await story.broken() == []


async def test_a_first_invoice_that_is_paid_later_begins_at_the_payment(story: Story) -> None:
    made = await story.merchant.subscribe(paymentMethodId="pm_test_insufficient_funds")
    await story.merchant.advance(by="PT5H")

    refused = await act(story, made["latestInvoiceId"], "pay")
    waiting = await story.merchant.subscription(made["id"])
    paid = await act(story, made["latestInvoiceId"], "pay", paymentMethodId="pm_test_ok")
    await story.merchant.advance(to="2027-02-05T15:00:00Z")

    assert (refused.status, refused.code, waiting["status"]) == (
        409,
        "payment_failed",
        "incomplete",
    )
    assert paid.json["periodStart"] == "2027-01-05T14:00:00.000Z"
    assert paid.json["periodEnd"] == "2027-02-05T14:00:00.000Z"
    invoices = await story.invoices(made["id"])
    assert [row["periodStart"] for row in invoices] == [
        *("2027-01-05T14:00:00.000Z", "2027-02-05T14:00:00.000Z")
    ]
    assert await story.broken() == []


async def test_a_first_invoice_that_was_refused_by_hand_still_expires(story: Story) -> None:
    made = await story.merchant.subscribe(paymentMethodId="pm_test_insufficient_funds")
    await act(story, made["latestInvoiceId"], "pay")

    await story.merchant.advance(by="P1D")

    assert (await story.merchant.subscription(made["id"]))["status"] == "incomplete_expired"
    assert await story.broken() == []


@pytest.mark.parametrize("status", ["incomplete", "past_due", "unpaid"])
async def test_a_payment_without_an_answer_is_settled_by_look_up(story: Story, status: str) -> None:
    if status == "incomplete":
        row = await story.merchant.subscribe()
    else:
        row = await (past_due(story) if status == "past_due" else unpaid(story))
    invoice_id = row["latestInvoiceId"]

    waiting = await act(story, invoice_id, "pay", paymentMethodId="pm_test_timeout_charged")
    refused = [
        await act(story, invoice_id, "pay", paymentMethodId="pm_test_ok"),
        await act(story, invoice_id, "void"),
    ]
    await story.merchant.advance(by="PT2M")

    assert waiting.json["status"] in ("open", "uncollectible")
    assert [(answer.status, answer.code) for answer in refused] == [(409, "conflict")] * 2
    now = await story.merchant.subscription(row["id"])
    assert now["status"] == "active"
    assert (await story.invoice(row["id"]))["status"] == "paid"
    assert await story.broken() == []


async def test_a_case_is_not_worked_while_its_invoice_is_charged_by_hand(story: Story) -> None:
    row = await past_due(story)
    case_id = (await story.case(row["id"]))["id"]
    # As a gateway that cannot say for a month.
    await act(story, row["latestInvoiceId"], "pay", paymentMethodId="pm_test_timeout_not_charged")
    await story.query("UPDATE payment_attempts SET check_at = check_at + interval '31 days'")

    refused = await story.merchant.client.post(f"/v1/recovery/{case_id}/retry", {})
    await story.merchant.advance(to="2027-03-01T00:00:00Z")
    waiting = await story.merchant.subscription(row["id"])
    await story.merchant.advance(to="2027-03-15T00:00:00Z")

    assert (refused.status, waiting["status"]) == (409, "past_due")
    assert (await story.merchant.subscription(row["id"]))["status"] == "active"
    assert await story.broken() == []


async def test_a_voided_past_due_invoice_makes_a_present_of_its_period(story: Story) -> None:
    made = await story.active("pm_test_insufficient_funds")
    await story.give_credit(made["id"], 200_000)
    await story.merchant.advance(to="2027-02-06T09:00:00Z")
    row = await story.merchant.subscription(made["id"])

    voided = await act(story, row["latestInvoiceId"], "void")
    student = await story.merchant.plan(name="Student", amount=100_000)
    path = f"/v1/subscriptions/{row['id']}/change-plan/preview"
    preview = await story.merchant.client.post(path, {"planId": student})
    await story.merchant.advance(to="2027-03-06T00:00:00Z")

    assert (voided.status, voided.json["status"]) == (200, "void")
    # Nothing was paid for this period, so a downgrade finds no unused part in it.
    assert preview.json["proration"]["kind"] == "charge"
    case = await story.merchant.items(f"/v1/recovery?subscriptionId={row['id']}")
    assert (case[0]["state"], case[0]["reason"]) == ("canceled", "The invoice was voided.")
    assert row["balance"] == 0
    now = await story.merchant.subscription(row["id"])
    # The next renewal was due on 5 March, with the credit that came back.
    assert (now["status"], now["cyclesCompleted"]) == ("past_due", 1)
    assert (now["currentPeriodStart"], now["currentPeriodEnd"]) == (RENEWED, NEXT)
    assert (await story.invoice(row["id"]))["amount"] == 300_000
    assert await story.broken() == []


async def test_a_voided_loss_is_cancelled_instead_and_the_subscription_goes_on(
    story: Story,
) -> None:
    row = await unpaid(story)

    voided = await act(story, row["latestInvoiceId"], "void")

    assert voided.status == 200
    assert (await story.merchant.subscription(row["id"]))["status"] == "active"
    assert await ledger(story) == {"entered": 500_000, "cancelled": 500_000}
    assert await story.broken() == []


async def test_a_voided_first_invoice_ends_its_incomplete_subscription(story: Story) -> None:
    made = await story.merchant.subscribe()

    voided = await act(story, made["latestInvoiceId"], "void")

    assert voided.status == 200
    now = await story.merchant.subscription(made["id"])
    assert (now["status"], now["payUrl"]) == ("incomplete_expired", None)
    assert await story.broken() == []


async def test_what_cannot_be_voided_or_paid_is_refused(story: Story) -> None:
    made = await story.active()
    paid = made["latestInvoiceId"]
    row = await past_due(story)
    void = row["latestInvoiceId"]
    await act(story, void, "void")
    bare = await story.merchant.subscribe()
    stranger = await story.merchant.subscribe(paymentMethodId="pm_test_ok")
    unknown = "inv_01JD0G4Y8Z7V6T5S4R3Q2P1N0M"

    refused = {
        "void paid": await act(story, paid, "void"),
        "pay paid": await act(story, paid, "pay"),
        "void twice": await act(story, void, "void"),
        "pay void": await act(story, void, "pay"),
        "no method": await act(story, bare["latestInvoiceId"], "pay"),
        "void unknown": await act(story, unknown, "void"),
        "pay unknown": await act(story, unknown, "pay"),
        "other's method": await act(
            story, bare["latestInvoiceId"], "pay", paymentMethodId=stranger["paymentMethodId"]
        ),
        "bad method": await act(story, bare["latestInvoiceId"], "pay", paymentMethodId="card"),
        "field": await act(story, bare["latestInvoiceId"], "pay", amount=1),
    }

    assert {name: answer.status for name, answer in refused.items()} == {
        **dict.fromkeys(("void paid", "pay paid", "void twice", "pay void", "no method"), 409),
        **dict.fromkeys(("void unknown", "pay unknown", "other's method"), 404),
        **dict.fromkeys(("bad method", "field"), 422),
    }
    assert refused["no method"].code == "payment_failed"
    assert await story.broken() == []


async def test_an_incomplete_rival_cannot_be_paid_into_life(story: Story) -> None:
    plan_id = await story.merchant.plan()
    first = await story.merchant.subscribe(
        planId=plan_id, paymentMethodId="pm_test_insufficient_funds"
    )
    second = await story.merchant.subscribe(
        planId=plan_id, customerId=first["customerId"], paymentMethodId="pm_test_ok"
    )

    refused = await act(story, first["latestInvoiceId"], "pay", paymentMethodId="pm_test_ok")

    assert second["status"] == "active"
    assert (refused.status, refused.code) == (409, "conflict")
    assert await story.settled() == 1
    assert await story.broken() == []
