"""`duro events resend`, beside what the API registry makes of events; and `duro trigger`."""

from typing import Annotated

import typer

from duro.cli.frame import (
    AsJson,
    DataDir,
    Exit,
    ModeOption,
    TenantOption,
    finish,
    run,
    say,
    with_example,
)
from duro.kit.modes import Mode


def add_resend(app: typer.Typer) -> None:
    """Registers `resend` in the group of events."""
    with_example(app, "resend", "duro events resend evt_01M822G06SEZAAZ7Z29X4RR9BG")(_resend)


def _resend(
    event_id: str,
    endpoint: Annotated[
        str | None,
        typer.Option(
            help="Only there; default: all enabled ones that want it.", show_default=False
        ),
    ] = None,
    mode: ModeOption = Mode.TEST,
    tenant: TenantOption = None,
    *,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Send an event to its webhook endpoints once more, under the same id."""
    from duro.cli.output import show_rows
    from duro.runtime.target import opened

    async def main() -> list[str]:
        async with opened(data_dir) as session:
            owner = await session.choose_tenant(tenant)
            return await session.system.replays.resend(
                mode, owner.id, event_id, endpoint_id=endpoint
            )

    sent = run(main)
    show_rows(
        [{"eventId": event_id, "endpointId": each} for each in sent],
        as_json=as_json,
        empty="No enabled endpoint wants this event.",
    )


def trigger(
    event: Annotated[str, typer.Argument(help="Its type, such as subscription_recovered.")],
    tenant: TenantOption = None,
    *,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Write a sample event in test mode; it goes out to the endpoints as a real one does."""
    from duro.cli.output import show_one
    from duro.modules.events.model import EventType
    from duro.modules.events.repository import EventRepository
    from duro.runtime.sampling import sample
    from duro.runtime.target import opened

    if event not in frozenset(EventType):
        raise finish(Exit.USAGE, f"There is no event {event}. Known: {', '.join(EventType)}.")

    async def main() -> dict[str, object]:
        async with opened(data_dir) as session:
            owner = await session.choose_tenant(tenant)
            async with session.db.begin(Mode.TEST, owner.id) as tx:
                events = EventRepository(tx)
                before = await events.last_position()
                await events.add([sample(EventType(event), now=tx.now, wall=tx.wall)])
                (written,) = await events.list_after(before, limit=1)
        return {"id": written.id, "type": written.type, "objectId": written.object_id}

    show_one(run(main), as_json=as_json)
    if not as_json:
        say("Where it went: duro events get <id>.")
