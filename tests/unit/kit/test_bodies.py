"""Bodies are read whole within a bound of size and of time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from duro.errors import BadRequestError, PayloadTooLargeError
from duro.kit.bodies import read_bounded

_MOST = 64 * 1024
_HEAD = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n"


@asynccontextmanager
async def reading() -> AsyncIterator[tuple[int, "asyncio.Queue[bytes | Exception]"]]:
    """A server on a free port that reads bodies, and what came of each."""
    came: asyncio.Queue[bytes | Exception] = asyncio.Queue()

    async def handle(request: web.Request) -> web.Response:
        try:
            await came.put(await read_bounded(request, _MOST, in_time_s=0.3))
        except (BadRequestError, PayloadTooLargeError) as error:
            await came.put(error)
        return web.Response()

    app = web.Application()
    app.router.add_post("/", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield runner.addresses[0][1], came
    finally:
        await runner.cleanup()


@pytest.mark.parametrize(
    ("said", "sent", "expected"),
    [
        (5, b"whole", b"whole"),
        (_MOST, b"x" * _MOST, b"x" * _MOST),
        (_MOST + 1, b"x" * (_MOST + 1), PayloadTooLargeError),
        (5, b"who", BadRequestError),
    ],
)
async def test_a_body_is_read_whole_or_refused(
    said: int, sent: bytes, expected: bytes | type[Exception]
) -> None:
    async with reading() as (port, came):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(_HEAD % said + sent)
        got = await asyncio.wait_for(came.get(), timeout=5)
        writer.close()

    assert got == expected or (isinstance(expected, type) and isinstance(got, expected))
