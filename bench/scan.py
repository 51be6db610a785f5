"""The due scan and the first claim, with ever more subscriptions and the same thousand due."""

from dataclasses import replace
from datetime import datetime, timedelta
from statistics import median
from time import perf_counter
from typing import Final

from bench.batches import counting
from bench.counting import CountingDatabase
from bench.ground import Ground
from bench.seed import Numbers, Period, add_plan, add_subscriptions, due_since
from bench.table import Line
from duro.kit.clock import SystemClock
from duro.kit.modes import Mode
from duro.modules.subscriptions.repository import SubscriptionRepository
from duro.modules.subscriptions.repository import statement as subscriptions

_SIZES: Final = (10_000, 100_000)
_SIZES_FULL: Final = (*_SIZES, 1_000_000)
_TENANTS: Final = 50
_DUE_EACH: Final = 20
_BATCH: Final = 100
_TRIES: Final = 300
_GROWS_MAX: Final = 1.2


async def run(ground: Ground, *, is_full: bool) -> list[Line]:
    now = SystemClock().wall()
    tenants = [await ground.new_tenant(f"Bench scan {number}") for number in range(_TENANTS)]
    lines: list[Line] = []
    first: tuple[float, float] | None = None
    have = 0
    for size in _SIZES_FULL if is_full else _SIZES:
        await _grow(ground, tenants, Numbers(have + 1, size // _TENANTS), now)
        have = size // _TENANTS
        await ground.settle()
        async with counting(ground.database_url) as db:
            took = await _scan_s(db, now), await _claim_s(db, tenants, now)
        first = first or took
        lines += [
            _line(f"due scan over {size:,} subscriptions", took[0], first[0]),
            _line(f"  claim of a tenant's {_DUE_EACH} due of {have:,}", took[1], first[1]),
        ]
    return lines


def _line(work: str, took_s: float, first_s: float) -> Line:
    # A cost relative to the smallest size: here a low ratio is good.
    ratio = took_s / first_s
    return Line(
        work=work,
        measured=f"{took_s * 1000:.2f} ms",
        limit=f"itself at 10,000: {first_s * 1000:.2f} ms",
        ratio=ratio,
        target=f"<= {_GROWS_MAX}",
        is_met=ratio <= _GROWS_MAX,
    )


async def _grow(ground: Ground, tenants: list[str], numbers: Numbers, now: datetime) -> None:
    later = now + timedelta(days=1)
    idle = Period(now, later, timedelta(days=27) / numbers.count)
    for tenant_id in tenants:
        async with ground.tenant(tenant_id) as connection:
            rest = numbers
            if numbers.first == 1:
                await add_plan(connection, tenant_id, at=now)
                due = due_since(now, count=_DUE_EACH)
                await add_subscriptions(connection, tenant_id, Numbers(1, _DUE_EACH), due)
                rest = Numbers(1 + _DUE_EACH, numbers.last)
            await add_subscriptions(connection, tenant_id, rest, idle)


async def _scan_s(db: CountingDatabase, now: datetime) -> float:
    # Not the loop's clock: uvloop's has a resolution of a millisecond.
    took = []
    for _ in range(_TRIES):
        began_s = perf_counter()
        found = await db.scan(
            Mode.TEST, subscriptions("list_tenants_with_due_renewals"), now, [], []
        )
        took.append(perf_counter() - began_s)
        if len(found) != _TENANTS:
            raise RuntimeError(f"{_TENANTS} tenants have due work, the scan found {len(found)}")
    return median(took)


async def _claim_s(db: CountingDatabase, tenants: list[str], now: datetime) -> float:
    took = []
    for turn in range(_TRIES):
        async with db.begin(Mode.TEST, tenants[turn % _TENANTS]) as opened:
            tx = replace(opened, _now=now)
            began_s = perf_counter()
            claimed = await SubscriptionRepository(tx).claim_renewals(_BATCH)
            took.append(perf_counter() - began_s)
        if len(claimed) != _DUE_EACH:
            raise RuntimeError(f"{_DUE_EACH} are due, {len(claimed)} were claimed")
    return median(took)
