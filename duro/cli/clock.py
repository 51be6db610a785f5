"""`duro clock`: the test clock of a tenant."""

import re
from datetime import datetime
from typing import Annotated, Final

import typer

from duro.cli.frame import (
    AsJson,
    DataDir,
    Exit,
    TenantOption,
    finish,
    new_group,
    run,
    say,
    with_example,
)
from duro.kit.modes import Mode

app = new_group(example="duro clock advance 1d", text="The test clock of a tenant.")

_SHORT: Final = re.compile(r"(\d{1,7})(mo|[ywdhms])")
_ISO: Final = {
    "y": "P{}Y",
    "mo": "P{}M",
    "w": "P{}W",
    "d": "P{}D",
    "h": "PT{}H",
    "m": "PT{}M",
    "s": "PT{}S",
}


@with_example(app, "show", "duro clock show")
def show(tenant: TenantOption = None, *, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Say what time it is for the tenant's test data."""
    from duro.cli.output import show_one
    from duro.modules.testclock.repository import ClockRepository
    from duro.runtime.target import opened

    async def main() -> None:
        async with opened(data_dir) as session:
            owner = await session.choose_tenant(tenant)
            async with session.db.begin(Mode.TEST, owner.id) as tx:
                own = await ClockRepository(tx).find()
                row = {"now": tx.now, "frozen": own is not None}
        show_one(row, as_json=as_json)

    run(main)


@with_example(app, "advance", "duro clock advance 1mo")
def advance(
    by: Annotated[
        str, typer.Argument(help="1d, 1mo, 6h, P1M, or an instant such as 2026-06-01T09:00:00Z.")
    ],
    tenant: TenantOption = None,
    *,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Move the clock forward and do all that falls due on the way; a running worker does it."""
    from duro.cli.output import show_one
    from duro.kit.work import WorkScope
    from duro.modules.testclock import service
    from duro.runtime.target import opened

    to, duration = _read(by)

    async def main() -> None:
        async with opened(data_dir) as session:
            owner = await session.choose_tenant(tenant)
            scope = WorkScope(session.db, Mode.TEST, owner.id)
            advance_id = None
            while advance_id is None:
                await service.wait_until_free(scope)
                async with scope.begin() as tx:
                    advance_id = await service.request_advance(tx, to=to, by=duration)
            say("Advancing; everything that falls due on the way is being done …")
            outcome = await service.wait_for(scope, advance_id)
        row = {"now": outcome.now, "counts": outcome.counts, "events": len(outcome.events)}
        show_one(row, as_json=as_json)

    run(main)


@with_example(app, "reset", "duro clock reset --yes")
def reset(
    tenant: TenantOption = None,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Erase the tenant's test objects (not keys and endpoints) and return to real time."""
    from duro.modules.testclock import service
    from duro.runtime.target import opened

    if not yes:
        typer.confirm("Erase all test objects of this tenant?", abort=True, err=True)

    async def main() -> None:
        async with opened(data_dir) as session:
            owner = await session.choose_tenant(tenant)
            async with session.db.begin(Mode.TEST, owner.id) as tx:
                await service.reset(tx)
        say(f"{owner.name}: the test objects are erased and the clock runs in real time.")

    run(main)


def _read(text: str) -> tuple[datetime | None, str | None]:
    """An instant, or a duration in ISO 8601."""
    if short := _SHORT.fullmatch(text):
        return None, _ISO[short[2]].format(short[1])
    if text.startswith("P"):
        return None, text
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise finish(
            Exit.USAGE, f"{text} is no duration (1d, 1mo, 6h, P1M) and no instant."
        ) from error
    if at.tzinfo is None:
        raise finish(Exit.USAGE, f"{text} names no time zone: end it with Z for UTC.")
    return at, None
