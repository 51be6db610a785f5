"""Reading a plan and starting a subscription over HTTP, beside bare aiohttp and asyncpg in the same run."""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from itertools import repeat
from typing import Final

import aiohttp
import orjson

from bench.asking import Sent, asking
from bench.bare import bare
from bench.ground import Ground, statement
from bench.load import CONNECTIONS, per_second, request
from bench.merchant import merchant
from bench.seed import PLAN, add_plan
from bench.serving import UNLIMITED, serving
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


@dataclass(frozen=True, slots=True)
class Pair:
    """Requests a second of Duro, and of its limit before and after it, round by round."""

    duro: list[float]
    limit: list[float]

    @property
    def ratio(self) -> float:
        return (sum(self.duro) / len(self.duro)) / (sum(self.limit) / len(self.limit))


async def run(ground: Ground, *, is_full: bool) -> list[Line]:
    factor = _FULL if is_full else 1
    reading, creating = await _sent(ground)
    tenant_id = await ground.new_tenant("Bench bare")
    async with (
        bare(ground, tenant_id, inserts=creating.rows) as bare_url,
        serving(ground, "public", **UNLIMITED) as served,
        merchant(ground, served.public_url) as one,
        ground.tenant(tenant_id) as bare_rows,
        ground.tenant(one.tenant_id) as rows,
    ):
        creates = _CREATES * factor
        now = SystemClock().wall()
        await add_plan(bare_rows, tenant_id, at=now)
        await add_plan(rows, one.tenant_id, at=now)
        for name in ("seed_customers", "seed_methods"):
            numbers = (1, _ROUNDS * creates + _WARM)
            await rows.execute(statement(name), one.tenant_id, *numbers, now)
        await ground.settle()
        key = {"Authorization": f"Bearer {one.token}"}
        duro_read = request("GET", f"/v1/plans/{PLAN}", key)
        bare_read = request("GET", f"/plans/{PLAN}")
        duro_creates, bare_creates = (
            _creates("/v1/subscriptions", key),
            _creates("/subscriptions", {}),
        )

        async def reads(url: str, each: bytes, count: int) -> float:
            return await per_second(url, repeat(each, count), status=200)

        async def starts(url: str, each: Iterator[bytes], count: int) -> float:
            return await per_second(url, (next(each) for _ in range(count)), status=201)

        read = await _alternate(
            lambda count: reads(served.public_url, duro_read, count),
            lambda count: reads(bare_url, bare_read, count),
            _READS * factor,
        )
        create = await _alternate(
            lambda count: starts(served.public_url, duro_creates, count),
            lambda count: starts(bare_url, bare_creates, count),
            creates,
        )
        if (made := await rows.fetchval(statement("count_active"))) != _ROUNDS * creates + _WARM:
            raise RuntimeError(f"{made} subscriptions are active")
    return [
        *_lines("read one plan", read, (_READ_SHOWN, _READ_AIMED), reading),
        *_lines("start a subscription", create, (_CREATE_SHOWN, _CREATE_AIMED), creating),
    ]


async def _alternate(
    duro: Callable[[int], Awaitable[float]], limit: Callable[[int], Awaitable[float]], count: int
) -> Pair:
    """Duro between its limits: whatever else the machine does burdens both alike."""
    await limit(_WARM)
    await duro(_WARM)
    pair = Pair([], [await limit(count)])
    for _ in range(_ROUNDS):
        pair.duro.append(await duro(count))
        pair.limit.append(await limit(count))
    return pair


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
    async with asking(ground, tenant_id) as asker:
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
            measured=_told(pair.duro),
            limit=f"bare aiohttp + asyncpg: {_told(pair.limit)}",
            ratio=pair.ratio,
            target=f">= {shown}",
            is_met=pair.ratio >= shown,
        ),
        Line(
            work="  the same, against the aim",
            measured=_told(pair.duro[-1:]),
            ratio=pair.ratio,
            target=f">= {aimed}",
            is_met=pair.ratio >= aimed,
        ),
        Line(work="  round trips to the database", measured=f"{sent.told}; {sent.rows} rows more"),
    ]


def _told(rates: list[float]) -> str:
    return ", ".join(f"{rate:,.0f}" for rate in rates) + "/s"
