"""The only reader and writer of `tenants`."""

from typing import Final
from zoneinfo import ZoneInfo

from duro.errors import NotFoundError
from duro.kit.db import CoreTx, Row, Tx
from duro.kit.sql import queries
from duro.kit.tenant import Tenant

_SQL: Final = queries("tenants")
_LISTED_MAX: Final = 1000


class TenantRepository:
    """The tenants of this installation."""

    def __init__(self, tx: CoreTx) -> None:
        self._tx = tx

    async def add(self, tenant: Tenant) -> None:
        args = (tenant.id, tenant.name, tenant.zone.key, tenant.currency, self._tx.wall)
        await self._tx.run(_SQL["insert_tenant"], *args)

    async def get(self, tenant_id: str) -> Tenant:
        row = await self._tx.row(_SQL["get_tenant"], tenant_id)
        if row is None:
            raise NotFoundError("There is no such tenant.")
        return _tenant(row)

    async def list_oldest(self) -> list[Tenant]:
        """The first thousand."""
        return [_tenant(row) for row in await self._tx.rows(_SQL["list_tenants"], _LISTED_MAX)]

    async def list_after(self, tenant_id: str) -> list[Tenant]:
        """The next thousand by id; none are left when the answer is empty."""
        rows = await self._tx.rows(_SQL["list_tenants_after"], tenant_id, _LISTED_MAX)
        return [_tenant(row) for row in rows]

    async def find_nth(self, number: int) -> str | None:
        """The id of one tenant; numbers that follow each other go through all of them, around and around."""
        row = await self._tx.row(_SQL["nth_tenant"], number)
        return None if row is None else str(row["id"])


async def zone_of(tx: Tx) -> ZoneInfo:
    """The time zone of the transaction's tenant."""
    return ZoneInfo(await tx.value(_SQL["read_zone"]))


async def name_and_zone_of(tx: Tx) -> tuple[str, ZoneInfo]:
    """What the customers of the transaction's tenant know it by, and its time zone."""
    row = await tx.row(_SQL["read_name_and_zone"])
    if row is None:
        raise NotFoundError("There is no such tenant.")
    return row["name"], ZoneInfo(row["time_zone"])


def _tenant(row: Row) -> Tenant:
    return Tenant(row["id"], row["name"], ZoneInfo(row["time_zone"]), row["currency"])
