"""Owns members who have signed in, and speak with the core role as a page of the dashboard does."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http.cookies import SimpleCookie
from io import BytesIO
from typing import Final

import aiohttp
import orjson

from duro.kit.clock import Clock, SystemClock
from duro.kit.db import Database
from duro.kit.ids import new_id
from duro.kit.modes import Mode
from duro.kit.pagination import ListQuery, seek
from duro.kit.registry import Operation
from duro.kit.work import WorkScope
from duro.modules.access.sessions import make_link
from duro.modules.events.model import EventType, NewEvent
from duro.modules.events.repository import EventRepository
from duro.modules.members.model import Member, Role
from duro.modules.members.service import add_member
from duro.modules.webhooks.repository import DeliveryRepository
from duro.runtime.dashboard import sign_in_url
from duro.runtime.serve import Role as Serving
from duro.runtime.serve import Running, running
from duro.settings import Settings
from tests.support.api import Answer

COOKIE: Final = "__Host-duro_session"
_LARGE: Final = 1024 * 1024
_OF_A_PAGE: Final = {"Sec-Fetch-Site": "same-origin"}


@dataclass(frozen=True)
class Visitor:
    """Whoever has this cookie, or none."""

    session: aiohttp.ClientSession
    base: str
    token: str | None
    tenant_id: str = ""

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
        raw = body if body is None or isinstance(body, bytes) else orjson.dumps(body)
        # aiohttp warns of large bytes, not of a large file.
        data = raw if raw is None or len(raw) <= _LARGE else BytesIO(raw)
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

    async def patch(self, path: str, body: object) -> Answer:
        return await self.send("PATCH", path, body)

    async def put(self, path: str, body: object) -> Answer:
        return await self.send("PUT", path, body)

    async def delete(self, path: str) -> Answer:
        return await self.send("DELETE", path)


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

    def scope(self, mode: Mode, tenant_id: str) -> WorkScope:
        return WorkScope(self.db, mode, tenant_id)

    async def do(self, name: str, mode: Mode, tenant_id: str) -> None:
        """Does the due work of one kind."""
        (work,) = (each for each in self.app.system.works if each.name == name)
        await work.run(self.scope(mode, tenant_id), work.batch)

    async def happen(self, mode: Mode, tenant_id: str, *types: EventType) -> None:
        """Events, fanned out and sent."""
        async with self.scope(mode, tenant_id).begin() as tx:
            await EventRepository(tx).add([NewEvent(each, "sub_1", {}) for each in types])
        await self.do("webhook.fanout", mode, tenant_id)
        await self.do("webhook.deliver", mode, tenant_id)

    async def ids_of_a_webhook(self, mode: Mode, tenant_id: str) -> dict[str, str]:
        """An endpoint where nobody is, and a delivery to it, by prefix."""
        made = await self.app.system.endpoints.add(mode, tenant_id, url="http://127.0.0.1:9/")
        await self.happen(mode, tenant_id, EventType.INVOICE_CREATED)
        place = seek(ListQuery(), name="", mode=mode, tenant_id=tenant_id)
        async with self.scope(mode, tenant_id).begin() as tx:
            deliveries = DeliveryRepository(tx)
            (sent,) = await deliveries.page_of_endpoint(made.endpoint.id, place, status=None)
        return {"whe": made.endpoint.id, "whd": sent.id}

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
        return Visitor(self.session, self.base, cookie_of(answer), tenant_id)

    async def signed_in(self, tenant_id: str, role: Role, email: str = "") -> Visitor:
        """A new member, in a new session."""
        return await self.sign_in(tenant_id, await self.member(tenant_id, role, email))


def cookie_of(answer: Answer) -> str:
    return SimpleCookie(answer.headers["Set-Cookie"])[COOKIE].value


def path_of(entry: Operation, *, mode: str = "test", **ids: str) -> str:
    """With an id that never was, unless one is given by its prefix."""
    prefix = entry.options.get("id_prefix", "")
    random = new_id(prefix, wall=SystemClock().wall()) if prefix else ""
    path = entry.path.replace("{mode}", mode).replace("{id}", ids.get(prefix, random))
    return path.replace("{key}", "receipt").replace("{language}", "en")


@asynccontextmanager
async def running_office(
    settings: Settings, *, clock: Clock | None = None
) -> AsyncIterator[Office]:
    """Without a worker: what is due is done when a test says so."""
    async with (
        running(settings, roles={Serving.PUBLIC, Serving.CORE}, clock=clock) as app,
        aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session,
    ):
        yield Office(app, session)
