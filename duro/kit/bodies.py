"""Reads the body of a request whole: of a bounded size, and in a bounded time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from aiohttp import web

from duro.errors import BadRequestError, PayloadTooLargeError

# A mebibyte over the slowest mobile line takes less; whoever takes longer holds a connection for nothing.
IN_TIME_S: Final = 30.0
_KIB: Final = 1024


async def read_bounded(
    request: web.Request, most_bytes: int, *, in_time_s: float = IN_TIME_S
) -> bytes:
    """Raises `PayloadTooLargeError` as soon as it is over the bound, and `BadRequestError` when it takes too long."""
    raw = bytearray()
    async with in_time(in_time_s):
        async for chunk in request.content.iter_any():
            raw += chunk
            if len(raw) > most_bytes:
                raise PayloadTooLargeError(f"The body is over {most_bytes // _KIB} KiB.")
    return bytes(raw)


@asynccontextmanager
async def in_time(seconds: float = IN_TIME_S) -> AsyncIterator[None]:
    """Raises `BadRequestError` when what is read inside takes longer."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as error:
        raise BadRequestError("The body did not come in time.") from error
