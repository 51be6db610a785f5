"""Whoever leaves a checkout open is reminded once, an hour later, where the merchant wants it."""

import json
from dataclasses import replace
from typing import Any

import pytest

from duro.kit.call import CredentialKind
from duro.kit.modes import Mode
from tests.support.api import Server
from tests.support.stories import Story

_SESSIONS = "/v1/checkout/sessions"
_TOLD = ("abandoned_checkout", "queued", "2027-01-05T10:00")


@pytest.fixture
async def story(story: Story) -> Story:
    """The merchant, who wants it."""
    changed = await story.merchant.client.patch("/v1/settings/recovery", {"abandonedCart": True})
    assert changed.status == 200
    return story


async def _left(story: Story, **fields: object) -> dict[str, Any]:
    body = {"planId": await story.merchant.plan(), **fields}
    return await story.merchant.made(_SESSIONS, body)


async def _written(story: Story) -> tuple[str | None, str | None, dict[str, Any]]:
    """To whom the only reminder is, and what it says."""
    (row,) = await story.query(
        "SELECT customer_id, address, data FROM outbox WHERE template = 'abandoned_checkout'"
    )
    return row["customer_id"], row["address"], json.loads(row["data"])


async def test_an_hour_later_they_get_the_way_back_once(story: Story) -> None:
    made = await _left(story, customerEmail="ada@example.com")

    before = await story.merchant.advance(by="PT59M")
    told = await story.outbox()
    then = await story.merchant.advance(by="PT1M")
    await story.merchant.advance(by="P3D")

    assert (before["counts"]["reminders"], told) == (0, [])
    assert (then["counts"]["reminders"], then["counts"]["messages"]) == (1, 1)
    assert await story.outbox() == [_TOLD]
    customer_id, address, data = await _written(story)
    assert (customer_id, address) == (None, "ada@example.com")
    assert data["url"] == made["url"]
    assert (data["checkoutSessionId"], data["amount"]) == (made["id"], 500_000)
    # It opens the page that the first address opened.
    stranger = replace(story.merchant.client, token=None)
    page = await stranger.get(data["url"][data["url"].index("/checkout/") :])
    assert page.status == 200
    assert await story.broken() == []


async def test_a_named_customer_is_told_where_they_are_told_everything(story: Story) -> None:
    customer_id = await story.merchant.customer()
    await _left(story, customerId=customer_id, customerEmail="other@example.com")

    await story.merchant.advance(by="PT1H")

    assert (await _written(story))[:2] == (customer_id, None)


async def test_a_known_address_is_counted_with_its_customer(story: Story) -> None:
    customer_id = await story.merchant.customer()
    await _left(story, customerEmail="ADA@example.com")

    await story.merchant.advance(by="PT1H")

    assert (await _written(story))[:2] == (customer_id, "ADA@example.com")


async def test_by_night_the_reminder_waits_for_the_morning(story: Story) -> None:
    await story.merchant.advance(to="2027-01-05T19:30:00Z")
    await _left(story, customerPhone="+2348030000001")

    await story.merchant.advance(by="PT1H")

    assert await story.outbox() == [("abandoned_checkout", "queued", "2027-01-06T06:00")]
    assert (await _written(story))[:2] == (None, "+2348030000001")


async def test_whoever_subscribed_meanwhile_is_left_alone(story: Story) -> None:
    plan_id = await story.merchant.plan()
    await _left(story, planId=plan_id, customerEmail="ada@example.com")
    await story.merchant.subscribe(planId=plan_id, paymentMethodId="pm_test_ok")

    await story.merchant.advance(by="P1D")

    assert await story.outbox("abandoned_checkout") == []


async def test_a_declined_start_is_no_purchase(story: Story) -> None:
    plan_id = await story.merchant.plan()
    await _left(story, planId=plan_id, customerEmail="ada@example.com")
    await story.merchant.subscribe(planId=plan_id, paymentMethodId="pm_test_insufficient_funds")

    await story.merchant.advance(by="P1D")

    assert await story.outbox("abandoned_checkout") == [_TOLD]


async def test_whoever_completed_the_session_is_left_alone(story: Story) -> None:
    await _left(story, customerEmail="ada@example.com")
    # Nothing completes one yet.
    await story.query("UPDATE checkout_sessions SET status = 'completed'")

    await story.merchant.advance(by="P1D")

    assert await story.outbox() == []


async def test_of_many_sessions_of_one_person_only_the_newest_is_come_back_to(
    story: Story,
) -> None:
    for email in ("ada@example.com", "Ada@Example.com", "bola@example.com"):
        await _left(story, customerEmail=email)
    await story.merchant.advance(by="PT30M")
    newest = await _left(story, customerEmail="ADA@EXAMPLE.COM")

    await story.merchant.advance(by="P1D")

    rows = await story.query("SELECT address, data FROM outbox ORDER BY created_at, id")
    told = [(row["address"], json.loads(row["data"])["checkoutSessionId"]) for row in rows]
    assert [address for address, _ in told] == ["bola@example.com", "ADA@EXAMPLE.COM"]
    assert told[1][1] == newest["id"]


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_merchant_who_does_not_want_it_reminds_nobody(story: Story, when: str) -> None:
    off = ("/v1/settings/recovery", {"abandonedCart": False})
    if when == "before":
        await story.merchant.client.patch(*off)
    await _left(story, customerEmail="ada@example.com")
    if when == "after":
        await story.merchant.client.patch(*off)

    await story.merchant.advance(by="P1D")

    assert await story.outbox() == []


async def test_whoever_left_no_contact_cannot_be_reminded(story: Story) -> None:
    await _left(story)

    await story.merchant.advance(by="P1D")

    assert await story.outbox() == []
    due = await story.query("SELECT id FROM checkout_sessions WHERE reminds_at IS NOT NULL")
    assert due == []


async def test_a_publishable_key_cannot_make_us_write_to_one_address_without_end(
    caught: Story,
) -> None:
    client = caught.merchant.client
    await client.patch("/v1/settings/recovery", {"abandonedCart": True})
    server = Server(client.base, client.session, caught.merchant.app.ground.db)
    public = await server.client(caught.merchant.tenant_id, Mode.TEST, CredentialKind.PUBLISHABLE)
    plan_id = await caught.merchant.plan()

    for _ in range(9):
        await public.post(_SESSIONS, {"planId": plan_id, "customerEmail": "victim@example.com"})
        await caught.merchant.advance(by="PT61M")

    statuses = [status for _, status, _ in await caught.outbox()]
    assert statuses == ["sent"] * 7 + ["capped"] * 2
