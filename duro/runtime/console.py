"""The merchant API without a server: its operations for whoever describes them, and one request for a command."""

import base64
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import aiohttp

from duro.errors import UnauthorizedError
from duro.kit.call import Credential, CredentialKind
from duro.kit.clock import SystemClock
from duro.kit.db import Database
from duro.kit.gate import Gate, bearer
from duro.kit.http import build_app
from duro.kit.json import dumps
from duro.kit.modes import Mode
from duro.kit.openapi import document
from duro.kit.registry import Operation, Routes
from duro.kit.sql import queries
from duro.kit.tenant import Tenant
from duro.runtime.compose import Ground, System, compose
from duro.runtime.sites import listen, serve_on
from duro.runtime.target import Session
from duro.settings import Settings

_HERE: Final = "127.0.0.1"
_TIMEOUT: Final = aiohttp.ClientTimeout(total=600)


@dataclass(frozen=True, slots=True)
class Answer:
    """What an operation answered, as its bytes."""

    status: int
    body: bytes


async def operations() -> list[Operation]:
    """Every operation there is; nothing is opened for this."""
    return [operation for routes in await _routes() for operation in routes.operations]


async def core_operations() -> list[Operation]:
    """Every operation of the core role, for members who have signed in."""
    async with _composed() as system:
        return [operation for routes in system.core_routes for operation in routes.operations]


async def describe(public_url: str = "http://127.0.0.1:8080") -> dict[str, Any]:
    """The OpenAPI document."""
    return document(await _routes(), public_url=public_url)


async def _routes() -> list[Routes]:
    async with _composed() as system:
        return system.routes


@asynccontextmanager
async def _composed() -> AsyncIterator[System]:
    clock = SystemClock()
    business_now = queries("testclock")["read_business_now"]
    db = Database(clock=clock, business_now=business_now, pools={})
    key = base64.b64encode(secrets.token_bytes(32)).decode()
    settings = Settings.model_validate({"security": {"master_key": key}})
    async with compose(Ground(settings, db, clock, "")) as system:
        yield system


@dataclass(frozen=True, slots=True)
class Console:
    """Sends requests as one tenant in one mode, through the same edge as everybody's."""

    session: aiohttp.ClientSession
    base: str

    async def send(
        self, method: str, path: str, *, query: Mapping[str, str], body: object
    ) -> Answer:
        data = None if body is None else dumps(body)
        url = f"{self.base}{path}"
        async with self.session.request(method, url, params=query, data=data) as response:
            return Answer(response.status, await response.read())


@asynccontextmanager
async def console(opened: Session, tenant: Tenant, mode: Mode) -> AsyncIterator[Console]:
    """A console on a loopback port that only this process knows the token of."""
    token = secrets.token_urlsafe(32)

    async def authenticate(given: str) -> Credential:
        if not secrets.compare_digest(given, token):
            raise UnauthorizedError("This port is a command's own.")
        return Credential("console", CredentialKind.SECRET, mode, tenant)

    listener = listen(_HERE, 0, key="console")
    app = build_app(
        routes=opened.system.routes,
        db=opened.db,
        clock=opened.db.clock,
        gate=Gate(bearer(authenticate)),
        public_url=opened.public_url,
    )
    server = await serve_on(listener, app)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    try:
        async with aiohttp.ClientSession(headers=headers, timeout=_TIMEOUT) as client:
            yield Console(client, listener.url)
    finally:
        await server.cleanup()
