"""The engines of one benchmark: durable, private, migrated, gone at the end; and connections to them."""

import os
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias
from urllib.parse import parse_qs, urlsplit

import asyncpg

from duro.kit.clock import SystemClock
from duro.kit.ids import new_id
from duro.kit.migrations import migrate
from duro.runtime.engines import Engines, remove_data, start_engines

# asyncpg has no types of its own.
Connection: TypeAlias = Any

_SQL: Final = Path(__file__).with_name("sql")
ROLE: Final = "duro_sandbox"
PATH: Final = "sandbox,core"


@dataclass(frozen=True, slots=True)
class Ground:
    """Running engines with an empty, migrated database."""

    engines: Engines

    @property
    def database_url(self) -> str:
        return self.engines.database_url

    @property
    def folder(self) -> Path:
        return self.engines.data_dir

    def client_env(self, **options: str) -> Mapping[str, str]:
        """The environment in which PostgreSQL's own programs reach the database with these settings."""
        url = urlsplit(self.database_url)
        return {
            **os.environ,
            "PGHOST": parse_qs(url.query)["host"][0],
            "PGUSER": url.username or "",
            "PGPASSWORD": url.password or "",
            "PGDATABASE": url.path.removeprefix("/"),
            "PGOPTIONS": " ".join(f"-c {name}={value}" for name, value in options.items()),
        }

    @asynccontextmanager
    async def owner(self) -> AsyncIterator[Connection]:
        """A connection that may do upkeep; row security hides the rows from it."""
        connection = await asyncpg.connect(self.database_url)
        try:
            yield connection
        finally:
            await connection.close()

    def tenant(self, tenant_id: str) -> AbstractAsyncContextManager[Connection]:
        """A connection that sees one tenant's test data."""
        return connected_as_tenant(self.database_url, tenant_id)

    async def new_tenant(self, name: str) -> str:
        wall = SystemClock().wall()
        tenant_id = new_id("ten", wall=wall)
        connection = await asyncpg.connect(
            self.database_url, server_settings={"role": "duro_core", "search_path": "core"}
        )
        try:
            await connection.execute(statement("insert_tenant"), tenant_id, name, wall)
        finally:
            await connection.close()
        return tenant_id

    async def settle(self) -> None:
        """Plans know the new rows, and no checkpoint of the seeding falls into the measurement."""
        async with self.owner() as connection:
            await connection.execute("VACUUM ANALYZE")


@asynccontextmanager
async def connected_as_tenant(database_url: str, tenant_id: str) -> AsyncIterator[Connection]:
    """A connection that sees one tenant's test data, and writes it."""
    connection = await asyncpg.connect(
        database_url,
        server_settings={"role": ROLE, "search_path": PATH, "duro.tenant": tenant_id},
    )
    try:
        yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def started() -> AsyncIterator[Ground]:
    """Engines with the settings of an installation, in a folder of their own."""
    folder = Path(tempfile.mkdtemp(prefix="duro-bench-"))
    try:
        async with await start_engines(data_dir=folder, durable=True) as running:
            await migrate(running.engines.database_url)
            yield Ground(running.engines)
    finally:
        await remove_data(folder)


def statement(name: str) -> str:
    """The text of `bench/sql/<name>.sql`."""
    return (_SQL / f"{name}.sql").read_text(encoding="utf-8")


def script(name: str) -> Path:
    """Where pgbench finds `bench/sql/<name>.pgbench`."""
    return _SQL / f"{name}.pgbench"
