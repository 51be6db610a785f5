"""Customers over HTTP."""

import asyncio
import re
from datetime import timedelta
from urllib.parse import quote

import pytest

from duro.kit.clock import FixedClock
from duro.kit.modes import Mode
from tests.support.api import Client, Server

ADA = {
    "email": "ada@example.com",
    "phone": "0803 123 4567",
    "name": "Ada Obi",
    "merchantRef": "u-1",
    "metadata": {"plan": "gold"},
}


async def test_a_new_customer_is_shown_in_the_promised_order(client: Client) -> None:
    made = await client.post("/v1/customers", ADA)

    assert made.status == 201
    assert re.fullmatch(r"cus_[0-9A-Z]{26}", made.id)
    assert list(made.json.items())[1:] == [
        ("email", "ada@example.com"),
        ("phone", "+2348031234567"),
        ("name", "Ada Obi"),
        ("merchantRef", "u-1"),
        ("blacklisted", False),
        ("blacklistReason", None),
        ("metadata", {"plan": "gold"}),
        ("createdAt", "2026-01-28T09:00:00.000Z"),
    ]
    assert (await client.get(f"/v1/customers/{made.id}")).body == made.body


@pytest.mark.parametrize("body", [None, {}])
async def test_a_customer_needs_nothing(client: Client, body: object) -> None:
    made = await client.post("/v1/customers", body)

    assert made.status == 201
    assert made.json["email"] is None


@pytest.mark.parametrize("ref", ["u-1", "a/b?c d", "Ọ̀nà", "%2F"])
async def test_a_customer_is_found_by_the_merchants_own_id(client: Client, ref: str) -> None:
    made = await client.post("/v1/customers", {"merchantRef": ref})

    found = await client.get(f"/v1/customers/ref/{quote(ref, safe='')}")

    assert (found.status, found.body) == (200, made.body)


async def test_the_merchants_own_id_is_unique_within_a_tenant_and_mode(
    server: Server, client: Client, tenant: str, tenant_b: str
) -> None:
    await client.post("/v1/customers", ADA)

    again = await client.post("/v1/customers", {"merchantRef": "u-1"})
    in_live = await (await server.client(tenant, Mode.LIVE)).post("/v1/customers", ADA)
    elsewhere = await (await server.client(tenant_b, Mode.TEST)).post("/v1/customers", ADA)

    assert (again.status, again.code) == (409, "conflict")
    assert (in_live.status, elsewhere.status) == (201, 201)


async def test_of_many_customers_made_at_once_with_one_merchant_ref_one_stays(
    client: Client,
) -> None:
    answers = await asyncio.gather(*(client.post("/v1/customers", ADA) for _ in range(20)))

    assert sorted(answer.status for answer in answers) == [201] + [409] * 19
    assert len((await client.get("/v1/customers")).json["items"]) == 1


async def test_a_change_cannot_take_another_customers_merchant_ref(client: Client) -> None:
    await client.post("/v1/customers", ADA)
    bola = await client.post("/v1/customers", {"merchantRef": "u-2"})

    refused = await client.patch(f"/v1/customers/{bola.id}", {"merchantRef": "u-1", "name": "B"})

    assert (refused.status, refused.code) == (409, "conflict")
    assert (await client.get(f"/v1/customers/{bola.id}")).body == bola.body


async def test_a_change_sets_and_clears_only_what_was_given(client: Client) -> None:
    made = await client.post("/v1/customers", ADA)

    changed = await client.patch(f"/v1/customers/{made.id}", {"phone": None, "name": "Ada Eze"})

    assert changed.json == made.json | {"phone": None, "name": "Ada Eze"}


async def test_a_blacklisted_customer_says_why_until_it_is_lifted(client: Client) -> None:
    made = await client.post("/v1/customers", ADA)
    path = f"/v1/customers/{made.id}"

    listed = await client.post(f"{path}/blacklist", {"reason": "Charged back twice"})
    again = await client.post(f"{path}/blacklist")
    lifted = await client.post(f"{path}/unblacklist", {})

    marked = {"blacklisted": True, "blacklistReason": "Charged back twice"}
    assert (listed.status, listed.json) == (200, made.json | marked)
    assert (again.status, again.json) == (200, listed.json)
    assert (lifted.status, lifted.json) == (200, made.json)


async def test_customers_are_found_by_what_is_known_of_them(
    client: Client, clock: FixedClock
) -> None:
    ada = await client.post("/v1/customers", ADA)
    clock.move(timedelta(hours=1))
    bola = await client.post("/v1/customers", {"email": "bola@example.com"})
    await client.post(f"/v1/customers/{bola.id}/blacklist")

    for query, expected in {
        "email=ADA@Example.com": [ada.id],
        "phone=%2B234%20803%20123%204567": [ada.id],
        "merchantRef=u-1": [ada.id],
        "blacklisted=true": [bola.id],
        "blacklisted=false": [ada.id],
        "createdFrom=2026-01-28T10:00:00%2B01:00": [bola.id, ada.id],
        "createdFrom=2026-01-28T09:00:00.001Z": [bola.id],
        "createdTo=2026-01-28T10:00:00Z": [ada.id],
        "email=": None,
    }.items():
        found = await client.get(f"/v1/customers?{query}")
        shown = [each["id"] for each in found.json["items"]] if found.status == 200 else None
        assert shown == expected, query
