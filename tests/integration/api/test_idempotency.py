"""Same key, same answer, for operations of one transaction."""

import asyncio
from collections.abc import Sequence

import orjson
import pytest

from duro.kit import idempotency
from duro.kit.call import Call
from duro.kit.idempotency import Kept
from duro.kit.modes import Mode
from duro.kit.registry import Routes
from duro.modules.catalog.routes import routes as plan_routes
from duro.modules.catalog.schemas import PlanCreate, PlanOut, plan_out
from duro.modules.catalog.service import create_plan
from duro.modules.customers.routes import routes as customer_routes
from tests.support.api import Client, Server, count_written

probes = Routes(tag="Probes")


@probes.post("/v1/overtaken", permission="plan:write", status=201)
async def create_plan_while_a_twin_finishes(call: Call, body: PlanCreate) -> PlanOut:
    made = await create_plan(call.tx, body)
    if call.keyed is not None:
        async with call.begin() as tx:
            assert await idempotency.keep(tx, call.keyed, Kept(201, b'{"by":"twin"}'))
    return plan_out(made)


@pytest.fixture
def routes() -> Sequence[Routes]:
    return (plan_routes, customer_routes, probes)


GOLD = {"name": "Gold", "amount": 500000, "interval": "month"}


async def test_the_same_request_gets_the_first_answer_byte_for_byte(client: Client) -> None:
    first = await client.post("/v1/plans", GOLD, key="k-1")

    again = await client.post("/v1/plans", GOLD, key="k-1")

    assert (again.status, again.body) == (first.status, first.body) == (201, first.body)
    assert (first.is_replay, again.is_replay) == (False, True)
    assert again.headers["Request-Id"] != first.headers["Request-Id"]
    assert len((await client.get("/v1/plans")).json["items"]) == 1


async def test_without_a_key_nothing_is_remembered(client: Client, database_url: str) -> None:
    answers = [await client.post("/v1/plans", GOLD) for _ in range(2)]

    assert answers[0].id != answers[1].id
    assert await count_written(database_url) == 2


async def test_a_replay_gives_the_first_answer_also_after_a_change(client: Client) -> None:
    first = await client.post("/v1/plans", GOLD, key="k-1")
    await client.patch(f"/v1/plans/{first.id}", {"name": "Silver"})

    assert (await client.post("/v1/plans", GOLD, key="k-1")).body == first.body


@pytest.mark.parametrize(
    ("method", "path", "raw"),
    [
        ("POST", "/v1/plans", orjson.dumps(GOLD | {"amount": 1})),
        ("POST", "/v1/plans", orjson.dumps(GOLD) + b" "),
        ("POST", "/v1/customers", b"{}"),
        ("PATCH", "/v1/plans/{id}", orjson.dumps({"name": "Silver"})),
        ("DELETE", "/v1/plans/{id}", None),
    ],
)
async def test_a_key_serves_one_request_only(
    client: Client, database_url: str, method: str, path: str, raw: bytes | None
) -> None:
    first = await client.post("/v1/plans", GOLD, key="k-1")
    before = await count_written(database_url)

    answer = await client.send(
        method, path.format(id=first.id), raw=raw, headers={"Idempotency-Key": "k-1"}
    )

    assert (answer.status, answer.code) == (422, "validation_error")
    assert answer.paths == ["Idempotency-Key"]
    assert await count_written(database_url) == before
    assert (await client.get(f"/v1/plans/{first.id}")).body == first.body


async def test_of_fifty_at_once_one_runs_and_the_others_wait_or_get_its_answer(
    client: Client,
) -> None:
    answers = await asyncio.gather(*(client.post("/v1/plans", GOLD, key="k-1") for _ in range(50)))

    done = [answer for answer in answers if answer.status == 201]
    assert {answer.status for answer in answers} <= {201, 409}
    assert len({answer.body for answer in done}) == 1
    assert [answer.is_replay for answer in done].count(False) == 1
    assert len((await client.get("/v1/plans")).json["items"]) == 1
    assert (await client.post("/v1/plans", GOLD, key="k-1")).body == done[0].body


async def test_one_that_a_twin_overtook_leaves_nothing_and_gives_the_twins_answer(
    client: Client,
) -> None:
    answer = await client.post("/v1/overtaken", GOLD, key="k-1")

    assert (answer.status, answer.body, answer.is_replay) == (201, b'{"by":"twin"}', True)
    assert (await client.get("/v1/plans")).json["items"] == []


async def test_a_conflict_and_a_missing_thing_are_remembered(client: Client) -> None:
    first = await client.post("/v1/customers", {"merchantRef": "u-1"})
    conflict = await client.post("/v1/customers", {"merchantRef": "u-1"}, key="k-1")
    missing = await client.post(f"/v1/customers/{first.id[:-4]}0000/blacklist", {}, key="k-2")
    await client.patch(f"/v1/customers/{first.id}", {"merchantRef": None})

    again = await client.post("/v1/customers", {"merchantRef": "u-1"}, key="k-1")
    missing_again = await client.post(f"/v1/customers/{first.id[:-4]}0000/blacklist", {}, key="k-2")

    assert (conflict.status, missing.status) == (409, 404)
    assert (again.status, again.body, again.is_replay) == (409, conflict.body, True)
    assert (missing_again.body, missing_again.is_replay) == (missing.body, True)


async def test_a_validation_failure_is_not_remembered(client: Client, database_url: str) -> None:
    refused = await client.post("/v1/plans", GOLD | {"amount": 0}, key="k-1")
    malformed = await client.send("POST", "/v1/plans", raw=b"{", headers={"Idempotency-Key": "k-1"})

    assert (refused.status, malformed.status) == (422, 400)
    assert await count_written(database_url) == 0
    assert (await client.post("/v1/plans", GOLD, key="k-1")).status == 201


async def test_keys_of_tenants_and_modes_are_their_own(
    server: Server, client: Client, tenant: str, tenant_b: str
) -> None:
    others = [await server.client(tenant, Mode.LIVE), await server.client(tenant_b, Mode.TEST)]

    answers = [await each.post("/v1/plans", GOLD, key="k-1") for each in (client, *others)]

    assert len({answer.id for answer in answers}) == 3
    assert [answer.is_replay for answer in answers] == [False] * 3


@pytest.mark.parametrize("key", ["a b", "ključ", "x" * 256, "a\tb"])
async def test_a_key_is_1_to_255_visible_ascii_characters(client: Client, key: str) -> None:
    answer = await client.post("/v1/plans", GOLD, key=key)

    assert (answer.status, answer.paths) == (422, ["Idempotency-Key"])


async def test_the_longest_key_and_odd_characters_are_fine(client: Client) -> None:
    for key in ("x" * 255, "!\"#$%&'()*+,-./:;<=>?@[]^_`{|}~"):
        assert (await client.post("/v1/plans", GOLD, key=key)).status == 201


async def test_changes_and_deletions_are_remembered_too(client: Client) -> None:
    made = await client.post("/v1/plans", GOLD)
    path = f"/v1/plans/{made.id}"

    changed = await client.patch(path, {"name": "Silver"}, key="k-1")
    await client.patch(path, {"name": "Bronze"})
    changed_again = await client.patch(path, {"name": "Silver"}, key="k-1")
    deleted = [await client.delete(path, key="k-2") for _ in range(2)]

    assert changed_again.body == changed.body
    assert (await client.get(path)).json["name"] == "Bronze"
    assert [answer.is_replay for answer in deleted] == [False, True]
