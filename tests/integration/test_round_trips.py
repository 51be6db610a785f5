"""Owns the claim about how often the database is asked for a new subscription, counted and not timed."""

from typing import Final

import aiohttp

from bench.asking import asking
from bench.ground import statement
from bench.seed import PLAN, add_plan
from duro.kit.clock import SystemClock

# The key is looked up; the intent, the gateway's books and the outcome are a transaction each.
_ROUND_TRIPS_MAX: Final = 17
_COMMITS: Final = 3


async def test_a_new_subscription_needs_few_round_trips(database_url: str, tenant: str) -> None:
    async with asking(database_url, tenant) as asker:
        now = SystemClock().wall()
        await add_plan(asker.connection, tenant, at=now)
        for name in ("seed_customers", "seed_methods"):
            await asker.connection.execute(statement(name), tenant, 1, 2, now)

        async def start(session: aiohttp.ClientSession, number: int) -> None:
            body = {"customerId": f"cus_{number:026}", "planId": PLAN}
            key = {"Idempotency-Key": f"count-{number}"}
            async with session.post("/v1/subscriptions", json=body, headers=key) as answer:
                assert (answer.status, (await answer.json())["status"]) == (201, "active")

        await start(asker.session, 1)
        sent = await asker.measure(lambda session: start(session, 2))

    assert sent.trips.total() <= _ROUND_TRIPS_MAX, sent.told
    assert sent.trips["COMMIT"] == _COMMITS, sent.told
