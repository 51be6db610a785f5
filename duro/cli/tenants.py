"""`duro tenants`: the merchants of this installation."""

from typing import Annotated

import typer

from duro.cli.frame import AsJson, DataDir, Exit, finish, new_group, run, with_example

app = new_group(example='duro tenants create "Adunni Gyms"', text="Merchants.")


@with_example(app, "create", 'duro tenants create "Adunni Gyms" --owner ada@adunni.example')
def create(
    name: str,
    owner: Annotated[
        str | None,
        typer.Option(help="E-mail of who owns it; may be added later.", show_default=False),
    ] = None,
    zone: Annotated[str, typer.Option(help="Time zone of its billing dates.")] = "Africa/Lagos",
    currency: Annotated[str, typer.Option(help="ISO 4217.")] = "NGN",
    *,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Make a tenant with a test and a live secret key, which are shown this once."""
    from zoneinfo import ZoneInfo, available_timezones

    from duro.cli.output import show_one
    from duro.kit.modes import Mode
    from duro.modules.access.service import create_key
    from duro.modules.members.model import Role
    from duro.modules.members.service import add_member
    from duro.modules.tenants.service import create_tenant
    from duro.runtime.target import opened

    if zone not in available_timezones():
        raise finish(Exit.USAGE, f"{zone} is no time zone; one is Africa/Lagos.")
    if len(currency) != _ISO_LETTERS or not (currency.isascii() and currency.isupper()):
        raise finish(Exit.USAGE, f"{currency} is no currency code; one is NGN.")

    async def main() -> None:
        async with opened(data_dir) as session, session.db.core() as tx:
            tenant = await create_tenant(tx, name=name, zone=ZoneInfo(zone), currency=currency)
            if owner is not None:
                await add_member(tx, tenant_id=tenant.id, email=owner, role=Role.OWNER)
            test = await create_key(tx, tenant_id=tenant.id, mode=Mode.TEST)
            live = await create_key(tx, tenant_id=tenant.id, mode=Mode.LIVE)
        made = {
            "id": tenant.id,
            "name": tenant.name,
            "secretKey": test.token,
            "liveSecretKey": live.token,
        }
        show_one(made, as_json=as_json)

    run(main)


@with_example(app, "list", "duro tenants list --json")
def list_all(*, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """List the tenants, oldest first."""
    from duro.cli.output import show_rows
    from duro.modules.tenants.repository import TenantRepository
    from duro.runtime.target import opened

    async def main() -> None:
        async with opened(data_dir) as session, session.db.core() as tx:
            found = await TenantRepository(tx).list_oldest()
        rows = [
            {"id": each.id, "name": each.name, "zone": each.zone.key, "currency": each.currency}
            for each in found
        ]
        show_rows(rows, as_json=as_json, empty="No tenant yet: `duro tenants create NAME`.")

    run(main)


_ISO_LETTERS = 3
