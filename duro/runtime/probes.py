"""What a process needs to be ready, asked afresh for the health port."""

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass

from aiohttp import web
from redis.asyncio import Redis

from duro.kit import metrics
from duro.kit.db import Database
from duro.kit.health import Check, NotReadyError, build_health_app
from duro.kit.jobs import REDIS_LOST, Queues
from duro.runtime.errors import StartError
from duro.runtime.pools import demand_migrated


@dataclass(slots=True)
class Probes:
    """Without Redis a process that only answers requests is degraded, one that works is not ready."""

    db: Database
    database_url: str
    redis: Redis
    queues: Queues
    needs_redis: bool
    is_stopping: bool = False

    def app(self) -> web.Application:
        """The health port."""
        return build_health_app(checks=self._checks(), refresh=self.refresh)

    async def refresh(self) -> None:
        """Brings the gauges up to date."""
        for pool, (used, idle) in self.db.pool_use().items():
            metrics.note_pool(pool=pool, used=used, idle=idle)
        try:
            for name, queue in self.queues.items():
                metrics.note_queue(queue=name, waiting=await queue.depth())
        except REDIS_LOST:
            # The figures that can be had are better than none.
            return

    def say_stopping(self) -> None:
        """From now on nobody should send new requests here."""
        self.is_stopping = True

    def _checks(self) -> Sequence[Check]:
        return (
            Check("process", self._is_staying),
            Check("database", self._database),
            Check("migrations", self._migrations),
            Check("redis", self._redis, is_needed=self.needs_redis),
        )

    async def _is_staying(self) -> None:
        if self.is_stopping:
            raise NotReadyError("stopping")

    async def _database(self) -> None:
        async with self.db.core():
            """A transaction that does nothing shows that one can be had."""

    async def _migrations(self) -> None:
        try:
            await demand_migrated(self.database_url)
        except StartError as error:
            raise NotReadyError(str(error)) from error

    async def _redis(self) -> None:
        try:
            answer = self.redis.ping()
            # The client is typed for both worlds; this one is the asynchronous.
            if isinstance(answer, Awaitable):
                await answer
        except REDIS_LOST as error:
            raise NotReadyError("cannot be reached; the scans start work again after it") from error
