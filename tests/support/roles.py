"""Owns connections under the roles of the application, for tests that look below `duro.kit.db`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import asyncpg

from duro.kit.modes import Mode

Connection: TypeAlias = Any  # asyncpg ships no types


def app_role(mode: Mode) -> str:
    return f"duro_{mode.schema}"


def scan_role(mode: Mode) -> str:
    return f"duro_{mode.schema}_scan"


@asynccontextmanager
async def connected(database_url: str, **settings: str) -> AsyncIterator[Connection]:
    connection = await asyncpg.connect(database_url, server_settings=settings)
    try:
        yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def connected_as(
    database_url: str, role: str, *, search_path: str = ""
) -> AsyncIterator[Connection]:
    """A connection of `role`, as a pool of the application would open it."""
    async with connected(database_url, role=role, search_path=search_path) as connection:
        yield connection
