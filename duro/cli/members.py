"""`duro members`: the team of a tenant."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from duro.cli.frame import (
    AsJson,
    DataDir,
    TenantOption,
    new_group,
    run,
    say,
    with_example,
)

if TYPE_CHECKING:
    from duro.modules.members.model import Member

app = new_group(
    example="duro members add ada@adunni.example --role developer", text="The team of a tenant."
)


class RoleChoice(StrEnum):
    """What a member may do, from most to least."""

    OWNER = "owner"
    ADMIN = "admin"
    DEVELOPER = "developer"
    FINANCE = "finance"
    READ_ONLY = "read_only"


@with_example(app, "list", "duro members list --json")
def list_all(
    tenant: TenantOption = None, *, data_dir: DataDir = None, as_json: AsJson = False
) -> None:
    """List the team, oldest first."""
    from duro.cli.output import show_rows
    from duro.modules.members.repository import MemberRepository
    from duro.runtime.target import opened

    async def main() -> None:
        async with opened(data_dir) as session:
            of = await session.choose_tenant(tenant)
            async with session.db.core() as tx:
                found = await MemberRepository(tx, of.id).list_oldest()
        empty = "No member yet: `duro members add EMAIL --role owner`."
        show_rows([_shown(each) for each in found], as_json=as_json, empty=empty)

    run(main)


@with_example(app, "add", "duro members add ada@adunni.example --role developer")
def add(
    email: str,
    role: Annotated[RoleChoice, typer.Option(help="What they may do.")],
    name: Annotated[str | None, typer.Option(show_default=False)] = None,
    tenant: TenantOption = None,
    *,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Add somebody to the team; a tenant has one owner, who stays."""
    from duro.cli.output import show_one
    from duro.modules.members.model import Role
    from duro.modules.members.service import add_member
    from duro.runtime.target import opened

    async def main() -> None:
        async with opened(data_dir) as session:
            of = await session.choose_tenant(tenant)
            async with session.db.core() as tx:
                made = await add_member(
                    tx, tenant_id=of.id, email=email, role=Role(role.value), name=name
                )
        show_one(_shown(made), as_json=as_json)

    run(main)


@with_example(app, "change", "duro members change ada@adunni.example --role finance")
def change(
    email: str,
    role: Annotated[RoleChoice, typer.Option(help="What they may do from now on.")],
    tenant: TenantOption = None,
    data_dir: DataDir = None,
) -> None:
    """Give a member another role; it counts from their next request."""
    from duro.modules.members.model import Role
    from duro.modules.members.service import change_role
    from duro.runtime.target import opened

    async def main() -> None:
        async with opened(data_dir) as session:
            of = await session.choose_tenant(tenant)
            async with session.db.core() as tx:
                await change_role(tx, tenant_id=of.id, email=email, role=Role(role.value))
        say(f"{email} is {role.value} now.")

    run(main)


@with_example(app, "remove", "duro members remove ada@adunni.example")
def remove(email: str, tenant: TenantOption = None, data_dir: DataDir = None) -> None:
    """Take somebody out of the team; their sessions end with it."""
    from duro.modules.members.service import remove_member
    from duro.runtime.target import opened

    async def main() -> None:
        async with opened(data_dir) as session:
            of = await session.choose_tenant(tenant)
            async with session.db.core() as tx:
                await remove_member(tx, tenant_id=of.id, email=email)
        say(f"{email} is no member any more.")

    run(main)


@with_example(app, "link", "duro members link ada@adunni.example")
def link(
    email: str, tenant: TenantOption = None, *, data_dir: DataDir = None, as_json: AsJson = False
) -> None:
    """Print a link to the dashboard that signs a member in, once and within ten minutes."""
    from duro.cli.output import show_one
    from duro.modules.access.sessions import make_link
    from duro.modules.members.service import get_member
    from duro.runtime.dashboard import sign_in_url
    from duro.runtime.target import opened

    async def main() -> None:
        async with opened(data_dir) as session:
            of = await session.choose_tenant(tenant)
            async with session.db.core() as tx:
                member = await get_member(tx, tenant_id=of.id, email=email)
                token = await make_link(tx, tenant_id=of.id, member_id=member.id)
            url = sign_in_url(session.core_url, token)
        if as_json:
            show_one({"email": member.email, "url": url}, as_json=True)
        else:
            typer.echo(url)

    run(main)


@with_example(app, "sign-out", "duro members sign-out ada@adunni.example")
def sign_out(email: str, tenant: TenantOption = None, data_dir: DataDir = None) -> None:
    """End all sessions of a member, from the next request on."""
    from duro.modules.access.sessions import revoke_all
    from duro.modules.members.service import get_member
    from duro.runtime.target import opened

    async def main() -> None:
        async with opened(data_dir) as session:
            of = await session.choose_tenant(tenant)
            async with session.db.core() as tx:
                member = await get_member(tx, tenant_id=of.id, email=email)
                ended = await revoke_all(tx, tenant_id=of.id, member_id=member.id)
        say(f"Sessions of {email} that are over now: {ended}.")

    run(main)


def _shown(member: "Member") -> dict[str, object]:
    return {
        "id": member.id,
        "email": member.email,
        "name": member.name,
        "role": member.role,
        "createdAt": member.created_at,
    }
