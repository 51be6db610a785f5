"""Refunds: whole and in parts, of what is active, stopped or recovered."""

import json
from dataclasses import replace
from typing import Any, Final

from duro.kit.modes import Mode
from tests.support.api import Answer
from tests.support.stories import Story

_TOLD: Final = "SELECT data FROM outbox WHERE template = 'refund'"


async def refund(story: Story, invoice_id: str, **body: object) -> Answer:
    return await story.merchant.client.post(f"/v1/invoices/{invoice_id}/refund", body)


async def refunded(story: Story, invoice_id: str, **body: object) -> dict[str, Any]:
    answer = await refund(story, invoice_id, **body)
    assert answer.status == 201, answer.body
    made: dict[str, Any] = answer.json
    return made


async def test_parts_go_back_until_nothing_is_left(story: Story) -> None:
    made = await story.active()
    invoice_id = made["latestInvoiceId"]
    before = len(await story.types())

    first = await refunded(story, invoice_id, amount=200_000, reason="Two weeks closed")
    rest = await refunded(story, invoice_id)
    too_much = await refund(story, invoice_id, amount=1)
    nothing = await refund(story, invoice_id)

    assert first["id"].startswith("rfd_")
    assert (first["invoiceId"], first["amount"], first["currency"]) == (invoice_id, 200_000, "NGN")
    assert (first["status"], first["reason"]) == ("succeeded", "Two weeks closed")
    assert (rest["amount"], rest["reason"]) == (300_000, None)
    assert {too_much.status, nothing.status} == {409}
    detail = await story.merchant.get(f"/v1/invoices/{invoice_id}")
    assert (detail["status"], detail["amountRefunded"]) == ("paid", 500_000)
    assert detail["refunds"] == [first, rest]
    assert first["transactionId"] == detail["attempts"][0]["id"]
    assert (await story.merchant.subscription(made["id"]))["status"] == "active"
    assert await story.types(after=before) == ["subscription_payment_refunded"] * 2
    assert await story.broken() == []


async def test_the_event_names_what_went_back(story: Story) -> None:
    made = await story.active()

    given = await refunded(story, made["latestInvoiceId"], amount=200_000)

    (event,) = (await story.merchant.get("/v1/events?type=subscription_payment_refunded"))["items"]
    data = event["data"]
    assert (data["invoiceId"], data["amount"], data["currency"]) == (
        *(made["latestInvoiceId"], 200_000, "NGN"),
    )
    assert data["refund"]["id"] == given["id"]
    assert data["invoice"]["amountRefunded"] == 200_000


async def test_the_customer_is_told_once_for_each_refund(caught: Story) -> None:
    made = await caught.active(name="Gold")
    invoice_id = made["latestInvoiceId"]

    parts = [await refunded(caught, invoice_id, amount=amount) for amount in (200_000, 300_000)]
    await caught.merchant.advance(by="P1D")

    told = await caught.query(
        "SELECT id, cause, status, customer_id FROM outbox WHERE template = 'refund' ORDER BY id"
    )
    assert [(row["cause"], row["status"]) for row in told] == [
        (each["id"], "sent") for each in parts
    ]
    assert {row["customer_id"] for row in told} == {made["customerId"]}
    shown = await caught.merchant.app.system.wording.show(
        Mode.TEST, caught.merchant.tenant_id, told[0]["id"]
    )
    assert shown.written.subject == "[Test] Adunni Gyms is paying ₦2,000.00 back to you"
    assert "Adunni Gyms is paying ₦2,000.00 for Gold back to you." in shown.written.text
    assert "Most banks show it within 5 working days, some take 10." in shown.written.text
    page = await replace(caught.merchant.client, token=None).get(_path(shown.written.text))
    assert (page.status, "₦5,000.00" in page.body.decode()) == (200, True)


def _path(text: str) -> str:
    """Of the only link to a page of ours."""
    (link,) = [word for word in text.split() if "/pay/i/" in word]
    return link[link.index("/pay/i/") :]


async def test_who_owes_another_invoice_is_led_to_the_one_that_was_paid_back(story: Story) -> None:
    made = await story.active("pm_test_insufficient_funds")
    first_id = made["latestInvoiceId"]
    await story.merchant.advance(by="P1M")
    owing = await story.merchant.subscription(made["id"])

    await refunded(story, first_id)

    (data,) = [json.loads(row[0]) for row in await story.query(_TOLD)]
    assert (owing["status"], data["invoiceId"]) == ("past_due", first_id)
    assert data["url"] != data["payUrl"]


async def test_what_was_not_captured_cannot_go_back(story: Story) -> None:
    made = await story.active("pm_test_insufficient_funds")
    bare = await story.merchant.subscribe()
    await story.merchant.advance(to="2027-02-06T00:00:00Z")
    failed = (await story.merchant.subscription(made["id"]))["latestInvoiceId"]
    path = made["latestInvoiceId"]

    refused = {
        "open": await refund(story, bare["latestInvoiceId"]),
        "declined": await refund(story, failed),
        "unknown": await refund(story, "inv_01JD0G4Y8Z7V6T5S4R3Q2P1N0M"),
        "above": await refund(story, path, amount=500_001),
        "zero": await refund(story, path, amount=0),
        "negative": await refund(story, path, amount=-1),
        "float": await refund(story, path, amount=1.5),
        "text": await refund(story, path, amount="100"),
        "null": await refund(story, path, amount=None),
        "huge": await refund(story, path, amount=2**63),
        "reason": await refund(story, path, reason="x" * 501),
        "field": await refund(story, path, currency="NGN"),
    }

    assert {name: answer.status for name, answer in refused.items()} == {
        **dict.fromkeys(("open", "declined"), 409),
        "unknown": 404,
        **dict.fromkeys(("above", "zero", "negative", "float", "text", "null", "huge"), 422),
        **dict.fromkeys(("reason", "field"), 422),
    }
    assert refused["above"].paths == ["amount"]
    assert await story.query("SELECT id FROM refunds") == []
    assert await story.broken() == []


async def test_a_refunded_recovery_moves_from_recovered_to_cancelled(story: Story) -> None:
    made = await story.active("pm_test_do_not_honor_once")
    await story.merchant.advance(to="2027-02-07T00:00:00Z")
    invoice_id = (await story.merchant.subscription(made["id"]))["latestInvoiceId"]

    part = await refunded(story, invoice_id, amount=200_000)
    await story.merchant.advance(by="P1D")
    rest = await refunded(story, invoice_id)

    rows = await story.query(
        """SELECT movement, amount_minor, reason, cause_id, moved_at::date::text AS day
             FROM recovery_ledger ORDER BY moved_at, amount_minor DESC"""
    )
    assert [tuple(row) for row in rows] == [
        ("entered", 500_000, "do_not_honor", "", "2027-02-05"),
        ("recovered", 500_000, "retry", "", "2027-02-06"),
        ("cancelled", 200_000, "refunded", part["id"], "2027-02-07"),
        ("recovered", -200_000, "retry", part["id"], "2027-02-07"),
        ("cancelled", 300_000, "refunded", rest["id"], "2027-02-08"),
        ("recovered", -300_000, "retry", rest["id"], "2027-02-08"),
    ]
    assert (await story.case(made["id"]))["state"] == "recovered"
    assert await story.broken() == []


async def test_money_for_what_was_cancelled_is_no_longer_flagged_once_it_went_back(
    story: Story,
) -> None:
    made = await story.active("pm_test_timeout_charged")
    await story.merchant.advance(to="2027-02-05T09:00:30Z")
    await story.act(made["id"], "cancel")
    await story.merchant.advance(by="PT2M")
    flag = "SELECT review_reason FROM payment_attempts WHERE purpose = 'renewal'"
    flagged = (await story.query(flag))[0]["review_reason"]
    invoice_id = (await story.merchant.subscription(made["id"]))["latestInvoiceId"]

    await refunded(story, invoice_id, amount=100_000)
    still = (await story.query(flag))[0]["review_reason"]
    await refunded(story, invoice_id)

    assert "to be refunded" in flagged
    assert still == flagged
    assert (await story.query(flag))[0]["review_reason"] is None
    assert (await story.merchant.subscription(made["id"]))["status"] == "canceled"
    assert await story.broken() == []


async def test_what_went_back_is_no_credit_for_a_downgrade(story: Story) -> None:
    made = await story.active()
    student = await story.merchant.plan(name="Student", amount=100_000)
    await refunded(story, made["latestInvoiceId"], amount=400_000)
    await story.merchant.advance(to="2027-01-20T21:00:00Z")

    path = f"/v1/subscriptions/{made['id']}/change-plan"
    done = await story.merchant.client.post(path, {"planId": student})

    # ₦1,000 of the period's price are left, which is what a period of the new plan costs.
    assert done.json["proration"] == {"amount": 0, "kind": "none"}
    assert await story.broken() == []
