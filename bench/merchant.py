"""A merchant who speaks to a served Duro over HTTP, with a key of their own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp

from bench.ground import Ground
from duro.kit.clock import SystemClock
from duro.kit.modes import Mode
from duro.modules.access.service import create_key
from duro.runtime.pools import open_database


@dataclass(frozen=True, slots=True)
class Merchant:
    """One tenant in test mode."""

    session: aiohttp.ClientSession
    tenant_id: str
    token: str

    async def post(self, path: str, body: object) -> dict[str, Any]:
        async with self.session.post(path, json=body) as answer:
            if not answer.ok:
                raise RuntimeError(f"{path}: {answer.status} {await answer.text()}")
            found: dict[str, Any] = await answer.json()
            return found


@asynccontextmanager
async def merchant(ground: Ground, public_url: str) -> AsyncIterator[Merchant]:
    """A new tenant and its secret key."""
    tenant_id = await ground.new_tenant("Bench merchant")
    db = await open_database(ground.database_url, clock=SystemClock())
    try:
        async with db.core() as tx:
            key = await create_key(tx, tenant_id=tenant_id, mode=Mode.TEST)
    finally:
        await db.close()
    headers = {"Authorization": f"Bearer {key.token}"}
    patience = aiohttp.ClientTimeout(total=700)
    async with aiohttp.ClientSession(public_url, headers=headers, timeout=patience) as session:
        yield Merchant(session, tenant_id, key.token)
