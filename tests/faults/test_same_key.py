"""A request with an idempotency key whose server dies on the way is repeated: one subscription, one charge."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta
from random import Random

import aiohttp

from duro.kit.db import Database
from duro.kit.modes import Mode
from duro.runtime.serve import Role
from tests.support.api import Answer, Client, Server
from tests.support.fault_child import Fault, Kind
from tests.support.fault_data import (
    PLAN,
    add_customer,
    broken_invariants,
    count_settled,
    new_tenant,
)
from tests.support.faults import IS_LONG, LATER, Ground

# Of all points, so many in a short run, chosen by this seed.
_SHORT = 24
_SEED = 1
_AT_ONCE = 3
_PUBLIC = frozenset({Role.PUBLIC})


class Buyer:
    """A customer of a tenant of its own, who subscribes with one key however often it takes."""

    def __init__(self, tenant_id: str, customer_id: str, client: Client) -> None:
        self._body = {"planId": PLAN, "customerId": customer_id, "paymentMethodId": "pm_test_ok"}
        self._client = client
        self.tenant_id = tenant_id

    async def subscribe(self, base: str) -> Answer | None:
        """None when the server died before it answered."""
        client = Client(self._client.session, base, self._client.token)
        try:
            return await client.post("/v1/subscriptions", self._body, key="the-key")
        except aiohttp.ClientConnectionError:
            return None


async def test_repeat_after_the_server_died_gives_one_subscription_and_one_charge(
    ground: Ground, db: Database, say: Callable[[str], None]
) -> None:
    async with aiohttp.ClientSession() as session:
        server = Server("", session, db)

        async def new_buyer() -> Buyer:
            tenant_id = await new_tenant(ground.database_url)
            customer_id = await add_customer(ground.database_url, tenant_id)
            return Buyer(tenant_id, customer_id, await server.client(tenant_id, Mode.TEST))

        # The first server ever loads the limiter's script into Redis, which no later one does.
        await _undisturbed(ground, await new_buyer())
        points = await _undisturbed(ground, await new_buyer())
        chosen = list(range(1, len(points) + 1))
        if not IS_LONG:
            chosen = sorted(Random(_SEED).sample(chosen, _SHORT))
        buyers = [await new_buyer() for _ in chosen]
        turn = asyncio.Semaphore(_AT_ONCE)

        async def strike(buyer: Buyer, at: int) -> str | None:
            async with turn:
                return await _struck(ground, buyer, at)

        struck = await asyncio.gather(*map(strike, buyers, chosen))
        # Whether the very last bell is still under way when the server stops is a matter of luck.
        assert struck.count(None) <= 1

        # While the dead server's claim of the key lasts, its outcome is not known; nothing is done twice meanwhile.
        early = await _repeat(ground, buyers, timedelta(0))
        assert {answer.status for answer in early} <= {201, 409}
        late = await _repeat(ground, buyers, LATER)
        again = await _repeat(ground, buyers, LATER)

    assert {(answer.status, answer.json["status"]) for answer in late} == {(201, "active")}
    assert all(answer.is_replay for answer in again)
    assert [answer.body for answer in again] == [answer.body for answer in late]
    await ground.recover()
    settled = len(buyers) + 2
    assert await broken_invariants(ground.database_url) == []
    assert await count_settled(ground.database_url) == {"invoices": settled, "charges": settled}
    say(f"one key, seed {_SEED}: killed at {len(buyers)} of {len(points)} await points")


async def _undisturbed(ground: Ground, buyer: Buyer) -> Sequence[str]:
    async with ground.serving(roles=_PUBLIC) as child:
        answer = await buyer.subscribe(await child.ready())
        assert answer is not None
        assert answer.status == 201
        child.ask_to_stop()
        return (await child.end()).points


async def _struck(ground: Ground, buyer: Buyer, at: int) -> str | None:
    async with ground.serving(roles=_PUBLIC, fault=Fault(Kind.KILL, at)) as child:
        await buyer.subscribe(await child.ready())
        # The last points lie behind the answer.
        child.ask_to_stop()
        return (await child.end()).struck


async def _repeat(ground: Ground, buyers: Sequence[Buyer], ahead: timedelta) -> list[Answer]:
    async with ground.serving(ahead=ahead) as child:
        base = await child.ready()
        answers = await asyncio.gather(*(buyer.subscribe(base) for buyer in buyers))
    return [answer for answer in answers if answer is not None]
