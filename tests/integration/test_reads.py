"""Reads without a transaction: each tenant sees its own rows on shared connections, and nothing can be written."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from duro.kit.clock import FixedClock
from duro.kit.db import Database, PoolSizes, Tx
from duro.kit.modes import Mode
from duro.kit.sql import Scope, Statement, queries
from tests.support.roles import app_role, connected

# Without a filter: only row security stands between the tenants.
_UNFILTERED = Statement("plans", "list_all", "SELECT id FROM plans WHERE $1 <> ''", Scope.TENANT)
_WRITE = Statement(
    "plans", "erase_all", "DELETE FROM plans WHERE tenant_id = $1 RETURNING id", Scope.TENANT
)
_PLAN = """
INSERT INTO plans (tenant_id, id, name, amount_minor, currency, interval, interval_count, trial_days, allow_multiple,
                   metadata, created_at)
VALUES ($1, $2, 'Gold', 1, 'NGN', 'month', 1, 0, false, '{}', now())
"""


@pytest.fixture
async def one_connection(database_url: str, clock: FixedClock) -> AsyncIterator[Database]:
    """A database whose tenants take turns on the same connection."""
    db = await Database.open(
        database_url,
        clock=clock,
        business_now=queries("testclock")["read_business_now"],
        sizes=PoolSizes(data=1),
    )
    yield db
    await db.close()


async def add_plan(database_url: str, mode: Mode, tenant_id: str, plan_id: str) -> None:
    settings = {"role": app_role(mode), "search_path": mode.schema, "duro.tenant": tenant_id}
    async with connected(database_url, **settings) as connection:
        await connection.execute(_PLAN, tenant_id, plan_id)


async def seen(tx: Tx) -> list[str]:
    return [row["id"] for row in await tx.rows(_UNFILTERED)]


async def fail(db: Database, mode: Mode, tenant_id: str) -> None:
    async with db.begin(mode, tenant_id) as tx:
        await tx.rows(Statement("plans", "fail", "SELECT $1 FROM", Scope.TENANT))


async def test_tenants_that_share_a_connection_see_their_own_rows_only(
    one_connection: Database, database_url: str, tenant: str, tenant_b: str, mode: Mode
) -> None:
    await add_plan(database_url, mode, tenant, "plan_a")
    await add_plan(database_url, mode, tenant_b, "plan_b")
    own = {tenant: ["plan_a"], tenant_b: ["plan_b"]}
    wrong = []

    async def look(tenant_id: str, *, is_read: bool) -> None:
        begin = one_connection.read if is_read else one_connection.begin
        async with begin(mode, tenant_id) as tx:
            if await seen(tx) != own[tenant_id]:
                wrong.append((tenant_id, is_read))

    turns = [(tenant, True), (tenant, True), (tenant_b, True), (tenant_b, False), (tenant, False)]
    for tenant_id, is_read in [*turns, *turns[::-1]]:
        await look(tenant_id, is_read=is_read)
    await asyncio.gather(*(look(each, is_read=n % 3 > 0) for n in range(50) for each in own))

    assert wrong == []


async def test_a_transaction_that_failed_leaves_the_next_read_its_own_tenant(
    one_connection: Database, database_url: str, tenant: str, tenant_b: str, mode: Mode
) -> None:
    await add_plan(database_url, mode, tenant, "plan_a")
    await add_plan(database_url, mode, tenant_b, "plan_b")
    async with one_connection.read(mode, tenant) as tx:
        assert await seen(tx) == ["plan_a"]

    async with one_connection.begin(mode, tenant_b) as tx:
        assert await seen(tx) == ["plan_b"]
    with pytest.raises(asyncpg.PostgresSyntaxError):
        await fail(one_connection, mode, tenant_b)

    async with one_connection.read(mode, tenant) as tx:
        assert await seen(tx) == ["plan_a"]


async def test_a_read_cannot_write(
    one_connection: Database, database_url: str, tenant: str, mode: Mode
) -> None:
    await add_plan(database_url, mode, tenant, "plan_a")

    with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
        async with one_connection.read(mode, tenant) as tx:
            await tx.rows(_WRITE)

    async with one_connection.read(mode, tenant) as tx:
        assert await seen(tx) == ["plan_a"]


async def test_a_timeless_read_guesses_no_time(db: Database, mode: Mode, tenant: str) -> None:
    async with db.read(mode, tenant, timeless=True) as tx:
        with pytest.raises(RuntimeError, match="timeless"):
            _ = tx.now
