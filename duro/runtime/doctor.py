"""Examines an installation from outside: what can be reached, and whether it is set up as it must be."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from duro.errors import UnavailableError
from duro.kit.clock import SystemClock
from duro.kit.jobs import REDIS_LOST, close_redis, open_redis
from duro.kit.migrations import MigrationError, status, verify
from duro.kit.modes import Mode
from duro.kit.roles import list_roles
from duro.modules.webhooks.repository import LIST_GIVEN_UP
from duro.runtime.channels import open_channels
from duro.runtime.errors import StartError
from duro.runtime.pools import demand_migrated, needed, open_database
from duro.settings import Settings

_PATIENCE_S: Final = 5.0
_GIVEN_UP_SHOWN: Final = 20
_TROUBLE: Final = (StartError, MigrationError, UnavailableError, *REDIS_LOST)


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found."""

    name: str
    is_ok: bool
    said: str


async def examine(settings: Settings) -> list[Finding]:
    """Every check, also after one has failed."""
    checks = {
        "postgresql": _postgresql,
        "migrations": _migrations,
        "roles": _roles,
        "redis": _redis,
        "webhooks": _webhooks,
        "messages": _messages,
    }
    return [await _check(name, check, settings) for name, check in checks.items()]


async def _check(
    name: str, check: Callable[[Settings], Awaitable[str]], settings: Settings
) -> Finding:
    try:
        async with asyncio.timeout(_PATIENCE_S):
            return Finding(name, is_ok=True, said=await check(settings))
    except TimeoutError:
        return Finding(name, is_ok=False, said=f"no answer within {_PATIENCE_S:.0f} s")
    except _TROUBLE as error:
        return Finding(name, is_ok=False, said=str(error))


async def _postgresql(settings: Settings) -> str:
    await status(needed(settings.database.url, "database.url"))
    return "reachable"


async def _migrations(settings: Settings) -> str:
    url = needed(settings.database.url, "database.url")
    await demand_migrated(url)
    return f"{await verify(url)} applied, none altered"


async def _roles(settings: Settings) -> str:
    url = needed(settings.database.url, "database.url")
    strong = [role.name for role in await list_roles(url) if role.sees_all_rows]
    if strong:
        raise StartError(f"{', '.join(strong)} can see past row security: every tenant's rows")
    return "none of ours is a superuser or sees past row security"


async def _messages(settings: Settings) -> str:
    """Whether whatever customers must be told can leave at all; nobody is written to for this."""
    async with open_channels(settings, SystemClock()) as channels:
        if channels.is_caught:
            return "caught by the inbox; nothing leaves this machine"
        ways = {"e-mail": channels.mailer, "WhatsApp": channels.whatsapp}
    open_ways = [name for name, way in ways.items() if way is not None]
    if not open_ways:
        return "NO CHANNEL: they stay queued until mail.url or whatsapp.token is set"
    return f"by {' and '.join(open_ways)}"


async def _webhooks(settings: Settings) -> str:
    """Endpoints that were given up are told, and are no fault of the installation."""
    url = needed(settings.database.url, "database.url")
    await demand_migrated(url)
    db = await open_database(url, clock=SystemClock())
    try:
        found = [
            f"{row['id']} of {row['tenant_id']} ({mode}, {row['disabled_reason']})"
            for mode in Mode
            for row in await db.scan(mode, LIST_GIVEN_UP, _GIVEN_UP_SHOWN)
        ]
    finally:
        await db.close()
    if not found:
        return "no endpoint is given up"
    return f"given up, `duro webhooks enable` sends there again: {', '.join(found)}"


async def _redis(settings: Settings) -> str:
    redis = open_redis(needed(settings.redis.url, "redis.url"))
    try:
        answer = redis.ping()
        # The client is typed for both worlds; this one is the asynchronous.
        if isinstance(answer, Awaitable):
            await answer
    finally:
        with suppress(*REDIS_LOST):
            await close_redis(redis, {})
    return "reachable"
