"""The only reader and writer of `members`."""

from typing import Final

from duro.errors import ConflictError, NotFoundError
from duro.kit.db import CoreTx, Tx
from duro.kit.rows import into
from duro.kit.sql import queries
from duro.kit.unique import UniqueViolationError
from duro.modules.members.model import Member, Role

_SQL: Final = queries("members")
_LISTED_MAX: Final = 1000
_TAKEN: Final = {
    "member_email_is_unique": "Somebody with this address is a member already.",
    "one_owner_per_tenant": "There is an owner already, and there is one only.",
}


class MemberRepository:
    """The team of one tenant."""

    def __init__(self, tx: CoreTx, tenant_id: str) -> None:
        self._tx = tx
        self._tenant_id = tenant_id

    async def add(self, member: Member) -> None:
        """Raises `ConflictError` for an address that is there, and for a second owner."""
        args = (member.id, member.email, member.name, member.role, member.created_at)
        try:
            await self._tx.run(_SQL["insert_member"], self._tenant_id, *args)
        except UniqueViolationError as error:
            if error.constraint not in _TAKEN:
                raise
            raise ConflictError(_TAKEN[error.constraint]) from error

    async def list_oldest(self) -> list[Member]:
        """The first thousand."""
        rows = await self._tx.rows(_SQL["list_members"], self._tenant_id, _LISTED_MAX)
        return [into(Member, row) for row in rows]

    async def get(self, member_id: str) -> Member:
        """Raises `NotFoundError`."""
        row = await self._tx.row(_SQL["get_member"], self._tenant_id, member_id)
        if row is None:
            raise NotFoundError("There is no such member.")
        return into(Member, row)

    async def find(self, email: str) -> Member | None:
        row = await self._tx.row(_SQL["find_member"], self._tenant_id, email.lower())
        return None if row is None else into(Member, row)

    async def change_role(self, member_id: str, role: Role) -> bool:
        """False where there is no such member, or it is the owner."""
        return bool(await self._tx.run(_SQL["change_role"], self._tenant_id, member_id, role))

    async def remove(self, member_id: str) -> bool:
        """False where there is no such member, or it is the owner; sessions go with a member."""
        return bool(await self._tx.run(_SQL["delete_member"], self._tenant_id, member_id))


async def find_owner(tx: Tx) -> Member | None:
    """The owner of the transaction's tenant, whose address is told what the tenant has to know."""
    row = await tx.row(_SQL["find_owner"])
    return None if row is None else into(Member, row)


async def list_addresses(tx: Tx) -> frozenset[str]:
    """Where the team of the transaction's tenant is written to; the first thousand."""
    return frozenset(row["email"] for row in await tx.rows(_SQL["list_addresses"], _LISTED_MAX))
