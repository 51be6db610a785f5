"""Finds the installation that a command is meant for, and opens it."""

import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from duro.errors import ForbiddenError, InvalidError
from duro.kit.clock import SystemClock
from duro.kit.db import Database
from duro.kit.jobs import RedisDoorbell, build_queues, close_redis, open_redis
from duro.kit.tenant import Tenant
from duro.modules.tenants.repository import TenantRepository
from duro.runtime.compose import Ground, System, compose
from duro.runtime.dev import READY_FILE
from duro.runtime.errors import NotRunningError
from duro.runtime.files import read_json
from duro.runtime.identity import load_identity
from duro.runtime.pools import demand_migrated, needed, open_database
from duro.settings import Settings, load_settings


@dataclass(frozen=True, slots=True)
class Session:
    """An open installation, for the length of one command."""

    db: Database
    system: System
    public_url: str
    core_url: str

    async def choose_tenant(self, tenant_id: str | None) -> Tenant:
        """The one that was named, or the only one."""
        async with self.db.core() as tx:
            tenants = TenantRepository(tx)
            if tenant_id is not None:
                return await tenants.get(tenant_id)
            found = await tenants.list_oldest()
        if len(found) == 1:
            return found[0]
        if not found:
            raise ForbiddenError("There is no tenant yet: `duro tenants create NAME` makes one.")
        names = "\n".join(f"  {tenant.id}  {tenant.name}" for tenant in found[:20])
        raise InvalidError(f"There are {len(found)} tenants; choose one with --tenant:\n{names}")


def find_settings(data_dir: Path | None) -> Settings:
    """A data directory that is named wins; then a database address; then `duro dev` in the usual place."""
    settings = load_settings(flags={"data_dir": data_dir}).settings
    if data_dir is None and settings.database.url is not None:
        return settings
    place = settings.data_dir.expanduser().absolute()
    ready = read_json(place / READY_FILE)
    if ready is None or not _is_running(ready.get("pid")):
        raise NotRunningError(
            f"No running `duro dev` in {place}: start it, name its folder with --data-dir, or set "
            "DURO_DATABASE_URL."
        )
    return load_settings(
        flags={
            "data_dir": data_dir,
            "database.url": ready["databaseUrl"],
            "redis.url": ready["redisUrl"],
            "public.url": ready["publicUrl"],
            "core.url": ready["coreUrl"],
            "security.master_key": settings.security.master_key or load_identity(place).master_key,
            "webhooks.allow_loopback": True,
            "mail.catch": True if not settings.has_channel else None,
        }
    ).settings


@asynccontextmanager
async def opened(data_dir: Path | None) -> AsyncIterator[Session]:
    """The installation, migrated; what a command changes rings the worker's doorbell."""
    settings = find_settings(data_dir)
    url = needed(settings.database.url, "database.url")
    await demand_migrated(url)
    clock = SystemClock()
    async with AsyncExitStack() as stack:
        db = await open_database(url, clock=clock)
        stack.push_async_callback(db.close)
        ground = Ground(settings, db, clock, settings.public.url or "")
        system = await stack.enter_async_context(compose(ground))
        if settings.redis.url is not None:
            redis = open_redis(settings.redis.url.get_secret_value())
            queues = build_queues(redis, (work.queue for work in system.works))
            stack.push_async_callback(close_redis, redis, queues)
            doorbell = RedisDoorbell(queues)
            doorbell.start()
            stack.push_async_callback(doorbell.close)
            db.doorbell = doorbell
        core = settings.core
        core_url = core.url or f"http://{core.host}:{core.port}"
        yield Session(db, system, ground.public_url, core_url)


def _is_running(pid: object) -> bool:
    if not isinstance(pid, int):
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
