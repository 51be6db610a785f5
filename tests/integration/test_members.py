"""Holds the team of a tenant to one owner who stays, addresses that are told apart, and what each role may do."""

import asyncio

import asyncpg
import pytest

from duro.errors import ConflictError, InvalidError, NotFoundError
from duro.kit.db import Database
from duro.kit.modes import Mode
from duro.modules.members.model import PERMISSIONS, Role
from duro.modules.members.repository import MemberRepository, find_owner
from duro.modules.members.service import add_member, change_role, remove_member
from tests.support.roles import connected_as

_OTHERS = [role for role in Role if role is not Role.OWNER]
# product/platform.md, "Roles".
_ALL = {
    *("tenant:manage", "member:manage", "plan:write", "customer:write", "subscription:write"),
    *("invoice:write", "refund:write", "apikey:manage", "webhook:manage", "appearance:manage"),
    "read",
}
_TOLD = {
    Role.OWNER: _ALL,
    Role.ADMIN: _ALL - {"tenant:manage"},
    Role.DEVELOPER: _ALL - {"tenant:manage", "member:manage", "refund:write"},
    Role.FINANCE: {
        *("plan:write", "customer:write", "subscription:write", "invoice:write", "refund:write"),
        "read",
    },
    Role.READ_ONLY: {"read"},
}


async def add(db: Database, tenant: str, email: str, role: Role = Role.OWNER) -> str:
    async with db.core() as tx:
        return (await add_member(tx, tenant_id=tenant, email=email, role=role)).id


async def team(db: Database, tenant: str) -> dict[str, Role]:
    async with db.core() as tx:
        found = await MemberRepository(tx, tenant).list_oldest()
    return {member.email: member.role for member in found}


@pytest.mark.parametrize("role", list(Role))
def test_a_role_may_do_what_the_description_says(role: Role) -> None:
    assert PERMISSIONS[role] == _TOLD[role]


async def test_an_address_is_one_member_of_a_tenant_however_it_is_spelled(
    db: Database, tenant: str, tenant_b: str
) -> None:
    await add(db, tenant, "Ada@Adunni.Example")
    await add(db, tenant_b, "ada@adunni.example")

    with pytest.raises(ConflictError, match="a member already"):
        await add(db, tenant, "ADA@adunni.example", Role.FINANCE)

    assert await team(db, tenant) == {"ada@adunni.example": Role.OWNER}


@pytest.mark.parametrize("email", ["", "ada", "ada@localhost", "a da@x.example", "é@x.example"])
async def test_what_is_no_address_is_refused(db: Database, tenant: str, email: str) -> None:
    with pytest.raises(InvalidError):
        await add(db, tenant, email)


async def test_of_many_who_become_owner_at_once_one_does(db: Database, tenant: str) -> None:
    asked = (add(db, tenant, f"ada{number}@adunni.example") for number in range(4))
    found = await asyncio.gather(*asked, return_exceptions=True)

    assert sum(isinstance(each, str) for each in found) == 1
    assert sum(isinstance(each, ConflictError) for each in found) == 3
    assert list((await team(db, tenant)).values()) == [Role.OWNER]


async def test_an_owner_is_neither_removed_nor_demoted(db: Database, tenant: str) -> None:
    await add(db, tenant, "ada@adunni.example")

    async with db.core() as tx:
        with pytest.raises(ConflictError):
            await remove_member(tx, tenant_id=tenant, email="ada@adunni.example")
        with pytest.raises(ConflictError):
            await change_role(tx, tenant_id=tenant, email="ada@adunni.example", role=Role.READ_ONLY)

    assert await team(db, tenant) == {"ada@adunni.example": Role.OWNER}


@pytest.mark.parametrize("role", _OTHERS)
async def test_others_change_their_role_and_leave(db: Database, tenant: str, role: Role) -> None:
    await add(db, tenant, "bola@adunni.example", Role.FINANCE)

    async with db.core() as tx:
        await change_role(tx, tenant_id=tenant, email="Bola@adunni.example", role=role)
    changed = await team(db, tenant)
    async with db.core() as tx:
        with pytest.raises(ConflictError):
            await change_role(tx, tenant_id=tenant, email="bola@adunni.example", role=Role.OWNER)
        await remove_member(tx, tenant_id=tenant, email="bola@adunni.example")

    assert changed == {"bola@adunni.example": role}
    assert await team(db, tenant) == {}


async def test_a_stranger_and_another_tenants_member_are_not_found(
    db: Database, tenant: str, tenant_b: str
) -> None:
    await add(db, tenant_b, "bola@bello.example", Role.FINANCE)

    async with db.core() as tx:
        with pytest.raises(NotFoundError):
            await remove_member(tx, tenant_id=tenant, email="bola@bello.example")
        with pytest.raises(NotFoundError):
            await change_role(tx, tenant_id=tenant, email="bola@bello.example", role=Role.ADMIN)

    assert await team(db, tenant_b) == {"bola@bello.example": Role.FINANCE}


async def test_the_database_keeps_the_owner_whatever_the_code_asks(
    db: Database, database_url: str, tenant: str
) -> None:
    owner = await add(db, tenant, "ada@adunni.example")
    bola = await add(db, tenant, "bola@adunni.example", Role.ADMIN)

    async with connected_as(database_url, "duro_core", search_path="core") as core:
        removed = await core.execute("DELETE FROM members WHERE id = $1", owner)
        demoted = await core.execute("UPDATE members SET role = 'admin' WHERE id = $1", owner)
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
            await core.execute("UPDATE members SET role = 'owner' WHERE id = $1", bola)
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied"):
            await core.execute("UPDATE members SET tenant_id = 'x'")

    assert (removed, demoted) == ("DELETE 0", "UPDATE 0")
    assert await team(db, tenant) == {
        "ada@adunni.example": Role.OWNER,
        "bola@adunni.example": Role.ADMIN,
    }


async def test_both_modes_find_the_owner_of_their_own_tenant_alone(
    db: Database, mode: Mode, tenant: str, tenant_b: str
) -> None:
    await add(db, tenant, "bola@adunni.example", Role.ADMIN)
    await add(db, tenant, "Ada@adunni.example")

    async with db.begin(mode, tenant) as tx:
        found = await find_owner(tx)
    async with db.begin(mode, tenant_b) as tx:
        nobody = await find_owner(tx)

    assert found is not None
    assert (found.email, found.role) == ("ada@adunni.example", Role.OWNER)
    assert nobody is None


async def test_a_mode_changes_nobody(database_url: str, db: Database, tenant: str) -> None:
    await add(db, tenant, "ada@adunni.example")

    async with connected_as(database_url, "duro_live", search_path="live,core") as live:
        for command in ("UPDATE members SET role = 'admin'", "DELETE FROM members"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied"):
                await live.execute(command)
        for hidden in ("SELECT FROM sessions", "SELECT FROM sign_in_links"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied"):
                await live.execute(hidden)
        unseen = await live.fetchval("SELECT count(*) FROM members")

    assert unseen == 0
