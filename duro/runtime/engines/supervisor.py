"""Owns the life of both engines together: one start, one stop, nothing left behind."""

import asyncio
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Self

from duro.runtime.engines import postgres, valkey
from duro.runtime.engines.binaries import Binaries, find_binaries
from duro.runtime.engines.cluster import unfinished
from duro.runtime.engines.datadir import DataDir, open_data_dir
from duro.runtime.engines.errors import explained
from duro.runtime.engines.postgres import Postgres, PostgresPlan
from duro.runtime.engines.privileges import Unroot, choose_privileges
from duro.runtime.engines.processes import AS_WE_ARE, POLL_S, Privileges, stop_survivors
from duro.runtime.engines.valkey import Valkey, ValkeyPlan


@dataclass(frozen=True, slots=True)
class Engines:
    """Where the running engines are reached; both addresses hold a password."""

    database_url: str
    redis_url: str
    data_dir: Path


class Running:
    """Both engines while they run; leave the context, or `stop`, to end them."""

    def __init__(self, data: DataDir, database: Postgres, redis: Valkey) -> None:
        self._data: DataDir | None = data
        self._database = database
        self._redis = redis
        self.engines = Engines(database.url, redis.url, data.path)

    async def stop(self) -> None:
        """Stop both engines and give the data directory free; a second call does nothing."""
        data, self._data = self._data, None
        if data is not None:
            await _stop(data, self._database, self._redis)

    def pids(self) -> dict[str, int]:
        """Process ids of the engines, for those who watch or disturb them."""
        servers = {"postgres": self._database.process, "redis": self._redis.process}
        return {name: process.pid for name, process in servers.items() if process is not None}

    async def restart_database(self) -> None:
        """Stop and start PostgreSQL alone, as an operator would for an upgrade."""
        await self._database.stop()
        await self._database.start()

    async def wait_for_end(self) -> str:
        """Wait until an engine ends by itself; its name and last words."""
        while True:
            for name, engine in (("PostgreSQL", self._database), ("Redis", self._redis)):
                if engine.process is not None and not engine.process.is_alive():
                    return f"{name} ended: {engine.process.said().strip()[-500:]}"
            await asyncio.sleep(POLL_S * 10)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()


async def start_engines(
    *,
    data_dir: Path,
    durable: bool = True,
    log: Callable[[str], None] | None = None,
    unroot: Unroot = "auto",
) -> Running:
    """Start PostgreSQL and a Redis-compatible server with their data in `data_dir`.

    `durable=False` is for tests: data may be lost in a power cut, and the engines end when the
    thread that started them does. `unroot` chooses how root runs PostgreSQL.
    """
    say = log or _say_nothing
    with explained(data_dir):
        binaries = find_binaries()
        data = open_data_dir(data_dir)
        try:
            await _stop_survivors(data, say)
            data.refuse_lost_cluster()
            privileges, bin_folder = await choose_privileges(
                data=data, binaries=binaries, unroot=unroot, log=say, is_kept=durable
            )
            database, redis = _plan(
                data=data,
                binaries=replace(binaries, postgres_bin=bin_folder),
                psql=binaries.tool("psql"),
                privileges=privileges,
                is_durable=durable,
            )
        except BaseException:
            data.drop_socket_dir()
            data.release()
            raise
        try:
            await _start_both(database, redis)
        except BaseException:
            await _stop(data, database, redis)
            raise
        return Running(data, database, redis)


async def remove_data(data_dir: Path) -> None:
    """Remove everything that the engines keep for `data_dir`, and the folder itself."""
    with explained(data_dir):
        if not await asyncio.to_thread(data_dir.exists):
            return
        data = open_data_dir(data_dir)
        try:
            await _stop_survivors(data, _say_nothing)
            data.drop_socket_dir()
            if data.record.outside is not None:
                shutil.rmtree(data.record.outside, ignore_errors=True)
            for entry in data.path.iterdir():
                _remove(entry)
            # A mount point stays, empty.
            with suppress(OSError):
                data.path.rmdir()
        finally:
            data.release()


def _remove(entry: Path) -> None:
    if entry.is_dir() and not entry.is_symlink():
        shutil.rmtree(entry)
    else:
        entry.unlink()


def _plan(
    *, data: DataDir, binaries: Binaries, psql: Path, privileges: Privileges, is_durable: bool
) -> tuple[Postgres, Valkey]:
    data.log.mkdir(mode=0o700, exist_ok=True)
    sockets = data.make_socket_dir()
    outside = data.record.outside
    database = PostgresPlan(
        data=data,
        bin_folder=binaries.postgres_bin,
        psql=psql,
        privileges=privileges,
        sockets=Path(outside) / "run" if outside else sockets,
        is_durable=is_durable,
    )
    redis = ValkeyPlan(
        data=data,
        program=binaries.redis_server,
        # Another user cannot come to the data directory, and this server does not refuse root.
        privileges=AS_WE_ARE if outside else privileges,
        sockets=sockets,
        is_durable=is_durable,
    )
    return Postgres(database), Valkey(redis)


async def _start_both(database: Postgres, redis: Valkey) -> None:
    try:
        async with asyncio.TaskGroup() as both:
            both.create_task(database.start())
            both.create_task(redis.start())
    except ExceptionGroup as failures:
        # The first one tells the story; the other engine was only cancelled or failed alike.
        raise failures.exceptions[0] from failures


async def _stop(data: DataDir, database: Postgres, redis: Valkey) -> None:
    try:
        await asyncio.gather(database.stop(), redis.stop())
        data.drop_socket_dir()
    finally:
        data.release()


async def _stop_survivors(data: DataDir, say: Callable[[str], None]) -> None:
    counts = await asyncio.gather(
        stop_survivors(data.cluster, postgres.STOP_STEPS),
        stop_survivors(unfinished(data.cluster), postgres.STOP_STEPS),
        stop_survivors(valkey.config_file(data), valkey.STOP_STEPS),
    )
    if any(counts):
        say(f"Stopped {sum(counts)} engine(s) that an earlier start had left in {data.path}")


def _say_nothing(_message: str) -> None:
    """Used when nobody listens."""
