"""`duro doctor`: looks whether an installation is in order."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from duro.cli.frame import AsJson, DataDir, Exit, run, say

if TYPE_CHECKING:
    from duro.runtime.checkup import Report

_Invariants = Annotated[
    bool, typer.Option("--invariants", help="Check what must be true of every tenant's rows.")
]
_Tenant = Annotated[
    str | None,
    typer.Option("--tenant", help="Only its rows; with --invariants.", show_default=False),
]


def doctor(
    *,
    invariants: _Invariants = False,
    tenant: _Tenant = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Check that everything can be reached and is set up as it must be."""
    if tenant is not None and not invariants:
        raise typer.BadParameter("--tenant goes with --invariants.")

    async def main() -> bool:
        if invariants:
            return await _check(data_dir, tenant, as_json=as_json)
        return await _examine(data_dir, as_json=as_json)

    if not run(main):
        say("Something is not in order; see above.")
        raise typer.Exit(Exit.FAILED)


async def _examine(data_dir: Path | None, *, as_json: bool) -> bool:
    from duro.cli.output import show_rows
    from duro.runtime.doctor import examine
    from duro.runtime.target import find_settings

    findings = await examine(find_settings(data_dir))
    rows = [
        {"check": each.name, "result": "ok" if each.is_ok else "FAILED", "finding": each.said}
        for each in findings
    ]
    show_rows(rows, as_json=as_json, empty="")
    return all(each.is_ok for each in findings)


async def _check(data_dir: Path | None, tenant_id: str | None, *, as_json: bool) -> bool:
    from duro.cli.output import show_one, show_rows
    from duro.runtime.checkup import check_invariants
    from duro.runtime.target import find_settings

    report = await check_invariants(find_settings(data_dir), tenant_id=tenant_id)
    counts = {"tenants": report.tenants, "checks": report.checks}
    if as_json:
        show_one(
            {**counts, "violations": _broken(report), "unchecked": _unchecked(report)}, as_json=True
        )
    else:
        green = (
            f"All is well: {report.checks} checks over {report.tenants} tenants, nothing broken."
        )
        show_rows([*_broken(report), *_unchecked(report)], as_json=False, empty=green)
    return report.is_green


def _broken(report: "Report") -> list[dict[str, str]]:
    return [
        {
            "invariant": each.invariant,
            "tenant": each.tenant_id,
            "mode": each.mode.value,
            "row": each.row_id,
            "finding": each.finding,
        }
        for each in report.violations
    ]


def _unchecked(report: "Report") -> list[dict[str, str]]:
    return [
        {
            "invariant": "(not checked)",
            "tenant": each.tenant_id,
            "mode": each.mode.value,
            "row": "-",
            "finding": each.reason,
        }
        for each in report.unchecked
    ]
