"""Owns a way to PostgreSQL on which the answer to a COMMIT can be lost: it was done, and the caller is not told."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import parse_qs, urlsplit, urlunsplit

_COMMIT = b"Q\x00\x00\x00\x0bCOMMIT\x00"


class CuttingWay:
    """A port of this machine that leads to PostgreSQL's socket."""

    def __init__(self, url: str) -> None:
        self._given = urlsplit(url)
        asked = parse_qs(self._given.query)
        self._socket = f"{asked['host'][0]}/.s.PGSQL.{asked.get('port', ['5432'])[0]}"
        self._port = 0
        self._left: int | None = None
        self.was_cut = False

    @property
    def url(self) -> str:
        account = self._given.netloc.rpartition("@")[0]
        place = f"{account}@127.0.0.1:{self._port}"
        return urlunsplit((self._given.scheme, place, self._given.path, "", ""))

    def cut_after(self, commits: int) -> None:
        """The answer to the commit after so many more is lost, and its connection with it."""
        self._left, self.was_cut = commits, False

    async def open(self) -> asyncio.Server:
        server = await asyncio.start_server(self._join, "127.0.0.1", 0)
        self._port = server.sockets[0].getsockname()[1]
        return server

    def _is_cut(self, sent: bytes) -> bool:
        if self._left is None or _COMMIT not in sent:
            return False
        self._left -= 1
        if self._left >= 0:
            return False
        self._left, self.was_cut = None, True
        return True

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_unix_connection(self._socket)
        silent = asyncio.Event()

        async def there() -> None:
            while sent := await reader.read(65536):
                if self._is_cut(sent):
                    silent.set()
                far_writer.write(sent)

        async def back() -> None:
            while told := await far_reader.read(65536):
                if silent.is_set():
                    # PostgreSQL has committed, for it has answered.
                    return
                writer.write(told)

        with suppress(ConnectionError):
            await asyncio.wait(
                [asyncio.create_task(there()), asyncio.create_task(back())],
                return_when=asyncio.FIRST_COMPLETED,
            )
        for each in (writer, far_writer):
            each.transport.abort()


@asynccontextmanager
async def cutting(url: str) -> AsyncIterator[CuttingWay]:
    way = CuttingWay(url)
    async with await way.open():
        yield way
