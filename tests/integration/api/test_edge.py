"""What every answer has in common, whatever was asked."""

import asyncio
import gzip
from collections.abc import Sequence

import orjson
import pytest

from duro.errors import RateLimitedError
from duro.kit.call import Call
from duro.kit.db import Database
from duro.kit.modes import Mode
from duro.kit.registry import Routes
from duro.kit.schema import Out
from duro.modules.catalog.routes import routes as plan_routes
from tests.support.api import PUBLIC_URL, Client, Server

GOLD = {"name": "Gold", "amount": 500000, "interval": "month"}
probes = Routes(tag="Probes")


class Nothing(Out):
    """An empty object."""


@probes.get("/v1/bug", permission="read")
async def has_a_bug(call: Call) -> Nothing:
    raise LookupError(f"secret of {call.tenant.id}")


@probes.get("/v1/limited", permission="read")
async def is_limited(call: Call) -> Nothing:
    raise RateLimitedError(f"Slow down, {call.tenant.name}.")


@probes.get("/v1/sandbox-only", permission="read", modes={Mode.TEST})
async def is_sandbox_only(call: Call) -> Nothing:
    assert call.mode is Mode.TEST
    return Nothing()


@probes.post("/v1/bug", permission="plan:write")
async def has_a_bug_after_writing(call: Call) -> Nothing:
    await call.claim(call.tx, "plan_1")
    raise LookupError


@pytest.fixture
def routes() -> Sequence[Routes]:
    return (plan_routes, probes)


async def test_every_answer_has_a_request_id_of_its_own(client: Client) -> None:
    answers = [
        await client.send("GET", path, headers={"Request-Id": "mine", "X-Request-Id": "mine"})
        for path in ("/v1/plans", "/v1/plans", "/v1/nothing", "/openapi.json", "/v1/bug")
    ]

    ids = {answer.headers["Request-Id"] for answer in answers}
    assert len(ids) == 5
    assert all(each.startswith("req_") for each in ids)


async def test_a_bug_is_a_500_that_tells_nothing(client: Client) -> None:
    answer = await client.get("/v1/bug")

    assert answer.status == 500
    assert answer.json == {
        "error": {
            "code": "internal_error",
            "message": "Something went wrong on our side.",
            "docUrl": f"{PUBLIC_URL}/docs/errors#internal_error",
            "requestId": answer.headers["Request-Id"],
        }
    }


async def test_an_expected_refusal_keeps_its_status_and_code(client: Client) -> None:
    answer = await client.get("/v1/limited")

    assert (answer.status, answer.code) == (429, "rate_limited")
    assert answer.error["message"] == "Slow down, Adunni Gyms."


async def test_an_operation_of_one_mode_is_not_found_in_the_other(
    server: Server, client: Client, tenant: str
) -> None:
    live = await server.client(tenant, Mode.LIVE)

    assert (await client.get("/v1/sandbox-only")).status == 200
    assert (await live.get("/v1/sandbox-only")).code == "not_found"


@pytest.mark.parametrize(("method", "path"), [("PUT", "/v1/plans"), ("DELETE", "/v1/plans")])
async def test_a_method_that_a_path_does_not_have_is_405(
    client: Client, method: str, path: str
) -> None:
    answer = await client.send(method, path)

    assert (answer.status, answer.code) == (405, "bad_request")
    assert answer.headers["Allow"] == "GET, HEAD, POST"


async def test_head_answers_like_get_without_a_body(client: Client) -> None:
    answer = await client.send("HEAD", "/v1/plans")

    assert (answer.status, answer.body) == (200, b"")


@pytest.mark.parametrize(
    "content_type",
    ["", "text/plain", "application/x-www-form-urlencoded", "application/json; charset=utf-16"],
)
async def test_a_body_of_another_type_is_415(client: Client, content_type: str) -> None:
    answer = await client.send(
        "POST", "/v1/plans", raw=orjson.dumps(GOLD), headers={"Content-Type": content_type}
    )

    assert (answer.status, answer.code) == (415, "bad_request")


@pytest.mark.parametrize("content_type", ["application/json; charset=UTF-8", "Application/JSON"])
async def test_json_may_name_its_charset(client: Client, content_type: str) -> None:
    answer = await client.send(
        "POST", "/v1/plans", raw=orjson.dumps(GOLD), headers={"Content-Type": content_type}
    )

    assert answer.status == 201


async def test_a_body_over_the_limit_is_413(client: Client) -> None:
    answer = await client.send("POST", "/v1/plans", raw=b'{"name":"%b"}' % (b"x" * 1024 * 1024))

    assert (answer.status, answer.code) == (413, "bad_request")


async def test_a_compressed_body_is_415(client: Client) -> None:
    packed = gzip.compress(orjson.dumps(GOLD))

    answer = await client.send(
        "POST", "/v1/plans", raw=packed, headers={"Content-Encoding": "gzip"}
    )

    assert (answer.status, answer.code) == (415, "bad_request")


async def test_a_request_meets_503_while_the_database_is_gone(client: Client, db: Database) -> None:
    await client.get("/v1/plans")
    await db.close()

    answer = await client.get("/v1/plans")

    assert (answer.status, answer.code) == (503, "unavailable")


async def test_requests_of_two_tenants_at_once_see_their_own_rows(
    server: Server, client: Client, tenant_b: str
) -> None:
    other = await server.client(tenant_b, Mode.TEST)
    mine = (await client.post("/v1/plans", GOLD)).id
    theirs = (await other.post("/v1/plans", GOLD)).id

    lists = await asyncio.gather(*(each.get("/v1/plans") for each in [client, other] * 20))

    shown = [[plan["id"] for plan in answer.json["items"]] for answer in lists]
    assert shown == [[mine], [theirs]] * 20
