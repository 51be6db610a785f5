"""Renewals end to end in one worker process, beside pgbench writing the same rows item by item."""

import asyncio
import re
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from bench.batches import SIZE, renew_batch
from bench.ground import PATH, ROLE, Connection, Ground, script, statement
from bench.seed import Numbers, add_plan, add_subscriptions, due_since
from bench.serving import Memory, serving
from bench.table import Line
from duro.kit.clock import SystemClock
from duro.runtime.engines import find_tool

_DUE: Final = 10_000
_DUE_FULL: Final = 100_000
_SHOWN_RATIO: Final = 0.3
_AIMED_RATIO: Final = 1.0
_AIMED_PER_S: Final = 1_800
_CLIENTS: Final = 32
_POLL_S: Final = 0.02
_PATIENCE_S: Final = 600.0
# Resident memory may grow by this much while the work is done: caches fill, the allocator keeps pages.
_FLAT_MB: Final = 60.0
_TPS: Final = re.compile(r"^tps = ([0-9.]+) \(without initial connection time\)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Measured:
    """What one worker process did."""

    per_s: float
    cpu_us: float
    memory: Memory
    fan_out_lag_s: float


async def run(ground: Ground, *, is_full: bool) -> list[Line]:
    count = _DUE_FULL if is_full else _DUE
    batch = await renew_batch(ground)
    # Before and after: whatever else the machine does meanwhile burdens both sides alike.
    before_per_s = await _limit(ground, count // _CLIENTS, batch.events)
    measured = await _measure(ground, count)
    after_per_s = await _limit(ground, count // _CLIENTS, batch.events)
    limits_per_s = (before_per_s, after_per_s)
    return _lines(count, limits_per_s, measured, batch.sent.total())


def _lines(
    count: int, limits_per_s: tuple[float, float], measured: Measured, round_trips: int
) -> list[Line]:
    limit_per_s = sum(limits_per_s) / len(limits_per_s)
    shown = " and ".join(f"{per_s:,.0f}" for per_s in limits_per_s)
    ratio = measured.per_s / limit_per_s
    memory = measured.memory
    return [
        Line(
            work=f"{count:,} renewals of one tenant, end to end, one worker process",
            measured=f"{measured.per_s:,.0f}/s",
            limit=f"pgbench, {_CLIENTS} clients, before and after: {shown}/s",
            ratio=ratio,
            target=f">= {_SHOWN_RATIO}",
            is_met=ratio >= _SHOWN_RATIO,
        ),
        Line(
            work="  the same, against the aim",
            measured=f"{measured.per_s:,.0f}/s",
            ratio=ratio,
            target=f">= {_AIMED_RATIO} and {_AIMED_PER_S:,}/s",
            is_met=ratio >= _AIMED_RATIO and measured.per_s >= _AIMED_PER_S,
        ),
        Line(
            work=f"  round trips to the database for {SIZE} renewals",
            measured=f"{round_trips}",
        ),
        Line(
            work="  processor time of the worker for one renewal",
            measured=f"{measured.cpu_us:,.0f} us",
        ),
        Line(
            work=f"  resident memory of the worker while {count:,} are due",
            measured=f"{memory.start_mb:.0f} MB, peak {memory.peak_mb:.0f}, end {memory.end_mb:.0f}",
            target=f"peak <= start + {_FLAT_MB:.0f}",
            is_met=memory.peak_mb <= memory.start_mb + _FLAT_MB,
        ),
        Line(
            work="  until the last event is fanned out too",
            measured=f"{measured.fan_out_lag_s:.1f} s more",
        ),
    ]


async def _measure(ground: Ground, count: int) -> Measured:
    """One worker process that finds so many renewals of one tenant due when it starts."""
    tenant_id = await ground.new_tenant("Bench renewals")
    clock = SystemClock()
    async with ground.tenant(tenant_id) as connection:
        now = clock.wall()
        await add_plan(connection, tenant_id, at=now)
        await add_subscriptions(
            connection, tenant_id, Numbers(1, count), due_since(now, count=count)
        )
        await ground.settle()
        async with serving(ground, "worker") as served:
            idle_s = served.cpu_s()
            await _wait(connection, "is_renewed", tenant_id, now)
            cpu_us = (served.cpu_s() - idle_s) / count * 1e6
            ended_at = clock.wall()
            while await connection.fetchval(statement("events_waiting"), tenant_id):
                await asyncio.sleep(_POLL_S)
            told_at = clock.wall()
        began_at: datetime = await connection.fetchval(statement("first_invoice_at"), tenant_id)
        await _demand_once_each(connection, tenant_id, count)
    took_s = (ended_at - began_at).total_seconds()
    return Measured(count / took_s, cpu_us, served.memory, (told_at - ended_at).total_seconds())


async def _wait(connection: Connection, question: str, *args: object) -> None:
    text = statement(question)
    async with asyncio.timeout(_PATIENCE_S):
        while not await connection.fetchval(text, *args):
            await asyncio.sleep(_POLL_S)


async def _demand_once_each(connection: Connection, tenant_id: str, count: int) -> None:
    row = await connection.fetchrow(statement("count_renewed"), tenant_id)
    expected = {"invoices": count, "attempts": count, "charges": count, "events": 2 * count}
    if dict(row) != expected:
        raise RuntimeError(f"{count} renewals left {dict(row)}")


async def _limit(ground: Ground, each: int, events: Mapping[str, str]) -> float:
    """Renewals per second that pgbench writes, item by item, as the same role under the same row security."""
    tenant_id = await ground.new_tenant("Bench limit")
    count = each * _CLIENTS
    async with ground.tenant(tenant_id) as connection:
        now = SystemClock().wall()
        await add_plan(connection, tenant_id, at=now)
        await add_subscriptions(
            connection, tenant_id, Numbers(1, count), due_since(now, count=count)
        )
    await ground.settle()
    said = await _pgbench(ground, tenant_id, each, events)
    found = _TPS.search(said)
    if found is None:
        raise RuntimeError(f"pgbench did not say how fast it was:\n{said}")
    return float(found[1])


async def _pgbench(ground: Ground, tenant_id: str, each: int, events: Mapping[str, str]) -> str:
    options = {"role": ROLE, "search_path": PATH, "duro.tenant": tenant_id, "jit": "off"}
    variables = {"tenant": tenant_id, "first": "1", "clients": str(_CLIENTS), "i": "0", **events}
    process = await asyncio.create_subprocess_exec(
        find_tool("pgbench"),
        *("--no-vacuum", "--protocol=prepared", f"--client={_CLIENTS}", "--jobs=2"),
        *(f"--transactions={each}", f"--file={script('renewal')}"),
        *(f"--define={name}={value}" for name, value in variables.items()),
        env=ground.client_env(**options, plan_cache_mode="force_generic_plan"),
        stdout=PIPE,
        stderr=STDOUT,
    )
    said, _ = await process.communicate()
    return said.decode()
