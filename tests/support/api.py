"""Owns the client and server that the API tests speak with over a real socket."""

from dataclasses import dataclass
from io import BytesIO
from typing import Any, Final

import aiohttp
import asyncpg
import orjson

from duro.kit.call import CredentialKind
from duro.kit.db import Database
from duro.kit.modes import Mode
from duro.modules.access.service import create_key

PUBLIC_URL: Final = "http://duro.test"
_LARGE: Final = 1024 * 1024
_TABLES: Final = [
    f"{schema}.{table}"
    for schema in ("sandbox", "live")
    for table in ("plans", "customers", "idempotency_keys")
]


@dataclass(frozen=True)
class Answer:
    """What came back, read."""

    status: int
    body: bytes
    headers: dict[str, str]

    @property
    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = orjson.loads(self.body)
        return found

    @property
    def id(self) -> str:
        found: str = self.json["id"]
        return found

    @property
    def error(self) -> dict[str, Any]:
        found: dict[str, Any] = self.json["error"]
        return found

    @property
    def code(self) -> str:
        found: str = self.error["code"]
        return found

    @property
    def paths(self) -> list[str]:
        return [detail["path"] for detail in self.error.get("details", [])]

    @property
    def is_replay(self) -> bool:
        return self.headers.get("Idempotent-Replayed") == "true"


@dataclass(frozen=True)
class Client:
    """Speaks to the application with one key, or with none."""

    session: aiohttp.ClientSession
    base: str
    token: str | None

    async def send(
        self,
        method: str,
        path: str,
        *,
        raw: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        sent = {} if raw is None else {"Content-Type": "application/json"}
        if self.token is not None:
            sent["Authorization"] = f"Bearer {self.token}"
        # An empty value stands for a header that is not sent.
        sent = {name: value for name, value in (sent | (headers or {})).items() if value}
        # aiohttp warns of large bytes, not of a large file.
        data = raw if raw is None or len(raw) <= _LARGE else BytesIO(raw)
        async with self.session.request(
            method, self.base + path, data=data, headers=sent, skip_auto_headers=["Content-Type"]
        ) as response:
            return Answer(response.status, await response.read(), dict(response.headers))

    async def get(self, path: str) -> Answer:
        return await self.send("GET", path)

    async def post(self, path: str, body: object = None, *, key: str = "") -> Answer:
        return await self._send_json("POST", path, body, key)

    async def patch(self, path: str, body: object, *, key: str = "") -> Answer:
        return await self._send_json("PATCH", path, body, key)

    async def delete(self, path: str, *, key: str = "") -> Answer:
        return await self._send_json("DELETE", path, None, key)

    async def _send_json(self, method: str, path: str, body: object, key: str) -> Answer:
        raw = None if body is None else orjson.dumps(body)
        return await self.send(method, path, raw=raw, headers={"Idempotency-Key": key})


@dataclass(frozen=True)
class Server:
    """The application on a port."""

    base: str
    session: aiohttp.ClientSession
    db: Database

    async def client(
        self, tenant_id: str, mode: Mode, kind: CredentialKind = CredentialKind.SECRET
    ) -> Client:
        """With a new key of the tenant."""
        async with self.db.core() as tx:
            made = await create_key(tx, tenant_id=tenant_id, mode=mode, kind=kind)
        return Client(self.session, self.base, made.token)

    def stranger(self, token: str | None = None) -> Client:
        """With a token of the test's own making, or none."""
        return Client(self.session, self.base, token)


async def count_written(database_url: str) -> int:
    """Rows of every tenant in the tables that these tests could write, in both modes."""
    connection = await asyncpg.connect(database_url)
    try:
        # Row security is forced on the owner too: it is lifted in a transaction that is rolled back.
        lifted = connection.transaction()
        await lifted.start()
        counted = 0
        for table in _TABLES:
            await connection.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
            counted += await connection.fetchval(f"SELECT count(*) FROM {table}")  # noqa: S608 - a list of ours
        await lifted.rollback()
        return counted
    finally:
        await connection.close()
