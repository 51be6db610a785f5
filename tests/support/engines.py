"""Owns what the tests of the engines share: questions to both servers, and processes that start them."""

import asyncio
import json
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import asyncpg
import pytest
from redis.asyncio import Redis

import duro
from duro.runtime.engines import Engines

CHECKOUT: Final = Path(duro.__file__).parent.parent
# Not ours: a child may be another user, or find no packages at all.
CHILD_ENV: Final = {
    "PYTHONPATH": os.pathsep.join([str(CHECKOUT), *sys.path]),
    "PATH": os.defpath,
}
CHILD: Final = Path(__file__).with_name("engine_child.py")


async def ask(database_url: str, statement: str) -> Any:  # noqa: ANN401 - whatever the column is
    connection = await asyncpg.connect(database_url)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


async def write_mark(engines: Engines) -> None:
    await ask(engines.database_url, "CREATE TABLE mark AS SELECT 'kept' AS word")
    async with Redis.from_url(engines.redis_url) as redis:
        await redis.set("mark", "kept")


async def read_mark(engines: Engines) -> tuple[str, str]:
    async with Redis.from_url(engines.redis_url) as redis:
        in_redis: bytes = await redis.get("mark")
    return await ask(engines.database_url, "SELECT word FROM mark"), in_redis.decode()


@asynccontextmanager
async def child(*words: str | Path, before: Sequence[str | Path] = ()) -> AsyncIterator[Process]:
    """A process that starts the engines; killed at the end."""
    program = before or [sys.executable]
    process = await asyncio.create_subprocess_exec(
        *program,
        CHILD,
        *words,
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=PIPE,
        env=CHILD_ENV,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def told_by(process: Process) -> dict[str, Any]:
    assert process.stdout is not None
    line = await process.stdout.readline()
    if not line:
        _, said = await process.communicate()
        pytest.fail(said.decode())
    told: dict[str, Any] = json.loads(line)
    return told


async def wait_until_gone(pids: Iterable[int]) -> None:
    async with asyncio.timeout(5):
        while any(map(is_running, pids)):
            await asyncio.sleep(0.02)


def is_running(pid: int) -> bool:
    try:
        # A process that ended and was not yet reaped has an empty command line.
        return Path(f"/proc/{pid}/cmdline").read_bytes() != b""
    except OSError:
        return False
