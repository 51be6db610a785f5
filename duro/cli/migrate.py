"""`duro migrate`: brings the database to this version."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from duro.cli.frame import AsJson, DataDir, new_group, run, say, with_example

app = new_group(
    example="duro migrate up", text="Bring the database to this version, or see how far it is."
)


class PhaseChoice(StrEnum):
    """`pre` runs before the new code, `post` after it."""

    PRE = "pre"
    POST = "post"


@with_example(app, "up", "duro migrate up --phase pre")
def up(
    phase: Annotated[
        PhaseChoice | None, typer.Option(help="Only these [both].", show_default=False)
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Apply what is pending."""
    from duro.kit.migrations import Phase
    from duro.kit.migrations import migrate as apply

    phases: tuple[Phase, ...] = ("pre", "post")
    if phase is not None:
        phases = ("pre",) if phase is PhaseChoice.PRE else ("post",)

    async def main() -> None:
        applied = await apply(_url(data_dir), phases=phases)
        for entry in applied:
            say(f"applied {entry.scope} {entry.number:04} {entry.name}")
        say(f"{len(applied)} applied; the database is at this version.")

    run(main)


@with_example(app, "status", "duro migrate status")
def status(*, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """List the migrations of this version, and when each was applied."""
    from duro.cli.output import show_rows
    from duro.kit.migrations import status as look

    async def main() -> None:
        rows = [
            {
                "scope": entry.scope,
                "number": f"{entry.number:04}",
                "phase": entry.phase,
                "name": entry.name,
                "appliedAt": entry.applied_at,
            }
            for entry in await look(_url(data_dir))
        ]
        show_rows(rows, as_json=as_json, empty="No migrations.")

    run(main)


@with_example(app, "verify", "duro migrate verify")
def verify(data_dir: DataDir = None) -> None:
    """Check that no applied file was altered since."""
    from duro.kit.migrations import verify as check

    async def main() -> None:
        say(f"{await check(_url(data_dir))} applied migrations, none altered.")

    run(main)


@with_example(app, "schema", "duro migrate schema --folder sql/schema")
def schema(
    folder: Annotated[Path, typer.Option(help="Where the files go.")] = Path("sql/schema"),
    data_dir: DataDir = None,
) -> None:
    """Write what the migrations add up to, for review."""
    from duro.kit.schema_dump import write_schema

    async def main() -> None:
        for path in await write_schema(_url(data_dir), folder):
            typer.echo(path)

    run(main)


def _url(data_dir: Path | None) -> str:
    from duro.runtime.pools import needed
    from duro.runtime.target import find_settings

    return needed(find_settings(data_dir).database.url, "database.url")
