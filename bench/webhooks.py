"""Deliveries per second of one worker's round, beside a bare aiohttp client that posts the same signed bytes."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Final

import aiohttp

from bench.ground import Ground
from bench.table import Line
from duro.adapters.egress import GuardedEgress
from duro.kit.clock import SystemClock, monotonic_s
from duro.kit.db import Database
from duro.kit.envelope import Envelope
from duro.kit.modes import Mode
from duro.kit.sql import queries
from duro.kit.work import DueWork, WorkScope
from duro.modules.events.model import EventType, NewEvent
from duro.modules.events.repository import EventRepository
from duro.modules.webhooks.endpoints import EndpointService
from duro.modules.webhooks.jobs import due_work
from duro.modules.webhooks.signing import new_secret, signed_headers, write_body
from duro.runtime.sampling import sample

_DELIVERIES: Final = 5_000
_DELIVERIES_FULL: Final = 50_000
_ENDPOINTS: Final = 10
_STEP: Final = 500
_AT_ONCE: Final = 100
_TARGET: Final = 0.3
_SLICES: Final = 5


async def run(ground: Ground, *, is_full: bool) -> list[Line]:
    count = _DELIVERIES_FULL if is_full else _DELIVERIES
    clock = SystemClock()
    db = await Database.open(
        ground.database_url, clock=clock, business_now=queries("testclock")["read_business_now"]
    )
    try:
        async with _receiver() as base, GuardedEgress(allow_loopback=True) as egress:
            tenant_id = await ground.new_tenant("Bench webhooks")
            envelope = Envelope([bytes(range(32))])
            scope = WorkScope(db, Mode.TEST, tenant_id)
            endpoints = EndpointService(db, envelope, egress)
            for number in range(_ENDPOINTS):
                await endpoints.add(Mode.TEST, tenant_id, url=f"{base}/{number}")
            fan_out, deliver = due_work(egress, envelope)
            await _add_events(scope, count // _ENDPOINTS)
            while (await fan_out.run(scope, fan_out.batch)).done:
                """More events wait."""
            await ground.settle()
            return await _compare(base, scope, deliver, count)
    finally:
        await db.close()


async def _compare(base: str, scope: WorkScope, deliver: DueWork, count: int) -> list[Line]:
    """By turns, so that whatever else the machine does burdens both alike."""
    ours_s: list[float] = []
    ours_cpu_s = bare_cpu_s = 0.0
    bare_s: list[float] = []
    each = count // _SLICES
    for _ in range(_SLICES):
        cpu_s, began_s = _cpu_s(), monotonic_s()
        await _bare(base, each)
        bare_s.append(monotonic_s() - began_s)
        bare_cpu_s += _cpu_s() - cpu_s
        cpu_s, began_s, done = _cpu_s(), monotonic_s(), 0
        while done < each and (ran := await deliver.run(scope, deliver.batch)).done:
            done += ran.done
            if ran.counts["deliveries"] != ran.done:
                raise RuntimeError(f"a round failed: {ran}")
        ours_s.append((monotonic_s() - began_s) / done * each)
        ours_cpu_s += _cpu_s() - cpu_s
    ratio = sum(bare_s) / sum(ours_s)
    return [
        Line(
            work=f"{count:,} deliveries to {_ENDPOINTS} endpoints of one tenant, signed and recorded",
            measured=f"{_per_s(each, ours_s)}/s",
            limit=f"aiohttp client, {_AT_ONCE} at once: {_per_s(each, bare_s)}/s",
            ratio=ratio,
            target=f">= {_TARGET}",
            is_met=ratio >= _TARGET,
        ),
        Line(
            work="  processor time of the sending process for one delivery",
            measured=f"{ours_cpu_s / count * 1e6:,.0f} us",
            limit=f"{bare_cpu_s / count * 1e6:,.0f} us",
            ratio=bare_cpu_s / ours_cpu_s,
        ),
    ]


def _per_s(each: int, took_s: Sequence[float]) -> str:
    return (
        f"{each * len(took_s) / sum(took_s):,.0f} ({', '.join(f'{each / s:,.0f}' for s in took_s)})"
    )


def _cpu_s() -> float:
    used = os.times()
    return used.user + used.system


async def _bare(base: str, count: int) -> None:
    """The same bytes to the same receiver, signed once, and nothing kept."""
    body, headers = _message(SystemClock().wall())
    left = count

    async def send(session: aiohttp.ClientSession, number: int) -> None:
        nonlocal left
        url = f"{base}/{number % _ENDPOINTS}"
        while left > 0:
            left -= 1
            async with session.post(url, data=body, headers=headers) as response:
                await response.read()

    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:
        await asyncio.gather(*(send(session, number) for number in range(_AT_ONCE)))


def _message(wall: datetime) -> tuple[bytes, dict[str, str]]:
    event = sample(EventType.SUBSCRIPTION_PAYMENT_SUCCESS, now=wall, wall=wall)
    body = write_body(event_id="evt_1", event_type=event.type, created_at=wall, data=event.data)
    headers = signed_headers(
        body, event_id="evt_1", event_type=event.type, secret_texts=[new_secret()], wall=wall
    )
    return body, headers


async def _add_events(scope: WorkScope, count: int) -> None:
    for start in range(0, count, _STEP):
        async with scope.begin() as tx:
            events: list[NewEvent] = [
                sample(EventType.SUBSCRIPTION_PAYMENT_SUCCESS, now=tx.now, wall=tx.wall)
                for _ in range(min(_STEP, count - start))
            ]
            await EventRepository(tx).add(events)


@asynccontextmanager
async def _receiver() -> AsyncIterator[str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.receiver", stdout=PIPE
    )
    try:
        assert process.stdout is not None  # noqa: S101 - it was asked for
        port = int(await process.stdout.readline())
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        await process.wait()
