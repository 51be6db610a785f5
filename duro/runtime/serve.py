"""One process: its roles, started in order and stopped in the opposite one."""

import asyncio
import gc
import sys
from collections.abc import AsyncIterator, Callable, Collection, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, TypeVar

import structlog
from aiohttp import web

from duro.kit.clock import Clock, SystemClock
from duro.kit.db import Database
from duro.kit.ids import new_id
from duro.kit.jobs import Queues, RedisDoorbell, build_queues, close_redis, open_redis
from duro.kit.limits import Limiter, open_limiter
from duro.kit.worker import JobRunner, WorkerPlan
from duro.runtime import compose as composition
from duro.runtime.apps import build_core_app, build_public_app
from duro.runtime.compose import Compose, Ground, System
from duro.runtime.limiting import limits_of
from duro.runtime.pools import demand_migrated, needed, open_database
from duro.runtime.probes import Probes
from duro.runtime.sites import Listener, listen, serve_on
from duro.runtime.stopping import stop_signals
from duro.runtime.watching import Watch
from duro.settings import Settings

log = structlog.get_logger(__name__)

T = TypeVar("T")
Extend = Callable[[web.Application, Ground], None]

_EVERYWHERE: Final = "0.0.0.0"  # noqa: S104 - the public role is for the world; `duro dev` binds 127.0.0.1
_CLOSE_S: Final = 3.0


class Role(StrEnum):
    """What a process serves."""

    PUBLIC = "public"
    CORE = "core"
    WORKER = "worker"


ALL_ROLES: Final = frozenset(Role)


@dataclass(frozen=True, slots=True)
class Running:
    """A process at work: where it is reached, and what it runs on."""

    public_url: str | None
    core_url: str | None
    health_url: str
    ground: Ground
    system: System


@asynccontextmanager
async def running(
    settings: Settings,
    *,
    roles: Collection[Role] = ALL_ROLES,
    clock: Clock | None = None,
    compose: Compose = composition.compose,
    extend: Extend | None = None,
) -> AsyncIterator[Running]:
    """Everything the roles need, until the block ends; `extend` may add pages to the public app."""
    database_url = needed(settings.database.url, "database.url")
    redis_url = needed(settings.redis.url, "redis.url")
    clock = clock or SystemClock()
    async with AsyncExitStack() as stack:
        # Ports first: a taken one is the commonest trouble and the cheapest to find.
        listeners = _listen(settings, roles, stack)
        await demand_migrated(database_url)
        db = await open_database(database_url, clock=clock)
        stack.push_async_callback(_close_database, db)
        ground = Ground(settings, db, clock, _public_url(settings, listeners))
        system = await stack.enter_async_context(compose(ground))
        redis = open_redis(redis_url)
        queues = build_queues(redis, (work.queue for work in system.works))
        stack.push_async_callback(close_redis, redis, queues)
        doorbell = RedisDoorbell(queues)
        doorbell.start()
        stack.push_async_callback(doorbell.close)
        db.doorbell = doorbell
        probes = Probes(db, database_url, redis, queues, needs_redis=set(roles) != {Role.PUBLIC})
        health_server = await serve_on(listeners["health"], probes.app())
        stack.push_async_callback(health_server.cleanup)
        answers = Role.PUBLIC in roles or Role.CORE in roles
        limiter = _start_limiter(settings, redis_url, stack) if answers else None
        servers = await _serve(ground, system, listeners, extend, limiter)
        jobs = None
        if Role.WORKER in roles:
            jobs = _start_jobs(ground, system, queues)
            watch = Watch(db)
            watch.start()
            stack.push_async_callback(watch.stop)
        stack.push_async_callback(_finish, servers, jobs)
        stack.callback(probes.say_stopping)
        yield Running(
            public_url=ground.public_url if Role.PUBLIC in roles else None,
            core_url=core_url_of(settings, listeners["core"]) if Role.CORE in roles else None,
            health_url=listeners["health"].url,
            ground=ground,
            system=system,
        )


async def serve(settings: Settings, *, roles: Collection[Role] = ALL_ROLES) -> None:
    """Runs until SIGINT or SIGTERM, then stops in order."""
    with stop_signals() as asked:
        async with running(settings, roles=roles) as process:
            log.info(
                "ready",
                roles=sorted(roles),
                public_url=process.public_url,
                core_url=process.core_url,
                health_url=process.health_url,
            )
            # What is here now stays: the collector need not walk it again and again while batches come and go.
            gc.collect()
            gc.freeze()
            await asked.wait()
    log.info("stopped")


def run_loop(main: Coroutine[Any, Any, T]) -> T:
    """Runs `main` to its end, on uvloop where there is one."""
    factory: Callable[[], asyncio.AbstractEventLoop] | None = None
    if sys.platform != "win32":
        with suppress(ImportError):
            import uvloop  # noqa: PLC0415 - optional, and slow to import for commands that need no loop

            factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(main)


def _listen(
    settings: Settings, roles: Collection[Role], stack: AsyncExitStack
) -> dict[str, Listener]:
    wanted = {"health": (settings.health.host, settings.health.port)}
    if Role.PUBLIC in roles:
        wanted["public"] = (settings.public.host or _EVERYWHERE, settings.public.port)
    if Role.CORE in roles:
        wanted["core"] = (settings.core.host, settings.core.port)
    listeners = {}
    for key, (host, port) in wanted.items():
        listeners[key] = listener = listen(host, port, key=key)
        stack.callback(listener.socket.close)
    return listeners


def _public_url(settings: Settings, listeners: dict[str, Listener]) -> str:
    if settings.public.url:
        return settings.public.url
    if "public" in listeners:
        return listeners["public"].url
    host = settings.public.host or "127.0.0.1"
    return f"http://{host}:{settings.public.port}"


def core_url_of(settings: Settings, listener: Listener) -> str:
    return settings.core.url or listener.url


async def _serve(
    ground: Ground,
    system: System,
    listeners: dict[str, Listener],
    extend: Extend | None,
    limiter: Limiter | None,
) -> list[web.AppRunner]:
    servers = []
    if "public" in listeners:
        app = build_public_app(ground, system, limiter)
        if extend is not None:
            extend(app, ground)
        servers.append(await serve_on(listeners["public"], app))
    if "core" in listeners:
        servers.append(await serve_on(listeners["core"], build_core_app(ground, system, limiter)))
    return servers


def _start_limiter(settings: Settings, redis_url: str, stack: AsyncExitStack) -> Limiter:
    limiter = open_limiter(redis_url, limits_of(settings.limits))
    limiter.start()
    stack.push_async_callback(limiter.close)
    return limiter


def _start_jobs(ground: Ground, system: System, queues: Queues) -> JobRunner:
    chosen = ground.settings.worker
    jobs = JobRunner(
        db=ground.db,
        queues=queues,
        works=system.works,
        clocks=system.clocks,
        plan=WorkerPlan(chosen.concurrency, chosen.drain_s, chosen.queue_jobs_max),
    )
    jobs.start(turn=new_id("run", wall=ground.clock.wall()))
    return jobs


async def _finish(servers: list[web.AppRunner], jobs: JobRunner | None) -> None:
    """No new work is taken, what runs is finished."""
    endings = [server.cleanup() for server in servers]
    if jobs is not None:
        endings.append(jobs.stop())
    await asyncio.gather(*endings)


async def _close_database(db: Database) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(_CLOSE_S):
            await db.close()
