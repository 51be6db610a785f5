"""A backtest as it is asked for and answered."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final, Literal, TypeAlias, get_args

from pydantic import Discriminator, Field, Tag

from duro.billing.simulation import Report, Tally
from duro.kit.schema import NOT_NULL, Body, Out
from duro.modules.analytics.cases import Cases
from duro.modules.analytics.model import ratio
from duro.modules.analytics.schemas import Moment
from duro.modules.catalog.schemas import Currency
from duro.modules.recovery.schemas import RecoverySettingsPatch

CUSTOMERS_MAX: Final = 2000
MONTHS_MAX: Final = 12
_SEED_MAX: Final = 2**31 - 1
_HOUR_S: Final = 3600

StrategyName: TypeAlias = Literal["current", "documented", "fixed", "learnt"]
NAMES: Final[Mapping[str, StrategyName]] = {name: name for name in get_args(StrategyName)}


def _kind(value: object) -> str:
    return "settings" if isinstance(value, dict | RecoverySettingsPatch) else "name"


StrategyIn: TypeAlias = Annotated[
    Annotated[StrategyName, Tag("name")] | Annotated[RecoverySettingsPatch, Tag("settings")],
    Discriminator(_kind),
    Field(
        description="`current`: the settings in force. `documented`: the defaults. `learnt`: the defaults with each "
        "customer's own payday. `fixed`: the card again after 24, 72, 120 and 168 hours, whatever the bank said. Or "
        "settings, as far as they differ from those in force."
    ),
]


class BacktestPopulation(Body):
    """Made customers instead of your own."""

    customers: Annotated[int, Field(ge=1, le=CUSTOMERS_MAX)]
    months: Annotated[int, Field(ge=1, le=MONTHS_MAX)] = MONTHS_MAX


class BacktestAsk(Body):
    """Two strategies, and what they are compared on: your failed renewals, or made customers."""

    a: StrategyIn
    b: StrategyIn
    from_: Annotated[
        Moment | None,
        Field(alias="from", description="When the renewals failed; default: a year before `to`."),
    ] = None
    to: Annotated[Moment | None, Field(description="Exclusive; default: now.")] = None
    currency: Annotated[Currency | None, Field(description="Default: your own.")] = None
    seed: Annotated[int, Field(ge=0, le=_SEED_MAX, description="Of the made customers.")] = 1
    population: Annotated[BacktestPopulation | None, NOT_NULL] = None


class BacktestFiguresOut(Out):
    """What became of the cases, in cases and in minor units; attempts are those after the renewal."""

    cases: int
    amount: int
    recovered: int
    recovered_cases: int
    lost: int
    lost_cases: int
    unknown: int
    unknown_cases: int
    attempts: int
    payment_requests: int
    contacts: int


class BacktestStrategyOut(BacktestFiguresOut):
    """One strategy; the rates are of all money and of all cases, from 0 to 1."""

    strategy: str
    recovery_rate: float
    recovery_rate_of_cases: float
    mean_hours_to_recover: float | None


class BacktestMonthOut(Out):
    """The renewals of one month, under both strategies."""

    month: str
    a: BacktestFiguresOut
    b: BacktestFiguresOut


class BacktestOut(Out):
    """Two strategies on the same cases; `difference` is B less A."""

    source: Literal["invoices", "population"]
    currency: str
    from_: Annotated[datetime | None, Field(alias="from")]
    to: datetime | None
    seed: int | None
    cases: int
    unknown: Annotated[
        int, Field(description="Cases whose result under A, or under B, nobody can know.")
    ]
    is_truncated: Annotated[
        bool, Field(description="Whether only the newest 2,000 cases were looked at.")
    ]
    a: BacktestStrategyOut
    b: BacktestStrategyOut
    difference: BacktestFiguresOut
    optimum: Annotated[
        BacktestStrategyOut | None,
        Field(description="Who knows every balance; for made customers only."),
    ]
    by_month: list[BacktestMonthOut]


@dataclass(frozen=True, slots=True)
class Compared:
    """What a run came to; `unknown` counts the cases that are unknown under either strategy."""

    a: Report
    b: Report
    unknown: int
    optimum: Report | None


def present(
    compared: Compared, *, currency: str, cases: Cases | None, seed: int | None
) -> BacktestOut:
    """Real cases have a period, made customers a seed."""
    a, b = compared.a, compared.b
    return BacktestOut.model_construct(
        source="invoices" if cases else "population",
        currency=currency,
        from_=cases.span.starts_at if cases else None,
        to=cases.span.ends_at if cases else None,
        seed=seed,
        cases=a.total.cases,
        unknown=compared.unknown,
        is_truncated=cases is not None and cases.is_truncated,
        a=_strategy(a),
        b=_strategy(b),
        difference=BacktestFiguresOut.model_construct(None, **_figures(b.total.less(a.total))),
        optimum=_strategy(compared.optimum) if compared.optimum else None,
        by_month=[_month(month, a, b) for month in sorted({*a.by_month, *b.by_month})],
    )


def _month(month: str, a: Report, b: Report) -> BacktestMonthOut:
    return BacktestMonthOut.model_construct(
        month=month,
        a=BacktestFiguresOut.model_construct(None, **_figures(a.by_month.get(month, Tally()))),
        b=BacktestFiguresOut.model_construct(None, **_figures(b.by_month.get(month, Tally()))),
    )


def _strategy(report: Report) -> BacktestStrategyOut:
    total = report.total
    hours = ratio(total.waited_s, total.recovered * _HOUR_S) if total.recovered else None
    return BacktestStrategyOut.model_construct(
        None,
        strategy=report.name,
        recovery_rate=ratio(total.recovered_minor, total.amount_minor),
        recovery_rate_of_cases=ratio(total.recovered, total.cases),
        mean_hours_to_recover=hours,
        **_figures(total),
    )


def _figures(tally: Tally) -> dict[str, Any]:
    return {
        "cases": tally.cases,
        "amount": tally.amount_minor,
        "recovered": tally.recovered_minor,
        "recovered_cases": tally.recovered,
        "lost": tally.lost_minor,
        "lost_cases": tally.lost,
        "unknown": tally.unknown_minor,
        "unknown_cases": tally.unknown,
        "attempts": tally.attempts,
        "payment_requests": tally.requests,
        "contacts": tally.contacts,
    }
