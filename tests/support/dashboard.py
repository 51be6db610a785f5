"""Owns members who have signed in, and speak with the core role as a page of the dashboard does."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http.cookies import SimpleCookie
from typing import Final

import aiohttp
import orjson

from duro.kit.clock import Clock
from duro.kit.db import Database
from duro.modules.access.sessions import make_link
from duro.modules.members.model import Member, Role
from duro.modules.members.service import add_member
from duro.runtime.dashboard import sign_in_url
from duro.runtime.serve import ALL_ROLES, Running, running
from duro.settings import Settings
from tests.support.api import Answer

COOKIE: Final = "__Host-duro_session"
_OF_A_PAGE: Final = {"Sec-Fetch-Site": "same-origin"}


@dataclass(frozen=True)
class Visitor:
    """Whoever has this cookie, or none."""

    session: aiohttp.ClientSession
    base: str
    token: str | None

    async def send(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """`headers` in place of those that a page's own request has; an empty one is not sent."""
        sent = dict(_OF_A_PAGE)
        if body is not None:
            sent["Content-Type"] = "application/json"
        if self.token is not None:
            sent["Cookie"] = f"{COOKIE}={self.token}"
        sent = {name: value for name, value in (sent | (headers or {})).items() if value}
        data = body if body is None or isinstance(body, bytes) else orjson.dumps(body)
        async with self.session.request(
            *(method, self.base + path),
            data=data,
            headers=sent,
            allow_redirects=False,
            skip_auto_headers=["Content-Type"],
        ) as response:
            return Answer(response.status, await response.read(), dict(response.headers))

    async def get(self, path: str) -> Answer:
        return await self.send("GET", path)

    async def post(self, path: str, body: object = None) -> Answer:
        return await self.send("POST", path, body)


@dataclass(frozen=True)
class Office:
    """A running Duro whose core role is spoken to."""

    app: Running
    session: aiohttp.ClientSession

    @property
    def base(self) -> str:
        return self.app.core_url or ""

    @property
    def db(self) -> Database:
        return self.app.ground.db

    def stranger(self, token: str | None = None) -> Visitor:
        return Visitor(self.session, self.base, token)

    async def member(self, tenant_id: str, role: Role, email: str = "") -> Member:
        async with self.db.core() as tx:
            address = email or f"{role}@adunni.example"
            return await add_member(tx, tenant_id=tenant_id, email=address, role=role)

    async def link(self, tenant_id: str, member: Member) -> str:
        """The path of a new sign-in link."""
        async with self.db.core() as tx:
            token = await make_link(tx, tenant_id=tenant_id, member_id=member.id)
        return sign_in_url("", token)

    async def sign_in(self, tenant_id: str, member: Member) -> Visitor:
        answer = await self.stranger().get(await self.link(tenant_id, member))
        assert answer.status == 303, answer.body
        return self.stranger(cookie_of(answer))

    async def signed_in(self, tenant_id: str, role: Role, email: str = "") -> Visitor:
        """A new member, in a new session."""
        return await self.sign_in(tenant_id, await self.member(tenant_id, role, email))


def cookie_of(answer: Answer) -> str:
    return SimpleCookie(answer.headers["Set-Cookie"])[COOKIE].value


@asynccontextmanager
async def running_office(
    settings: Settings, *, clock: Clock | None = None
) -> AsyncIterator[Office]:
    async with (
        running(settings, roles=ALL_ROLES, clock=clock) as app,
        aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session,
    ):
        yield Office(app, session)
