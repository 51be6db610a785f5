"""Drains: one job does one tenant's due work of one kind, round by round, until nothing is left."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeAlias

import structlog
from saq.types import Context

from duro.kit import metrics
from duro.kit.bells import Bell
from duro.kit.clock import monotonic_s
from duro.kit.db import Database
from duro.kit.jobs import Queues, enqueue_bell, observed
from duro.kit.modes import Mode
from duro.kit.work import DueWork, WorkScope

log = structlog.get_logger(__name__)

JobFunction: TypeAlias = Callable[..., Awaitable[None]]


@dataclass(slots=True)
class Drains:
    """Does due work, one tenant and kind at a time in this process."""

    db: Database
    queues: Queues
    turn_s: float  # how long one tenant is worked for before others are
    is_stopping: bool = False
    # Drains under way; True when the bell rang again since they last looked.
    _running: dict[Bell, bool] = field(default_factory=dict)

    def function(self, work: DueWork) -> JobFunction:
        """The job `<name>(mode, tenant_id)`."""

        async def drain(context: Context, *, mode: str, tenant_id: str) -> None:
            bell = Bell(work.name, Mode(mode), tenant_id)
            async with observed(work.name, context["job"].id, mode=mode, tenant_id=tenant_id):
                if await self.drain(work, bell):
                    await enqueue_bell(self.queues, bell)

        return drain

    async def drain(self, work: DueWork, bell: Bell) -> bool:
        """Runs the work until nothing is left (False) or the turn is over (True)."""
        if bell in self._running:
            self._running[bell] = True
            return False
        until_s = monotonic_s() + self.turn_s
        try:
            while True:
                self._running[bell] = False
                has_more = await self._run_lanes(work, bell, until_s)
                if not (has_more or self._running[bell]):
                    return False
                if self._is_over(until_s):
                    return True
        finally:
            del self._running[bell]

    async def _run_lanes(self, work: DueWork, bell: Bell, until_s: float) -> bool:
        # A lane that fails leaves the others to finish what they have claimed.
        lanes = (self._run_lane(work, bell, until_s) for _ in range(work.lanes))
        ended = await asyncio.gather(*lanes, return_exceptions=True)
        for outcome in ended:
            if isinstance(outcome, BaseException):
                raise outcome
        return any(ended)

    async def _run_lane(self, work: DueWork, bell: Bell, until_s: float) -> bool:
        scope = WorkScope(self.db, bell.mode, bell.tenant_id)
        while True:
            ran = await work.run(scope, work.batch)
            metrics.count_work(work=work.name, mode=bell.mode, done=ran.done, counts=ran.counts)
            if ran.done:
                log.info("work_done", work=work.name, done=ran.done, **ran.counts)
            if ran.done < work.batch:
                return False
            if self._is_over(until_s):
                return True

    def _is_over(self, until_s: float) -> bool:
        return self.is_stopping or monotonic_s() >= until_s
