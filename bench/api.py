"""Reading a plan and starting a subscription over HTTP, beside bare aiohttp and asyncpg in the same run."""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice, repeat
from typing import Final, TypeAlias

import aiohttp
import orjson

from bench.asking import Sent, asking
from bench.bare import bare
from bench.ground import Ground, statement
from bench.load import CONNECTIONS, per_second, request
from bench.merchant import merchant
from bench.seed import PLAN, add_plan
from bench.serving import UNLIMITED, cpu_s, serving
from bench.table import Line
from duro.kit.clock import SystemClock

_READS: Final = 2_000
_CREATES: Final = 400
_FULL: Final = 20
_ROUNDS: Final = 3
_WARM: Final = 320
_READ_SHOWN: Final = 0.35
_READ_AIMED: Final = 0.6
_CREATE_SHOWN: Final = 0.25
_CREATE_AIMED: Final = 0.35


_Ask: TypeAlias = Callable[[int], Awaitable[float]]


@dataclass(frozen=True, slots=True)
class Side:
    """Requests a second, round by round, and the processor time of the process for one."""

    per_s: list[float] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)

    @property
    def mean(self) -> float:
        return sum(self.per_s) / len(self.per_s)

    @property
    def told(self) -> str:
        return ", ".join(f"{rate:,.0f}" for rate in self.per_s) + "/s"


@dataclass(frozen=True, slots=True)
class Pair:
    """Duro, and its limit before and after it."""

    duro: Side = field(default_factory=Side)
    limit: Side = field(default_factory=Side)

    @property
    def ratio(self) -> float:
        return self.duro.mean / self.limit.mean


async def run(ground: Ground, *, is_full: bool) -> list[Line]:
    factor = _FULL if is_full else 1
    reading, creating = await _sent(ground)
    tenant_id = await ground.new_tenant("Bench bare")
    async with (
        bare(ground, tenant_id, inserts=creating.rows) as limit,
        serving(ground, "public", **UNLIMITED) as served,
        merchant(ground, served.public_url) as one,
        ground.tenant(tenant_id) as bare_rows,
        ground.tenant(one.tenant_id) as rows,
    ):
        creates, pids = _CREATES * factor, (served.pid, limit.pid)
        expected = _ROUNDS * creates + _WARM
        now = SystemClock().wall()
        await add_plan(bare_rows, tenant_id, at=now)
        await add_plan(rows, one.tenant_id, at=now)
        for name in ("seed_customers", "seed_methods"):
            await rows.execute(statement(name), one.tenant_id, 1, expected, now)
        await ground.settle()
        key = {"Authorization": f"Bearer {one.token}"}
        read = await _alternate(
            _reads(served.public_url, request("GET", f"/v1/plans/{PLAN}", key)),
            _reads(limit.url, request("GET", f"/plans/{PLAN}")),
            _READS * factor,
            pids,
        )
        create = await _alternate(
            _starts(served.public_url, _creates("/v1/subscriptions", key)),
            _starts(limit.url, _creates("/subscriptions", {})),
            creates,
            pids,
        )
        if (made := await rows.fetchval(statement("count_active"))) != expected:
            raise RuntimeError(f"{expected} subscriptions were started, {made} are active")
    return [
        *_lines("read one plan", read, (_READ_SHOWN, _READ_AIMED), reading),
        *_lines("start a subscription", create, (_CREATE_SHOWN, _CREATE_AIMED), creating),
    ]


def _reads(url: str, each: bytes) -> _Ask:
    return lambda count: per_second(url, repeat(each, count), status=200)


def _starts(url: str, left: Iterator[bytes]) -> _Ask:
    return lambda count: per_second(url, islice(left, count), status=201)


async def _alternate(duro: _Ask, limit: _Ask, count: int, pids: tuple[int, int]) -> Pair:
    """Duro between its limits: whatever else the machine does burdens both alike."""
    pair, (duro_pid, limit_pid) = Pair(), pids
    await limit(_WARM)
    await duro(_WARM)
    await _round(pair.limit, limit, count, limit_pid)
    for _ in range(_ROUNDS):
        await _round(pair.duro, duro, count, duro_pid)
        await _round(pair.limit, limit, count, limit_pid)
    return pair


async def _round(side: Side, ask: _Ask, count: int, pid: int) -> None:
    idle_s = cpu_s(pid)
    side.per_s.append(await ask(count))
    side.cpu_us.append((cpu_s(pid) - idle_s) / count * 1e6)


def _creates(path: str, headers: dict[str, str]) -> Iterator[bytes]:
    """One for each seeded customer, each with a key of its own; the default card is charged."""
    number = 0
    while True:
        number += 1
        body = orjson.dumps({"customerId": f"cus_{number:026}", "planId": PLAN})
        yield request("POST", path, {**headers, "Idempotency-Key": f"bench-{number}"}, body)


async def _sent(ground: Ground) -> tuple[Sent, Sent]:
    """What a read and a start send, the second time, when every statement is prepared."""
    tenant_id = await ground.new_tenant("Bench counting")
    async with asking(ground.database_url, tenant_id) as asker:
        now = SystemClock().wall()
        await add_plan(asker.connection, tenant_id, at=now)
        for name in ("seed_customers", "seed_methods"):
            await asker.connection.execute(statement(name), tenant_id, 1, 2, now)

        async def read(session: aiohttp.ClientSession) -> None:
            (await session.get(f"/v1/plans/{PLAN}")).raise_for_status()

        async def start(session: aiohttp.ClientSession, number: int) -> None:
            body = {"customerId": f"cus_{number:026}", "planId": PLAN}
            headers = {"Idempotency-Key": f"count-{number}"}
            answer = await session.post("/v1/subscriptions", json=body, headers=headers)
            answer.raise_for_status()

        await read(asker.session)
        await start(asker.session, 1)
        return await asker.measure(read), await asker.measure(lambda own: start(own, 2))


def _lines(work: str, pair: Pair, targets: tuple[float, float], sent: Sent) -> list[Line]:
    shown, aimed = targets
    return [
        Line(
            work=f"{work}, {CONNECTIONS} connections",
            measured=pair.duro.told,
            limit=f"bare aiohttp + asyncpg: {pair.limit.told}",
            ratio=pair.ratio,
            target=f">= {shown}",
            is_met=pair.ratio >= shown,
        ),
        Line(
            work="  the same, against the aim",
            measured=f"{pair.duro.mean:,.0f}/s",
            ratio=pair.ratio,
            target=f">= {aimed}",
            is_met=pair.ratio >= aimed,
        ),
        Line(
            work="  processor time of the process for one",
            measured=f"{min(pair.duro.cpu_us):,.0f} us",
            limit=f"{min(pair.limit.cpu_us):,.0f} us",
            ratio=min(pair.limit.cpu_us) / min(pair.duro.cpu_us),
        ),
        Line(work="  round trips to the database", measured=f"{sent.told}; {sent.rows} rows more"),
    ]
