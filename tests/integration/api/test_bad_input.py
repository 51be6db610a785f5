"""What is wrong is refused with its code and path, and nothing of it is written."""

import orjson
import pytest

from duro.kit.ids import new_id
from duro.kit.modes import Mode
from tests.conftest import WALL
from tests.support.api import PUBLIC_URL, Answer, Client, Server, count_written

PLAN = b'{"name":"Gold","amount":%b,"interval":"month"}'
GOLD = {"name": "Gold", "amount": 500000, "interval": "month"}
ABSENT = object()


async def refused(client: Client, path: str, raw: bytes, *, database_url: str) -> Answer:
    """The answer to a POST, once nothing was found to be written."""
    before = await count_written(database_url)
    answer = await client.send("POST", path, raw=raw, headers={"Idempotency-Key": "k"})
    assert await count_written(database_url) == before
    assert answer.error["docUrl"] == f"{PUBLIC_URL}/docs/errors#{answer.code}"
    assert answer.error["requestId"] == answer.headers["Request-Id"]
    return answer


@pytest.mark.parametrize(
    "raw",
    [
        b"{",
        b"nothing",
        b'{"name":"a",}',
        b"\xef\xbb\xbf{}",
        b'{"name":"a"} {}',
        b'{"name":"line\nbreak"}',
        b'{"amount":1,"amount":1}',
        b'{"metadata":{"a":"1","a":"2"}}',
        PLAN % b"NaN",
        PLAN % b"Infinity",
        PLAN % b"-Infinity",
        PLAN % b"01",
        PLAN % b"+1",
        b"[" * 33 + b"]" * 33,
        b'{"metadata":' * 33 + b"{}" + b"}" * 33,
        b"[" * 500_000,
        b'{"name":"\xff"}',
        b'{"name":"\xed\xa0\x80"}',
        '{"name":"a"}'.encode("utf-16"),
    ],
    ids=lambda raw: repr(raw[:40]),
)
async def test_what_is_not_json_is_400(client: Client, database_url: str, raw: bytes) -> None:
    answer = await refused(client, "/v1/plans", raw, database_url=database_url)

    assert (answer.status, answer.code) == (400, "bad_request")


@pytest.mark.parametrize(
    "amount",
    [
        *(
            b"500000.0",
            b"1.5",
            b"1e3",
            b"1e400",
            b"-1e400",
            b"0",
            b"-1",
            b'"100"',
            b"true",
            b"null",
        ),
        *(b"9223372036854775808", b"100000000000001", b"1" * 5000, b"[1]", b'{"minor":1}'),
    ],
    ids=lambda amount: amount[:20].decode(),
)
async def test_an_amount_of_wrong_type_sign_or_size_is_422(
    client: Client, database_url: str, amount: bytes
) -> None:
    answer = await refused(client, "/v1/plans", PLAN % amount, database_url=database_url)

    assert (answer.status, answer.code, answer.paths) == (422, "validation_error", ["amount"])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ABSENT),
        ("name", ""),
        ("name", " "),
        ("name", "x" * 201),
        ("name", 1),
        ("name", None),
        ("name", "a\0b"),
        ("interval", ABSENT),
        ("interval", "fortnight"),
        ("interval", "MONTH"),
        ("interval", 1),
        ("intervalCount", 0),
        ("intervalCount", 367),
        ("intervalCount", "1"),
        ("trialDays", -1),
        ("trialDays", 731),
        ("trialDays", 1.0),
        ("maxCycles", 0),
        ("maxCycles", 2**63),
        ("currency", "ngn"),
        ("currency", "XXX"),
        ("allowMultiple", 1),
        ("allowMultiple", "true"),
        ("metadata", []),
        ("metadata", None),
        ("metadata", {f"k{n}": "" for n in range(51)}),
        ("surprise", 1),
        ("interval_count", 1),
    ],
)
async def test_a_wrong_field_of_a_plan_is_422_with_its_path(
    client: Client, database_url: str, field: str, value: object
) -> None:
    asked = {name: each for name, each in (GOLD | {field: value}).items() if each is not ABSENT}

    answer = await refused(client, "/v1/plans", orjson.dumps(asked), database_url=database_url)

    assert (answer.status, answer.code, answer.paths) == (422, "validation_error", [field])


@pytest.mark.parametrize(
    ("metadata", "path"),
    [
        ('{"a":1}', "metadata.a"),
        ('{"a":null}', "metadata.a"),
        ('{"a":{"b":"c"}}', "metadata.a"),
        ('{"a":"%s"}' % ("x" * 501), "metadata.a"),
        ('{"%s":"a"}' % ("x" * 41), "metadata." + "x" * 41),
        ('{"a":"\\u0000"}', "metadata.a"),
        ('{"a":"\\ud800"}', "metadata.a"),
        ('{"\\uDFFF":"a"}', "metadata"),
        ('{"\\u0000":"a"}', "metadata"),
    ],
    ids=lambda text: text[:30],
)
async def test_wrong_metadata_is_422_with_its_path(
    client: Client, database_url: str, metadata: str, path: str
) -> None:
    raw = b'{"name":"Gold","amount":1,"interval":"month","metadata":%b}' % metadata.encode()

    answer = await refused(client, "/v1/plans", raw, database_url=database_url)

    assert (answer.status, answer.code, answer.paths) == (422, "validation_error", [path])


@pytest.mark.parametrize("raw", [b"[]", b"null", b"1", b'"plan"'])
async def test_a_body_that_is_no_object_is_422(
    client: Client, database_url: str, raw: bytes
) -> None:
    answer = await refused(client, "/v1/plans", raw, database_url=database_url)

    assert (answer.status, answer.code) == (422, "validation_error")


async def test_every_wrong_field_is_listed(client: Client, database_url: str) -> None:
    raw = b'{"name":"","amount":0,"extra":1}'

    answer = await refused(client, "/v1/plans", raw, database_url=database_url)

    assert sorted(answer.paths) == ["amount", "extra", "interval", "name"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("email", "ada"),
        ("email", "ada@"),
        ("email", "ada@localhost"),
        ("email", "a b@example.com"),
        ("email", " ada@example.com"),
        ("email", "a..b@example.com"),
        ("email", "ada@example.com\n"),
        ("email", "x" * 65 + "@example.com"),
        ("email", "a@" + "b." * 127 + "com"),
        ("email", 1),
        ("phone", "123"),
        ("phone", "0803 123 456"),
        ("phone", "0803 123 45678"),
        ("phone", "0803-FLOWERS"),
        ("phone", "+999 803 123 4567"),
        ("phone", "08031234567 ext 5"),
        ("phone", 8031234567),
        ("name", ""),
        ("merchantRef", ""),
        ("merchantRef", "x" * 256),
        ("blacklisted", True),
    ],
)
async def test_a_wrong_field_of_a_customer_is_422_with_its_path(
    client: Client, database_url: str, field: str, value: object
) -> None:
    raw = orjson.dumps({field: value})

    answer = await refused(client, "/v1/customers", raw, database_url=database_url)

    assert (answer.status, answer.code, answer.paths) == (422, "validation_error", [field])


@pytest.mark.parametrize(
    ("query", "path"),
    [
        *(("limit=0", "limit"), ("limit=101", "limit"), ("limit=-1", "limit")),
        *(("limit=1.0", "limit"), ("limit=ten", "limit"), ("limit=", "limit")),
        *(("limit=%201", "limit"), ("limit=1_0", "limit"), ("limit=1&limit=1", "limit")),
        *(("surprise=1", "surprise"), ("active=1", "active"), ("active=True", "active")),
        *(("cursor=x", "cursor"), ("cursor=%00", "cursor"), ("cursor=" + "a" * 600, "cursor")),
        *(("createdFrom=2026-01-28", "createdFrom"), ("createdTo=0", "createdTo")),
        *(("createdFrom=2026-02-30T00:00:00Z", "createdFrom"),),
        *(("createdTo=2026-01-28T09:00:00", "createdTo"),),
        *(("createdTo=0001-01-01T00:00:00%2B01:00", "createdTo"),),
    ],
)
async def test_a_wrong_parameter_of_a_list_is_422_with_its_path(
    client: Client, query: str, path: str
) -> None:
    answer = await client.get(f"/v1/plans?{query}")

    assert (answer.status, answer.code, answer.paths) == (422, "validation_error", [path])


async def test_an_operation_without_parameters_refuses_any(client: Client) -> None:
    answer = await client.send("POST", "/v1/plans?dryRun=true", raw=orjson.dumps(GOLD))

    assert (answer.status, answer.paths) == (422, ["dryRun"])


async def test_an_action_without_a_body_takes_none_but_an_empty_object(client: Client) -> None:
    made = await client.post("/v1/customers")

    answer = await client.post(f"/v1/customers/{made.id}/unblacklist", {"reason": "x"})

    assert (answer.status, answer.paths) == (422, ["reason"])


async def test_another_tenants_and_modes_ids_are_not_found_like_a_random_one(
    server: Server, client: Client, tenant: str, tenant_b: str
) -> None:
    plan = await client.post("/v1/plans", GOLD)
    customer = await client.post("/v1/customers", {"merchantRef": "u-1"})
    others = [
        await server.client(tenant_b, Mode.TEST),
        await server.client(tenant, Mode.LIVE),
        await server.client(tenant_b, Mode.LIVE),
    ]

    for other in others:
        answers = [
            await other.get(f"/v1/plans/{plan.id}"),
            await other.patch(f"/v1/plans/{plan.id}", {"name": "Mine"}),
            await other.delete(f"/v1/plans/{plan.id}"),
            await other.get(f"/v1/customers/{customer.id}"),
            await other.get("/v1/customers/ref/u-1"),
            await other.patch(f"/v1/customers/{customer.id}", {"name": "Mine"}),
            await other.post(f"/v1/customers/{customer.id}/blacklist"),
            await other.get(f"/v1/plans/{new_id('plan', wall=WALL)}"),
        ]
        assert [(each.status, each.code) for each in answers] == [(404, "not_found")] * 8
        assert (await other.get("/v1/plans")).json["items"] == []

    assert (await client.get(f"/v1/plans/{plan.id}")).body == plan.body
    assert (await client.get(f"/v1/customers/{customer.id}")).body == customer.body


@pytest.mark.parametrize(
    "path",
    [
        "/v1/plans/plan_1",
        "/v1/plans/cus_01JDXYZ0000000000000000000",
        "/v1/plans/%00",
        "/v1/plans/" + "x" * 4000,
        "/v1/customers/cus_",
        "/v1/customers/ref/%00",
        "/v1/customers/ref/unknown",
        "/v1/customers/ref/" + "x" * 256,
        "/v1/customers/ref/",
        "/v1/nothing",
        "/",
    ],
    ids=lambda path: path[:40],
)
async def test_what_is_not_there_is_404(client: Client, path: str) -> None:
    answer = await client.get(path)

    assert (answer.status, answer.code) == (404, "not_found")


async def test_a_customers_id_is_no_plans_id(client: Client) -> None:
    customer = await client.post("/v1/customers")

    answer = await client.get(f"/v1/plans/{customer.id}")

    assert (answer.status, answer.code) == (404, "not_found")
