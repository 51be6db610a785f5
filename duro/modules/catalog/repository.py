"""The only reader and writer of `plans`."""

from collections.abc import Collection
from operator import attrgetter
from typing import Final

from duro.errors import NotFoundError
from duro.kit.db import Row, Tx
from duro.kit.pagination import Seek
from duro.kit.rows import into
from duro.kit.sql import queries
from duro.modules.catalog.model import Plan

_SQL: Final = queries("plans")
_NEW: Final = attrgetter(
    *("id", "name", "amount_minor", "currency", "interval", "interval_count", "trial_days"),
    *("max_cycles", "allow_multiple", "metadata", "created_at"),
)
_CHANGED: Final = attrgetter(
    *("id", "name", "amount_minor", "trial_days", "max_cycles", "archived_at", "metadata")
)


class PlanRepository:
    """The plans of one tenant and mode."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx

    async def add(self, plan: Plan) -> None:
        await self._tx.run(_SQL["insert_plan"], *_NEW(plan))

    async def get(self, plan_id: str) -> Plan:
        return _found(await self._tx.row(_SQL["get_plan"], plan_id))

    async def lock(self, plan_id: str) -> Plan:
        return _found(await self._tx.row(_SQL["lock_plan"], plan_id))

    async def find_many(self, ids: Collection[str]) -> dict[str, Plan]:
        """Those that exist, by id."""
        rows = await self._tx.rows(_SQL["find_plans"], list(ids))
        return {row["id"]: into(Plan, row) for row in rows}

    async def list_newest(self, seek: Seek, *, is_active: bool | None) -> list[Plan]:
        place = (seek.before_at, seek.before_id, seek.since_at)
        rows = await self._tx.rows(_SQL["list_plans"], *place, is_active, seek.fetch)
        return [into(Plan, row) for row in rows]

    async def save(self, plan: Plan) -> None:
        """Writes what can change; the row must be locked."""
        await self._tx.run(_SQL["update_plan"], *_CHANGED(plan))


def _found(row: Row | None) -> Plan:
    if row is None:
        raise NotFoundError("There is no such plan.")
    return into(Plan, row)
