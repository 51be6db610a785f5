"""The limit of the API: aiohttp and asyncpg and nothing else, in a process of its own.

`python -m bench.bare <database url> <tenant> <inserts>` says its address in its first line and serves until it is
terminated.
"""

import asyncio
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any, Final

import asyncpg
import orjson
from aiohttp import web

from bench.ground import PATH, ROLE, Ground, statement
from duro.kit.db import PoolSizes
from duro.kit.sql import queries
from duro.runtime.serve import run_loop
from duro.runtime.sites import listen, serve_on

_PLAN: Final = queries("plans")["get_plan"].text
_INSERT: Final = statement("bare_insert")


@dataclass(frozen=True, slots=True)
class Bare:
    """Where the bare process is reached."""

    url: str
    pid: int


@asynccontextmanager
async def bare(ground: Ground, tenant_id: str, *, inserts: int) -> AsyncIterator[Bare]:
    """The process, until the block ends."""
    async with ground.owner() as owner:
        await owner.execute(statement("bare_table"))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.bare", ground.database_url, tenant_id, str(inserts)),
        stdout=PIPE,
    )
    try:
        assert process.stdout is not None  # noqa: S101 - asked for above
        yield Bare((await process.stdout.readline()).decode().strip(), process.pid)
    finally:
        process.terminate()
        await process.wait()


async def _serve(url: str, tenant_id: str, inserts: int) -> None:
    settings = {"role": ROLE, "search_path": PATH, "duro.tenant": tenant_id, "jit": "off"}
    size = PoolSizes().data
    pool = await asyncpg.create_pool(url, min_size=size, max_size=size, server_settings=settings)
    numbers = count()

    async def read(request: web.Request) -> web.Response:
        async with pool.acquire() as connection:
            row = await connection.fetchrow(_PLAN, tenant_id, request.match_info["id"])
        return _answer(200, dict(row))

    async def create(request: web.Request) -> web.Response:
        asked: dict[str, Any] = orjson.loads(await request.read())
        first = next(numbers) * inserts
        async with pool.acquire() as connection, connection.transaction():
            for number in range(first, first + inserts):
                await connection.execute(_INSERT, tenant_id, number, orjson.dumps(asked).decode())
        return _answer(201, {"id": first, **asked})

    app = web.Application()
    app.router.add_get("/plans/{id}", read)
    app.router.add_post("/subscriptions", create)
    listener = listen("127.0.0.1", 0, key="bench")
    await serve_on(listener, app)
    print(listener.url, flush=True)
    await asyncio.Event().wait()


def _answer(status: int, value: object) -> web.Response:
    return web.Response(
        status=status, body=orjson.dumps(value), headers={"Content-Type": "application/json"}
    )


if __name__ == "__main__":
    run_loop(_serve(sys.argv[1], sys.argv[2], int(sys.argv[3])))
