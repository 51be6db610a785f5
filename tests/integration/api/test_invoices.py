"""Invoices over HTTP: the list, its filters, and the detail with attempts and decisions."""

from collections.abc import AsyncIterator

import pytest

from tests.support.stories import Story
from tests.support.system import running_merchant, settings_for


@pytest.fixture
async def story(database_url: str, redis_url: str, tenant: str) -> AsyncIterator[Story]:
    async with running_merchant(settings_for(database_url, redis_url), tenant) as merchant:
        begun = Story(merchant, database_url)
        await begun.begin()
        yield begun


async def test_a_paid_invoice_shows_what_was_billed_and_how_it_was_paid(story: Story) -> None:
    made = await story.active(name="Gold gym", amount=1_234_567)

    (listed,) = await story.invoices(made["id"])
    detail = await story.merchant.get(f"/v1/invoices/{listed['id']}")

    assert list(listed)[:14] == [
        *("id", "subscriptionId", "customerId", "number", "amount", "currency", "lines", "status"),
        *("rail", "periodStart", "periodEnd", "amountRefunded", "paidAt", "createdAt"),
    ]
    assert listed["lines"] == [
        {"kind": "plan", "description": "Gold gym", "amount": 1_234_567},
    ]
    assert (listed["amount"], listed["currency"]) == (1_234_567, "NGN")
    assert (listed["status"], listed["rail"], listed["amountRefunded"]) == ("paid", "card", 0)
    assert {key: detail[key] for key in listed} == listed
    (attempt,) = detail["attempts"]
    assert (attempt["status"], attempt["amount"]) == ("succeeded", 1_234_567)
    assert detail["dunning"] == []


async def test_a_failed_one_shows_every_attempt_and_decision(story: Story) -> None:
    subscription_id = (await story.active("pm_test_do_not_honor_once"))["id"]
    await story.merchant.advance(to="2027-02-07T00:00:00Z")

    detail = await story.invoice(subscription_id)

    assert [(row["status"], row["failureCode"]) for row in detail["attempts"]] == [
        *(("failed", "05"), ("succeeded", None))
    ]
    (step,) = detail["dunning"]
    assert (step["at"], step["action"]) == ("2027-02-05T09:00:00.000Z", "retry")
    assert step["nextAttemptAt"] == "2027-02-06T09:00:00.000Z"
    assert "without giving a reason" in step["reason"]


async def test_a_price_change_never_alters_an_issued_invoice(story: Story) -> None:
    made = await story.active()
    path = f"/v1/plans/{made['planId']}"
    assert (await story.merchant.client.patch(path, {"amount": 900_000})).status == 200
    await story.merchant.advance(by="P1M")

    amounts = [row["amount"] for row in await story.invoices(made["id"])]

    assert amounts == [500_000, 900_000]


async def test_lists_are_filtered_and_foreign_ids_are_not_found(story: Story) -> None:
    paid, other = await story.active(), await story.merchant.subscribe()

    async def listed(query: str) -> list[str]:
        rows = await story.merchant.items(f"/v1/invoices?{query}")
        return [row["subscriptionId"] for row in rows]

    assert await listed("status=paid") == [paid["id"]]
    assert await listed("status=open") == [other["id"]]
    assert await listed(f"customerId={other['customerId']}") == [other["id"]]
    assert await listed(f"subscriptionId={paid['id']}") == [paid["id"]]
    assert (await story.merchant.client.get("/v1/invoices?status=late")).status == 422
    for wrong in ("inv_01JD0G4Y8Z7V6T5S4R3Q2P1N0M", "nothing", paid["id"]):
        assert (await story.merchant.client.get(f"/v1/invoices/{wrong}")).status == 404
