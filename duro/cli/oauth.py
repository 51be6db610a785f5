"""`duro oauth`: OAuth clients of a tenant."""

from typing import Annotated

import typer

from duro.cli.frame import (
    AsJson,
    DataDir,
    ModeOption,
    TenantOption,
    new_group,
    run,
    say,
    with_example,
)
from duro.kit.modes import Mode

app = new_group(
    example='duro oauth create "Accounting" --mode live',
    text="OAuth clients: programs that exchange an id and a secret for access tokens.",
)


@with_example(app, "create", 'duro oauth create "Accounting" --mode live')
def create(
    name: str,
    mode: ModeOption = Mode.TEST,
    tenant: TenantOption = None,
    *,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Make a client; its secret is shown this once."""
    from duro.cli.output import show_one
    from duro.modules.access.oauth import create_client
    from duro.runtime.target import opened

    async def main() -> None:
        async with opened(data_dir) as session:
            owner = await session.choose_tenant(tenant)
            async with session.db.core() as tx:
                made = await create_client(tx, tenant_id=owner.id, mode=mode, name=name)
        shown = {
            "id": made.client.id,
            "mode": mode,
            "name": name,
            "clientId": made.client.client_id,
            "clientSecret": made.secret,
        }
        show_one(shown, as_json=as_json)

    run(main)


@with_example(app, "list", "duro oauth list")
def list_all(
    tenant: TenantOption = None, *, data_dir: DataDir = None, as_json: AsJson = False
) -> None:
    """List the clients, newest first; their secrets are not kept."""
    from duro.cli.output import show_rows
    from duro.modules.access.repository import OAuthRepository
    from duro.runtime.target import opened

    async def main() -> None:
        async with opened(data_dir) as session:
            owner = await session.choose_tenant(tenant)
            async with session.db.core() as tx:
                found = await OAuthRepository(tx).list_clients(owner.id)
        rows = [
            {
                "id": client.id,
                "mode": client.mode,
                "name": client.name,
                "clientId": client.client_id,
                "createdAt": client.created_at,
                "lastUsedAt": client.last_used_at,
                "revokedAt": client.revoked_at,
            }
            for client in found
        ]
        show_rows(rows, as_json=as_json, empty="No client yet: `duro oauth create NAME`.")

    run(main)


@with_example(app, "revoke", "duro oauth revoke oac_01JD8X2Q7M3K9V5T1R4W6Y8Z0B")
def revoke(
    subject: Annotated[
        str, typer.Argument(metavar="ID", help="oac_… or cid_…; at_… ends one access token.")
    ],
    tenant: TenantOption = None,
    data_dir: DataDir = None,
) -> None:
    """End a client with all its access tokens, or one token; within a second it opens nothing any more."""
    from duro.modules.access.oauth import revoke_client, revoke_token
    from duro.runtime.target import opened

    is_token = subject.startswith("at_")

    async def main() -> None:
        async with opened(data_dir) as session:
            owner = await session.choose_tenant(tenant)
            async with session.db.core() as tx:
                if is_token:
                    await revoke_token(tx, tenant_id=owner.id, token=subject)
                else:
                    await revoke_client(tx, tenant_id=owner.id, client_id=subject)
        say("The access token is revoked." if is_token else f"{subject} is revoked.")

    run(main)
