"""A test clock whose server dies in the middle of an advance comes to its target after the next start."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from random import Random

import aiohttp
import pytest

from duro.kit.db import Database
from duro.kit.modes import Mode
from tests.support.api import Answer, Client, Server
from tests.support.fault_child import Fault, Kind
from tests.support.fault_data import (
    add_due_renewals,
    broken_invariants,
    count_settled,
    new_tenant,
)
from tests.support.faults import LATER, Ground, seeds

SUBSCRIPTIONS = 20
# The one that is due, and one a week later and another week later.
RENEWALS = 3 * SUBSCRIPTIONS
# Without any fault the advance passes about as many points as this.
POINTS = 900
DEATHS = 3


@pytest.mark.parametrize("seed", seeds(short=1, long=10))
async def test_advance_that_is_killed_again_and_again_ends_with_each_renewal_once(
    ground: Ground, db: Database, seed: int, say: Callable[[str], None]
) -> None:
    dice, ahead, struck = Random(seed), timedelta(0), []
    tenant_id = await new_tenant(ground.database_url)
    await add_due_renewals(ground.database_url, tenant_id, SUBSCRIPTIONS)
    async with aiohttp.ClientSession() as session:
        client = await Server("", session, db).client(tenant_id, Mode.TEST)
        for _ in range(DEATHS):
            fault = Fault(Kind.KILL, dice.randint(1, POINTS))
            async with ground.serving(fault=fault, ahead=ahead) as child:
                await _advance(replace(client, base=await child.ready()))
                child.kill()
                struck.append((fault.at, (await child.end()).struck))
            ahead += LATER
        async with ground.serving(ahead=ahead) as child:
            answer = await _advance(replace(client, base=await child.ready()))

    assert answer is not None
    assert answer.status == 200, answer.body
    await ground.recover(ahead=ahead + LATER)
    assert await broken_invariants(ground.database_url) == []
    assert await count_settled(ground.database_url) == {"invoices": RENEWALS, "charges": RENEWALS}
    say(f"an advance over {RENEWALS} renewals, seed {seed}: killed at {struck}")


async def _advance(client: Client) -> Answer | None:
    """None when the server died before it answered."""
    try:
        return await client.post("/v1/test-clock/advance", {"by": "P2W"}, key="the-key")
    except aiohttp.ClientConnectionError:
        return None
