"""Recovery strategies over made customers: fixed retries, the documented strategy, the learnt one, the optimum."""

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from datetime import date
from multiprocessing import get_context
from typing import Final

from bench.ground import Ground
from bench.table import Line
from duro.billing.case import Settings
from duro.billing.holidays import holidays_between
from duro.billing.ladder import DOCUMENTED, FIXED, LEARNT, Strategy
from duro.billing.population import Earner, Population, Shares
from duro.billing.simulation import Report, compare
from duro.cli.figures import figures, ratios

STARTS_ON: Final = date(2026, 1, 1)
HOLIDAYS: Final = frozenset(holidays_between(date(2025, 10, 1), date(2027, 12, 31)))
MONTHS: Final = 12
SEEDS: Final = (1, 2, 3, 4)
_SIZE: Final = 400
_FULL_SIZE: Final = 10_000
_TARGET: Final = 1.15
_PROCESSES: Final = 2
_LARGE: Final = 10

# The decision code of the product without any payday: what is left is how it treats dead cards, limits and refusals.
_WITHOUT_PAYDAY: Final = Strategy(name="no payday", settings=Settings(payday_aware=False))
_STRATEGIES: Final = (FIXED, _WITHOUT_PAYDAY, DOCUMENTED, LEARNT)

# The same with other people in it, so that the shares of the usual population are not what is measured.
_OTHERS: Final[Mapping[str, Shares]] = {
    "few salaries": Shares(
        earners=(
            (Earner.DAY_25, 60),
            (Earner.DAY_28, 60),
            (Earner.LAST_WORKING_DAY, 60),
            (Earner.EARLY_MONTH, 60),
            (Earner.WEEKLY, 250),
            (Earner.IRREGULAR, 250),
            (Earner.COMFORTABLE, 260),
        )
    ),
    "signed up near payday": Shares(signs_up_near_payday=900),
    "many dead cards": Shares(dead_card=60, expired_card=60, refused_month=40),
}


@dataclass(frozen=True)
class _Run:
    """One population; a run of its own in a process of its own."""

    label: str
    population: Population

    @property
    def is_usual(self) -> bool:
        return self.population.shares == Shares()

    def report(self) -> Mapping[str, Report]:
        return compare(population=self.population, strategies=_STRATEGIES)


async def run(ground: Ground, *, is_full: bool) -> list[Line]:  # noqa: ARG001 - pure: no engine is asked
    runs = _runs(_FULL_SIZE if is_full else _SIZE)
    loop = asyncio.get_running_loop()
    with ProcessPoolExecutor(_PROCESSES, mp_context=get_context("spawn")) as pool:
        work = [loop.run_in_executor(pool, each.report) for each in runs]
        found = [await each for each in work]
    lines = []
    for each, reports in zip(runs, found, strict=True):
        _show(each, reports)
        lines.append(_line(each, reports))
    return [*lines, _spread(runs, found)]


def _runs(size: int) -> list[_Run]:
    usual = Population(
        seed=SEEDS[0], size=size, months=MONTHS, starts_on=STARTS_ON, holidays=HOLIDAYS
    )
    # The sensitivity runs only have to tell whether the ratio holds.
    small = replace(usual, size=min(size, _SIZE * _LARGE) // 2)
    return [
        *(_Run(f"seed {seed}", replace(usual, seed=seed)) for seed in SEEDS),
        *(
            _Run(f"{name}, seed {small.seed}", replace(small, shares=shares))
            for name, shares in _OTHERS.items()
        ),
    ]


def _show(each: _Run, reports: Mapping[str, Report]) -> None:
    size = each.population.size
    print(f"\n{each.label}: {size:,} customers, {MONTHS} months")
    rows = [figures(report, "NGN") for report in reports.values()]
    for row in [dict.fromkeys(rows[0]), *rows]:
        cells = (name if value is None else str(value) for name, value in row.items())
        print("  ".join(cell.rjust(15) for cell in cells))


def _line(each: _Run, reports: Mapping[str, Report]) -> Line:
    learnt, fixed = reports[LEARNT.name].total, reports[FIXED.name].total
    ratio = ratios(learnt, fixed)
    cases = f"{fixed.cases:,} cases"
    return Line(
        work=f"money recovered, learnt beside fixed, {each.label}, {cases}",
        measured=f"{learnt.recovered_minor // 100:,} NGN, {learnt.attempts:,} attempts",
        limit=f"{fixed.recovered_minor // 100:,} NGN, {fixed.attempts:,} attempts",
        ratio=ratio["recovered"],
        # The target is that of the usual population; the others tell how far it carries.
        target=f">= {_TARGET} with fewer attempts" if each.is_usual else "–",
        is_met=ratio["recovered"] >= _TARGET and ratio["attempts"] < 1 if each.is_usual else None,
    )


def _spread(runs: Sequence[_Run], found: Sequence[Mapping[str, Report]]) -> Line:
    """Over the seeds of the usual population; the others are other populations."""
    usual = [reports for each, reports in zip(runs, found, strict=True) if each.is_usual]
    shown = [ratios(reports[LEARNT.name].total, reports[FIXED.name].total) for reports in usual]
    plain = [
        ratios(reports[LEARNT.name].total, reports[DOCUMENTED.name].total) for reports in usual
    ]
    money = sorted(each["recovered"] for each in shown)
    tries = sorted(each["attempts"] for each in shown)
    learning = sorted(each["recovered"] for each in plain)
    return Line(
        work=f"the same over {len(usual)} seeds, least to most",
        measured=f"money {money[0]:.3f} to {money[-1]:.3f} of fixed, "
        f"attempts {tries[0]:.3f} to {tries[-1]:.3f}",
        limit=f"money {learning[0]:.3f} to {learning[-1]:.3f} of documented",
        ratio=money[0],
        target=f">= {_TARGET}",
        is_met=money[0] >= _TARGET,
    )
