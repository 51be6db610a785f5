"""Batches of a hundred renewals in this process, with every round trip to the database counted."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from bench.counting import CountingDatabase
from bench.ground import Ground, statement
from bench.seed import Numbers, add_plan, add_subscriptions, due_since
from duro.adapters.gateways.simulated import SimulatedGateway
from duro.kit.clock import SystemClock
from duro.kit.modes import Mode
from duro.kit.sql import queries
from duro.kit.work import WorkScope
from duro.modules.charging.engine import Charging
from duro.modules.charging.renew import renew_due
from duro.modules.invoices.links import PayLinks
from duro.modules.payments.gateway import Gateways

SIZE: Final = 100
_TYPES: Final = {"created": "invoice_created", "paid": "subscription_payment_success"}


@dataclass(frozen=True, slots=True)
class Batches:
    """What one batch sent, and what one of its renewals tells receivers."""

    sent: Counter[str]
    events: dict[str, str]


def charging_of(db: CountingDatabase) -> Charging:
    """The real engine at the simulated gateway."""
    return Charging(
        Gateways({Mode.TEST: SimulatedGateway(db)}), PayLinks("https://pay.example", b"k")
    )


@asynccontextmanager
async def counting(database_url: str) -> AsyncIterator[CountingDatabase]:
    db = await CountingDatabase.open(
        database_url,
        clock=SystemClock(),
        business_now=queries("testclock")["read_business_now"],
    )
    try:
        yield db
    finally:
        await db.close()


async def renew_batch(ground: Ground) -> Batches:
    """A second batch, when every statement is prepared."""
    tenant_id = await ground.new_tenant("Bench batches")
    async with ground.tenant(tenant_id) as connection, counting(ground.database_url) as db:
        now = SystemClock().wall()
        period = due_since(now, count=2 * SIZE)
        await add_plan(connection, tenant_id, at=now)
        await add_subscriptions(connection, tenant_id, Numbers(1, 2 * SIZE), period)
        scope, charging = WorkScope(db, Mode.TEST, tenant_id), charging_of(db)
        for _ in range(2):
            db.sent.clear()
            ran = await renew_due(charging, scope, SIZE)
            if ran.counts["renewals"] != SIZE:
                raise RuntimeError(f"{SIZE} renewals were due: {ran.counts}")
        events = {
            name: await connection.fetchval(statement("sample_event"), tenant_id, of_type)
            for name, of_type in _TYPES.items()
        }
    return Batches(Counter(db.sent), events)
