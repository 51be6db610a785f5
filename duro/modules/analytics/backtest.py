"""Compares two recovery strategies, on real cases or on made customers, without holding up the event loop."""

import asyncio
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import date
from typing import Final, TypeVar

from duro.billing.holidays import holidays_between
from duro.billing.ladder import DOCUMENTED, FIXED, LEARNT, Strategy
from duro.billing.population import Population
from duro.billing.replay import RealCase, replay
from duro.billing.simulation import OPTIMUM, OnStep, compare
from duro.errors import Detail, InvalidError, RateLimitedError
from duro.modules.analytics.backtest_schemas import Compared, StrategyIn
from duro.modules.recovery.model import RecoverySettings
from duro.modules.recovery.schemas import RecoverySettingsPatch
from duro.modules.recovery.settings import changed_by

T = TypeVar("T")

# Made years are always the same ones, so that a seed is one population for ever.
STARTS_ON: Final = date(2026, 1, 1)
# A caller waits for the answer, one core is busy until then, and the lease of its key is longer.
TIME_LIMIT_S: Final = 45.0
_RETRY_S: Final = 10
_HOLIDAYS: Final = frozenset(holidays_between(date(2025, 9, 1), date(2027, 12, 31)))
_NAMED: Final[Mapping[str, Strategy]] = {
    strategy.name: strategy for strategy in (FIXED, DOCUMENTED, LEARNT)
}
_A: Final = "a"
_B: Final = "b"


@dataclass(frozen=True, slots=True)
class Pair:
    """Two strategies that are compared; each may have the name of the other."""

    a: Strategy
    b: Strategy

    @property
    def learns(self) -> bool:
        return self.a.settings.learn_payday or self.b.settings.learn_payday

    def apart(self) -> list[Strategy]:
        """Under names of their own."""
        return [replace(self.a, name=_A), replace(self.b, name=_B)]


def strategy_of(chosen: StrategyIn, in_force: RecoverySettings, *, path: str) -> Strategy:
    """Raises `InvalidError` for settings that contradict each other."""
    if isinstance(chosen, RecoverySettingsPatch):
        try:
            return Strategy(name="settings", settings=changed_by(chosen, in_force).plan())
        except InvalidError as error:
            details = [
                Detail(f"{path}.{each.path}".rstrip("."), each.issue) for each in error.details
            ]
            raise InvalidError(error.message, details=details) from error
    if chosen == "current":
        return Strategy(name="current", settings=in_force.plan())
    return _NAMED[chosen]


def population_of(*, seed: int, customers: int, months: int) -> Population:
    return Population(
        seed=seed, size=customers, months=months, starts_on=STARTS_ON, holidays=_HOLIDAYS
    )


def on_population(pair: Pair, population: Population, on_step: OnStep) -> Compared:
    reports = compare(population=population, strategies=pair.apart(), on_step=on_step)
    return Compared(
        replace(reports[_A], name=pair.a.name),
        replace(reports[_B], name=pair.b.name),
        0,
        reports[OPTIMUM],
    )


def on_cases(pair: Pair, cases: Sequence[RealCase], on_step: OnStep) -> Compared:
    holidays: Sequence[date] = ()
    if cases:
        first = min(real.facts[0].at for real in cases).date()
        last = max(real.case.ends_at for real in cases).date()
        holidays = holidays_between(first, last)
    found = replay(cases=cases, strategies=pair.apart(), holidays=holidays, on_step=on_step)
    return Compared(
        replace(found.reports[_A], name=pair.a.name),
        replace(found.reports[_B], name=pair.b.name),
        found.unknown,
        None,
    )


class Backtests:
    """Runs one comparison at a time, in a thread of its own, for a limited time."""

    def __init__(self, limit_s: float = TIME_LIMIT_S) -> None:
        self._limit_s = limit_s
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="backtest")

    async def run(self, work: Callable[[OnStep], T]) -> T:
        """What `work` answers; it is ended when its time is over or nobody waits for it any more.

        The time begins with the wait for those before. Raises `RateLimitedError` if that wait takes all of it,
        `InvalidError` if the work does.
        """
        loop, is_over = asyncio.get_running_loop(), threading.Event()

        def step(_: int) -> None:
            if is_over.is_set():
                raise InvalidError("The backtest takes too long: ask for a smaller one.")

        def begin() -> T:
            if is_over.is_set():
                raise RateLimitedError("Other backtests are running.", retry_s=_RETRY_S)
            return work(step)

        timer = loop.call_later(self._limit_s, is_over.set)
        try:
            return await loop.run_in_executor(self._pool, begin)
        finally:
            timer.cancel()
            is_over.set()
