"""The worker's own look at the invariants: one tenant at a time, slowly, told in metrics and logs."""

import asyncio
from collections import Counter
from typing import Final

import structlog

from duro.errors import UnavailableError
from duro.kit import metrics
from duro.kit.db import Database
from duro.kit.modes import Mode
from duro.modules.tenants.repository import TenantRepository
from duro.runtime.invariants import INVARIANTS, check_tenant, holding

log = structlog.get_logger(__name__)

_EVERY_S: Final = 60.0
# A statement that takes longer is too dear to be asked beside the work; `duro doctor --invariants` waits for it.
_STATEMENT_MS: Final = 2_000
_LOGGED_MAX: Final = 10


class Watch:
    """Checks the next tenant every minute; which one follows from the time, so nothing has to be kept."""

    def __init__(self, db: Database, *, every_s: float = _EVERY_S) -> None:
        self._db = db
        self._every_s = every_s
        self._found: dict[tuple[str, Mode], Counter[str]] = {}
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        for invariant in INVARIANTS:
            metrics.note_violations(invariant=invariant.name, rows=0)
        self._task = asyncio.create_task(self._run(), name="invariants")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._every_s)
            try:
                await self.turn(int(self._db.clock.wall().timestamp() // self._every_s))
            except UnavailableError as error:
                log.info("invariants_not_checked", reason=error.message)
            except (
                Exception
            ):  # the boundary that keeps a fault of the check from ending all later ones
                log.exception("invariants_check_failed")

    async def turn(self, number: int) -> None:
        """Checks one tenant in both modes; `number` says which."""
        async with self._db.core() as tx:
            tenant_id = await TenantRepository(tx).find_nth(number)
        if tenant_id is not None:
            for mode in Mode:
                await self._check(mode, tenant_id)

    async def _check(self, mode: Mode, tenant_id: str) -> None:
        checks = len(holding(mode))
        try:
            found = await check_tenant(self._db, mode, tenant_id, statement_ms=_STATEMENT_MS)
        except UnavailableError:
            metrics.count_checked(result="unanswered", count=checks)
            raise
        for each in found[:_LOGGED_MAX]:
            log.error(
                "invariant_broken",
                invariant=each.invariant,
                tenant_id=tenant_id,
                mode=mode.value,
                row_id=each.row_id,
            )
        rows = Counter(each.invariant for each in found)
        metrics.count_checked(result="broken", count=len(rows))
        metrics.count_checked(result="held", count=checks - len(rows))
        self._found.pop((tenant_id, mode), None)
        if rows:
            self._found[tenant_id, mode] = rows
        for invariant in INVARIANTS:
            broken = sum(each[invariant.name] for each in self._found.values())
            metrics.note_violations(invariant=invariant.name, rows=broken)
