"""The answer to a COMMIT is lost while several start at once: nobody is started, or charged, a second time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from duro.kit.modes import Mode
from duro.runtime.serve import Role
from tests.support.api import Answer
from tests.support.cutting import CuttingWay, cutting
from tests.support.roles import app_role, connected_as
from tests.support.stories import Story
from tests.support.system import running_merchant, settings_for

_AT_ONCE = 16
_SUBSCRIPTIONS = "SELECT customer_id, count(*) AS made FROM subscriptions GROUP BY customer_id"
_CHARGES = """
SELECT a.customer_id, count(*) AS made
  FROM simulated_charges AS c
  JOIN payment_attempts AS a USING (tenant_id, reference)
 WHERE c.status = 'succeeded'
 GROUP BY a.customer_id
"""
_HOLD = "SELECT id FROM customers WHERE tenant_id = $1 AND id = $2 FOR UPDATE"
_UNASKED = "SELECT reference FROM simulated_charges EXCEPT SELECT reference FROM payment_attempts"


@pytest.fixture
async def way(database_url: str) -> AsyncIterator[CuttingWay]:
    async with cutting(database_url) as way:
        yield way


@pytest.fixture
async def story(
    way: CuttingWay, database_url: str, redis_url: str, tenant: str
) -> AsyncIterator[Story]:
    settings = settings_for(way.url, redis_url)
    roles = frozenset({Role.PUBLIC})
    async with running_merchant(settings, tenant, roles=roles) as merchant:
        yield Story(merchant, database_url)


# Which commit of those who start together is not answered: their intents, the gateway's books, their outcome.
@pytest.mark.parametrize("place", [0, 1, 2], ids=["intents", "books", "outcomes"])
async def test_nobody_is_started_twice(
    story: Story, way: CuttingWay, monkeypatch: pytest.MonkeyPatch, place: int
) -> None:
    merchant = story.merchant
    body = {"planId": await merchant.plan(allowMultiple=True), "paymentMethodId": "pm_test_ok"}
    customers = [await merchant.customer() for _ in range(_AT_ONCE)]
    blocked = await merchant.customer()
    await merchant.client.post(f"/v1/customers/{blocked}/blacklist", {"reason": "Fraud"})
    # Whoever is refused behind a lock keeps the others waiting, until they go together.
    monkeypatch.setattr("duro.kit.gather._PATIENCE_S", 30)

    def start(customer_id: str) -> asyncio.Task[Answer]:
        post = merchant.client.post("/v1/subscriptions", body | {"customerId": customer_id})
        return asyncio.create_task(post)

    async with holding(story, blocked):
        refused = start(blocked)
        await asyncio.sleep(0.2)
        started = [start(one) for one in customers]
        await asyncio.sleep(0.5)
        # That of the refused one comes first.
        way.cut_after(1 + place)
    answers = await asyncio.gather(*started)

    assert (await refused).status == 409
    assert way.was_cut
    assert {answer.status for answer in answers} == ({503} if place == 0 else {201})
    made = {row["customer_id"]: row["made"] for row in await story.query(_SUBSCRIPTIONS)}
    assert made == dict.fromkeys(customers, 1)
    charged = {row["customer_id"]: row["made"] for row in await story.query(_CHARGES)}
    assert charged == ({} if place == 0 else dict.fromkeys(customers, 1))
    assert await story.query(_UNASKED) == []


@asynccontextmanager
async def holding(story: Story, customer_id: str) -> AsyncIterator[None]:
    """Somebody else is at the customer's row."""
    role, tenant_id = app_role(Mode.TEST), story.merchant.tenant_id
    async with connected_as(story.database_url, role, search_path="sandbox,core") as other:
        await other.execute("SELECT set_config('duro.tenant', $1, false)", tenant_id)
        async with other.transaction():
            assert await other.fetchval(_HOLD, tenant_id, customer_id) == customer_id
            yield
