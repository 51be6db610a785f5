"""Owns asking the product's own checker whether a tenant is as it must be."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from duro.kit.clock import SystemClock
from duro.kit.db import Database
from duro.kit.modes import Mode
from duro.runtime.invariants import check_tenant
from duro.runtime.pools import open_database

_STATEMENT_MS: Final = 30_000


async def violations(database_url: str, tenant_id: str, *, is_at_rest: bool = False) -> list[str]:
    """Every broken invariant of a tenant's test mode, as text; an empty list is what is wanted."""
    async with _opened(database_url) as db:
        return await broken(db, tenant_id, is_at_rest=is_at_rest)


async def broken(db: Database, tenant_id: str, *, is_at_rest: bool = False) -> list[str]:
    """The same over pools that are open already."""
    found = await check_tenant(
        db, Mode.TEST, tenant_id, statement_ms=_STATEMENT_MS, is_at_rest=is_at_rest
    )
    return [f"{each.invariant}: {each.row_id} {each.finding}" for each in found]


async def violations_of_all(
    database_url: str, tenant_ids: list[str], *, is_at_rest: bool = False
) -> list[str]:
    """The same of several tenants, one after the other."""
    async with _opened(database_url) as db:
        return [
            text
            for tenant_id in tenant_ids
            for text in await broken(db, tenant_id, is_at_rest=is_at_rest)
        ]


@asynccontextmanager
async def _opened(database_url: str) -> AsyncIterator[Database]:
    db = await open_database(database_url, clock=SystemClock())
    try:
        yield db
    finally:
        await db.close()
