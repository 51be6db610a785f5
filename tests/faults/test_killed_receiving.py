"""A process is killed while it asks a customer to pay by themselves, or takes in what they paid."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta

import pytest

from duro.billing.rails import Rail
from duro.kit.clock import FixedClock, SystemClock
from duro.kit.db import Database
from duro.modules.charging import invoicing
from duro.modules.payments.notices import ask_now
from duro.runtime.pools import open_database
from tests.support.billing import Shop
from tests.support.fault_child import Fault, Kind
from tests.support.fault_data import broken_invariants, count_paid_by_requests, new_tenant
from tests.support.faults import IS_LONG, Ground

# A short run strikes each fifteenth point.
STRIDE = 1 if IS_LONG else 15
AT_ONCE = 3


@pytest.fixture
def clock() -> FixedClock:
    """The time at which the children begin."""
    return FixedClock(SystemClock().wall())


@pytest.fixture
async def real_db(ground: Ground, clock: FixedClock) -> AsyncIterator[Database]:
    opened = await open_database(ground.database_url, clock=clock)
    yield opened
    await opened.close()


async def paid_request(ground: Ground, db: Database, clock: FixedClock) -> str:
    """The id of a tenant with a first invoice that somebody has just paid twice, by transfer, as the gateway tells."""
    tenant_id = await new_tenant(ground.database_url)
    shop = Shop.open(db, clock, ground.database_url, tenant_id)
    await shop.subscribe(await shop.plan(), None)
    invoice_id = await shop.value("SELECT id FROM invoices")
    async with shop.scope.begin() as tx:
        charge = await invoicing.begin_request(
            tx, shop.charging, invoice_id, rail=Rail.TRANSFER, account=None
        )
    await shop.charging.run(shop.scope, [charge])
    reference = charge.attempt.reference
    async with shop.scope.begin() as tx:
        for _ in range(2):
            await shop.gateway.inner.record_credit(
                tx, reference=reference, amount_minor=500_000, currency="NGN"
            )
        await ask_now(tx, reference)
    return tenant_id


async def test_money_is_taken_once_wherever_the_process_that_takes_it_is_killed(
    ground: Ground, real_db: Database, clock: FixedClock, say: Callable[[str], None]
) -> None:
    async def take(tenant_id: str, fault: Fault | None = None) -> tuple[str | None, int]:
        works = {"works": ("reconcile.requests",), "tenant_ids": (tenant_id,)}
        end = await ground.run(**works, fault=fault)
        return end.struck, len(end.points)

    _, points = await take(await paid_request(ground, real_db, clock))
    chosen = range(1, points + 1, STRIDE)
    tenants = [await paid_request(ground, real_db, clock) for _ in chosen]
    turn = asyncio.Semaphore(AT_ONCE)

    async def strike(tenant_id: str, at: int) -> str | None:
        async with turn:
            return (await take(tenant_id, Fault(Kind.KILL, at)))[0]

    struck = await asyncio.gather(*map(strike, tenants, chosen))

    assert None not in struck
    await ground.recover()
    # What the dead process left of a request that is paid already is found by the daily look.
    await ground.recover(ahead=timedelta(days=1, minutes=10))
    assert await broken_invariants(ground.database_url) == []
    paid = await count_paid_by_requests(ground.database_url)
    assert paid == {"invoices": len(tenants) + 1, "sums": 2 * (len(tenants) + 1)}
    say(f"money that comes: killed at {len(chosen)} of {points} await points")
