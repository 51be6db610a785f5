"""SIGTERM under load: the process ends in time, and what it did not come to is done after the next start."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

import aiohttp
import pytest

from duro.kit.clock import monotonic_s
from duro.kit.db import Database
from duro.kit.modes import Mode
from tests.support.api import Client, Server
from tests.support.fault_data import add_due_renewals, count_settled, list_customers, new_tenant
from tests.support.faults import Ground, seeds
from tests.support.process import served, serving

TENANTS = 4
EACH = 500
CALLERS = 8
STOP_S = 25.0


@dataclass
class Load:
    """What a merchant's software saw while the server went away under it."""

    statuses: Counter[int] = field(default_factory=Counter)
    customers: set[str] = field(default_factory=set)

    async def call(self, client: Client) -> None:
        """Creates customers until nobody listens any more."""
        try:
            while True:
                answer = await client.post("/v1/customers", {"email": "a@example.com"})
                self.statuses[answer.status] += 1
                if answer.status == 201:
                    self.customers.add(answer.id)
        except aiohttp.ClientConnectionError:
            return


@pytest.mark.parametrize("seed", seeds(short=1, long=10))
async def test_sigterm_under_load_ends_in_time_and_loses_nothing(
    ground: Ground, db: Database, seed: int, say: Callable[[str], None]
) -> None:
    tenant_ids = [await new_tenant(ground.database_url) for _ in range(TENANTS)]
    for tenant_id in tenant_ids:
        await add_due_renewals(ground.database_url, tenant_id, EACH)
    load = Load()
    async with (
        served(env=serving(ground.database_url, ground.redis_url)) as duro,
        aiohttp.ClientSession() as session,
    ):
        server = Server(duro.ready["public_url"], session, db)
        client = await server.client(tenant_ids[0], Mode.TEST)
        callers = [asyncio.create_task(load.call(client)) for _ in range(CALLERS)]
        goal = Random(seed).randint(1, TENANTS * EACH * 3 // 4)
        while (done := (await count_settled(ground.database_url))["charges"]) < goal:
            await asyncio.sleep(0.02)
        began_s = monotonic_s()
        duro.process.terminate()

        code = await duro.end()

        took_s = monotonic_s() - began_s
        await asyncio.gather(*callers)
    assert code == 0, "".join(duro.said[-20:])
    assert took_s < STOP_S
    assert set(load.statuses) == {201}
    assert load.customers <= await list_customers(ground.database_url)
    await ground.recover()
    assert await ground.contradictions() == []
    total = TENANTS * EACH
    assert await count_settled(ground.database_url) == {"invoices": total, "charges": total}
    say(
        f"SIGTERM, seed {seed}: stopped in {took_s:.1f} s after {done} of {total} renewals"
        f" and {len(load.customers)} requests"
    )
