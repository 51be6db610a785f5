"""What one request sends to the database: the API in this process, over pools that count."""

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
from pydantic import SecretStr

from bench.batches import counting
from bench.counting import CountingDatabase
from bench.ground import Connection, connected_as_tenant, statement
from bench.serving import MASTER_KEY
from duro.kit.gate import Gate, bearer
from duro.kit.http import build_app
from duro.kit.modes import Mode
from duro.modules.access.service import create_key
from duro.runtime import compose as composition
from duro.runtime.compose import compose
from duro.runtime.sites import listen, serve_on
from duro.settings import SecuritySettings, Settings


@dataclass(frozen=True, slots=True)
class Sent:
    """Round trips by the first word of their statement, and the rows that are there afterwards and were not before."""

    trips: Counter[str]
    rows: int

    @property
    def told(self) -> str:
        parts = ", ".join(f"{count} {word}" for word, count in sorted(self.trips.items()))
        return f"{self.trips.total()} ({parts})"


@dataclass(frozen=True, slots=True)
class Asker:
    """Sends requests of one tenant and looks at what they make of the database."""

    session: aiohttp.ClientSession
    db: CountingDatabase
    connection: Connection

    async def measure(self, ask: Callable[[aiohttp.ClientSession], Awaitable[Any]]) -> Sent:
        rows = await self._rows()
        self.db.sent.clear()
        await ask(self.session)
        trips: Counter[str] = Counter()
        for line, number in self.db.sent.items():
            trips[line.split()[0].rstrip(";")] += number
        return Sent(trips, await self._rows() - rows)

    async def _rows(self) -> int:
        tables = await self.connection.fetch(statement("count_rows"))
        return sum([await self.connection.fetchval(each["statement"]) for each in tables])


@asynccontextmanager
async def asking(database_url: str, tenant_id: str) -> AsyncIterator[Asker]:
    listener = listen("127.0.0.1", 0, key="bench")
    settings = Settings(security=SecuritySettings(master_key=SecretStr(MASTER_KEY)))
    async with (
        counting(database_url) as db,
        connected_as_tenant(database_url, tenant_id) as connection,
    ):
        async with db.core() as tx:
            key = await create_key(tx, tenant_id=tenant_id, mode=Mode.TEST)
        async with compose(composition.Ground(settings, db, db.clock, listener.url)) as system:
            app = build_app(
                routes=system.routes,
                db=db,
                clock=db.clock,
                gate=Gate(bearer(system.authenticate)),
                public_url=listener.url,
            )
            server = await serve_on(listener, app)
            headers = {"Authorization": f"Bearer {key.token}"}
            try:
                async with aiohttp.ClientSession(listener.url, headers=headers) as session:
                    yield Asker(session, db, connection)
            finally:
                await server.cleanup()
