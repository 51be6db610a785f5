"""Promo codes over HTTP."""

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from duro.kit.clock import FixedClock
from duro.kit.ids import new_id
from duro.kit.modes import Mode
from duro.kit.registry import Routes
from duro.modules.catalog.routes import promo_routes
from duro.modules.catalog.routes import routes as plan_routes
from tests.conftest import WALL
from tests.support.api import Client, Server

SAVE = {"code": "Save-20", "discountType": "percentage", "discountValue": 20}
FIXED = {"code": "OFF", "discountType": "fixed", "discountValue": 100_000}
GOLD = {"name": "Gold", "amount": 500000, "interval": "month"}
TOMORROW = "2026-01-29T09:00:00.000Z"


@pytest.fixture
def routes() -> Sequence[Routes]:
    return (plan_routes, promo_routes)


async def test_a_new_code_is_shown_with_every_default(client: Client) -> None:
    made = await client.post("/v1/promo-codes", SAVE)

    assert made.status == 201
    assert re.fullmatch(r"prm_[0-9A-Z]{26}", made.id)
    assert list(made.json.items())[1:] == [
        ("code", "Save-20"),
        ("discountType", "percentage"),
        ("discountValue", 20),
        ("currency", None),
        ("planId", None),
        ("duration", "once"),
        ("durationCycles", None),
        ("maxRedemptions", None),
        ("expiresAt", None),
        ("redeemedCount", 0),
        ("remaining", None),
        ("active", True),
        ("metadata", {}),
        ("createdAt", "2026-01-28T09:00:00.000Z"),
    ]
    assert (await client.get(f"/v1/promo-codes/{made.id}")).body == made.body


async def test_a_code_keeps_everything_that_was_given(client: Client) -> None:
    plan = await client.post("/v1/plans", GOLD | {"currency": "GHS"})
    asked = FIXED | {
        "planId": plan.id,
        "duration": "repeating",
        "durationCycles": 3,
        "maxRedemptions": 50,
        "expiresAt": TOMORROW,
        "metadata": {"campaign": "radio"},
    }

    made = await client.post("/v1/promo-codes", asked)

    assert asked.items() <= made.json.items()
    assert (made.json["currency"], made.json["remaining"]) == ("GHS", 50)


async def test_a_fixed_discount_for_all_plans_is_in_the_merchants_currency_or_the_given_one(
    client: Client,
) -> None:
    own = await client.post("/v1/promo-codes", FIXED)
    given = await client.post("/v1/promo-codes", FIXED | {"code": "USD5", "currency": "USD"})

    assert (own.json["currency"], given.json["currency"]) == ("NGN", "USD")


@pytest.mark.parametrize(
    ("fields", "paths"),
    [
        ({"code": None}, ["code"]),
        ({"code": ""}, ["code"]),
        ({"code": "a b"}, ["code"]),
        ({"code": "a\n"}, ["code"]),
        ({"code": "Ü20"}, ["code"]),
        ({"code": "x" * 65}, ["code"]),
        ({"code": 20}, ["code"]),
        ({"discountType": "percent"}, ["discountType"]),
        ({"discountType": None}, ["discountType"]),
        ({"discountValue": 0}, ["discountValue"]),
        ({"discountValue": -1}, ["discountValue"]),
        ({"discountValue": 101}, ["discountValue"]),
        ({"discountValue": 20.0}, ["discountValue"]),
        ({"discountValue": "20"}, ["discountValue"]),
        ({"discountValue": True}, ["discountValue"]),
        ({"discountType": "fixed", "discountValue": 10**14 + 1}, ["discountValue"]),
        ({"currency": "NGN"}, ["currency"]),
        ({"discountType": "fixed", "currency": "XXX"}, ["currency"]),
        ({"duration": "twice"}, ["duration"]),
        ({"duration": "repeating"}, ["durationCycles"]),
        ({"durationCycles": 3}, ["durationCycles"]),
        ({"duration": "forever", "durationCycles": 3}, ["durationCycles"]),
        ({"duration": "repeating", "durationCycles": 0}, ["durationCycles"]),
        ({"maxRedemptions": 0}, ["maxRedemptions"]),
        ({"maxRedemptions": 2**31}, ["maxRedemptions"]),
        ({"expiresAt": "2026-01-28T09:00:00Z"}, ["expiresAt"]),
        ({"expiresAt": "tomorrow"}, ["expiresAt"]),
        ({"expiresAt": 1769590800}, ["expiresAt"]),
        ({"redeemedCount": 1}, ["redeemedCount"]),
        ({"active": True}, ["active"]),
        ({"discountValue": 101, "currency": "NGN", "durationCycles": 1}, None),
    ],
    ids=str,
)
async def test_what_makes_no_sense_is_422_with_every_path(
    client: Client, fields: dict[str, Any], paths: list[str] | None
) -> None:
    refused = await client.post("/v1/promo-codes", SAVE | fields)

    assert (refused.status, refused.code) == (422, "validation_error")
    assert refused.paths == (paths or ["discountValue", "currency", "durationCycles"])
    assert (await client.get("/v1/promo-codes")).json["items"] == []


async def test_a_code_is_its_merchants_only_one_in_any_case(
    server: Server, client: Client, tenant: str, tenant_b: str
) -> None:
    await client.post("/v1/promo-codes", SAVE)

    for code in ("Save-20", "SAVE-20", "save-20"):
        again = await client.post("/v1/promo-codes", SAVE | {"code": code})
        assert (again.status, again.code) == (409, "conflict")
    for other in (
        await server.client(tenant_b, Mode.TEST),
        await server.client(tenant, Mode.LIVE),
    ):
        assert (await other.post("/v1/promo-codes", SAVE)).status == 201


async def test_the_plan_of_a_code_must_be_there_and_open_and_of_its_currency(
    server: Server, client: Client, tenant_b: str
) -> None:
    stranger = await server.client(tenant_b, Mode.TEST)
    foreign = await stranger.post("/v1/plans", GOLD)
    archived = await client.post("/v1/plans", GOLD)
    await client.delete(f"/v1/plans/{archived.id}")
    cedis = await client.post("/v1/plans", GOLD | {"currency": "GHS"})

    for plan_id in (foreign.id, new_id("plan", wall=WALL), "plan", "\u20a6"):
        answer = await client.post("/v1/promo-codes", SAVE | {"planId": plan_id})
        assert (answer.status, answer.code) == (404, "not_found")
    closed = await client.post("/v1/promo-codes", SAVE | {"planId": archived.id})
    assert (closed.status, closed.code) == (409, "conflict")
    mixed = await client.post("/v1/promo-codes", FIXED | {"planId": cedis.id, "currency": "NGN"})
    assert (mixed.status, mixed.paths) == (422, ["currency"])


async def test_limits_and_metadata_change_and_null_lifts_a_limit(client: Client) -> None:
    made = await client.post("/v1/promo-codes", SAVE | {"maxRedemptions": 5, "expiresAt": TOMORROW})
    path = f"/v1/promo-codes/{made.id}"

    changed = await client.patch(path, {"maxRedemptions": 9, "metadata": {"a": "1"}})
    lifted = await client.patch(path, {"maxRedemptions": None, "expiresAt": None})
    nothing = await client.patch(path, {})

    assert changed.json == made.json | {
        "maxRedemptions": 9,
        "remaining": 9,
        "metadata": {"a": "1"},
    }
    assert lifted.json == changed.json | {
        "maxRedemptions": None,
        "remaining": None,
        "expiresAt": None,
    }
    assert (nothing.status, nothing.body) == (200, lifted.body)


@pytest.mark.parametrize(
    "field", ["code", "discountType", "discountValue", "currency", "planId", "duration"]
)
async def test_the_discount_of_a_code_is_for_good(client: Client, field: str) -> None:
    made = await client.post("/v1/promo-codes", SAVE)

    refused = await client.patch(f"/v1/promo-codes/{made.id}", {field: made.json[field]})

    assert (refused.status, refused.paths) == (422, [field])


@pytest.mark.parametrize(
    "fields",
    [
        {"active": None},
        {"active": "false"},
        {"metadata": None},
        {"maxRedemptions": 0},
        {"expiresAt": "2026-01-28T09:00:00Z"},
    ],
    ids=str,
)
async def test_a_senseless_change_is_422(client: Client, fields: dict[str, Any]) -> None:
    made = await client.post("/v1/promo-codes", SAVE)

    refused = await client.patch(f"/v1/promo-codes/{made.id}", fields)

    assert (refused.status, refused.paths) == (422, list(fields))


async def test_a_code_is_closed_and_opened_by_hand(client: Client) -> None:
    made = await client.post("/v1/promo-codes", SAVE)
    path = f"/v1/promo-codes/{made.id}"

    closed = await client.patch(path, {"active": False})
    still = await client.patch(path, {"active": False})
    opened = await client.patch(path, {"active": True})

    assert (closed.json, still.json) == (made.json | {"active": False},) * 2
    assert opened.json == made.json


async def test_an_expired_code_cannot_be_opened_without_another_end(
    client: Client, clock: FixedClock
) -> None:
    made = await client.post("/v1/promo-codes", SAVE | {"expiresAt": TOMORROW})
    path = f"/v1/promo-codes/{made.id}"
    clock.move(timedelta(days=1) - timedelta(microseconds=1))
    assert (await client.get(path)).json["active"] is True
    clock.move(timedelta(microseconds=1))
    assert (await client.get(path)).json["active"] is False

    refused = await client.patch(path, {"active": True})
    opened = await client.patch(path, {"active": True, "expiresAt": "2027-01-01T00:00:00Z"})

    assert (refused.status, refused.code) == (409, "conflict")
    assert (opened.status, opened.json["active"]) == (200, True)


async def test_codes_are_listed_newest_first_and_by_code_plan_and_whether_they_are_open(
    client: Client, clock: FixedClock
) -> None:
    plan = await client.post("/v1/plans", GOLD)
    ids = []
    for fields in ({"code": "A", "expiresAt": TOMORROW}, {"code": "B"}, {"code": "C"}):
        bound = {"planId": plan.id} if fields["code"] == "B" else {}
        ids.append((await client.post("/v1/promo-codes", SAVE | fields | bound)).id)
        clock.move(timedelta(seconds=1))
    await client.patch(f"/v1/promo-codes/{ids[2]}", {"active": False})

    async def listed(query: str) -> list[str]:
        answer = await client.get(f"/v1/promo-codes?{query}")
        assert answer.status == 200
        return [item["id"] for item in answer.json["items"]]

    assert await listed("") == ids[::-1]
    assert await listed("active=true") == [ids[1], ids[0]]
    assert await listed("active=false") == [ids[2]]
    assert await listed("code=b") == [ids[1]]
    assert await listed(f"planId={plan.id}") == [ids[1]]
    assert await listed("createdTo=2026-01-28T09:00:01Z") == [ids[0]]
    clock.move(timedelta(days=1))
    assert await listed("active=true") == [ids[1]]
    page = (await client.get("/v1/promo-codes?limit=2")).json
    assert await listed(f"limit=2&cursor={page['nextCursor']}") == [ids[0]]
    assert (await client.get(f"/v1/plans?cursor={page['nextCursor']}")).status == 422


async def test_another_tenants_and_another_modes_codes_are_not_found(
    server: Server, client: Client, tenant: str, tenant_b: str
) -> None:
    made = await client.post("/v1/promo-codes", SAVE)

    for other in (
        await server.client(tenant_b, Mode.TEST),
        await server.client(tenant, Mode.LIVE),
    ):
        path = f"/v1/promo-codes/{made.id}"
        for answer in (await other.get(path), await other.patch(path, {"active": False})):
            assert (answer.status, answer.code) == (404, "not_found")
        assert (await other.get("/v1/promo-codes")).json["items"] == []
    assert (await client.get("/v1/promo-codes/prm_x")).status == 404


async def test_the_same_key_makes_one_code(client: Client) -> None:
    first = await client.post("/v1/promo-codes", SAVE, key="k")
    again = await client.post("/v1/promo-codes", SAVE, key="k")

    assert (again.status, again.body, again.is_replay) == (201, first.body, True)
