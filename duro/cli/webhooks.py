"""`duro webhooks`: where a tenant receives its events."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Final

import typer

from duro.cli.frame import (
    AsJson,
    DataDir,
    Exit,
    ModeOption,
    TenantOption,
    finish,
    new_group,
    run,
    say,
    with_example,
)
from duro.kit.modes import Mode

if TYPE_CHECKING:
    from duro.modules.webhooks.endpoints import ShownOnce

# No event is later, so an open end needs no statement of its own.
_END: Final = datetime(9000, 1, 1, tzinfo=UTC)

app = new_group(
    example="duro webhooks add https://shop.example/duro --json", text="Webhook endpoints."
)


@with_example(app, "add", "duro webhooks add https://shop.example/duro --json")
def add(
    url: str,
    events: Annotated[
        str | None,
        typer.Option(help="Event types, with commas between; default: all.", show_default=False),
    ] = None,
    mode: ModeOption = Mode.TEST,
    tenant: TenantOption = None,
    *,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Add an endpoint; its secret is shown this once."""
    from duro.runtime.target import opened

    types = [name.strip() for name in (events or "").split(",") if name.strip()]

    async def main() -> None:
        async with opened(data_dir) as session:
            owner = await session.choose_tenant(tenant)
            made = await session.system.endpoints.add(mode, owner.id, url=url, types=types)
        _show_secret(made, as_json=as_json)

    run(main)


@with_example(app, "list", "duro webhooks list --mode live")
def list_all(
    mode: ModeOption = Mode.TEST,
    tenant: TenantOption = None,
    *,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """List the endpoints."""
    from duro.cli.output import show_rows
    from duro.runtime.target import opened

    async def main() -> None:
        async with opened(data_dir) as session:
            owner = await session.choose_tenant(tenant)
            found = await session.system.endpoints.list_all(mode, owner.id)
        rows = [
            {
                "id": endpoint.id,
                "url": endpoint.url,
                "events": endpoint.types,
                "disabledAt": endpoint.disabled_at,
                "reason": endpoint.disabled_reason,
                "createdAt": endpoint.created_at,
            }
            for endpoint in found
        ]
        show_rows(rows, as_json=as_json, empty="No endpoint yet: `duro webhooks add URL`.")

    run(main)


@with_example(app, "remove", "duro webhooks remove whe_01JD8X2Q7M3K9V5T1R4W6Y8Z0B")
def remove(
    endpoint_id: str,
    mode: ModeOption = Mode.TEST,
    tenant: TenantOption = None,
    data_dir: DataDir = None,
) -> None:
    """Remove an endpoint and its deliveries."""
    from duro.runtime.target import opened

    async def main() -> None:
        async with opened(data_dir) as session:
            owner = await session.choose_tenant(tenant)
            await session.system.endpoints.remove(mode, owner.id, endpoint_id)
        say(f"{endpoint_id} is removed.")

    run(main)


@with_example(app, "rotate", "duro webhooks rotate whe_01JD8X2Q7M3K9V5T1R4W6Y8Z0B")
def rotate(
    endpoint_id: str,
    mode: ModeOption = Mode.TEST,
    tenant: TenantOption = None,
    *,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Give an endpoint a new secret; the present one signs beside it until the next rotation."""
    from duro.runtime.target import opened

    async def main() -> None:
        async with opened(data_dir) as session:
            owner = await session.choose_tenant(tenant)
            made = await session.system.endpoints.rotate(mode, owner.id, endpoint_id)
        _show_secret(made, as_json=as_json)

    run(main)


@with_example(app, "disable", "duro webhooks disable whe_01JD8X2Q7M3K9V5T1R4W6Y8Z0B")
def disable(
    endpoint_id: str,
    mode: ModeOption = Mode.TEST,
    tenant: TenantOption = None,
    data_dir: DataDir = None,
) -> None:
    """Send nothing to an endpoint; what waits for it keeps waiting."""
    from duro.runtime.target import opened

    async def main() -> None:
        async with opened(data_dir) as session:
            owner = await session.choose_tenant(tenant)
            await session.system.endpoints.disable(mode, owner.id, endpoint_id)
        say(f"{endpoint_id} is disabled.")

    run(main)


@with_example(app, "enable", "duro webhooks enable whe_01JD8X2Q7M3K9V5T1R4W6Y8Z0B")
def enable(
    endpoint_id: str,
    mode: ModeOption = Mode.TEST,
    tenant: TenantOption = None,
    data_dir: DataDir = None,
) -> None:
    """Send to an endpoint again, first what waited for it."""
    from duro.runtime.target import opened

    async def main() -> None:
        async with opened(data_dir) as session:
            owner = await session.choose_tenant(tenant)
            waiting = await session.system.endpoints.enable(mode, owner.id, endpoint_id)
        say(f"{endpoint_id} is enabled; {waiting} deliveries had waited for it.")

    run(main)


_Instant = Annotated[
    datetime | None,
    typer.Option(
        formats=["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%d"],
        help="Of events: 2027-03-01T09:00:00Z, or a day in UTC.",
        show_default=False,
    ),
]


@with_example(
    app, "replay", "duro webhooks replay whe_01JD8X2Q7M3K9V5T1R4W6Y8Z0B --since 2027-03-01"
)
def replay(
    which: Annotated[str, typer.Argument(help="One delivery (whd_…), or an endpoint (whe_…).")],
    since: _Instant = None,
    until: _Instant = None,
    *,
    is_all: Annotated[
        bool, typer.Option("--all", help="Of an endpoint: also what has arrived.")
    ] = False,
    mode: ModeOption = Mode.TEST,
    tenant: TenantOption = None,
    data_dir: DataDir = None,
) -> None:
    """Send a delivery once more, or to an endpoint what it missed since then, under the same ids."""
    from duro.runtime.target import opened

    if which.startswith("whd_") == (since is not None):
        raise finish(Exit.USAGE, "An endpoint needs --since, a delivery goes without it.")

    async def main() -> int:
        async with opened(data_dir) as session:
            owner = await session.choose_tenant(tenant)
            replays = session.system.replays
            if since is None:
                await replays.replay(mode, owner.id, which)
                return 1
            return await replays.replay_range(
                *(mode, owner.id, which),
                since=_aware(since),
                until=_END if until is None else _aware(until),
                is_all=is_all,
            )

    say(f"{run(main)} on the way.")


def _aware(at: datetime) -> datetime:
    return at if at.tzinfo else at.replace(tzinfo=UTC)


@with_example(app, "test", "duro webhooks test whe_01JD8X2Q7M3K9V5T1R4W6Y8Z0B")
def send_test(
    endpoint_id: str,
    mode: ModeOption = Mode.TEST,
    tenant: TenantOption = None,
    data_dir: DataDir = None,
) -> None:
    """Send a signed test event and say what the receiver answered."""
    from duro.modules.webhooks.egress import Answered
    from duro.runtime.target import opened

    async def main() -> None:
        async with opened(data_dir) as session:
            owner = await session.choose_tenant(tenant)
            answer = await session.system.endpoints.send_test(mode, owner.id, endpoint_id)
        if not isinstance(answer, Answered):
            raise finish(Exit.FAILED, f"Not delivered: {answer.reason}")
        if not answer.is_success:
            raise finish(Exit.FAILED, f"The receiver answered {answer.status}: {answer.excerpt}")
        say(f"Delivered: the receiver answered {answer.status}.")

    run(main)


def _show_secret(made: "ShownOnce", *, as_json: bool) -> None:
    from duro.cli.output import show_one

    row = {"id": made.endpoint.id, "url": made.endpoint.url, "secret": made.secret}
    show_one(row, as_json=as_json)
