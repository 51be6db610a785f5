"""`duro keys`: API keys of a tenant."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

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

if TYPE_CHECKING:
    from duro.modules.access.model import NewApiKey

app = new_group(example="duro keys create --mode test", text="API keys of a tenant.")


class KindChoice(StrEnum):
    """A secret key may do everything in its mode, a publishable one may only start a checkout."""

    SECRET = "secret"  # noqa: S105 - a kind of key, not a key
    PUBLISHABLE = "publishable"


@with_example(app, "create", "duro keys create --mode live")
def create(
    kind: Annotated[KindChoice, typer.Option(help="What it may do.")] = KindChoice.SECRET,
    mode: ModeOption = Mode.TEST,
    tenant: TenantOption = None,
    *,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Make a key; it is shown this once."""
    from duro.kit.call import CredentialKind
    from duro.modules.access.service import create_key
    from duro.runtime.target import opened

    async def main() -> None:
        async with opened(data_dir) as session:
            owner = await session.choose_tenant(tenant)
            async with session.db.core() as tx:
                made = await create_key(
                    tx, tenant_id=owner.id, mode=mode, kind=CredentialKind(kind.value)
                )
        _show_key(made, as_json=as_json)

    run(main)


@with_example(app, "rotate", "duro keys rotate key_01JD8X2Q7M3K9V5T1R4W6Y8Z0B")
def rotate(
    key_id: str,
    tenant: TenantOption = None,
    *,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Replace a key by a new one, shown this once; within a second the old one opens nothing any more."""
    from duro.modules.access.service import rotate_key
    from duro.runtime.target import opened

    async def main() -> None:
        async with opened(data_dir) as session:
            owner = await session.choose_tenant(tenant)
            async with session.db.core() as tx:
                made = await rotate_key(tx, tenant_id=owner.id, key_id=key_id)
        _show_key(made, as_json=as_json)

    run(main)


@with_example(app, "list", "duro keys list")
def list_all(
    tenant: TenantOption = None, *, data_dir: DataDir = None, as_json: AsJson = False
) -> None:
    """List the keys, newest first; the keys themselves are not kept."""
    from duro.cli.output import show_rows
    from duro.modules.access.repository import ApiKeyRepository
    from duro.runtime.target import opened

    async def main() -> None:
        async with opened(data_dir) as session:
            owner = await session.choose_tenant(tenant)
            async with session.db.core() as tx:
                found = await ApiKeyRepository(tx).list_newest(owner.id)
        rows = [
            {
                "id": key.id,
                "mode": key.mode,
                "kind": key.kind,
                "hint": f"…{key.hint}",
                "createdAt": key.created_at,
                "lastUsedAt": key.last_used_at,
                "revokedAt": key.revoked_at,
            }
            for key in found
        ]
        show_rows(rows, as_json=as_json, empty="No key yet: `duro keys create`.")

    run(main)


@with_example(app, "revoke", "duro keys revoke key_01JD8X2Q7M3K9V5T1R4W6Y8Z0B")
def revoke(key_id: str, tenant: TenantOption = None, data_dir: DataDir = None) -> None:
    """End a key; within a second it opens nothing any more."""
    from duro.modules.access.service import revoke_key
    from duro.runtime.target import opened

    async def main() -> None:
        async with opened(data_dir) as session:
            owner = await session.choose_tenant(tenant)
            async with session.db.core() as tx:
                await revoke_key(tx, tenant_id=owner.id, key_id=key_id)
        say(f"{key_id} is revoked.")

    run(main)


def _show_key(made: "NewApiKey", *, as_json: bool) -> None:
    from duro.cli.output import show_one

    key = made.key
    shown = {"id": key.id, "mode": key.mode, "kind": key.kind, "key": made.token}
    show_one(shown, as_json=as_json)
