"""Payment links over HTTP."""

import asyncio
import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from duro.kit.clock import FixedClock
from duro.kit.ids import new_id
from duro.kit.modes import Mode
from duro.kit.registry import Routes
from duro.modules.catalog.routes import link_routes
from duro.modules.catalog.routes import routes as plan_routes
from tests.conftest import WALL
from tests.support.api import PUBLIC_URL, Client, Server

GOLD = {"name": "Gold", "amount": 500000, "interval": "month"}


@pytest.fixture
def routes() -> Sequence[Routes]:
    return (plan_routes, link_routes(PUBLIC_URL))


@pytest.fixture
async def plan_id(client: Client) -> str:
    return (await client.post("/v1/plans", GOLD)).id


async def test_a_new_link_is_shown_with_its_address(client: Client, plan_id: str) -> None:
    asked = {"planId": plan_id, "slug": "gold-2026", "metadata": {"a": "1"}}

    made = await client.post("/v1/payment-links", asked)

    assert made.status == 201
    assert re.fullmatch(r"lnk_[0-9A-Z]{26}", made.id)
    assert list(made.json.items())[1:] == [
        ("planId", plan_id),
        ("slug", "gold-2026"),
        ("url", f"{PUBLIC_URL}/pay/test/gold-2026"),
        ("active", True),
        ("metadata", {"a": "1"}),
        ("createdAt", "2026-01-28T09:00:00.000Z"),
    ]
    assert (await client.get(f"/v1/payment-links/{made.id}")).body == made.body


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"slug": None}, "slug"),
        ({"slug": ""}, "slug"),
        ({"slug": "Gold"}, "slug"),
        ({"slug": "a_b"}, "slug"),
        ({"slug": "a/b"}, "slug"),
        ({"slug": "a\n"}, "slug"),
        ({"slug": "gold "}, "slug"),
        ({"slug": "\u0663"}, "slug"),
        ({"slug": "x" * 101}, "slug"),
        ({"slug": 1}, "slug"),
        ({"planId": None}, "planId"),
        ({"planId": 1}, "planId"),
        ({"active": True}, "active"),
        ({"url": "https://example.com"}, "url"),
    ],
    ids=str,
)
async def test_a_wrong_field_is_422_with_its_path(
    client: Client, plan_id: str, fields: dict[str, Any], path: str
) -> None:
    refused = await client.post("/v1/payment-links", {"planId": plan_id, "slug": "a"} | fields)

    assert (refused.status, refused.paths) == (422, [path])


async def test_a_slug_has_one_owner_in_a_mode_whoever_the_merchant_is(
    server: Server, client: Client, tenant: str, tenant_b: str, plan_id: str
) -> None:
    await client.post("/v1/payment-links", {"planId": plan_id, "slug": "gold"})
    stranger = await server.client(tenant_b, Mode.TEST)
    live = await server.client(tenant, Mode.LIVE)

    async def ask(other: Client) -> tuple[int, str]:
        plan = await other.post("/v1/plans", GOLD)
        made = await other.post("/v1/payment-links", {"planId": plan.id, "slug": "gold"})
        return made.status, made.json.get("url", "")

    assert await ask(client) == (409, "")
    assert await ask(stranger) == (409, "")
    assert await ask(live) == (201, f"{PUBLIC_URL}/pay/live/gold")


async def test_of_many_who_want_a_slug_at_once_one_gets_it(
    server: Server, client: Client, tenant_b: str, plan_id: str
) -> None:
    stranger = await server.client(tenant_b, Mode.TEST)
    other_id = (await stranger.post("/v1/plans", GOLD)).id
    asks = [(client, plan_id), (stranger, other_id)] * 10

    answers = await asyncio.gather(
        *(who.post("/v1/payment-links", {"planId": plan, "slug": "gold"}) for who, plan in asks)
    )

    assert sorted(answer.status for answer in answers) == [201] + [409] * 19


async def test_a_link_needs_a_plan_that_can_be_had(
    server: Server, client: Client, tenant_b: str, plan_id: str
) -> None:
    foreign = await (await server.client(tenant_b, Mode.TEST)).post("/v1/plans", GOLD)
    await client.delete(f"/v1/plans/{plan_id}")

    for unknown in (foreign.id, new_id("plan", wall=WALL), "plan"):
        answer = await client.post("/v1/payment-links", {"planId": unknown, "slug": "a"})
        assert (answer.status, answer.code) == (404, "not_found")
    archived = await client.post("/v1/payment-links", {"planId": plan_id, "slug": "a"})
    assert (archived.status, archived.code) == (409, "conflict")
    # Nothing of a refusal holds the slug.
    plan = await client.post("/v1/plans", GOLD)
    made = await client.post("/v1/payment-links", {"planId": plan.id, "slug": "a"})
    assert made.status == 201


async def test_a_link_is_closed_and_opened_and_its_address_stays(
    client: Client, plan_id: str
) -> None:
    made = await client.post("/v1/payment-links", {"planId": plan_id, "slug": "gold"})
    path = f"/v1/payment-links/{made.id}"

    closed = await client.patch(path, {"active": False, "metadata": {"b": "2"}})
    nothing = await client.patch(path, {})
    opened = await client.patch(path, {"active": True})

    assert closed.json == made.json | {"active": False, "metadata": {"b": "2"}}
    assert (nothing.status, nothing.body) == (200, closed.body)
    assert opened.json == closed.json | {"active": True}
    for field in ("slug", "planId", "url"):
        refused = await client.patch(path, {field: made.json[field]})
        assert (refused.status, refused.paths) == (422, [field])
    for field in ("active", "metadata"):
        refused = await client.patch(path, {field: None})
        assert (refused.status, refused.paths) == (422, [field])


async def test_links_are_listed_newest_first_by_plan_and_whether_they_are_open(
    client: Client, plan_id: str, clock: FixedClock
) -> None:
    other = await client.post("/v1/plans", GOLD)
    ids = []
    for slug, plan in (("a", plan_id), ("b", other.id), ("c", plan_id)):
        ids.append((await client.post("/v1/payment-links", {"planId": plan, "slug": slug})).id)
        clock.move(timedelta(seconds=1))
    await client.patch(f"/v1/payment-links/{ids[2]}", {"active": False})

    async def listed(query: str) -> list[str]:
        answer = await client.get(f"/v1/payment-links?{query}")
        return [item["id"] for item in answer.json["items"]]

    assert await listed("") == ids[::-1]
    assert await listed(f"planId={plan_id}") == [ids[2], ids[0]]
    assert await listed("active=true") == [ids[1], ids[0]]
    assert await listed("active=false&createdFrom=2026-01-28T09:00:01Z") == [ids[2]]
    page = (await client.get("/v1/payment-links?limit=2")).json
    assert await listed(f"limit=2&cursor={page['nextCursor']}") == [ids[0]]


async def test_another_tenants_and_another_modes_links_are_not_found(
    server: Server, client: Client, tenant: str, tenant_b: str, plan_id: str
) -> None:
    made = await client.post("/v1/payment-links", {"planId": plan_id, "slug": "gold"})

    for other in (
        await server.client(tenant_b, Mode.TEST),
        await server.client(tenant, Mode.LIVE),
    ):
        path = f"/v1/payment-links/{made.id}"
        for answer in (await other.get(path), await other.patch(path, {"active": False})):
            assert (answer.status, answer.code) == (404, "not_found")
        assert (await other.get("/v1/payment-links")).json["items"] == []
