"""`duro dev`: embedded engines, migrations, a tenant with keys, all roles and an inbox on one machine."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, TypeAlias

import structlog
from pydantic import SecretStr

from duro.kit.clock import monotonic_s
from duro.kit.migrations import migrate
from duro.modules.access.sessions import make_link
from duro.runtime import engines, identity
from duro.runtime.dashboard import sign_in_url
from duro.runtime.demo import seed_demo
from duro.runtime.errors import StartError
from duro.runtime.files import write_private_json
from duro.runtime.identity import Identity
from duro.runtime.inbox import HOOK, PAGE, Inbox
from duro.runtime.serve import Running, running
from duro.runtime.sites import Listener, listen, serve_on
from duro.runtime.stopping import stop_signals
from duro.settings import Settings, load_settings

log = structlog.get_logger(__name__)

READY_FILE: Final = "ready.json"
_HERE: Final = "127.0.0.1"
_LOGIN_LIFE: Final = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class DevOptions:
    """What the command line of `duro dev` chose; None leaves it to the settings."""

    data_dir: Path | None = None
    public_port: int | None = None
    core_port: int | None = None
    health_port: int | None = None
    is_reset: bool = False
    has_demo: bool = True
    ready_file: Path | None = None


@dataclass(frozen=True, slots=True)
class Ready:
    """A running `duro dev`, as the ready file tells of it."""

    data_dir: Path
    process: Running
    identity: Identity
    inbox_url: str
    login_url: str
    took_s: float

    def to_json(self) -> dict[str, object]:
        settings = self.process.ground.settings
        return {
            "publicUrl": self.process.public_url,
            "coreUrl": self.process.core_url,
            "healthUrl": self.process.health_url,
            "inboxUrl": self.inbox_url,
            "dashboardLoginUrl": self.login_url,
            "tenantId": self.identity.tenant_id,
            "secretKey": self.identity.secret_key,
            "publishableKey": self.identity.publishable_key,
            "liveSecretKey": self.identity.live_secret_key,
            "webhookSecret": self.identity.webhook_secret,
            "staffKey": self.identity.staff_key,
            "databaseUrl": _told(settings.database.url),
            "redisUrl": _told(settings.redis.url),
            "dataDir": str(self.data_dir),
            "pid": os.getpid(),
        }


Announce: TypeAlias = Callable[[Ready], None]
Say: TypeAlias = Callable[[str], None]


async def dev(options: DevOptions, *, announce: Announce, say: Say) -> None:
    """Runs until SIGINT or SIGTERM; raises `StartError` when an engine ends by itself."""
    with stop_signals() as asked:
        async with developing(options, say=say) as (ready, engine_end):
            announce(ready)
            stop = asyncio.create_task(asked.wait())
            waits: set[asyncio.Future[Any]] = {stop, engine_end}
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            stop.cancel()
            if engine_end.done() and not asked.is_set():
                raise StartError(f"{engine_end.result()}\nNothing is lost: start `duro dev` again.")
        say("Stopped.")


@asynccontextmanager
async def developing(
    options: DevOptions, *, say: Say
) -> AsyncIterator[tuple[Ready, "asyncio.Future[str]"]]:
    """Everything of `duro dev`, ready; and a future that tells of an engine's own end.

    The ready file is there exactly while it is: a stop removes it, a crash leaves one whose `pid` is gone.
    """
    began_s = monotonic_s()
    settings = _settings(options)
    data_dir = settings.data_dir.expanduser().absolute()
    async with AsyncExitStack() as stack:
        settings, engine_end = await _with_engines(settings, options, data_dir, stack, say)
        kept = identity.load_identity(data_dir)
        settings = _developers(settings, kept)
        await migrate(_told(settings.database.url))
        process = await stack.enter_async_context(running(settings))
        kept, inbox_url = await _move_in(process, kept, stack)
        identity.keep_identity(data_dir, kept)
        if options.has_demo and not kept.is_seeded:
            await seed_demo(process, kept)
            kept = replace(kept, is_seeded=True)
            identity.keep_identity(data_dir, kept)
        login_url = await _login_url(process, kept)
        ready = Ready(data_dir, process, kept, inbox_url, login_url, monotonic_s() - began_s)
        for path in _ready_files(options, data_dir):
            write_private_json(path, ready.to_json())
            stack.callback(path.unlink, missing_ok=True)
        yield ready, engine_end


def _settings(options: DevOptions) -> Settings:
    flags = {
        "data_dir": options.data_dir,
        "public.port": options.public_port,
        "core.port": options.core_port,
        "health.port": options.health_port,
    }
    settings = load_settings(flags=flags).settings
    public = settings.public.model_copy(update={"host": settings.public.host or _HERE})
    return settings.model_copy(update={"public": public})


async def _with_engines(
    settings: Settings, options: DevOptions, data_dir: Path, stack: AsyncExitStack, say: Say
) -> tuple[Settings, "asyncio.Future[str]"]:
    """With addresses for PostgreSQL and Redis; what the settings name is not embedded."""
    has_own = settings.database.url is not None and settings.redis.url is not None
    never: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    if has_own:
        if options.is_reset:
            raise StartError("--reset removes embedded data only; this database is your own.")
        return settings, never
    if options.is_reset:
        await engines.remove_data(data_dir)
    started = await engines.start_engines(data_dir=data_dir, log=say)
    stack.push_async_callback(started.stop)
    end = asyncio.create_task(started.wait_for_end(), name="engines")
    stack.callback(end.cancel)
    found = started.engines
    return _with_urls(settings, found.database_url, found.redis_url), end


def _with_urls(settings: Settings, database_url: str, redis_url: str) -> Settings:
    tree = settings.model_copy()
    if settings.database.url is None:
        tree = _with(tree, "database", url=database_url)
    if settings.redis.url is None:
        tree = _with(tree, "redis", url=redis_url)
    return tree


def _developers(settings: Settings, kept: Identity) -> Settings:
    """Webhooks may go to this machine, limits are wide, secrets are sealed with the data directory's own key.

    Messages are caught by the inbox unless somebody has set a channel up.
    """
    settings = settings.model_copy(update={"limits": settings.limits.eased()})
    if not settings.has_channel:
        settings = _with(settings, "mail", catch=True)
    if settings.security.master_key is None:
        settings = _with(settings, "security", master_key=kept.master_key)
    return _with(settings, "webhooks", allow_loopback=True)


def _with(settings: Settings, section: str, **values: object) -> Settings:
    before = getattr(settings, section)
    # Through the model, so that a value becomes what the setting's type says.
    changed = type(before)(**{**dict(before), **values})
    return settings.model_copy(update={section: changed})


async def _move_in(process: Running, kept: Identity, stack: AsyncExitStack) -> tuple[Identity, str]:
    """With a tenant, and an inbox that its webhooks go to, on the port of the last start if that is free."""
    ground = process.ground
    kept = await identity.ensure_tenant(ground.db, kept)
    listener = _listen_again(kept.inbox_port)
    stack.callback(listener.socket.close)
    kept = await identity.ensure_endpoint(process.system.endpoints, kept, f"{listener.url}{HOOK}")
    wording = process.system.wording
    inbox = Inbox(ground.db, kept.tenant_id, kept.webhook_secret, wording)
    server = await serve_on(listener, inbox.app())
    stack.push_async_callback(server.cleanup)
    return replace(kept, inbox_port=listener.port), f"{listener.url}{PAGE}"


async def _login_url(process: Running, kept: Identity) -> str:
    """A link of the owner's that signs in once; good for a working day, because it is on this machine only."""
    async with process.ground.db.core() as tx:
        owner = await identity.ensure_owner(tx, kept.tenant_id)
        link = await make_link(tx, tenant_id=kept.tenant_id, member_id=owner.id, life=_LOGIN_LIFE)
    return sign_in_url(process.core_url or "", link)


def _listen_again(port: int) -> Listener:
    if port:
        try:
            return listen(_HERE, port, key="inbox")
        except StartError:
            log.info("inbox_moved", was_port=port)
    return listen(_HERE, 0, key="inbox")


def _ready_files(options: DevOptions, data_dir: Path) -> list[Path]:
    """The commands look in the data directory; a script names its own."""
    own = data_dir / READY_FILE
    asked = options.ready_file
    return [own] if asked is None or asked.absolute() == own else [own, asked.absolute()]


def _told(url: SecretStr | None) -> str:
    return "" if url is None else url.get_secret_value()
