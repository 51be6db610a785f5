"""Owns the engines of one test run: one PostgreSQL cluster, one Redis, and a new database for each test."""

import asyncio
import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Coroutine, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from itertools import count, cycle
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import asyncpg
import redis

from duro.kit.migrations import migrate
from duro.runtime.engines import EngineError, Running, remove_data, start_engines

T = TypeVar("T")

_TEMPLATE: Final = "duro_template"
_FOLDER_PREFIX: Final = "duro-test-"
# PostgreSQL copies about 1,300 files for each test: in memory 10 ms, on a slow disk 300 ms.
_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - a private folder is made in it
_MEMORY_NEEDED_BYTES: Final = 2 * 1024**3
_PATIENCE_S: Final = 120
_REDIS_DATABASES: Final = range(1, 16)


class LoopThread:
    """A loop on a thread of its own, for what outlives the loop of a test."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def submit(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def wait(self, work: Coroutine[Any, Any, T]) -> T:
        return self.submit(work).result(_PATIENCE_S)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_PATIENCE_S)
        self._loop.close()


class Cluster:
    """The running engines, and the databases in them."""

    def __init__(self, loop: LoopThread, running: Running) -> None:
        self._loop = loop
        self._running = running
        self._numbers = count(1)
        self._redis_numbers = cycle(_REDIS_DATABASES)
        self._drops: list[Future[None]] = []
        loop.wait(self._make_template())
        self._next = loop.submit(self._create(_TEMPLATE))

    def new_database(self) -> str:
        """The address of a migrated, empty database, as its owner; the one after it is made meanwhile."""
        url = self._next.result(_PATIENCE_S)
        self._next = self._loop.submit(self._create(_TEMPLATE))
        return url

    def empty_database(self) -> str:
        """The address of a database without any schema of ours."""
        return self._loop.wait(self._create("template1"))

    def drop_database(self, url: str) -> None:
        """Ends what is still connected; the next test does not wait for it."""
        self._drops.append(self._loop.submit(self._drop(urlsplit(url).path.removeprefix("/"))))

    def empty_redis(self) -> str:
        """The address of a logical database of Redis with nothing in it."""
        url = f"{self._running.engines.redis_url}&db={next(self._redis_numbers)}"
        with redis.Redis.from_url(url) as client:
            client.flushdb()
        return url

    def restart_postgres(self, *, is_crash: bool = False) -> None:
        """Restart PostgreSQL under everything that is connected to it; a crash leaves it no time to tidy up."""
        self._settle()
        if is_crash:
            os.kill(self._running.pids()["postgres"], signal.SIGQUIT)
        self._loop.wait(self._running.restart_database())

    def close(self) -> None:
        self._settle()

    def _settle(self) -> None:
        self._next.result(_PATIENCE_S)
        drops, self._drops = self._drops, []
        for drop in drops:
            drop.result(_PATIENCE_S)

    async def _make_template(self) -> None:
        await self._execute(f"CREATE DATABASE {_TEMPLATE}")
        await migrate(self._address(_TEMPLATE))

    async def _create(self, template: str) -> str:
        name = f"test_{next(self._numbers)}"
        # FILE_COPY took 11 ms, WAL_LOG 15 ms and much log.
        await self._execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        return self._address(name)

    async def _drop(self, name: str) -> None:
        await self._execute(f"DROP DATABASE {name} WITH (FORCE)")

    async def _execute(self, command: str) -> None:
        connection = await asyncpg.connect(self._running.engines.database_url)
        try:
            await connection.execute(command)
        finally:
            await connection.close()

    def _address(self, database: str) -> str:
        url = urlsplit(self._running.engines.database_url)
        return url._replace(path=f"/{database}").geturl()


@contextmanager
def running_cluster() -> Iterator[Cluster]:
    """Starts the engines in a folder of their own and leaves nothing behind."""
    # The engines end with the thread that started them, so a killed run leaves no process.
    loop = LoopThread()
    try:
        loop.wait(_remove_leftovers())
        folder = _new_folder()
        try:
            running = loop.wait(start_engines(data_dir=folder, durable=False))
            try:
                cluster = Cluster(loop, running)
                yield cluster
                cluster.close()
            finally:
                loop.wait(running.stop())
        finally:
            loop.wait(remove_data(folder))
    finally:
        loop.close()


def _new_folder() -> Path:
    prefix = f"{_FOLDER_PREFIX}{os.getpid()}-"
    in_memory = _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _MEMORY_NEEDED_BYTES
    return Path(tempfile.mkdtemp(prefix=prefix, dir=_MEMORY if in_memory else None))


async def _remove_leftovers() -> None:
    """Removes the data of runs that were killed; in memory it would stay until the next boot."""
    for base in {Path(tempfile.gettempdir()), _MEMORY}:
        for folder in base.glob(f"{_FOLDER_PREFIX}*-*"):
            pid = int(folder.name.removeprefix(_FOLDER_PREFIX).partition("-")[0])
            if folder.stat().st_uid == os.getuid() and not _is_running(pid):
                # Its lock refuses when somebody does use it, seen from another container.
                with suppress(EngineError):
                    await remove_data(folder)


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
