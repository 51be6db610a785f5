"""Rate limits as a caller meets them: whose bucket counts, what is told, and what goes on without Redis."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from ipaddress import ip_network
from typing import TypeAlias

import aiohttp
import pytest
from aiohttp.test_utils import TestServer

from duro.kit.call import Call
from duro.kit.clock import FixedClock
from duro.kit.crypto import new_token
from duro.kit.db import Database
from duro.kit.gate import Gate, Network, bearer
from duro.kit.gcra import Rate
from duro.kit.http import build_app
from duro.kit.limits import LimitClass, Limits, open_limiter
from duro.kit.modes import Mode
from duro.kit.registry import Routes
from duro.kit.schema import Out
from duro.modules.access.oauth import create_client
from duro.modules.access.routes import routes as access_routes
from duro.modules.access.service import Authenticator
from duro.modules.catalog.routes import routes as plan_routes
from tests.support.api import PUBLIC_URL, Answer, Client, Server
from tests.support.wire import Wire, wired

NOBODY = "redis://127.0.0.1:1/0"
GOLD = {"name": "Gold", "amount": 500000, "interval": "month"}
HERE = (ip_network("127.0.0.0/8"),)
probes = Routes(tag="Probes")


class Nothing(Out):
    """An empty object."""


@probes.post("/v1/probes/pay", permission="invoice:write", limit=LimitClass.MONEY)
async def pay(call: Call) -> Nothing:
    assert call.mode is Mode.TEST
    return Nothing()


ROUTES = (plan_routes, access_routes, probes)


def limits(key: int = 5, address: int = 4, **classes: int) -> Limits:
    """Bursts that grow again by one in a hundred seconds, so that no test waits for it."""

    def rate(name: str, burst: int) -> Rate:
        return Rate(name, burst, 100_000_000)

    return Limits(
        key=rate("key", key),
        address=rate("ip", address),
        classes={LimitClass(name): rate(name, burst) for name, burst in classes.items()},
    )


Serve: TypeAlias = Callable[..., AbstractAsyncContextManager[Server]]


@pytest.fixture
def serve(db: Database, clock: FixedClock) -> Serve:
    @asynccontextmanager
    async def serving(
        redis_url: str, limits: Limits, trusted: Sequence[Network] = ()
    ) -> AsyncIterator[Server]:
        async with AsyncExitStack() as stack:
            limiter = open_limiter(redis_url, limits)
            limiter.start()
            stack.push_async_callback(limiter.close)
            app = build_app(
                routes=ROUTES,
                db=db,
                clock=clock,
                gate=Gate(bearer(Authenticator(db, clock)), limiter, trusted),
                public_url=PUBLIC_URL,
            )
            running = await stack.enter_async_context(TestServer(app))
            session = await stack.enter_async_context(aiohttp.ClientSession())
            yield Server(str(running.make_url("")).rstrip("/"), session, db)

    return serving


def statuses(answers: Sequence[Answer]) -> list[int]:
    return [answer.status for answer in answers]


async def test_a_key_has_its_burst_and_is_then_told_when_to_come_again(
    serve: Serve, redis_url: str, tenant: str
) -> None:
    async with serve(redis_url, limits(key=3)) as server:
        client = await server.client(tenant, Mode.TEST)
        answers = [await client.get("/v1/plans") for _ in range(4)]

    first, refused = answers[0], answers[-1]
    assert statuses(answers) == [200, 200, 200, 429]
    assert first.headers["RateLimit-Policy"] == '"key";q=3;w=300'
    assert first.headers["RateLimit"] == '"key";r=2;t=100'
    assert "Retry-After" not in first.headers
    assert refused.code == "rate_limited"
    assert refused.error["docUrl"] == f"{PUBLIC_URL}/docs/errors#rate_limited"
    assert refused.headers["RateLimit"] == '"key";r=0;t=300'
    assert refused.headers["Retry-After"] == "100"


async def test_keys_tenants_and_modes_do_not_share_a_bucket(
    serve: Serve, redis_url: str, tenant: str, tenant_b: str
) -> None:
    async with serve(redis_url, limits(key=1)) as server:
        clients = [
            await server.client(*whose)
            for whose in (
                (tenant, Mode.TEST),
                (tenant, Mode.TEST),
                (tenant, Mode.LIVE),
                (tenant_b, Mode.TEST),
            )
        ]
        first = [await client.get("/v1/plans") for client in clients]
        second = [await client.get("/v1/plans") for client in clients]

    assert statuses(first) == [200] * 4
    assert statuses(second) == [429] * 4


async def test_access_tokens_of_one_client_share_a_bucket(
    serve: Serve, redis_url: str, db: Database, tenant: str
) -> None:
    async with db.core() as tx:
        made = await create_client(tx, tenant_id=tenant, mode=Mode.TEST, name="Books")
    body = {
        "grant_type": "client_credentials",
        "client_id": made.client.client_id,
        "client_secret": made.secret,
    }
    async with serve(redis_url, limits(key=3)) as server:
        tokens = [
            (await server.stranger().post("/v1/oauth/token", body)).json["access_token"]
            for _ in range(2)
        ]
        answers = [
            await server.stranger(token).get("/v1/plans") for _ in range(2) for token in tokens
        ]

    assert statuses(answers) == [200, 200, 200, 429]


async def test_a_stranger_counts_by_address_on_operations_pages_and_unknown_paths(
    serve: Serve, redis_url: str, tenant: str
) -> None:
    async with serve(redis_url, limits(address=3)) as server:
        stranger = server.stranger()
        answers = [
            await stranger.get(path)
            for path in ("/v1/plans", "/openapi.json", "/nowhere", "/openapi.json", "/v1/plans")
        ]
        with_key = await (await server.client(tenant, Mode.TEST)).get("/v1/plans")

    assert statuses(answers) == [401, 200, 404, 429, 429]
    assert answers[0].headers["RateLimit-Policy"] == '"ip";q=3;w=300'
    assert answers[0].headers["WWW-Authenticate"] == "Bearer"
    assert with_key.status == 200


async def test_of_fifty_wrong_keys_at_once_the_burst_is_answered(
    serve: Serve, redis_url: str
) -> None:
    async with serve(redis_url, limits(address=5)) as server:
        answers = await asyncio.gather(
            *(server.stranger(new_token("sk_test_")).get("/v1/plans") for _ in range(50))
        )

    assert sorted(statuses(answers)) == [401] * 5 + [429] * 45


async def test_of_fifty_guesses_at_a_client_secret_at_once_the_burst_is_evaluated(
    serve: Serve, redis_url: str, db: Database, tenant: str
) -> None:
    async with db.core() as tx:
        made = await create_client(tx, tenant_id=tenant, mode=Mode.TEST, name="Books")

    def guess() -> dict[str, str]:
        secret = new_token("csec_test_")
        return {
            "grant_type": "client_credentials",
            "client_id": made.client.client_id,
            "client_secret": secret,
        }

    async with serve(redis_url, limits(address=100, auth=5)) as server:
        answers = await asyncio.gather(
            *(server.stranger().post("/v1/oauth/token", guess()) for _ in range(50))
        )
        right = await server.stranger().post(
            "/v1/oauth/token", guess() | {"client_secret": made.secret}
        )

    assert sorted(statuses(answers)) == [401] * 5 + [429] * 45
    refused = next(answer for answer in answers if answer.status == 429)
    assert refused.json["error"] == "temporarily_unavailable"
    assert int(refused.headers["Retry-After"]) == 100
    assert refused.headers["RateLimit-Policy"] == '"ip";q=100;w=10000, "auth";q=5;w=500'
    assert right.status == 429


async def test_a_class_of_operations_can_be_held_lower_than_its_key(
    serve: Serve, redis_url: str, tenant: str
) -> None:
    async with serve(redis_url, limits(key=10, money=1)) as server:
        client = await server.client(tenant, Mode.TEST)
        paid = [await client.post("/v1/probes/pay") for _ in range(2)]
        read = await client.get("/v1/plans")

    assert statuses(paid) == [200, 429]
    # What money's bucket refused was not taken from the key's either.
    assert read.headers["RateLimit"].startswith('"key";r=8;')


async def from_address(client: Client, address: str) -> int:
    headers = {"X-Forwarded-For": address}
    return (await client.send("GET", "/v1/plans", headers=headers)).status


async def test_a_forwarded_address_counts_only_from_a_trusted_proxy(
    serve: Serve, redis_url: str
) -> None:
    asked = ["198.51.100.1", "198.51.100.2", "198.51.100.3"]
    async with serve(redis_url, limits(address=1)) as server:
        untrusted = [await from_address(server.stranger(), address) for address in asked]
    async with serve(redis_url, limits(address=1), HERE) as server:
        trusted = [await from_address(server.stranger(), address) for address in asked]

    assert untrusted == [401, 429, 429]
    assert trusted == [401, 401, 401]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("203.0.113.9, 198.51.100.7", "203.0.113.10, 198.51.100.7"),
        ("nonsense, 198.51.100.7", "198.51.100.7"),
        ("198.51.100.7", "198.51.100.7:4711"),
        ("198.51.100.7, 127.0.0.9", "198.51.100.7"),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::2"),
        ("[2001:db8:1:2::1]:443", "2001:db8:1:2::1"),
        ("::ffff:198.51.100.7", "198.51.100.7"),
        ("", "unknown"),
    ],
)
async def test_what_a_caller_writes_before_its_proxy_does_not_change_its_address(
    serve: Serve, redis_url: str, first: str, second: str
) -> None:
    async with serve(redis_url, limits(address=1), HERE) as server:
        answers = [await from_address(server.stranger(), text) for text in (first, second)]

    assert answers == [401, 429]


@pytest.mark.parametrize(
    ("first", "second"),
    [("198.51.100.7", "198.51.100.8"), ("2001:db8:1:2::1", "2001:db8:1:3::1")],
)
async def test_two_addresses_have_a_bucket_each(
    serve: Serve, redis_url: str, first: str, second: str
) -> None:
    async with serve(redis_url, limits(address=1), HERE) as server:
        answers = [await from_address(server.stranger(), text) for text in (first, second)]

    assert answers == [401, 401]


async def test_without_redis_reads_and_writes_go_on_and_money_and_tokens_do_not(
    serve: Serve, tenant: str
) -> None:
    async with serve(NOBODY, limits(key=1, address=1)) as server:
        client = await server.client(tenant, Mode.TEST)
        made = [await client.post("/v1/plans", GOLD) for _ in range(3)]
        read = [await client.get("/v1/plans") for _ in range(3)]
        stranger = [await server.stranger().get("/v1/plans") for _ in range(3)]
        paid = await client.post("/v1/probes/pay")
        token = await server.stranger().post("/v1/oauth/token", {})

    assert statuses([*made, *read, *stranger]) == [201] * 3 + [200] * 3 + [401] * 3
    assert "RateLimit" not in read[0].headers
    assert (paid.status, paid.code) == (503, "unavailable")
    assert (token.status, token.json["error"]) == (503, "temporarily_unavailable")


async def test_a_redis_that_answers_nothing_delays_the_first_requests_only(
    serve: Serve, tenant: str
) -> None:
    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    silent = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    async with serve(f"redis://127.0.0.1:{port}/0", limits()) as server:
        client = await server.client(tenant, Mode.TEST)
        began_s = time.monotonic()
        first = await asyncio.gather(*(client.get("/v1/plans") for _ in range(20)))
        first_s = time.monotonic() - began_s
        waits_s = []
        for _ in range(30):
            began_s = time.monotonic()
            assert (await client.get("/v1/plans")).status == 200
            waits_s.append(time.monotonic() - began_s)
            await asyncio.sleep(0.05)
        paid = await client.post("/v1/probes/pay")
    silent.close()

    assert statuses(first) == [200] * 20
    # Two tries of 0.25 s, and what a busy machine adds; the rest of the time nobody waits for Redis.
    assert first_s < 2
    assert sorted(waits_s)[len(waits_s) * 9 // 10] < 0.2
    assert paid.status == 503


async def test_limits_hold_again_when_redis_is_back(
    serve: Serve, redis_url: str, tenant: str
) -> None:
    async with wired(redis_url) as wire, serve(wire.url, limits(key=4)) as server:
        client = await server.client(tenant, Mode.TEST)
        before = await client.post("/v1/probes/pay")
        await wire.cut()
        during = await client.post("/v1/probes/pay")
        await wire.mend()
        after = await paid_again(client)

    assert statuses([before, during, after]) == [200, 503, 200]
    # The bucket outlived the outage: one before it, one after it.
    assert after.headers["RateLimit"].startswith('"key";r=2;')


async def test_a_redis_that_was_restarted_between_two_requests_is_not_noticed(
    serve: Serve, redis_url: str, tenant: str
) -> None:
    async with wired(redis_url) as wire, serve(wire.url, limits()) as server:
        client = await server.client(tenant, Mode.TEST)
        before = await client.post("/v1/probes/pay")
        await restart(wire)
        after = await client.post("/v1/probes/pay")

    assert statuses([before, after]) == [200, 200]


async def restart(wire: Wire) -> None:
    await wire.cut()
    await wire.mend()


async def paid_again(client: Client) -> Answer:
    async with asyncio.timeout(10):
        while True:
            answer = await client.post("/v1/probes/pay")
            if answer.status != 503:
                return answer
            await asyncio.sleep(0.1)
