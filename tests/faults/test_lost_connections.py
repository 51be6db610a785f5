"""A connection that PostgreSQL ends under a transaction is an outage, whenever and however it is noticed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from duro.errors import UnavailableError
from duro.kit.db import Database, Tx
from duro.kit.modes import Mode
from duro.kit.sql import queries
from tests.support.roles import connected

_SQL = queries("plans")
_END_ALL = """
SELECT pg_terminate_backend(pid)
  FROM pg_stat_activity
 WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name = 'duro'
"""


@asynccontextmanager
async def losing(
    db: Database, database_url: str, tenant: str, *, wait_s: float
) -> AsyncIterator[Tx]:
    """A transaction whose connection is gone; after the wait the process has noticed."""
    async with db.begin(Mode.TEST, tenant) as tx:
        await tx.row(_SQL["get_plan"], "plan_1")
        async with connected(database_url) as other:
            await other.execute(_END_ALL)
        await asyncio.sleep(wait_s)
        yield tx


@pytest.mark.parametrize("wait_s", [0, 0.1], ids=["not-yet-noticed", "noticed"])
async def test_connection_lost_between_two_statements_is_an_outage(
    db: Database, database_url: str, tenant: str, wait_s: float
) -> None:
    with pytest.raises(UnavailableError):
        async with losing(db, database_url, tenant, wait_s=wait_s) as tx:
            await tx.row(_SQL["get_plan"], "plan_1")


@pytest.mark.parametrize("wait_s", [0, 0.1], ids=["not-yet-noticed", "noticed"])
async def test_connection_lost_before_the_commit_is_an_outage(
    db: Database, database_url: str, tenant: str, wait_s: float
) -> None:
    with pytest.raises(UnavailableError):
        async with losing(db, database_url, tenant, wait_s=wait_s):
            pass


async def test_fault_of_ours_on_a_lost_connection_stays_ours(
    db: Database, database_url: str, tenant: str
) -> None:
    with pytest.raises(ZeroDivisionError):
        async with losing(db, database_url, tenant, wait_s=0.1):
            raise ZeroDivisionError


async def test_transaction_after_a_lost_connection_finds_a_new_one(
    db: Database, database_url: str, tenant: str
) -> None:
    async with db.begin(Mode.TEST, tenant) as tx:
        await tx.row(_SQL["get_plan"], "plan_1")
    async with connected(database_url) as other:
        await other.execute(_END_ALL)
    await asyncio.sleep(0.1)

    async with db.begin(Mode.TEST, tenant) as tx:
        assert await tx.row(_SQL["get_plan"], "plan_1") is None
