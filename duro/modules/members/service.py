"""Adds members, changes their roles, and removes them; an owner stays one."""

from typing import Final

from duro.errors import ConflictError, NotFoundError
from duro.kit.db import CoreTx
from duro.kit.email import is_email
from duro.kit.ids import new_id
from duro.kit.schema import refuse
from duro.modules.members.model import Member, Role
from duro.modules.members.repository import MemberRepository

_NAME_MAX: Final = 200
_OWNER_STAYS: Final = "The owner can be neither removed nor given another role."


async def add_member(
    tx: CoreTx, *, tenant_id: str, email: str, role: Role, name: str | None = None
) -> Member:
    """A new member of an existing tenant.

    Raises `InvalidError`, and `ConflictError` for an address that is there and for a second owner.
    """
    if not is_email(email):
        raise refuse("email", "Must be an e-mail address such as ada@example.com.")
    if name is not None and (not name.strip() or len(name) > _NAME_MAX):
        raise refuse("name", f"Must have 1 to {_NAME_MAX} characters, not all blank.")
    member = Member(new_id("mem", wall=tx.wall), email.lower(), name, role, tx.wall)
    await MemberRepository(tx, tenant_id).add(member)
    return member


async def get_member(tx: CoreTx, *, tenant_id: str, email: str) -> Member:
    """Raises `NotFoundError`."""
    member = await MemberRepository(tx, tenant_id).find(email)
    if member is None:
        raise NotFoundError(f"Nobody with the address {email} is a member.")
    return member


async def change_role(tx: CoreTx, *, tenant_id: str, email: str, role: Role) -> None:
    """Counts from the member's next request. Raises `NotFoundError` and `ConflictError`."""
    if role is Role.OWNER:
        raise ConflictError("Nobody becomes an owner later.")
    member = await get_member(tx, tenant_id=tenant_id, email=email)
    if not await MemberRepository(tx, tenant_id).change_role(member.id, role):
        raise ConflictError(_OWNER_STAYS)


async def remove_member(tx: CoreTx, *, tenant_id: str, email: str) -> None:
    """With all sessions and links of theirs. Raises `NotFoundError` and `ConflictError`."""
    member = await get_member(tx, tenant_id=tenant_id, email=email)
    if not await MemberRepository(tx, tenant_id).remove(member.id):
        raise ConflictError(_OWNER_STAYS)
