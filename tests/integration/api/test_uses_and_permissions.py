"""When keys were last used, how one is replaced, and what a credential without full scope may do."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta

import aiohttp
import pytest
from aiohttp.test_utils import TestServer

from duro.errors import NotFoundError, UnauthorizedError
from duro.kit.call import ANY_KEY, Credential, CredentialKind
from duro.kit.clock import FixedClock
from duro.kit.db import Database
from duro.kit.gate import Gate, bearer
from duro.kit.http import build_app
from duro.kit.modes import Mode
from duro.modules.access.repository import ApiKeyRepository
from duro.modules.access.service import Authenticator, create_key, revoke_key, rotate_key
from duro.modules.access.uses import KeyUses
from duro.modules.catalog.routes import routes as plan_routes
from tests.support.api import PUBLIC_URL, Client, Server

GOLD = {"name": "Gold", "amount": 500000, "interval": "month"}


async def last_use(db: Database, tenant: str) -> datetime | None:
    async with db.core() as tx:
        (key,) = await ApiKeyRepository(tx).list_newest(tenant)
    return key.last_used_at


async def settled_use(db: Database, tenant: str, at: datetime) -> None:
    async with asyncio.timeout(5):
        while await last_use(db, tenant) != at:
            await asyncio.sleep(0.02)


async def test_the_last_use_is_written_once_a_minute_and_nobody_waits_for_it(
    db: Database, clock: FixedClock, tenant: str
) -> None:
    async with db.core() as tx:
        made = await create_key(tx, tenant_id=tenant, mode=Mode.LIVE)
    first = clock.at

    async with KeyUses(db) as uses:
        known = Authenticator(db, clock, uses)
        await known(made.token)
        before_it_is_written = await last_use(db, tenant)
        await settled_use(db, tenant, first)
        clock.move(timedelta(seconds=59))
        await known(made.token)
        await asyncio.sleep(0.7)
        within_the_minute = await last_use(db, tenant)
        clock.move(timedelta(seconds=1))
        await known(made.token)
    after_the_minute = await last_use(db, tenant)

    assert before_it_is_written is None
    assert within_the_minute == first
    assert after_the_minute == first + timedelta(minutes=1)


async def test_two_processes_write_one_use_in_a_minute(
    db: Database, clock: FixedClock, tenant: str
) -> None:
    async with db.core() as tx:
        made = await create_key(tx, tenant_id=tenant, mode=Mode.TEST)
    first = clock.at

    for seconds in (0, 30, 31):
        clock.move(timedelta(seconds=seconds))
        async with KeyUses(db) as uses:
            await Authenticator(db, clock, uses)(made.token)

    assert await last_use(db, tenant) == first + timedelta(seconds=61)
    clock.at = first + timedelta(seconds=90)
    async with KeyUses(db) as uses:
        await Authenticator(db, clock, uses)(made.token)
    assert await last_use(db, tenant) == first + timedelta(seconds=61)


async def test_a_use_that_cannot_be_written_is_lost_and_nothing_else(
    db: Database, clock: FixedClock, tenant: str
) -> None:
    async with db.core() as tx:
        made = await create_key(tx, tenant_id=tenant, mode=Mode.TEST)

    async with KeyUses(db) as uses:
        credential = await Authenticator(db, clock, uses)(made.token)
        await db.close()

    assert credential.id == made.key.id


@pytest.mark.parametrize("kind", sorted(ANY_KEY))
async def test_a_rotated_key_is_replaced_by_one_of_its_kind_and_mode(
    db: Database, clock: FixedClock, tenant: str, tenant_b: str, mode: Mode, kind: CredentialKind
) -> None:
    known = Authenticator(db, clock)
    async with db.core() as tx:
        old = await create_key(tx, tenant_id=tenant, mode=mode, kind=kind)
        with pytest.raises(NotFoundError):
            await rotate_key(tx, tenant_id=tenant_b, key_id=old.key.id)
        new = await rotate_key(tx, tenant_id=tenant, key_id=old.key.id)
        with pytest.raises(NotFoundError):
            await rotate_key(tx, tenant_id=tenant, key_id=old.key.id)
        with pytest.raises(NotFoundError):
            await revoke_key(tx, tenant_id=tenant, key_id=old.key.id)

    found = await known(new.token)

    assert (found.kind, found.mode, found.tenant.id) == (kind, mode, tenant)
    assert new.token != old.token
    with pytest.raises(UnauthorizedError):
        await known(old.token)


@asynccontextmanager
async def serving_with(db: Database, clock: FixedClock, *permissions: str) -> AsyncIterator[Server]:
    """An application whose credentials hold these permissions alone."""
    known = Authenticator(db, clock)

    async def authenticate(token: str) -> Credential:
        return replace(await known(token), permissions=frozenset(permissions))

    app = build_app(
        routes=(plan_routes,),
        db=db,
        clock=clock,
        gate=Gate(bearer(authenticate)),
        public_url=PUBLIC_URL,
    )
    async with TestServer(app) as running, aiohttp.ClientSession() as session:
        yield Server(str(running.make_url("")).rstrip("/"), session, db)


@pytest.mark.parametrize(
    ("permissions", "reads", "writes"),
    [
        (["*"], 200, 201),
        (["read", "plan:write"], 200, 201),
        (["read"], 200, 403),
        (["plan:write"], 403, 201),
        (["customer:write", "plan"], 403, 403),
        ([], 403, 403),
    ],
)
async def test_a_credential_does_what_its_permissions_say(
    db: Database,
    clock: FixedClock,
    tenant: str,
    permissions: list[str],
    reads: int,
    writes: int,
) -> None:
    async with serving_with(db, clock, *permissions) as server:
        client = await server.client(tenant, Mode.TEST)
        read = await client.get("/v1/plans")
        written = await client.post("/v1/plans", GOLD)

    assert (read.status, written.status) == (reads, writes)
    assert all(answer.code == "forbidden" for answer in (read, written) if answer.status == 403)


async def test_what_is_forbidden_is_refused_before_its_body_is_read(
    db: Database, clock: FixedClock, tenant: str
) -> None:
    async with serving_with(db, clock, "read") as server:
        client: Client = await server.client(tenant, Mode.TEST)
        answer = await client.send("POST", "/v1/plans", raw=b"{")

    assert answer.status == 403
    assert "plan:write" in answer.error["message"]
