"""The way out to addresses that merchants gave: guarded at save and again at the connect address of each attempt."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, suppress
from functools import partial
from types import TracebackType
from typing import Any, Final, Self, TypeAlias, cast

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.client_proto import ResponseHandler
from typing_extensions import override
from yarl import URL

from duro.adapters.destinations import (
    Destination,
    RefusedDestinationError,
    demand_allowed,
    demand_allowed_url,
)
from duro.errors import UnavailableError
from duro.modules.webhooks.egress import Answer, Answered, Blocked, Unreachable

TIMEOUT_S: Final = 15.0
READ_MAX_BYTES: Final = 64 * 1024
KEPT_MAX_BYTES: Final = 2 * 1024
_ADMIT_TIMEOUT_S: Final = 5.0
# Sockets of this process; an attempt beyond them waits before its time starts.
_AT_ONCE: Final = 400
# With the wait for the delivery before it and the attempt itself this is within the lease of a delivery.
_SLOT_WAIT_S: Final = 20.0
_LOOKUPS_AT_ONCE: Final = 128
# What the parser is given of an answer: much more than is read of it, for what it cannot take at once it gets again.
_PARSED_MAX_BYTES: Final = 1024 * 1024
# Kept open within a burst only: a receiver that closes an idle connection just as we write would look like a failure.
_KEEP_ALIVE_S: Final = 2.0

# Answers the addresses of a host name; raises OSError when there is none.
Resolve: TypeAlias = Callable[[str, int], Awaitable[list[str]]]
_AddressInfo: TypeAlias = tuple[Any, ...]


class EgressBusyError(UnavailableError):
    """Too much else was under way for an attempt to begin, which is no fault of its receiver."""


class GuardedEgress:
    """Implements `Egress` over aiohttp; one per process, closed by whoever opened it.

    With `allow_loopback` (development only) plain HTTP may go to loopback, on any port; nothing else changes.
    """

    def __init__(
        self,
        *,
        allow_loopback: bool = False,
        resolve: Resolve | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self._allow_loopback = allow_loopback
        self._timeout_s = timeout_s
        self._lookups = ThreadPoolExecutor(_LOOKUPS_AT_ONCE, thread_name_prefix="egress-dns")
        self._resolve = resolve or self._look_up
        self._queued_hosts: set[str] = set()
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._stack = AsyncExitStack()
        self._sessions: dict[Destination, aiohttp.ClientSession] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        await self._stack.aclose()
        # A look-up that hangs in the system's resolver must not hold up the stop.
        self._lookups.shutdown(wait=False, cancel_futures=True)

    async def refusal(self, url: str) -> str | None:
        """Looks the name up too; one that cannot be found yet is left to the check of each attempt."""
        try:
            target, destination = demand_allowed_url(url, allow_loopback=self._allow_loopback)
        except RefusedDestinationError as refused:
            return str(refused)
        try:
            resolver = _Resolver(self._resolve, destination)
            async with asyncio.timeout(_ADMIT_TIMEOUT_S):
                await resolver.resolve(target.raw_host or "", target.port or 0)
        except RefusedDestinationError as refused:
            return str(refused)
        except OSError:
            # TimeoutError is one. A name server that is down now may be up at the first delivery; loopback needs none.
            return None if destination is Destination.PUBLIC else "The host cannot be found."
        return None

    async def post(self, url: str, *, body: bytes, headers: Mapping[str, str]) -> Answer:
        try:
            target, destination = demand_allowed_url(url, allow_loopback=self._allow_loopback)
        except RefusedDestinationError as refused:
            return Blocked(str(refused))
        await self._take_slot()
        try:
            return await self._post(self._session(destination), target, body, headers)
        except RefusedDestinationError as refused:
            return Blocked(str(refused))
        except TimeoutError:
            if target.raw_host in self._queued_hosts:
                raise EgressBusyError("Its host name was not even looked up in time.") from None
            return Unreachable(f"no answer within {self._timeout_s:.0f} s")
        except (aiohttp.ClientError, OSError) as error:
            return Unreachable(_reason(error))
        finally:
            self._slots.release()

    async def _take_slot(self) -> None:
        try:
            async with asyncio.timeout(_SLOT_WAIT_S):
                await self._slots.acquire()
        except TimeoutError:
            raise EgressBusyError("No connection was free in time.") from None

    async def _post(
        self, session: aiohttp.ClientSession, target: URL, body: bytes, headers: Mapping[str, str]
    ) -> Answer:
        ends_at = asyncio.get_running_loop().time() + self._timeout_s
        async with asyncio.timeout_at(ends_at):
            response = await session.post(target, data=body, headers=headers, allow_redirects=False)
        try:
            return Answered(
                status=response.status,
                excerpt=await _excerpt(response, ends_at),
                retry_after=response.headers.get("Retry-After"),
            )
        finally:
            # After a whole answer this does nothing; a connection with more to come is dropped.
            response.close()

    def _session(self, destination: Destination) -> aiohttp.ClientSession:
        """Made at first use, for it belongs to the running loop; one for each kind of destination."""
        session = self._sessions.get(destination)
        if session is None:
            session = self._open_session(destination)
            self._sessions[destination] = session
            self._stack.push_async_callback(session.close)
        return session

    def _open_session(self, destination: Destination) -> aiohttp.ClientSession:
        def open_socket(info: _AddressInfo) -> socket.socket:
            # The last moment before the connection; an address in the URL itself never meets the resolver.
            family, kind, protocol, _, address = info
            demand_allowed(address[0], destination)
            return socket.socket(family, kind, protocol)

        connector = _Connector(
            resolver=_Resolver(self._resolve, destination),
            socket_factory=open_socket,
            keepalive_timeout=_KEEP_ALIVE_S,
            limit=0,
        )
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            # `post` keeps the time itself; the client's own would be rounded up to a whole second.
            timeout=aiohttp.ClientTimeout(total=None),
            auto_decompress=False,
            requote_redirect_url=False,
            trust_env=False,
            skip_auto_headers=["Accept-Encoding"],
        )

    async def _look_up(self, host: str, port: int) -> list[str]:
        # On threads of its own: slow name servers of merchants must not use up those of the process.
        self._queued_hosts.add(host)

        def look_up() -> list[_AddressInfo]:
            self._queued_hosts.discard(host)
            return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)

        try:
            found = await asyncio.get_running_loop().run_in_executor(self._lookups, look_up)
        finally:
            # One that was given up in the queue never begins.
            self._queued_hosts.discard(host)
        return [str(address[0]) for *_, address in found]


def _reason(error: Exception) -> str:
    match error:
        case aiohttp.ClientConnectorDNSError():
            return "the host name cannot be resolved"
        case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientConnectorSSLError():
            return "the TLS handshake failed"
        case aiohttp.ClientConnectorError():
            return f"cannot connect: {error.os_error.strerror or 'no route'}"
        case _:
            # The client's names say what happened: ServerDisconnectedError, ClientPayloadError.
            return f"no HTTP answer: {type(error).__name__}"


async def _excerpt(response: aiohttp.ClientResponse, ends_at: float) -> str:
    """The beginning of the answer. The status is known by now, so what breaks from here on changes nothing."""
    read = bytearray()
    with suppress(TimeoutError, aiohttp.ClientError, OSError):
        async with asyncio.timeout_at(ends_at):
            while len(read) < READ_MAX_BYTES and not response.content.at_eof():
                read += await response.content.read(READ_MAX_BYTES - len(read))
    # PostgreSQL keeps no NUL in text.
    return read[:KEPT_MAX_BYTES].decode("utf-8", "replace").replace("\0", "\ufffd")


class _Handler(ResponseHandler):
    """Drops a connection whose answer goes on and on without a body that is read: interim answers, chunk extensions.

    Parsing them costs far more than sending them, so 15 seconds of them would hold up everybody's deliveries.
    A connection that is closed before the peer took everything is dropped too, or it stays open until they do.
    """

    # A receiver may speak before it is asked.
    _left = _PARSED_MAX_BYTES

    @override
    def set_response_params(self, **params: Any) -> None:
        self._left = _PARSED_MAX_BYTES
        super().set_response_params(**params)

    @override
    def data_received(self, data: bytes) -> None:
        self._left -= len(data)
        if self._left < 0 and self.transport is not None:
            self.transport.abort()
        else:
            super().data_received(data)

    @override
    def close(self) -> None:
        if self.transport is not None and self.transport.get_write_buffer_size():
            self.abort()
        else:
            super().close()


class _Connector(aiohttp.TCPConnector):
    """Makes connections that are bounded in what they receive; the client has no option for it."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - those of the client's connector
        super().__init__(**options)
        self._factory = cast("partial[ResponseHandler]", partial(_Handler, loop=self._loop))


class _Resolver(AbstractResolver):
    """Refuses a name as soon as one of its addresses is refused: the others are no better."""

    def __init__(self, resolve: Resolve, destination: Destination) -> None:
        self._resolve = resolve
        self._destination = destination

    @override
    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        del family  # every address is looked at, whichever family the caller would use
        addresses = await self._resolve(host, port)
        for address in addresses:
            demand_allowed(address, self._destination)
        return [_resolved(host, port, address) for address in addresses]

    @override
    async def close(self) -> None:
        """Nothing to close."""


def _resolved(host: str, port: int, address: str) -> ResolveResult:
    return ResolveResult(
        hostname=host,
        host=address,
        port=port,
        family=socket.AF_INET6 if ":" in address else socket.AF_INET,
        proto=socket.IPPROTO_TCP,
        flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
    )
