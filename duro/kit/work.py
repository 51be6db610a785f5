"""Work that falls due: how a feature offers it to the scans, the worker and the test clock."""

from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import TypeAlias

from duro.kit.db import Database, Row, Tx
from duro.kit.modes import Mode
from duro.kit.sql import Statement


@dataclass(frozen=True, slots=True)
class WorkScope:
    """One tenant and mode to do work for; every transaction opened here belongs to it."""

    db: Database
    mode: Mode
    tenant_id: str

    def begin(self) -> AbstractAsyncContextManager[Tx]:
        return self.db.begin(self.mode, self.tenant_id)

    async def look(self, statement: Statement, *args: object) -> list[Row]:
        """One statement that reads what is committed at this moment."""
        return await self.db.look(self.mode, self.tenant_id, statement, *args)


@dataclass(frozen=True, slots=True)
class Ran:
    """What one round did: `done` items, and named counts for the test clock and the metrics."""

    done: int
    counts: Counter[str] = field(default_factory=Counter)


Run: TypeAlias = Callable[[WorkScope, int], Awaitable[Ran]]


@dataclass(frozen=True, slots=True)
class DueWork:
    """One kind of work that falls due by a tenant's business time.

    `list_due` takes $1 wall time, $2 tenants with a time of their own, $3 those times, and answers the tenants that
    have due work. `next_due` answers when one tenant's next work of the kind is due, or null. `run` claims and does
    up to so many items that are due at the tenant's present; fewer done than asked means nothing is left.
    `lanes` is how many of those may go on at once for one tenant in one process; `modes` where there is such work.
    """

    name: str
    every_s: int
    list_due: Statement
    next_due: Statement
    run: Run
    batch: int = 100
    lanes: int = 1
    modes: tuple[Mode, ...] = tuple(Mode)

    @property
    def queue(self) -> str:
        return self.name.partition(".")[0]
