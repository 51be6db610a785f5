"""Rate limits: who is asked about which buckets, and what happens while Redis is away."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import structlog
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from duro.errors import UnavailableError
from duro.kit import metrics
from duro.kit.gcra import SCRIPT, Bucket, Rate, Standing, spend
from duro.kit.jobs import REDIS_LOST

log = structlog.get_logger(__name__)

# Longer than any healthy answer; a request waits for two of these, or for none once Redis is known to be away.
_TIMEOUT_S: Final = 0.25
_PAUSE_S: Final = 1.0
_BATCH: Final = 128


class LimitClass(StrEnum):
    """What an operation does, as far as limits go."""

    READ = "read"
    WRITE = "write"
    MONEY = "money"
    AUTH = "auth"
    # Money again, by somebody who has nothing but a link.
    PAY = "pay"
    # Leaves this machine because a member asked for it.
    SEND = "send"

    @property
    def fails_closed(self) -> bool:
        """Whether it is refused while nobody can count."""
        return self in (LimitClass.MONEY, LimitClass.AUTH, LimitClass.PAY, LimitClass.SEND)


@dataclass(frozen=True, slots=True)
class Limits:
    """The rates in force; `classes` tighten one class of operations below the rate of the key or address."""

    key: Rate
    address: Rate
    classes: Mapping[LimitClass, Rate]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the buckets said of one request; nothing when nobody could count."""

    standings: Sequence[Standing] = ()

    @property
    def retry_s(self) -> int:
        """Seconds until it would be admitted; 0 when it is."""
        return max((standing.retry_s for standing in self.standings), default=0)

    @property
    def headers(self) -> dict[str, str]:
        """`RateLimit-Policy` and `RateLimit` as draft-ietf-httpapi-ratelimit-headers-09 writes them.

        The quota of a policy is its burst, its window the time in which an empty bucket becomes full.
        """
        if not self.standings:
            return {}
        policies = (f'"{s.rate.name}";q={s.rate.burst};w={s.rate.window_s}' for s in self.standings)
        left = (f'"{s.rate.name}";r={s.remaining};t={s.reset_s}' for s in self.standings)
        return {"RateLimit-Policy": ", ".join(policies), "RateLimit": ", ".join(left)}


class LimiterAwayError(Exception):
    """Redis cannot be asked at present."""


@dataclass(slots=True, eq=False)
class _Asked:
    buckets: Sequence[Bucket]
    answer: "asyncio.Future[Sequence[Standing]]"


class Limiter:
    """Counts requests in Redis, from one task: requests that come together share a round trip.

    Once Redis does not answer, nobody waits for it: the task asks after it each second, and until it is back every
    question is answered at once, by the class of the operation.
    """

    def __init__(self, redis: Redis, limits: Limits) -> None:
        self._redis = redis
        self._limits = limits
        self._waiting: list[_Asked] = []
        self._rung = asyncio.Event()
        self._is_away = False
        self._is_closing = False
        self._counter: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._counter = asyncio.create_task(self._count_for_ever(), name="limiter")

    async def close(self) -> None:
        counter, self._counter = self._counter, None
        self._is_closing = True
        if counter is not None:
            counter.cancel()
            await asyncio.wait([counter])
        self._give_up(self._waiting)
        with suppress(*REDIS_LOST):
            await self._redis.aclose()

    async def ask_of_credential(self, credential_id: str, kind: LimitClass) -> Verdict:
        """Raises `UnavailableError` where nobody can count and the class fails closed."""
        return await self._ask(self._limits.key, credential_id, kind)

    async def ask_of_address(self, address: str, kind: LimitClass) -> Verdict:
        """The same, for somebody who has no valid credential."""
        return await self._ask(self._limits.address, address, kind)

    async def _ask(self, rate: Rate, owner: str, kind: LimitClass) -> Verdict:
        of_class = self._limits.classes.get(kind)
        rates = [rate] if of_class is None else [rate, of_class]
        try:
            standings = await self._spend([Bucket(each, owner) for each in rates])
        except LimiterAwayError:
            if kind.fails_closed:
                raise UnavailableError(
                    "Requests of this kind cannot be counted just now; try again."
                ) from None
            return Verdict()
        verdict = Verdict(standings)
        if verdict.retry_s:
            metrics.count_limited(kind=kind.value)
        return verdict

    async def _spend(self, buckets: Sequence[Bucket]) -> Sequence[Standing]:
        if self._is_away or self._counter is None or self._counter.done():
            raise LimiterAwayError
        asked = _Asked(buckets, asyncio.get_running_loop().create_future())
        self._waiting.append(asked)
        self._rung.set()
        return await asked.answer

    async def _count_for_ever(self) -> None:
        while not self._is_closing:
            await self._rung.wait()
            self._rung.clear()
            while self._waiting and not self._is_closing:
                batch, self._waiting = self._waiting[:_BATCH], self._waiting[_BATCH:]
                try:
                    await self._count(batch)
                except REDIS_LOST as error:
                    self._is_away = True
                    log.warning("limiter_away", reason=type(error).__name__)
                    self._give_up([*batch, *self._waiting])
                    self._waiting = []
                    await self._wait_for_redis()
                finally:
                    # Also when this task is cancelled: a request must not wait for an answer that never comes.
                    self._give_up(batch)

    async def _count(self, batch: Sequence[_Asked]) -> None:
        try:
            found = await self._try(batch)
        except REDIS_LOST:
            # Once more, for a connection from before a restart, and for a loop that was busy.
            found = await self._try(batch)
        for asked, standings in zip(batch, found, strict=True):
            if not asked.answer.done():
                asked.answer.set_result(standings)

    async def _try(self, batch: Sequence[_Asked]) -> list[list[Standing]]:
        async with asyncio.timeout(_TIMEOUT_S):
            return await spend(self._redis, [asked.buckets for asked in batch])

    async def _wait_for_redis(self) -> None:
        while not self._is_closing:
            await asyncio.sleep(_PAUSE_S)
            with suppress(*REDIS_LOST):
                async with asyncio.timeout(_TIMEOUT_S):
                    await self._redis.script_load(SCRIPT)
                self._is_away = False
                log.info("limiter_back")
                return

    def _give_up(self, batch: Sequence[_Asked]) -> None:
        for asked in batch:
            if not asked.answer.done():
                asked.answer.set_exception(LimiterAwayError())


def open_limiter(url: str, limits: Limits) -> Limiter:
    """A limiter with a connection of its own, whose patience is shorter than that of the queues."""
    redis: Redis = Redis.from_url(
        url,
        socket_timeout=_TIMEOUT_S,
        socket_connect_timeout=_TIMEOUT_S,
        retry=Retry(NoBackoff(), 0),
    )
    return Limiter(redis, limits)
