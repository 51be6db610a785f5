"""Owns a kind of due work for tests of the runtime: an undispatched event of a tenant is one item."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from duro.kit.modes import Mode
from duro.kit.sql import Scope, Statement
from duro.kit.work import DueWork, Ran, WorkScope
from tests.support.roles import app_role, connected_as

CREATED_AT: Final = datetime(2026, 1, 1, tzinfo=UTC)
NAME: Final = "billing.sample"


def _statement(name: str, text: str, scope: Scope = Scope.TENANT) -> Statement:
    return Statement("sample", name, text, scope)


LIST_DUE: Final = _statement(
    "list_due",
    """
SELECT DISTINCT e.tenant_id
  FROM events AS e
  LEFT JOIN unnest($2::text[], $3::timestamptz[]) AS own (tenant_id, now)
    ON own.tenant_id = e.tenant_id
 WHERE e.dispatched_at IS NULL
   AND e.created_at <= coalesce(own.now, $1)
 ORDER BY e.tenant_id
 LIMIT 1000
""",
    Scope.ALL_TENANTS,
)
NEXT_DUE: Final = _statement(
    "next_due",
    "SELECT min(created_at) FROM events WHERE tenant_id = $1 AND dispatched_at IS NULL",
)
# Every test tenant with a clock of its own counts as being advanced.
LIST_CLOCKS: Final = _statement(
    "list_clocks",
    "SELECT tenant_id, now, true AS is_advancing FROM test_clocks WHERE now IS NOT NULL",
    Scope.ALL_TENANTS,
)
_DO: Final = _statement(
    "do",
    """
UPDATE events
   SET dispatched_at = $2
 WHERE tenant_id = $1
   AND id IN (SELECT id
                FROM events
               WHERE tenant_id = $1
                 AND dispatched_at IS NULL
                 AND created_at <= $2
               ORDER BY created_at, position
               LIMIT $3
                 FOR UPDATE SKIP LOCKED)
""",
)


@dataclass
class Sample:
    """The work, and what it saw: how often it ran, and how many of its runs went on at once."""

    takes_s: float = 0.0
    batch: int = 10
    lanes: int = 1
    every_s: int = 60
    fails: int = 0
    runs: int = 0
    at_once: int = 0
    at_once_max: int = 0
    done: Counter[tuple[Mode, str]] = field(default_factory=Counter)

    def work(self) -> DueWork:
        return DueWork(
            name=NAME,
            every_s=self.every_s,
            list_due=LIST_DUE,
            next_due=NEXT_DUE,
            run=self.run,
            batch=self.batch,
            lanes=self.lanes,
        )

    async def run(self, scope: WorkScope, limit: int) -> Ran:
        self.runs += 1
        self.at_once += 1
        self.at_once_max = max(self.at_once_max, self.at_once)
        try:
            if self.runs <= self.fails:
                raise RuntimeError("planted")
            async with scope.begin() as tx:
                done = await tx.run(_DO, tx.now, limit)
            await asyncio.sleep(self.takes_s)
        finally:
            self.at_once -= 1
        self.done[scope.mode, scope.tenant_id] += done
        return Ran(done, Counter(samples=done))


async def add_items(
    database_url: str, tenant_id: str, count: int, *, mode: Mode = Mode.TEST, tag: str = "a"
) -> None:
    async with connected_as(database_url, app_role(mode), search_path=mode.schema) as connection:
        await connection.execute("SELECT set_config('duro.tenant', $1, false)", tenant_id)
        await connection.execute(
            "INSERT INTO events (tenant_id, id, type, object_id, data, created_at) "
            "SELECT $1, 'evt_' || $2 || n, 'sample', 'x', '{}', $3 FROM generate_series(1, $4) n",
            tenant_id,
            tag,
            CREATED_AT,
            count,
        )


async def count_left(database_url: str, *, mode: Mode = Mode.TEST) -> int:
    scan_role = f"duro_{mode.schema}_scan"
    async with connected_as(database_url, scan_role, search_path=mode.schema) as connection:
        left: int = await connection.fetchval(
            "SELECT count(*) FROM events WHERE dispatched_at IS NULL"
        )
    return left
