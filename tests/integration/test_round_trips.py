"""Owns the claims about how often the database is asked, counted and not timed."""

import asyncio
from functools import partial
from typing import Final

import aiohttp

from bench.asking import Asker, asking
from bench.ground import statement
from bench.seed import PLAN, add_plan
from duro.kit.clock import SystemClock

# The key is looked up; the intent, the gateway's books and the outcome are a transaction each.
_ROUND_TRIPS_MAX: Final = 14
_COMMITS: Final = 3


_AT_ONCE: Final = 16


async def _start(session: aiohttp.ClientSession, number: int) -> None:
    body = {"customerId": f"cus_{number:026}", "planId": PLAN}
    key = {"Idempotency-Key": f"count-{number}"}
    async with session.post("/v1/subscriptions", json=body, headers=key) as answer:
        assert (answer.status, (await answer.json())["status"]) == (201, "active")


async def _seed(asker: Asker, tenant_id: str, customers: int) -> None:
    now = SystemClock().wall()
    await add_plan(asker.connection, tenant_id, at=now)
    for name in ("seed_customers", "seed_methods"):
        await asker.connection.execute(statement(name), tenant_id, 1, customers, now)


async def test_a_new_subscription_needs_few_round_trips(database_url: str, tenant: str) -> None:
    async with asking(database_url, tenant) as asker:
        await _seed(asker, tenant, 2)
        await _start(asker.session, 1)

        sent = await asker.measure(lambda session: _start(session, 2))

    assert sent.trips.total() <= _ROUND_TRIPS_MAX, sent.told
    assert sent.trips["COMMIT"] == _COMMITS, sent.told


async def test_those_that_come_at_once_share_them(database_url: str, tenant: str) -> None:
    async with asking(database_url, tenant) as asker:
        await _seed(asker, tenant, 1 + _AT_ONCE)
        await _start(asker.session, 1)

        sent = await asker.measure(
            lambda session: asyncio.gather(*(_start(session, 2 + n) for n in range(_AT_ONCE)))
        )

    # However they arrive, none is alone all the way.
    assert sent.trips.total() <= _ROUND_TRIPS_MAX * _AT_ONCE / 2, sent.told


async def test_a_read_that_depends_on_no_time_is_one_round_trip(
    database_url: str, tenant: str
) -> None:
    async with asking(database_url, tenant) as asker:
        await _seed(asker, tenant, 1)
        paths = (f"/v1/plans/{PLAN}", f"/v1/customers/cus_{1:026}")

        async def read(session: aiohttp.ClientSession, path: str) -> None:
            (await session.get(path)).raise_for_status()

        for path in paths:
            await read(asker.session, path)
            sent = await asker.measure(partial(read, path=path))
            assert sent.trips == {"SELECT": 1}, path
