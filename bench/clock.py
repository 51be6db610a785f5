"""Years on the test clock, asked for over HTTP and done by the worker of the same process."""

from datetime import datetime, timedelta
from statistics import median
from typing import Final

from bench.ground import Ground
from bench.merchant import Merchant, merchant
from bench.seed import Numbers, Period, add_plan, add_subscriptions, month_after
from bench.serving import Served, serving
from bench.table import Line
from duro.kit.clock import SystemClock, monotonic_s

_YEAR: Final = {"by": "P12M"}
_MONTHS: Final = 12
_TRIES: Final = 5
_YEAR_MAX_S: Final = 1.0
_MANY: Final = 100
_MANY_FULL: Final = 1_000
_MANY_MAX_S: Final = 60.0
# Subscriptions that began one after the other are due one after the other: the clock stops at each.
_APART: Final = timedelta(minutes=10)


async def run(ground: Ground, *, is_full: bool) -> list[Line]:
    count = _MANY_FULL if is_full else _MANY
    async with serving(ground, "public", "worker") as served:
        one_s = median([await _one(ground, served) for _ in range(_TRIES)])
        together_s = await _many(ground, served, count, apart=timedelta(0))
        apart_s = await _many(ground, served, count, apart=_APART)
    return [
        _line("a year of one subscription on the test clock", one_s, _YEAR_MAX_S),
        _line(f"{count:,} subscriptions x 12 months, due together", together_s, _scaled(count)),
        _line(f"{count:,} subscriptions x 12 months, each at its time", apart_s, _scaled(count)),
    ]


def _scaled(count: int) -> float:
    """The target is for a thousand; fewer have to be as quick each."""
    return _MANY_MAX_S * count / _MANY_FULL


def _line(work: str, took_s: float, most_s: float) -> Line:
    return Line(
        work=work,
        measured=f"{took_s:.2f} s",
        target=f"< {most_s:g} s",
        is_met=took_s < most_s,
    )


async def _one(ground: Ground, served: Served) -> float:
    async with merchant(ground, served.public_url) as one:
        plan = await one.post("/v1/plans", {"name": "Gold", "amount": 500_000, "interval": "month"})
        customer = await one.post("/v1/customers", {"email": "ada@example.com"})
        body = {
            "customerId": customer["id"],
            "planId": plan["id"],
            "paymentMethodId": "pm_test_ok",
        }
        await one.post("/v1/subscriptions", body)
        return await _advance(one, renewals=_MONTHS)


async def _many(ground: Ground, served: Served, count: int, *, apart: timedelta) -> float:
    async with merchant(ground, served.public_url) as one:
        now: datetime = SystemClock().wall()
        # Begun shortly ago, so that the twelfth renewal of the last one lies within the year.
        began_at = now - apart * count - timedelta(minutes=1)
        period = Period(began_at, month_after(began_at), apart)
        async with ground.tenant(one.tenant_id) as connection:
            await add_plan(connection, one.tenant_id, at=now)
            await add_subscriptions(connection, one.tenant_id, Numbers(1, count), period)
        return await _advance(one, renewals=_MONTHS * count)


async def _advance(one: Merchant, *, renewals: int) -> float:
    began_s = monotonic_s()
    done = await one.post("/v1/test-clock/advance", _YEAR)
    took_s = monotonic_s() - began_s
    if done["counts"]["renewals"] != renewals:
        raise RuntimeError(f"{renewals} renewals were expected: {done['counts']}")
    return took_s
