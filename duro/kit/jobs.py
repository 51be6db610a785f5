"""The doorbell in Redis: queues of jobs that say where to look for work; PostgreSQL says what there is."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Final, TypeAlias

import structlog
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from saq.job import Job
from saq.queue.redis import RedisQueue
from typing_extensions import override

from duro.errors import UnavailableError
from duro.kit import metrics
from duro.kit.bells import Bell
from duro.kit.clock import monotonic_s

log = structlog.get_logger(__name__)

# A waiting reader asks again after this long, so a connection that died silently is noticed.
DEQUEUE_S: Final = 5.0
_READ_TIMEOUT_S: Final = DEQUEUE_S + 5
_CONNECT_TIMEOUT_S: Final = 3.0
_RING_TIMEOUT_S: Final = 2.0
_GATHER_S: Final = 0.1
PAUSE_S: Final = 1.0
_LAST_RINGS_S: Final = 1.0
_CLOSE_TIMEOUT_S: Final = 0.5
# Longer than a drain's turn and one last round of it at a gateway that takes its full 30 s.
_JOB_TIMEOUT_S: Final = 60
_JOB_RETRIES: Final = 3
_JOB_RETRY_DELAY_S: Final = 2.0
_JOB_RETRY_DELAY_MAX_S: Final = 30.0
# SAQ's sweep wants to read how a job ended that it took for dead.
KEEP_S: Final = 10

# What redis-py and its sockets raise when the server is away.
REDIS_LOST: Final = (RedisError, OSError, asyncio.TimeoutError)
Queues: TypeAlias = Mapping[str, "CalmQueue"]


def open_redis(url: str) -> Redis:
    """A client for redis://, rediss:// and unix:// addresses; it connects when it is first used."""
    client: Redis = Redis.from_url(
        url,
        socket_timeout=_READ_TIMEOUT_S,
        socket_connect_timeout=_CONNECT_TIMEOUT_S,
        # One more try at once mends a pooled connection from before a restart.
        retry=Retry(NoBackoff(), 1),
    )
    return client


class CalmQueue(RedisQueue):
    """A queue whose readers wait quietly while Redis is away, and that knows which of them are idle."""

    def __init__(self, redis: Redis, name: str) -> None:
        super().__init__(redis, name=name)
        self.idle: set[asyncio.Task[object]] = set()
        self.is_closed = False

    @override
    async def dequeue(self, timeout: float = 0.0, poll_interval: float = 0.0) -> Job | None:
        reader = asyncio.current_task()
        assert reader is not None  # noqa: S101 - a coroutine runs in a task
        if self.is_closed:
            return None
        self.idle.add(reader)
        try:
            return await super().dequeue(timeout, poll_interval)
        except REDIS_LOST:
            # SAQ would ask again at once, for as long as Redis is away.
            await asyncio.sleep(PAUSE_S)
            return None
        finally:
            self.idle.discard(reader)

    @override
    async def sweep(self, lock: int = 60, abort: float = 5.0) -> list[str]:
        try:
            return await super().sweep(lock, abort)
        except REDIS_LOST:
            return []

    async def depth(self) -> int:
        """How many jobs wait."""
        return await self.count("queued")


def build_queues(redis: Redis, names: Iterable[str]) -> dict[str, CalmQueue]:
    return {name: CalmQueue(redis, name) for name in sorted(set(names))}


async def close_redis(redis: Redis, queues: Queues) -> None:
    """Closes quietly, also while Redis is away."""
    for queue in queues.values():
        with suppress(*REDIS_LOST):
            async with asyncio.timeout(_CLOSE_TIMEOUT_S):
                await queue.disconnect()
    await redis.aclose()
    await redis.connection_pool.disconnect()


@dataclass(frozen=True, slots=True)
class Call:
    """A request to drain one kind of work of one tenant."""

    bell: Bell
    key: str

    def job(self) -> Job:
        """The job as SAQ takes it: ids only, every limit written out."""
        return Job(
            function=self.bell.work,
            kwargs={"mode": self.bell.mode.value, "tenant_id": self.bell.tenant_id},
            key=self.key,
            timeout=_JOB_TIMEOUT_S,
            retries=_JOB_RETRIES,
            retry_delay=_JOB_RETRY_DELAY_S,
            retry_backoff=_JOB_RETRY_DELAY_MAX_S,
            ttl=KEEP_S,
        )


async def enqueue_bell(queues: Queues, bell: Bell) -> bool:
    """Asks for a drain; False when one is already asked for and has not begun.

    The first key may belong to a drain that is about to end and has looked for the last time, so a second key stands
    behind it. A job whose worker died holds its key until SAQ sweeps it; the scans use keys of their own.
    """
    key = _key(bell)
    for call in (Call(bell, key), Call(bell, f"{key}:again")):
        if await _queue(queues, bell).enqueue(call.job()) is not None:
            return True
    return False


async def enqueue_found(queues: Queues, bell: Bell, *, turn: str) -> bool:
    """Asks for a drain because a scan found work; one for each tenant and `turn`."""
    call = Call(bell, f"{_key(bell)}:{turn}")
    return await _queue(queues, bell).enqueue(call.job()) is not None


@asynccontextmanager
async def observed(name: str, job_id: str, **ids: str) -> AsyncIterator[None]:
    """Around one job: its ids on every log line, its time and end in the metrics, its failure in the log."""
    began_s = monotonic_s()
    result = "canceled"
    with structlog.contextvars.bound_contextvars(job_id=job_id, **ids):
        try:
            yield
            result = "done"
        except UnavailableError as error:
            result = "unavailable"
            log.warning("job_postponed", job=name, reason=str(error))
            raise
        except Exception:
            result = "failed"
            log.exception("job_failed", job=name)
            raise
        finally:
            metrics.count_job(job=name, result=result, took_s=monotonic_s() - began_s)


def _key(bell: Bell) -> str:
    return f"{bell.work}:{bell.mode}:{bell.tenant_id}"


def _queue(queues: Queues, bell: Bell) -> CalmQueue:
    return queues[bell.queue]


class RedisDoorbell:
    """Rings after commits, from one task: a commit never waits for Redis, and bells that pile up are one bell."""

    def __init__(self, queues: Queues) -> None:
        self._queues = queues
        self._bells: dict[Bell, None] = {}
        self._rung = asyncio.Event()
        self._is_away = False
        self._is_closing = False
        self._ringer: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._ringer = asyncio.create_task(self._ring_for_ever(), name="doorbell")

    async def ring(self, bells: Sequence[Bell]) -> None:
        """Never raises and never waits; a lost bell is made good by the next scan."""
        self._bells.update(dict.fromkeys(bells))
        self._rung.set()

    async def close(self) -> None:
        """Rings what is left if that is quick."""
        ringer, self._ringer = self._ringer, None
        if ringer is None:
            return
        # Python 3.11's wait_for, under redis-py, can swallow a cancellation: the flag ends the loop all the same.
        self._is_closing = True
        ringer.cancel()
        await asyncio.wait([ringer])
        with suppress(*REDIS_LOST):
            async with asyncio.timeout(_LAST_RINGS_S):
                await self._ring_all()

    async def _ring_for_ever(self) -> None:
        while not self._is_closing:
            await self._rung.wait()
            self._rung.clear()
            try:
                await self._ring_all()
                # What commits together rings together: a busy tenant asks for its work a few times a second.
                await asyncio.sleep(_GATHER_S)
            except REDIS_LOST as error:
                lost, self._bells = 1 + len(self._bells), {}
                metrics.count_doorbell(result="lost")
                if not self._is_away:
                    log.warning("doorbell_unreachable", reason=type(error).__name__, lost=lost)
                self._is_away = True
                await asyncio.sleep(PAUSE_S)

    async def _ring_all(self) -> None:
        while self._bells:
            bell = next(iter(self._bells))
            del self._bells[bell]
            if bell.queue not in self._queues:
                log.error("doorbell_without_queue", work=bell.work)
                continue
            async with asyncio.timeout(_RING_TIMEOUT_S):
                is_new = await enqueue_bell(self._queues, bell)
            metrics.count_doorbell(result="rung" if is_new else "already_rung")
            if self._is_away:
                log.info("doorbell_back")
            self._is_away = False
