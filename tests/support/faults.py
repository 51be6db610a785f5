"""Owns the fault harness: processes that are killed or cut off at a chosen point, and their recovery.

A child is a real process forked from a server that has imported everything, so that hundreds of them are cheap. A test
gives it orders, waits for the fault, starts another one as an operator would, and looks at the books.
"""

import asyncio
import multiprocessing
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from duro.kit.jobs import open_redis
from duro.runtime.serve import ALL_ROLES
from tests.support.fault_child import Orders, Passed, Ready, Struck, child
from tests.support.fault_data import contradictions, count_due, count_unsettled

# DURO_TEST_FAULTS=long runs every seed and every scenario.
IS_LONG: Final = os.environ.get("DURO_TEST_FAULTS") == "long"
# Checks of open attempts are due, and leases of dead processes are over.
LATER: Final = timedelta(minutes=3)
_START_S: Final = 60.0
_END_S: Final = 60.0
# What falls due just after the scan of a new start waits for the next one, up to a minute.
_WORK_S: Final = 80.0
_STARTS_MAX: Final = 4
_CHUNK: Final = 65536
_forks: Final = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload([child.__module__])


@dataclass(frozen=True)
class End:
    """How a child ended: the point where it was struck, or the points that it passed."""

    code: int
    struck: str | None
    points: Sequence[str]


class Child:
    """A process under orders."""

    def __init__(self, orders: Orders) -> None:
        self._pipe, far_end = _forks.Pipe(duplex=False)
        self._process: ForkServerProcess = _forks.Process(target=child, args=(orders, far_end))
        self._process.start()
        far_end.close()
        self._ready: Ready | None = None
        self._struck: str | None = None
        self._points: Sequence[str] = ()

    async def ready(self) -> str:
        """Its public address, once it serves; empty if it has none or was struck before."""
        while self._ready is None and await self._receive(_START_S) is not None:
            continue
        return (self._ready and self._ready.public_url) or ""

    async def end(self) -> End:
        """Once it is gone."""
        while await self._receive(_END_S) is not None:
            pass
        await _readable(self._process.sentinel, _END_S)
        self._process.join()
        code = self._process.exitcode
        assert code is not None
        return End(code, self._struck, self._points)

    def kill(self) -> None:
        self._process.kill()

    def ask_to_stop(self) -> None:
        self._process.terminate()

    @property
    def is_alive(self) -> bool:
        return self._process.is_alive()

    async def _receive(self, patience_s: float) -> object:
        """What it says next; None when it is gone."""
        await _readable(self._pipe.fileno(), patience_s)
        try:
            said: object = self._pipe.recv()
        except EOFError:
            return None
        if isinstance(said, Ready):
            self._ready = said
        elif isinstance(said, Struck):
            self._struck = said.point
        elif isinstance(said, Passed):
            self._points = said.points
        return said


async def _readable(descriptor: int, patience_s: float) -> None:
    # No threads: two of them that ask after one child at once take its exit code from each other.
    loop = asyncio.get_running_loop()
    is_readable = asyncio.Event()
    loop.add_reader(descriptor, is_readable.set)
    try:
        async with asyncio.timeout(patience_s):
            await is_readable.wait()
    finally:
        loop.remove_reader(descriptor)


@dataclass(frozen=True)
class Ground:
    """Where the children work: a database and a Redis of this test, and one log for all of them."""

    database_url: str
    redis_url: str
    log: Path

    def orders(self, **what: Any) -> Orders:  # noqa: ANN401 - the fields of the orders
        return Orders(self.database_url, self.redis_url, self.log, **what)

    async def run(self, **what: Any) -> End:  # noqa: ANN401 - the fields of the orders
        """A child from its start to its end."""
        end = await Child(self.orders(**what)).end()
        assert end.struck or end.code == 0, f"ended with {end.code}\n{self.tail()}"
        return end

    @asynccontextmanager
    async def serving(self, **what: Any) -> AsyncIterator[Child]:  # noqa: ANN401 - as above
        """A child with every role, which is asked to stop at the end if it is still there."""
        orders = replace(self.orders(roles=ALL_ROLES), **what)
        started = Child(orders)
        try:
            yield started
            if started.is_alive:
                # Before that a signal would end it as it ends every process.
                await started.ready()
                started.ask_to_stop()
                assert (await started.end()).code == 0, self.tail()
        finally:
            started.kill()

    async def recover(self, *, ahead: timedelta = LATER, step: timedelta = LATER) -> None:
        """New starts, each a `step` later in business time, until nothing is left to do.

        A renewal that was held up may itself end unknown, so one start is not always the last.
        """
        for _ in range(_STARTS_MAX):
            async with self.serving(ahead=ahead):
                await self.until_done(ahead=ahead)
            ahead += step
            left = await count_unsettled(self.database_url) + await count_due(
                self.database_url, ahead
            )
            if not left:
                return
        raise AssertionError(f"outcomes stay unknown\n{self.tail()}")

    async def until_done(self, *, ahead: timedelta = timedelta(0)) -> None:
        """Until nothing is due."""
        loop = asyncio.get_running_loop()
        until_s = loop.time() + _WORK_S
        while due := await count_due(self.database_url, ahead):
            assert loop.time() < until_s, f"{due} things are still due\n{self.tail()}"
            await asyncio.sleep(0.05)

    async def contradictions(self) -> list[str]:
        return await contradictions(self.database_url)

    async def flush_redis(self) -> None:
        async with open_redis(self.redis_url) as redis:
            await redis.flushall()

    def tail(self) -> str:
        """The last that the children said."""
        return self.log.read_text()[-6000:] if self.log.exists() else "(no log)"


class Relay:
    """Stands between a child and Redis, and can be away."""

    def __init__(self, redis_url: str, socket: Path) -> None:
        url = urlsplit(redis_url)
        self.url = url._replace(path=str(socket)).geturl()
        self._target = url.path
        self._socket = socket
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()

    async def come(self) -> None:
        self._server = await asyncio.start_unix_server(self._join, self._socket)

    async def go(self) -> None:
        """Nobody connects any more, and who was connected is cut off."""
        assert self._server is not None
        self._server.close()
        self._socket.unlink()
        for writer in self._open:
            writer.transport.abort()

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_unix_connection(self._target)
        self._open |= {writer, far_writer}
        await asyncio.gather(_pass_on(reader, far_writer), _pass_on(far_reader, writer))
        self._open -= {writer, far_writer}


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while passed := await reader.read(_CHUNK):
            writer.write(passed)
            await writer.drain()
    writer.close()


def seeds(*, short: int, long: int) -> list[int]:
    """The seeds of a run; DURO_TEST_FAULTS_SEED asks for one of them again."""
    if one := os.environ.get("DURO_TEST_FAULTS_SEED"):
        return [int(one)]
    return list(range(1, 1 + (long if IS_LONG else short)))
