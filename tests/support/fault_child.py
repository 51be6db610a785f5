"""Owns the process that faults strike: a whole Duro that counts its await points and is hit at one of them.

The production code knows nothing of this: the calls that leave the process (PostgreSQL, Redis, the gateway) are wrapped
here, in a process of its own, and each has a point before it and one after it.
"""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import product
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import Any

import asyncpg
import redis.asyncio
import redis.exceptions
import structlog
from pydantic import SecretStr

from duro.adapters.gateways.simulated import SimulatedGateway
from duro.adapters.smtp import SmtpMailer
from duro.errors import UnavailableError
from duro.kit.clock import Clock, SystemClock
from duro.kit.logs import configure_logs
from duro.kit.modes import Mode
from duro.kit.work import DueWork, WorkScope
from duro.modules.messages.channels import Answer, Mail
from duro.runtime.compose import Ground, compose
from duro.runtime.pools import open_database
from duro.runtime.serve import Role, run_loop, running
from duro.runtime.stopping import stop_signals
from duro.settings import MailSettings, Settings
from tests.support.statements import all_statements, title
from tests.support.system import settings_for

log = structlog.get_logger(__name__)


class Kind(StrEnum):
    """What happens at the point."""

    KILL = "kill"  # SIGKILL: the process is gone
    CUT = "cut"  # the connection is gone, and with it the answer; the process lives on


@dataclass(frozen=True)
class Fault:
    """The first await point is 1; a connection may be cut again after `every` so many more."""

    kind: Kind
    at: int
    every: int = 0

    def is_at(self, point: int) -> bool:
        behind = point - self.at
        return behind == 0 or (self.every > 0 and behind > 0 and behind % self.every == 0)


@dataclass(frozen=True)
class Orders:
    """What the process is to be.

    With `works` it runs each of them once for each tenant and ends; else it serves until SIGTERM. `ahead` is how much
    its clock is before the machine's.
    """

    database_url: str
    redis_url: str
    log: Path
    roles: frozenset[Role] = frozenset()
    works: tuple[str, ...] = ()
    tenant_ids: tuple[str, ...] = ()
    ahead: timedelta = timedelta(0)
    fault: Fault | None = None
    # Counts from the first thing it does, not from the moment it is ready.
    is_counted_from_start: bool = False
    times_at_once: int = 1
    drain_s: int = 10
    latency_s: float = 0.0
    # Where it hands in mail, on this machine; nowhere if it is 0.
    mail_port: int = 0


@dataclass(frozen=True)
class Ready:
    """It serves."""

    public_url: str | None


@dataclass(frozen=True)
class Struck:
    """The fault happened, at this point."""

    point: str


@dataclass(frozen=True)
class Passed:
    """It came to its end through these points."""

    points: list[str]


@dataclass
class ShiftedClock:
    """The machine's clock, so much ahead."""

    ahead: timedelta

    def wall(self) -> datetime:
        return SystemClock().wall() + self.ahead


@dataclass
class Points:
    """Counts the points that the process passes, and strikes at one of them."""

    fault: Fault | None
    told: Pipe
    is_counting: bool = False
    passed: list[str] = field(default_factory=list)

    def cuts(self, point: str) -> bool:
        """Whether the connection is lost here; a kill does not return."""
        if not self.is_counting:
            return False
        self.passed.append(point)
        if self.fault is None or not self.fault.is_at(len(self.passed)):
            return False
        self.told.send(Struck(point))
        if self.fault.kind is Kind.KILL:
            os.kill(os.getpid(), signal.SIGKILL)
        return True


def child(orders: Orders, told: Pipe) -> None:
    """The whole life of the process; what it says goes to the log."""
    descriptor = os.open(orders.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    configure_logs(style="json")
    run_loop(_live(orders, told))


async def _live(orders: Orders, told: Pipe) -> None:
    points = Points(orders.fault, told, is_counting=orders.is_counted_from_start)
    _watch_postgres(points)
    _watch_redis(points)
    _watch_gateway(points, orders.latency_s)
    _watch_mail(points)
    settings = _settings(orders)
    clock = ShiftedClock(orders.ahead)
    if orders.works:
        await _work(orders, settings, clock, points)
    else:
        with stop_signals() as asked:
            async with running(settings, roles=orders.roles, clock=clock) as process:
                told.send(Ready(process.public_url))
                points.is_counting = True
                await asked.wait()
            points.is_counting = False
    told.send(Passed(points.passed))


def _settings(orders: Orders) -> Settings:
    settings = settings_for(orders.database_url, orders.redis_url)
    worker = settings.worker.model_copy(update={"drain_s": orders.drain_s})
    mail = settings.mail
    if orders.mail_port:
        url = SecretStr(f"smtp://127.0.0.1:{orders.mail_port}")
        mail = MailSettings(url=url, sender="billing@pay.example")
    return settings.model_copy(update={"worker": worker, "mail": mail})


async def _work(orders: Orders, settings: Settings, clock: Clock, points: Points) -> None:
    """Without servers and doorbell, so that the same work passes the same points every time."""
    db = await open_database(orders.database_url, clock=clock)
    async with compose(Ground(settings, db, clock, "")) as system:
        works = {work.name: work for work in system.works}
        points.is_counting = True
        for tenant_id, name in product(orders.tenant_ids, orders.works):
            scope = WorkScope(db, Mode.TEST, tenant_id)
            jobs = (_do(works[name], scope) for _ in range(orders.times_at_once))
            await asyncio.gather(*jobs)
        points.is_counting = False
    await db.close()


async def _do(work: DueWork, scope: WorkScope) -> None:
    try:
        await work.run(scope, work.batch)
    except UnavailableError:
        # What a job does that lost its database: it ends, and the work is found again.
        log.warning("work_postponed", work=work.name)


def _watch_postgres(points: Points) -> None:
    names = {statement.text: title(statement) for statement in all_statements()}

    def watched(call: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def watching(
            connection: Any,  # noqa: ANN401 - asyncpg ships no types
            text: str,
            *args: object,
            **options: object,
        ) -> object:
            label = names.get(text) or text.partition(";")[0].partition(" =")[0]
            if points.cuts(f"before {label}"):
                connection.terminate()
            answer = await call(connection, text, *args, **options)
            if points.cuts(f"after {label}"):
                connection.terminate()
                raise asyncpg.ConnectionDoesNotExistError("the answer was lost")
            return answer

        return watching

    for method in ("execute", "fetch", "fetchrow", "fetchval"):
        setattr(asyncpg.Connection, method, watched(getattr(asyncpg.Connection, method)))


def _watch_redis(points: Points) -> None:
    def watched(call: Callable[..., Awaitable[Any]], label: str) -> Callable[..., Awaitable[Any]]:
        async def watching(client: object, *args: object, **options: object) -> object:
            if points.cuts(f"before {label}"):
                raise redis.exceptions.ConnectionError("the command was lost")
            answer = await call(client, *args, **options)
            if points.cuts(f"after {label}"):
                raise redis.exceptions.ConnectionError("the answer was lost")
            return answer

        return watching

    clients: tuple[tuple[type, str, str], ...] = (
        (redis.asyncio.Redis, "execute_command", "redis command"),
        (redis.asyncio.client.Pipeline, "execute", "redis pipeline"),
    )
    for client, method, label in clients:
        setattr(client, method, watched(getattr(client, method), label))


def _watch_gateway(points: Points, latency_s: float) -> None:
    def watched(call: Callable[..., Awaitable[Any]], label: str) -> Callable[..., Awaitable[Any]]:
        async def watching(gateway: SimulatedGateway, *asked: object) -> object:
            if points.cuts(f"before {label}"):
                raise ConnectionResetError("the request was lost")
            answer = await call(gateway, *asked)
            await asyncio.sleep(latency_s)
            if points.cuts(f"after {label}"):
                raise ConnectionResetError("the answer was lost")
            return answer

        return watching

    for method in ("charge", "look_up", "request_payment", "find_credits"):
        original = getattr(SimulatedGateway, method)
        setattr(SimulatedGateway, method, watched(original, f"gateway {method}"))


def _watch_mail(points: Points) -> None:
    send = SmtpMailer.send

    async def watching(mailer: SmtpMailer, mail: Mail) -> Answer:
        if points.cuts("before mail"):
            raise ConnectionResetError("the mail was lost")
        answer = await send(mailer, mail)
        if points.cuts("after mail"):
            raise ConnectionResetError("the answer was lost")
        return answer

    setattr(SmtpMailer, "send", watching)  # noqa: B010 - as the others: a method of a class that is not ours to change
