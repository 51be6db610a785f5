"""A connection that PostgreSQL ends under a transaction is an outage to whoever waits for it, and no fault of theirs."""

import asyncio

import asyncpg
import pytest

from duro.errors import UnavailableError
from duro.kit.db import Database
from duro.kit.modes import Mode
from duro.kit.sql import queries

_SQL = queries("plans")
_END_ALL = """
SELECT pg_terminate_backend(pid)
  FROM pg_stat_activity
 WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name = 'duro'
"""


async def _end_all(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute(_END_ALL)
    finally:
        await connection.close()


@pytest.mark.parametrize("is_noticed", [True, False], ids=["noticed", "not-yet-noticed"])
async def test_connection_lost_between_two_statements_is_an_outage(
    db: Database, database_url: str, tenant: str, *, is_noticed: bool
) -> None:
    with pytest.raises(UnavailableError):
        async with db.begin(Mode.TEST, tenant) as tx:
            await tx.row(_SQL["get_plan"], "plan_1")
            await _end_all(database_url)
            if is_noticed:
                await asyncio.sleep(0.1)
            await tx.row(_SQL["get_plan"], "plan_1")


async def test_connection_lost_before_the_commit_is_an_outage(
    db: Database, database_url: str, tenant: str
) -> None:
    with pytest.raises(UnavailableError):
        async with db.begin(Mode.TEST, tenant) as tx:
            await tx.row(_SQL["get_plan"], "plan_1")
            await _end_all(database_url)
            await asyncio.sleep(0.1)


async def test_fault_of_ours_on_a_lost_connection_stays_ours(
    db: Database, database_url: str, tenant: str
) -> None:
    with pytest.raises(ZeroDivisionError):
        async with db.begin(Mode.TEST, tenant):
            await _end_all(database_url)
            await asyncio.sleep(0.1)
            raise ZeroDivisionError


async def test_transaction_after_a_lost_connection_finds_a_new_one(
    db: Database, database_url: str, tenant: str
) -> None:
    async with db.begin(Mode.TEST, tenant) as tx:
        await tx.row(_SQL["get_plan"], "plan_1")
    await _end_all(database_url)
    await asyncio.sleep(0.1)

    async with db.begin(Mode.TEST, tenant) as tx:
        assert await tx.row(_SQL["get_plan"], "plan_1") is None
