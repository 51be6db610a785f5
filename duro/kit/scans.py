"""Scans: cheap looks over all tenants, in both modes, for those that have due work."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import structlog
from saq.job import CronJob
from saq.types import Context

from duro.errors import UnavailableError
from duro.kit import metrics
from duro.kit.bells import Bell
from duro.kit.cron import cron_for
from duro.kit.db import Database
from duro.kit.jobs import KEEP_S, REDIS_LOST, Queues, enqueue_found, observed
from duro.kit.modes import Mode
from duro.kit.sql import Statement
from duro.kit.work import DueWork

log = structlog.get_logger(__name__)

_TIMEOUT_S: Final = 45
_RETRIES: Final = 1  # the next turn of the cron is the retry
# Scans that find a tenant twice in this time ask for one drain; a dead job blocks its tenant no longer.
_TURN_S: Final = 60
# A tenant whose clock is being advanced is passed over: nothing was due at this instant.
_NEVER: Final = datetime.fromisoformat("0001-01-02T00:00:00+00:00")


@dataclass(frozen=True, slots=True)
class Scans:
    """Finds tenants with due work and asks for a drain of each; does no work itself.

    `clocks` lists the test tenants with a time of their own: tenant_id, now, is_advancing.
    """

    db: Database
    queues: Queues
    queue_jobs_max: int  # above this a scan waits for a later turn
    clocks: Statement | None = None

    def cron(self, work: DueWork) -> CronJob[Context]:
        """The scan `<name>.scan`, as often as the work asks."""

        async def scan(context: Context) -> None:
            async with observed(f"{work.name}.scan", context["job"].id):
                wall_s = self.db.clock.wall().timestamp()
                metrics.note_scan_lag(
                    work=work.name, lag_s=max(0.0, wall_s - context["job"].scheduled)
                )
                await self.scan(work, turn=str(int(wall_s // _TURN_S)))

        # SAQ knows a cron by its function's name; without one of its own a scan would replace another.
        scan.__qualname__ = f"{work.name}.scan"
        return CronJob(
            scan,
            cron=cron_for(work.every_s),
            timeout=_TIMEOUT_S,
            retries=_RETRIES,
            ttl=KEEP_S,
        )

    async def scan(self, work: DueWork, *, turn: str) -> int:
        """Asks for a drain of every tenant with due work, in both modes; how many."""
        queue = self.queues[work.queue]
        if await queue.depth() >= self.queue_jobs_max:
            log.warning("scan_skipped_queue_full", work=work.name)
            return 0
        asked = 0
        for mode in work.modes:
            due = await self._list_due(work, mode)
            metrics.note_scan(work=work.name, mode=mode, tenants=len(due))
            for tenant_id in due:
                asked += await enqueue_found(
                    self.queues, Bell(work.name, mode, tenant_id), turn=turn
                )
        return asked

    async def scan_all(self, works: Sequence[DueWork], *, turn: str) -> None:
        """One scan of everything now: after a crash nobody waits for the next turn of a cron."""
        for work in works:
            try:
                await self.scan(work, turn=turn)
            except (UnavailableError, *REDIS_LOST) as error:
                log.warning("first_scan_failed", work=work.name, reason=str(error))

    async def _list_due(self, work: DueWork, mode: Mode) -> list[str]:
        clocks = []
        if mode is Mode.TEST and self.clocks is not None:
            clocks = await self.db.scan(mode, self.clocks)
        nows = {row["tenant_id"]: _NEVER if row["is_advancing"] else row["now"] for row in clocks}
        found = await self.db.scan(
            mode, work.list_due, self.db.clock.wall(), list(nows), list(nows.values())
        )
        return [row["tenant_id"] for row in found]
