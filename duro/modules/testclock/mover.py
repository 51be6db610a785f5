"""Doing a stored advance: the clock is set to each due instant in turn, and all that is due then is done."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog

from duro.errors import UnavailableError
from duro.kit.clock import monotonic_s
from duro.kit.db import Tx
from duro.kit.work import DueWork, Ran, WorkScope
from duro.modules.testclock.model import Advance
from duro.modules.testclock.repository import ClockRepository

log: Final = structlog.get_logger()

# Short, so that the advance of a dead process is soon taken over; whoever lives extends it while the work goes on.
_LEASE: Final = timedelta(seconds=10)
_BEAT_S: Final = 3.0
_TURN_S: Final = 5.0
_PAUSE_S: Final = 0.03
# Longer than a simulated gateway takes to time out; the claims of a dead process cost this much once.
_LET_END_S: Final = 2.0
# Work that is due and that nobody can claim is waited for this often, work that fails much less; then the advance
# ends and says which it was.
_PATIENCE: Final = 200
_PATIENCE_WITH_OTHERS: Final = 66  # some two seconds, as _LET_END_S
_COST_OF_FAILURE: Final = 40


class _TakenOverError(Exception):
    """The lease ran out and another mover has the clock."""


@dataclass(slots=True)
class _Hold:
    """The right to move one clock: its lease, which nobody else has."""

    scope: WorkScope
    until: datetime
    waits_until_s: float | None = None

    async def must_wait(self, tx: Tx) -> bool:
        """Whether somebody else is charging; after a moment that is taken over, as its process may be dead."""
        clocks = ClockRepository(tx)
        if not await clocks.is_charging():
            self.waits_until_s = None
            return False
        if self.waits_until_s is None:
            self.waits_until_s = monotonic_s() + _LET_END_S
        if monotonic_s() < self.waits_until_s:
            return True
        await clocks.free_claims()
        return False

    async def move(self, tx: Tx, now: datetime) -> None:
        """Sets the clock, never back. Raises `_TakenOverError`."""
        until = tx.wall + _LEASE
        if not await ClockRepository(tx).move(now, held=self.until, lease_until=until):
            raise _TakenOverError
        self.until = until

    async def extend(self, tx: Tx) -> None:
        """Holds it a while longer. Raises `_TakenOverError`."""
        until = tx.wall + _LEASE
        if not await ClockRepository(tx).extend(held=self.until, lease_until=until):
            raise _TakenOverError
        self.until = until

    async def take_over(self) -> None:
        """What others have claimed and not finished is anybody's now: they may be dead."""
        async with self.scope.begin() as tx:
            await ClockRepository(tx).free_claims()

    async def release(self) -> None:
        async with self.scope.begin() as tx:
            await ClockRepository(tx).release(self.until)

    async def during(self, work: DueWork) -> Ran:
        """Runs the work, however slow a gateway or a receiver is, without losing the clock."""
        is_over = asyncio.Event()

        async def run() -> Ran:
            try:
                return await work.run(self.scope, work.batch)
            finally:
                is_over.set()

        ran, _ = await asyncio.gather(run(), self._beat(is_over))
        return ran

    async def _beat(self, is_over: asyncio.Event) -> None:
        while True:
            try:
                async with asyncio.timeout(_BEAT_S):
                    await is_over.wait()
                    return
            except TimeoutError:
                pass
            try:
                async with self.scope.begin() as tx:
                    await self.extend(tx)
            except (UnavailableError, _TakenOverError):
                # The next move of the clock finds out.
                return


@dataclass(frozen=True, slots=True)
class Mover:
    """Does stored advances; `works` is all due work of the system, in the order of one instant."""

    works: Sequence[DueWork]

    async def run(self, scope: WorkScope, limit: int) -> Ran:
        """Moves the tenant's clock for a few seconds; `done` is `limit` while there is more to do."""
        async with scope.begin() as tx:
            clocks = ClockRepository(tx)
            hold = _Hold(scope, tx.wall + _LEASE)
            if not await clocks.claim(hold.until):
                return Ran(0)
            advance = await clocks.find_open_advance()
        try:
            is_done = advance is None or await self._move(scope, advance, hold)
        except _TakenOverError:
            log.warning("advance_taken_over")
            return Ran(0)
        finally:
            await hold.release()
        return Ran(0 if is_done else limit)

    async def _move(self, scope: WorkScope, advance: Advance, hold: _Hold) -> bool:
        counts = Counter(advance.counts)
        until_s = monotonic_s() + _TURN_S
        patience = _PATIENCE
        while True:
            due = await self._next(scope, advance, hold)
            if due is None:
                await asyncio.sleep(_PAUSE_S)
                continue
            if not due:
                await _save(scope, advance, counts, hold, is_done=True)
                return True
            done, cost = await self._do_all(due, hold, counts)
            patience = _PATIENCE if done else patience - cost
            if patience <= 0:
                names = ", ".join(work.name for work in due)
                await _save(scope, advance, counts, hold, is_done=True, stuck=names)
                return True
            if not done:
                await asyncio.sleep(_PAUSE_S)
                if patience < _PATIENCE - _PATIENCE_WITH_OTHERS:
                    await hold.take_over()
            if monotonic_s() >= until_s:
                await _save(scope, advance, counts, hold, is_done=False)
                return False

    async def _next(self, scope: WorkScope, advance: Advance, hold: _Hold) -> list[DueWork] | None:
        """Sets the clock to the next due instant up to the target; the work that is due then.

        None while somebody else's charge is under way that has to end at the instant it belongs to.
        """
        async with scope.begin() as tx:
            dues = [(await tx.value(work.next_due), work) for work in self.works]
            instants = [at for at, _ in dues if at is not None and at <= advance.target_at]
            now = max(tx.now, min(instants, default=advance.target_at))
            is_present = bool(instants) and now == tx.now
            if not is_present and await hold.must_wait(tx):
                return None
            await hold.move(tx, now)
        return [work for at, work in dues if at is not None and at <= now and instants]

    async def _do_all(
        self, due: Sequence[DueWork], hold: _Hold, counts: Counter[str]
    ) -> tuple[int, int]:
        """How many items were done, and what it costs in patience if there were none."""
        done, cost = 0, 1
        for work in due:
            try:
                done += await _drain(work, hold, counts)
            except UnavailableError:
                raise
            except Exception:  # one broken kind of work must not leave its caller waiting for ever
                log.exception("advance_work_failed", work=work.name)
                cost = _COST_OF_FAILURE
        return done, cost


async def _drain(work: DueWork, hold: _Hold, counts: Counter[str]) -> int:
    done = 0
    while True:
        ran = await hold.during(work)
        counts.update(ran.counts)
        done += ran.done
        if ran.done < work.batch:
            return done


async def _save(
    scope: WorkScope,
    advance: Advance,
    counts: Counter[str],
    hold: _Hold,
    *,
    is_done: bool,
    stuck: str = "",
) -> None:
    failure = f"due and not to be done: {stuck}" if stuck else None
    async with scope.begin() as tx:
        await hold.extend(tx)
        await ClockRepository(tx).save_advance(advance.id, counts, is_done=is_done, failure=failure)
