"""`duro simulate`: two recovery strategies on made customers, or on a merchant's failed renewals."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from duro.cli.frame import AsJson, DataDir, Exit, ModeOption, finish, run, say
from duro.kit.modes import Mode

if TYPE_CHECKING:
    from duro.billing.simulation import OnStep
    from duro.modules.analytics.backtest import Pair
    from duro.modules.analytics.backtest_schemas import Compared, StrategyIn
    from duro.modules.analytics.cases import Cases
    from duro.modules.recovery.model import RecoverySettings

_CHOICES: Final = (
    "fixed, documented, learnt, with --tenant also current, or a JSON file of settings"
)
_READ_MS: Final = 60_000
_CURRENCY: Final = "NGN"

_Strategy = Annotated[str, typer.Option(help=f"{_CHOICES[0].upper()}{_CHOICES[1:]}.")]
_Tenant = Annotated[
    str | None,
    typer.Option("--tenant", help="On its failed renewals of a year.", show_default=False),
]


def simulate(
    a: _Strategy = "fixed",
    b: _Strategy = "learnt",
    *,
    customers: Annotated[int, typer.Option(min=1, max=100_000, help="How many are made.")] = 500,
    months: Annotated[int, typer.Option(min=1, max=60, help="How many renewals of each.")] = 12,
    seed: Annotated[int, typer.Option(min=0, help="Which customers are made.")] = 1,
    tenant: _Tenant = None,
    mode: ModeOption = Mode.TEST,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Compare two recovery strategies, decided by the code that works real cases."""
    chosen = (_chosen(a), _chosen(b))
    if tenant is not None:
        run(lambda: _on_tenant(chosen, tenant, mode, data_dir, as_json=as_json))
        return

    async def main() -> None:
        from duro.modules.analytics.backtest import on_population, population_of
        from duro.modules.recovery.model import RecoverySettings

        pair = _pair(chosen, RecoverySettings())
        population = population_of(seed=seed, customers=customers, months=months)
        with _progress(customers, "customers") as step:
            compared = on_population(pair, population, step)
        say(f"{customers:,} made customers, {months} months, seed {seed}.")
        _show(compared, _CURRENCY, cases=None, seed=seed, as_json=as_json)

    if "current" in chosen:
        raise finish(Exit.USAGE, "Only a tenant has current settings: name it with --tenant.")
    run(main)


async def _on_tenant(
    chosen: "tuple[StrategyIn, StrategyIn]",
    tenant_id: str,
    mode: Mode,
    data_dir: Path | None,
    *,
    as_json: bool,
) -> None:
    from duro.modules.analytics.backtest import on_cases
    from duro.modules.analytics.cases import last_year, read_cases
    from duro.modules.recovery.repository import settings_of
    from duro.runtime.target import opened

    async with opened(data_dir) as session:
        owner = await session.choose_tenant(tenant_id)
        async with session.db.snapshot(mode, owner.id, statement_ms=_READ_MS) as tx:
            pair = _pair(chosen, (await settings_of(tx)).settings)
            cases = await read_cases(
                tx,
                last_year(tx.now),
                currency=owner.currency,
                zone=owner.zone,
                has_past=pair.learns,
            )
    with _progress(len(cases.found), "cases") as step:
        compared = on_cases(pair, cases.found, step)
    say(f"{len(cases.found):,} failed renewals of the last year of {owner.name}.")
    if compared.unknown:
        say(f"Of {compared.unknown:,} nobody can know what one of the two had come to.")
    _show(compared, owner.currency, cases=cases, seed=None, as_json=as_json)


def _chosen(text: str) -> "StrategyIn":
    """A strategy by its name, or settings from a file."""
    from pydantic import ValidationError

    from duro.kit.schema import invalid
    from duro.modules.analytics.backtest_schemas import NAMES
    from duro.modules.recovery.schemas import RecoverySettingsPatch

    named = NAMES.get(text)
    if named is not None:
        return named
    try:
        return RecoverySettingsPatch.model_validate_json(Path(text).read_bytes())
    except OSError as error:
        raise finish(Exit.USAGE, f"{text} is no strategy ({_CHOICES}).") from error
    except ValidationError as error:
        lines = [f"  {each.path}: {each.issue}" for each in invalid(error)]
        raise finish(Exit.USAGE, "\n".join([f"{text} is not valid:", *lines])) from error


def _pair(chosen: "tuple[StrategyIn, StrategyIn]", in_force: "RecoverySettings") -> "Pair":
    from duro.modules.analytics.backtest import Pair, strategy_of

    a, b = chosen
    return Pair(strategy_of(a, in_force, path="a"), strategy_of(b, in_force, path="b"))


@contextmanager
def _progress(total: int, unit: str) -> "Iterator[OnStep]":
    """A bar for a person, nothing for a script."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    console = Console(stderr=True)
    columns = (TextColumn(unit), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(
        *columns, console=console, transient=True, disable=not sys.stderr.isatty()
    ) as bar:
        task = bar.add_task(unit, total=total)

        def step(done: int) -> None:
            bar.update(task, completed=done)

        yield step


def _show(
    compared: "Compared", currency: str, *, cases: "Cases | None", seed: int | None, as_json: bool
) -> None:
    from dataclasses import replace

    from duro.cli.figures import bars, figures
    from duro.cli.output import show_rows
    from duro.modules.analytics.backtest_schemas import present

    if as_json:
        shown = present(compared, currency=currency, cases=cases, seed=seed)
        typer.echo(shown.model_dump_json(indent=2))
        return
    a = replace(compared.a, name=f"a: {compared.a.name}")
    b = replace(compared.b, name=f"b: {compared.b.name}")
    reports = [a, b, *([compared.optimum] if compared.optimum else [])]
    difference = replace(b, name="b less a", total=b.total.less(a.total))
    rows = [figures(report, currency) for report in (*reports, difference)]
    for name in ("ofMoney", "ofCases", "contactsPerThousand", "daysToRecover"):
        # A share of a difference says nothing.
        rows[-1][name] = None
    show_rows(rows, as_json=False, empty="")
    typer.echo("")
    for line in bars(reports, monthly=(a, b)):
        typer.echo(line)
