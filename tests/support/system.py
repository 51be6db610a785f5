"""Owns a whole running Duro for the tests: every role on free ports, with one merchant."""

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import aiohttp

from duro.kit.clock import Clock
from duro.kit.modes import Mode
from duro.kit.work import WorkScope
from duro.runtime.serve import ALL_ROLES, Role, Running, running
from duro.settings import LimitSettings, Settings
from tests.support.api import Client, Server

_MASTER_KEY: Final = base64.b64encode(b"\x07" * 32).decode()


def settings_for(database_url: str, redis_url: str) -> Settings:
    """Free ports on loopback, deliveries to loopback allowed."""
    return Settings.model_validate(
        {
            "database": {"url": database_url},
            "redis": {"url": redis_url},
            "public": {"host": "127.0.0.1", "port": 0},
            "core": {"port": 0},
            "health": {"port": 0},
            "security": {"master_key": _MASTER_KEY},
            "webhooks": {"allow_loopback": True},
            "limits": LimitSettings().eased(),
        }
    )


@dataclass(frozen=True)
class Merchant:
    """A running system as one merchant uses it in test mode."""

    app: Running
    client: Client
    tenant_id: str

    @property
    def scope(self) -> WorkScope:
        return WorkScope(self.app.ground.db, Mode.TEST, self.tenant_id)

    @property
    def slug(self) -> str:
        """A slug that no other merchant of the test has."""
        return f"gold-{self.tenant_id[-8:].lower()}"

    async def plan(self, **fields: object) -> str:
        body = {"name": "Gold", "amount": 500_000, "interval": "month", **fields}
        return str((await self.made("/v1/plans", body))["id"])

    async def customer(self, **fields: object) -> str:
        body = {"email": "ada@example.com", "name": "Ada", **fields}
        return str((await self.made("/v1/customers", body))["id"])

    async def subscribe(self, **fields: object) -> dict[str, Any]:
        """A new customer on a new monthly plan of ₦5,000, unless given."""
        body = dict(fields)
        body.setdefault("planId", await self.plan() if "planId" not in fields else None)
        body.setdefault("customerId", await self.customer() if "customerId" not in fields else None)
        return await self.made("/v1/subscriptions", body)

    async def made(self, path: str, body: object) -> dict[str, Any]:
        answer = await self.client.post(path, body)
        assert answer.status == 201, answer.body
        return answer.json

    async def get(self, path: str) -> dict[str, Any]:
        answer = await self.client.get(path)
        assert answer.status == 200, answer.body
        return answer.json

    async def items(self, path: str) -> list[dict[str, Any]]:
        """A whole list, oldest first."""
        found: list[dict[str, Any]] = []
        joint = "&" if "?" in path else "?"
        cursor: str | None = ""
        while cursor is not None:
            page = await self.get(f"{path}{joint}limit=100&cursor={cursor}")
            found += page["items"]
            cursor = page["nextCursor"]
        return found[::-1]

    async def advance(self, **how: str) -> dict[str, Any]:
        answer = await self.client.post("/v1/test-clock/advance", how)
        assert answer.status == 200, answer.body
        return answer.json

    async def subscription(self, subscription_id: str) -> dict[str, Any]:
        return await self.get(f"/v1/subscriptions/{subscription_id}")


@asynccontextmanager
async def running_merchant(
    settings: Settings,
    tenant_id: str,
    *,
    roles: frozenset[Role] = ALL_ROLES,
    clock: Clock | None = None,
) -> AsyncIterator[Merchant]:
    async with (
        running(settings, roles=roles, clock=clock) as app,
        aiohttp.ClientSession() as session,
    ):
        server = Server(app.public_url or "", session, app.ground.db)
        yield Merchant(app, await server.client(tenant_id, Mode.TEST), tenant_id)


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)
