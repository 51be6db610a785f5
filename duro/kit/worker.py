"""The worker: SAQ's consumers and cron scanners, inside our loop and under our own stop."""

import asyncio
import logging
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from signal import Signals
from typing import Any, Final

import structlog
from saq.types import Context, PartialTimersDict, WorkerInfo
from saq.worker import Worker
from typing_extensions import override

from duro.kit.db import Database
from duro.kit.drains import Drains
from duro.kit.jobs import DEQUEUE_S, PAUSE_S, REDIS_LOST, CalmQueue, Queues
from duro.kit.scans import Scans
from duro.kit.sql import Statement
from duro.kit.work import DueWork

log = structlog.get_logger(__name__)

# A stop may take 25 s in all; what comes after the jobs is quick.
_GRACE_S: Final = 20
_CANCELS_MAX: Final = 20
_CANCEL_S: Final = 0.1
# SAQ's name for the tasks that take a job from the queue and do it.
_READER: Final = "process"
# Seconds between SAQ's upkeep runs; nothing is aborted, so looking for it can be rare.
_TIMERS: Final[PartialTimersDict] = {"schedule": 1, "worker_info": 30, "sweep": 10, "abort": 60}


@dataclass(frozen=True, slots=True)
class WorkerPlan:
    """How much one process takes on."""

    concurrency: int = 8  # jobs at once in each queue
    turn_s: float = 10  # how long one job works for one tenant
    queue_jobs_max: int = 10_000  # scans wait above this


class SaqWorker(Worker[Context]):
    """SAQ's worker inside our loop: it leaves signals alone, and Redis may come and go."""

    # SAQ would replace the handlers of SIGINT and SIGTERM that stop the whole process in order.
    SIGNALS: list[Signals] = []  # noqa: RUF012 - SAQ declares it so, and nobody changes it

    def __init__(self, queue: CalmQueue, **options: Any) -> None:  # noqa: ANN401 - SAQ's own options
        super().__init__(queue, **options)
        self._calm = queue
        self._is_away = False

    @override
    async def stop(self) -> None:
        """Lets running jobs end within the grace period; readers that only wait end at once."""
        self.event.set()
        self._calm.is_closed = True
        await self._end_waiting(list(self.tasks))
        await super().stop()

    async def _end_waiting(self, tasks: Sequence[asyncio.Task[Any]]) -> None:
        """Ends upkeep and readers without a job; more than one cancellation, because one that meets redis-py
        while it connects can get lost.
        """
        for _ in range(_CANCELS_MAX):
            waiting = [
                task
                for task in tasks
                if not task.done() and (task.get_name() != _READER or task in self._calm.idle)
            ]
            if not waiting:
                return
            for task in waiting:
                task.cancel()
            await asyncio.wait(waiting, timeout=_CANCEL_S)

    @override
    async def process(self) -> bool:
        try:
            return await super().process()
        except REDIS_LOST:
            # The job is done or will be found again; SAQ could not write down which.
            await asyncio.sleep(PAUSE_S)
            return False

    @override
    async def schedule(self, lock: int = 1) -> None:
        await self._calmly(super().schedule(lock))

    @override
    async def worker_info(self, ttl: int = 60) -> WorkerInfo:
        await self._calmly(super().worker_info(ttl))
        return {"queue_key": self.queue.name, "stats": None, "metadata": None}

    @override
    async def abort(self, abort_threshold: float) -> None:
        """Nothing is aborted: a sweep of another worker may take a healthy job for a dead one, and a job that runs
        twice is harmless while one that is cancelled in the middle of a charge is not.
        """

    async def _calmly(self, upkeep: Awaitable[object]) -> None:
        try:
            await upkeep
        except REDIS_LOST as error:
            if not self._is_away:
                log.warning("redis_unreachable", queue=self.queue.name, reason=type(error).__name__)
            self._is_away = True
        else:
            if self._is_away:
                log.info("redis_back", queue=self.queue.name)
            self._is_away = False


class JobRunner:
    """All queues' workers of one process."""

    def __init__(
        self,
        *,
        db: Database,
        queues: Queues,
        works: Sequence[DueWork],
        clocks: Statement | None = None,
        plan: WorkerPlan | None = None,
    ) -> None:
        plan = plan or WorkerPlan()
        self._works = works
        self._scans = Scans(db, queues, plan.queue_jobs_max, clocks)
        self._drains = Drains(db, queues, plan.turn_s)
        names = sorted({work.queue for work in works})
        self._workers = [self._worker(queues[name], plan) for name in names]
        self._tasks: list[asyncio.Task[None]] = []

    def start(self, *, turn: str) -> None:
        """Starts every worker and one scan of everything; `turn` is new for each start."""
        _hush_saq()
        self._tasks = [
            asyncio.create_task(worker.start(), name=f"worker {worker.queue.name}")
            for worker in self._workers
        ]
        self._tasks.append(
            asyncio.create_task(self._scans.scan_all(self._works, turn=turn), name="first scan")
        )

    async def stop(self) -> None:
        """Takes no more jobs and lets those that run come to the end of their round."""
        self._drains.is_stopping = True
        await asyncio.gather(*(worker.stop() for worker in self._workers))
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _worker(self, queue: CalmQueue, plan: WorkerPlan) -> SaqWorker:
        works = [work for work in self._works if work.queue == queue.name]
        return SaqWorker(
            queue,
            functions=[(work.name, self._drains.function(work)) for work in works],
            cron_jobs=[self._scans.cron(work) for work in works],
            concurrency=plan.concurrency,
            dequeue_timeout=DEQUEUE_S,
            shutdown_grace_period_s=_GRACE_S,
            timers=_TIMERS,
        )


def _hush_saq() -> None:
    """A failed job is logged where it failed, with its tenant; SAQ would log it once more."""
    logging.getLogger("saq").addFilter(_is_news)


def _is_news(record: logging.LogRecord) -> bool:
    return not str(record.msg).startswith("Error processing job")
