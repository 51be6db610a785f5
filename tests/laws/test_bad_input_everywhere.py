"""What is wrong is refused with its own status by every operation, and nothing of it is written."""

import asyncio
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, Final

import orjson
import pytest

from duro.kit.modes import Mode
from tests.support.api import Answer, Client, Server
from tests.support.described import Described, described, integers, properties
from tests.support.everything import some_in_live, two_of_everything, with_ids
from tests.support.roles import app_role, connected
from tests.support.system import Merchant

_MIB: Final = 1024 * 1024
_DEEP: Final = b'{"x":' + b"[" * 32 + b"]" * 32 + b"}"
_NOT_JSON: Final = {
    "a key twice": b'{"name":"a","name":"a"}',
    "a key twice, deep": b'{"metadata":{"a":"1","a":"1"}}',
    "NaN": b'{"amount":NaN}',
    "Infinity": b'{"amount":-Infinity}',
    "33 levels": _DEEP,
    "not UTF-8": b'{"name":"\xff"}',
    "UTF-16": '{"name":"a"}'.encode("utf-16"),
    "cut off": b'{"name":',
    "two values": b"{}{}",
    "a form": b"name=a&amount=1",
}
_OTHER_MEDIA: Final = (
    "text/plain",
    "application/xml",
    "multipart/form-data; boundary=x",
    "application/json; charset=latin-1",
)
# As they stand in a body; what a field may be is left out by its own bounds.
_WHOLE: Final = (-1, 0, 2**31, 2**63, 2**64, 10**400)
_NEVER: Final = ("1.5", "1.0", '"100"', "1e2", "1e400", "-1e400", "true", "[1]", "{}", '""')
_LONG: Final = "x" * 501
_BAD_METADATA: Final[tuple[object, ...]] = (
    {f"k{n}": "" for n in range(51)},
    {"k" * 41: "v"},
    {"": "v"},
    {"a": _LONG},
    {"a": 1},
    {"a": None},
    {"a": {"b": "c"}},
    [],
    "a",
)
_BAD_CURSORS: Final = ("x", "%00", "a" * 513, "e30", "W10", "WyJhIiwxLCJiIl0", "%F0%9F%92%B8")


@dataclass
class Tried:
    """What was asked, and what was not refused as it should be."""

    count: int = 0
    wrong: list[str] = field(default_factory=list)

    def expect(self, what: str, answer: Answer, status: int, path: str | None = None) -> None:
        self.count += 1
        is_right = answer.status == status and "Request-Id" in answer.headers
        if is_right and path is not None:
            is_right = any(f"{each}.".startswith(f"{path}.") for each in answer.paths)
        if not is_right:
            self.wrong.append(f"{what}: {answer.status} {answer.body[:200]!r}")


@dataclass(frozen=True)
class World:
    """A tenant with two of everything, its ids by prefix, and every described operation."""

    merchant: Merchant
    ids: dict[str, str]
    operations: list[Described]
    database_url: str

    @property
    def mutations(self) -> list[Described]:
        return [each for each in self.operations if each.method != "GET"]

    def path(self, operation: Described, ids: dict[str, str] | None = None) -> str:
        return operation.path_with(self.ids if ids is None else ids, merchantRef="ada-1")

    async def written(self) -> list[str]:
        """A fingerprint of every row of the tenant, once nothing changes by itself any more."""
        before: list[str] = []
        for _ in range(100):
            after = await _fingerprint(self.database_url, self.merchant.tenant_id)
            if after == before:
                break
            before = after
            await asyncio.sleep(0.3)
        return before


@pytest.fixture
async def world(merchant: Merchant, database_url: str) -> World:
    document = (await merchant.client.get("/openapi.json")).json
    ids = await two_of_everything(merchant)
    return World(merchant, ids, list(described(document)), database_url)


@pytest.fixture
async def tried(world: World, capsys: pytest.CaptureFixture[str]) -> AsyncIterator[Tried]:
    """Judged at the end, with the rows of before."""
    before = await world.written()
    assert any(each.startswith("plans 2 ") for each in before), "the rows are not seen"
    found = Tried()
    yield found
    with capsys.disabled():
        sys.stdout.write(f"\nbad input: {found.count} requests, {len(before)} tables\n")
    assert found.wrong == []
    assert found.count > 0
    assert await world.written() == before


async def test_what_is_not_json_of_the_right_kind_and_size(world: World, tried: Tried) -> None:
    client = world.merchant.client
    for operation in world.mutations:
        path, name = world.path(operation), operation.name
        if "application/x-www-form-urlencoded" in operation.media:
            continue
        for what, raw in _NOT_JSON.items():
            answer = await client.send(operation.method, path, raw=raw)
            tried.expect(f"{name}, {what}", answer, 400)
        for media in _OTHER_MEDIA:
            headers = {"Content-Type": media}
            answer = await client.send(operation.method, path, raw=b"{}", headers=headers)
            tried.expect(f"{name}, {media}", answer, 415)
        headers = {"Content-Encoding": "gzip"}
        answer = await client.send(operation.method, path, raw=b"{}", headers=headers)
        tried.expect(f"{name}, compressed", answer, 415)
        raw = b'{"x":"%b"}' % (b"x" * _MIB)
        answer = await client.send(operation.method, path, raw=raw)
        tried.expect(f"{name}, over 1 MiB", answer, 413)
        for raw in (b"[]", b"null", b'"a"', b"1"):
            answer = await client.send(operation.method, path, raw=raw)
            tried.expect(f"{name}, {raw!r}", answer, 422)


async def test_tokens_are_refused_in_the_words_of_oauth(world: World, tried: Tried) -> None:
    sent = {"application/json": b'{"grant_type":', "application/x-www-form-urlencoded": b"a=%FF"}
    granting = [each for each in world.mutations if len(each.media) > 1]
    assert len(granting) == 1
    for operation in granting:
        for media, raw in [*sent.items(), ("text/plain", b"{}"), ("application/json", _DEEP)]:
            headers = {"Content-Type": media}
            answer = await world.merchant.client.send(
                "POST", operation.path, raw=raw, headers=headers
            )
            assert answer.json["error"] == "invalid_request"
            tried.expect(f"{media} {raw!r}", answer, 415 if media == "text/plain" else 400)


async def test_an_unknown_field_or_parameter(world: World, tried: Tried) -> None:
    client = world.merchant.client
    for operation in world.operations:
        path = world.path(operation)
        if operation.security == []:
            continue
        answer = await client.send(operation.method, f"{path}?surprise=1")
        tried.expect(f"{operation.name}?surprise", answer, 422, "surprise")
        for name in operation.query:
            answer = await client.send(operation.method, f"{path}?{name}=%00")
            tried.expect(f"{operation.name}?{name}=NUL", answer, 422, name)
            answer = await client.send(operation.method, f"{path}?{name}=1&{name}=1")
            tried.expect(f"{operation.name}?{name} twice", answer, 422, name)
        if operation.method != "GET":
            answer = await _send(client, operation, path, {"surprise": 1})
            tried.expect(f"{operation.name} with surprise", answer, 422, "surprise")


async def test_whole_numbers_of_every_wrong_kind_and_size(world: World, tried: Tried) -> None:
    client, seen = world.merchant.client, 0
    for operation in world.mutations:
        example = with_ids(dict(operation.example), world.ids)
        for name, schema, is_list in integers(operation):
            seen += 1
            low, high = schema["minimum"], schema["maximum"]
            texts = [*_NEVER, *(str(each) for each in _WHOLE if not low <= each <= high)]
            for text in texts:
                if is_list and text == "[1]":
                    continue
                raw = _with(example, name, f"[{text}]" if is_list else text)
                answer = await client.send(operation.method, world.path(operation), raw=raw)
                tried.expect(f"{operation.name} {name}={text[:30]}", answer, 422, name)
            raw = _with(example, name, "NaN")
            answer = await client.send(operation.method, world.path(operation), raw=raw)
            tried.expect(f"{operation.name} {name}=NaN", answer, 400)
    assert seen > 10


async def test_metadata_over_its_limits(world: World, tried: Tried) -> None:
    client = world.merchant.client
    for operation in world.mutations:
        if "metadata" not in properties(operation):
            continue
        example = with_ids(dict(operation.example), world.ids)
        for bad in _BAD_METADATA:
            answer = await _send(
                client, operation, world.path(operation), {**example, "metadata": bad}
            )
            tried.expect(f"{operation.name} {str(bad)[:40]}", answer, 422, "metadata")


async def test_limits_and_cursors_that_no_list_gave(world: World, tried: Tried) -> None:
    client, lists = world.merchant.client, _lists(world)
    for operation in lists:
        path = world.path(operation)
        for cursor in _BAD_CURSORS:
            answer = await client.get(f"{path}?cursor={cursor}")
            tried.expect(f"{operation.name} cursor {cursor[:20]}", answer, 422, "cursor")
        for limit in ("0", "-1", "101", "1.5", "ten", "", "9" * 30, "%20" + "1"):
            answer = await client.get(f"{path}?limit={limit}")
            tried.expect(f"{operation.name} limit {limit}", answer, 422, "limit")
    assert len(lists) >= 12


async def test_cursors_of_another_tenant_mode_or_list(
    world: World, tried: Tried, tenant_b: str
) -> None:
    merchant = world.merchant
    server = Server(merchant.client.base, merchant.client.session, merchant.app.ground.db)
    other = await server.client(tenant_b, Mode.TEST)
    other_ids = await two_of_everything(Merchant(merchant.app, other, tenant_b))
    live = await server.client(merchant.tenant_id, Mode.LIVE)
    live_ids = await some_in_live(live)
    lists = _lists(world)
    cursors = [(each, await _next_cursor(world, each)) for each in lists]

    for operation, cursor in cursors:
        own = await merchant.client.get(f"{world.path(operation)}?limit=1&cursor={cursor}")
        assert own.status == 200
        answer = await other.get(f"{world.path(operation, other_ids)}?cursor={cursor}")
        tried.expect(f"{operation.name} of another tenant", answer, 422, "cursor")
        if "x-modes" not in operation.raw:
            answer = await live.get(f"{world.path(operation, live_ids)}?cursor={cursor}")
            tried.expect(f"{operation.name} of another mode", answer, 422, "cursor")
        for another in lists:
            if another.path != operation.path:
                answer = await merchant.client.get(f"{world.path(another)}?cursor={cursor}")
                tried.expect(f"{another.name} of {operation.name}", answer, 422, "cursor")


def _lists(world: World) -> list[Described]:
    return [each for each in world.operations if "cursor" in each.query]


async def _next_cursor(world: World, operation: Described) -> str:
    page = (await world.merchant.client.get(f"{world.path(operation)}?limit=1")).json
    assert page["hasMore"], operation.name
    return str(page["nextCursor"])


async def _send(client: Client, operation: Described, path: str, body: object) -> Answer:
    return await client.send(operation.method, path, raw=orjson.dumps(body))


def _with(example: dict[str, Any], name: str, text: str) -> bytes:
    """The example with a field that is written as it stands: no encoder spells such numbers."""
    marked = orjson.dumps({**example, name: "@@"})
    return marked.replace(b'"@@"', text.encode())


async def _fingerprint(database_url: str, tenant_id: str) -> list[str]:
    settings = {"role": app_role(Mode.TEST), "search_path": "sandbox", "duro.tenant": tenant_id}
    async with connected(database_url, **settings) as connection:
        statements = await connection.fetch(_EACH_TABLE)
        return [await connection.fetchval(each["statement"]) for each in statements]


_EACH_TABLE: Final = """
SELECT format('SELECT %L || count(*) || '' '' || COALESCE(sum(hashtextextended(t::text, 0)), 0) FROM %I t',
              relname || ' ', relname) AS statement
  FROM pg_class
 WHERE relnamespace = 'sandbox'::regnamespace
   AND relkind = 'r'
   AND has_table_privilege(oid, 'SELECT')
 ORDER BY relname
"""
