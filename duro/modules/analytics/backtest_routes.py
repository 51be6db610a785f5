"""The backtest over HTTP."""

from dataclasses import dataclass
from functools import partial
from typing import Final

from duro.kit.call import Call
from duro.kit.limits import LimitClass
from duro.kit.registry import Routes
from duro.modules.analytics import service
from duro.modules.analytics.backtest import (
    Backtests,
    Pair,
    on_cases,
    on_population,
    population_of,
    strategy_of,
)
from duro.modules.analytics.backtest_schemas import BacktestAsk, BacktestOut, present
from duro.modules.analytics.cases import YEAR, Cases, read_cases
from duro.modules.analytics.schemas import PeriodQuery
from duro.modules.recovery.model import RecoverySettings
from duro.modules.recovery.repository import settings_of

_READ_MS: Final = 10_000
_EXAMPLE: Final = {"a": "current", "b": {"paydayAnchorDay": 25}, "from": "2026-01-01"}


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a backtest needs from the database; nothing is read after this."""

    pair: Pair
    currency: str
    cases: Cases | None


def routes(backtests: Backtests) -> Routes:
    entries = Routes(tag="Recovery")

    async def answer(call: Call, body: BacktestAsk) -> BacktestOut:
        asked = await _read(call, body)
        if asked.cases is None:
            return await _on_population(backtests, asked, body)
        cases = asked.cases.found
        compared = await backtests.run(partial(on_cases, asked.pair, cases))
        return present(compared, currency=asked.currency, cases=asked.cases, seed=None)

    async def again(call: Call, text: str) -> BacktestOut:
        return await answer(call, BacktestAsk.model_validate_json(text))

    @entries.post(
        "/v1/recovery/backtest",
        permission="read",
        transaction="own",
        limit=LimitClass.READ,  # nothing is charged, and nothing but the answer is kept
        resume=again,
        example=_EXAMPLE,
    )
    async def backtest_recovery(call: Call, body: BacktestAsk) -> BacktestOut:
        """What two recovery strategies would have made of your failed renewals, or make of made customers.

        Both decide by the code that works your cases. Of real renewals only what really happened is known: a try
        at an instant of which nobody knows leaves a case `unknown`, unless a known success follows.
        """
        if call.keyed is not None:
            async with call.begin() as tx:
                await call.claim(tx, _text(body))
        return await answer(call, body)

    return entries


def _text(body: BacktestAsk) -> str:
    """What the answer can be made again from; moments are written as they are read, unlike pydantic expects."""
    return body.model_dump_json(by_alias=True, exclude_unset=True, warnings=False)


async def _read(call: Call, body: BacktestAsk) -> _Asked:
    currency = body.currency or call.tenant.currency
    async with call.db.snapshot(call.mode, call.tenant.id, statement_ms=_READ_MS) as tx:
        pair = _pair(body, (await settings_of(tx)).settings)
        if body.population is not None:
            return _Asked(pair, currency, None)
        to = body.to or tx.now
        period = PeriodQuery.model_construct(from_=body.from_ or to - YEAR, to=to)
        span = service.span_of(period, zone=call.tenant.zone, now=tx.now)
        zone = call.tenant.zone
        cases = await read_cases(tx, span, currency=currency, zone=zone, has_past=pair.learns)
    return _Asked(pair, currency, cases)


def _pair(body: BacktestAsk, in_force: RecoverySettings) -> Pair:
    return Pair(
        strategy_of(body.a, in_force, path="a"),
        strategy_of(body.b, in_force, path="b"),
    )


async def _on_population(backtests: Backtests, asked: _Asked, body: BacktestAsk) -> BacktestOut:
    ask = body.population
    if ask is None:
        raise ValueError("there is no population to run on")
    population = population_of(seed=body.seed, customers=ask.customers, months=ask.months)
    compared = await backtests.run(partial(on_population, asked.pair, population))
    return present(compared, currency=asked.currency, cases=None, seed=body.seed)
