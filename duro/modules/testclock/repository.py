"""The only reader and writer of test clocks and their advances; a reset also empties the tenant's other tables."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from duro.billing.cycle import Interval
from duro.kit.db import Tx
from duro.kit.rows import into
from duro.kit.sql import Statement, queries
from duro.kit.unique import UniqueViolationError
from duro.modules.testclock.model import Advance

_SQL: Final = queries("testclock")
READ_NOW: Final[Statement] = _SQL["read_business_now"]
LIST_CLOCKS: Final[Statement] = _SQL["list_clocks"]
LIST_TENANTS_WITH_ADVANCES: Final[Statement] = _SQL["list_tenants_with_advances"]
NEXT_ADVANCE: Final[Statement] = _SQL["next_advance"]


class ClockRepository:
    """The clock of one test tenant."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx

    async def lock(self) -> datetime | None:
        """Holds the clock; the tenant's own time, if it has one."""
        own: datetime | None = await self._tx.value(_SQL["lock_clock"])
        return own

    async def find(self) -> datetime | None:
        own: datetime | None = await self._tx.value(READ_NOW)
        return own

    async def set(self, now: datetime | None) -> None:
        await self._tx.run(_SQL["set_clock"], now)

    async def claim(self, lease_until: datetime) -> bool:
        return await self._tx.row(_SQL["claim_clock"], self._tx.wall, lease_until) is not None

    async def move(self, now: datetime, *, held: datetime, lease_until: datetime) -> bool:
        """False when the lease `held` is not the clock's any more: another mover has taken over."""
        row = await self._tx.row(_SQL["move_clock"], now, held, lease_until)
        return row is not None

    async def extend(self, *, held: datetime, lease_until: datetime) -> bool:
        """As `move`, standing still."""
        return await self._tx.row(_SQL["extend_clock_lease"], held, lease_until) is not None

    async def release(self, held: datetime) -> None:
        await self._tx.run(_SQL["release_clock"], held)

    async def add_advance(self, advance_id: str, target_at: datetime, after_event: int) -> bool:
        """False when another advance is under way; the transaction is of no use then."""
        try:
            await self._tx.run(
                _SQL["insert_advance"], advance_id, target_at, after_event, self._tx.wall
            )
        except UniqueViolationError:
            return False
        return True

    async def find_open_advance(self) -> Advance | None:
        row = await self._tx.row(_SQL["find_open_advance"])
        return None if row is None else into(Advance, row)

    async def find_advance(self, advance_id: str) -> Advance | None:
        row = await self._tx.row(_SQL["find_advance"], advance_id)
        return into(Advance, row) if row is not None else None

    async def save_advance(
        self, advance_id: str, counts: Mapping[str, int], *, is_done: bool, failure: str | None
    ) -> None:
        finished_at = self._tx.wall if is_done else None
        await self._tx.run(_SQL["save_advance"], advance_id, dict(counts), finished_at, failure)

    async def cadences(self, until: datetime) -> list[tuple[Interval, int, int]]:
        """Interval, count and how many subscriptions of that cadence renew by `until`."""
        rows = await self._tx.rows(_SQL["count_cycles"], until)
        return [
            (Interval(row["interval"]), row["interval_count"], row["subscriptions"]) for row in rows
        ]

    async def is_charging(self) -> bool:
        """Whether somebody may be waiting for the gateway right now."""
        row = await self._tx.row(_SQL["find_charge_under_way"], self._tx.wall)
        return row is not None

    async def free_claims(self) -> None:
        """Takes over what a dead process held, at once."""
        await self._tx.run(_SQL["free_attempts"], self._tx.wall)
        await self._tx.run(_SQL["free_refunds"], self._tx.wall)
        await self._tx.run(_SQL["free_deliveries"], self._tx.wall)
        await self._tx.run(_SQL["free_messages"], self._tx.wall)

    async def erase(self) -> None:
        """Everything the tenant has in test mode but its keys, endpoints and settings."""
        for name, statement in _SQL.statements.items():
            if name.startswith("erase_"):
                await self._tx.run(statement)
