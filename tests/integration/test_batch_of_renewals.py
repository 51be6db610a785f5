"""Owns the claims about what a batch of renewals costs the database, counted and not timed."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Final

import asyncpg
import pytest

from bench.batches import SIZE, charging_of
from bench.counting import CountingDatabase
from bench.ground import connected_as_tenant
from bench.seed import Numbers, add_plan, add_subscriptions, due_since
from duro.kit.clock import FixedClock
from duro.kit.modes import Mode
from duro.kit.sql import queries
from duro.kit.work import WorkScope
from duro.modules.charging.renew import renew_due

# Three transactions: the intents, the gateway's books, the outcomes.
_ROUND_TRIPS_MAX: Final = 22
# A batch locks table by table what a single renewal locks in one statement with the tenant's terms.
_MORE_FOR_A_BATCH: Final = 3
_DUE: Final = 1_500
# Each renewal locks, updates and is referred to a few times; a scan of the tenant would read hundreds.
_ROWS_READ_EACH_MAX: Final = 40
_READS: Final = """
SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0))::bigint
  FROM pg_stat_user_tables
 WHERE schemaname = 'sandbox' AND relname = 'invoices'
"""


@pytest.fixture
async def counted(database_url: str, clock: FixedClock) -> AsyncIterator[CountingDatabase]:
    db = await CountingDatabase.open(
        database_url, clock=clock, business_now=queries("testclock")["read_business_now"]
    )
    yield db
    await db.close()


async def _seed(database_url: str, tenant: str, clock: FixedClock, count: int) -> None:
    now = clock.wall()
    async with connected_as_tenant(database_url, tenant) as connection:
        await add_plan(connection, tenant, at=now)
        await add_subscriptions(connection, tenant, Numbers(1, count), due_since(now, count=count))


async def test_a_batch_needs_hardly_more_round_trips_than_a_single_renewal(
    database_url: str, tenant: str, clock: FixedClock, counted: CountingDatabase
) -> None:
    await _seed(database_url, tenant, clock, SIZE + 1)
    scope, charging = WorkScope(counted, Mode.TEST, tenant), charging_of(counted)
    single = await renew_due(charging, scope, 1)
    of_single = counted.sent.total()
    counted.sent.clear()

    batch = await renew_due(charging, scope, SIZE)

    assert (single.counts["renewals"], batch.counts["renewals"]) == (1, SIZE)
    assert counted.sent.total() <= of_single + _MORE_FOR_A_BATCH
    assert counted.sent.total() <= _ROUND_TRIPS_MAX, counted.sent


async def test_renewals_in_an_empty_database_do_not_read_more_as_it_fills(
    database_url: str, tenant: str, clock: FixedClock, counted: CountingDatabase
) -> None:
    await _seed(database_url, tenant, clock, _DUE)
    scope, charging = WorkScope(counted, Mode.TEST, tenant), charging_of(counted)

    while (await renew_due(charging, scope, SIZE)).done == SIZE:
        clock.move(timedelta(seconds=1))

    # The servers' counts of a session are told when it ends.
    await counted.close()
    reads = await _rows_read(database_url)
    assert 0 < reads <= _ROWS_READ_EACH_MAX * _DUE


async def _rows_read(database_url: str) -> int:
    connection = await asyncpg.connect(database_url)
    try:
        found: int = await connection.fetchval(_READS)
        return found
    finally:
        await connection.close()
