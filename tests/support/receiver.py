"""Owns a merchant's server on loopback, which does what a test tells it, and listeners that only count."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import orjson
from aiohttp import web
from aiohttp.test_utils import TestServer

Reaction: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True)
class Received:
    """One request as it came in."""

    headers: dict[str, str]
    body: bytes
    at_s: float

    @property
    def event_id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = orjson.loads(self.body)
        return found


@dataclass
class Receiver:
    """Answers 200 until it is told otherwise."""

    url: str = ""
    received: list[Received] = field(default_factory=list)
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    react: Reaction | None = None

    @property
    def event_ids(self) -> list[str]:
        return [each.event_id for each in self.received]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        at_s = asyncio.get_running_loop().time()
        self.received.append(Received(dict(request.headers), await request.read(), at_s))
        if self.react is not None:
            return await self.react(request)
        return web.Response(status=self.status, headers=self.headers, text="noted")


@asynccontextmanager
async def running_receiver(
    port: int | None = None, *, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Receiver]:
    receiver = Receiver()
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", receiver.handle)
    server = TestServer(app, scheme="http" if tls is None else "https", port=port)
    # A test that ends while a slow answer is under way does not wait for it.
    await server.start_server(shutdown_timeout=0.1, ssl=tls)
    try:
        receiver.url = str(server.make_url("/hooks"))
        yield receiver
    finally:
        await server.close()


@dataclass
class Listener:
    """Counts who connects, and says nothing."""

    port: int
    connections: int = 0


@asynccontextmanager
async def counting_listener(host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[Listener]:
    listener = Listener(port)

    def connected(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        listener.connections += 1
        writer.close()

    server = await asyncio.start_server(connected, host, port)
    listener.port = server.sockets[0].getsockname()[1]
    try:
        yield listener
    finally:
        server.close()
        await server.wait_closed()


def hanging() -> Reaction:
    """Answers when the receiver is stopped."""

    async def hang(_: web.Request) -> web.StreamResponse:
        await asyncio.Event().wait()
        return web.Response()

    return hang


async def until(is_so: Callable[[], bool], *, patience_s: float = 10.0) -> None:
    """Wait for something that another task does."""
    async with asyncio.timeout(patience_s):
        while not is_so():
            await asyncio.sleep(0.01)
