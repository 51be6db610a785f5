"""Owns the small public application that the API tests speak to over a real socket."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import orjson
import pytest
from aiohttp.test_utils import TestServer

from duro.kit.call import CredentialKind
from duro.kit.clock import FixedClock
from duro.kit.db import Database
from duro.kit.http import build_app
from duro.kit.modes import Mode
from duro.kit.registry import Routes
from duro.modules.access.service import Authenticator, create_key
from duro.modules.catalog.routes import routes as plan_routes

PUBLIC_URL = "http://duro.test"


@dataclass(frozen=True)
class Answer:
    """What came back, read."""

    status: int
    body: bytes
    headers: dict[str, str]

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)

    @property
    def code(self) -> str:
        code: str = self.json["error"]["code"]
        return code

    @property
    def paths(self) -> list[str]:
        return [detail["path"] for detail in self.json["error"].get("details", [])]


@dataclass
class Client:
    """Speaks to the application with one key."""

    session: aiohttp.ClientSession
    base: str
    token: str | None
    headers: dict[str, str] = field(default_factory=dict)

    async def send(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        raw: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        sent = dict(self.headers)
        if self.token is not None:
            sent["Authorization"] = f"Bearer {self.token}"
        if body is not None:
            raw = orjson.dumps(body)
        if raw is not None:
            sent["Content-Type"] = "application/json"
        sent |= headers or {}
        sent = {name: value for name, value in sent.items() if value}
        skipped = ["Content-Type"]
        async with self.session.request(
            method, self.base + path, data=raw, headers=sent, skip_auto_headers=skipped
        ) as response:
            return Answer(response.status, await response.read(), dict(response.headers))

    async def get(self, path: str) -> Answer:
        return await self.send("GET", path)

    async def post(self, path: str, body: object = None, *, key: str = "") -> Answer:
        return await self.send("POST", path, body, headers={"Idempotency-Key": key})

    async def patch(self, path: str, body: object) -> Answer:
        return await self.send("PATCH", path, body)


@dataclass
class Server:
    """The application on a port, and the keys to it."""

    base: str
    session: aiohttp.ClientSession
    db: Database

    async def client(
        self, tenant_id: str, mode: Mode, kind: CredentialKind = CredentialKind.SECRET
    ) -> Client:
        async with self.db.core() as tx:
            made = await create_key(tx, tenant_id=tenant_id, mode=mode, kind=kind)
        return Client(self.session, self.base, made.token)

    def stranger(self, token: str | None = None) -> Client:
        return Client(self.session, self.base, token)


@pytest.fixture
def routes() -> Sequence[Routes]:
    """What the application offers; a test module may override it."""
    return (plan_routes,)


@pytest.fixture
async def server(
    db: Database, clock: FixedClock, routes: Sequence[Routes]
) -> AsyncIterator[Server]:
    app = build_app(
        routes=routes,
        db=db,
        clock=clock,
        authenticate=Authenticator(db, clock),
        public_url=PUBLIC_URL,
    )
    async with TestServer(app) as running, aiohttp.ClientSession() as session:
        yield Server(str(running.make_url("")).rstrip("/"), session, db)


@pytest.fixture
async def client(server: Server, tenant: str) -> Client:
    """A client with the tenant's secret test key."""
    return await server.client(tenant, Mode.TEST)
