"""A closed loop of plain HTTP/1.1 over kept connections, so that the client costs as little as it can."""

import asyncio
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final
from urllib.parse import urlsplit

from duro.kit.clock import monotonic_s

CONNECTIONS: Final = 16
_LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


def request(
    method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes = b""
) -> bytes:
    """The bytes of one request."""
    lines = [f"{method} {path} HTTP/1.1", "Host: bench"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


async def per_second(url: str, requests: Iterable[bytes], *, status: int) -> float:
    """How many requests a second are answered, with all connections busy until none is left."""
    parts, left = urlsplit(url), iter(requests)
    streams = [
        await asyncio.open_connection(parts.hostname, parts.port) for _ in range(CONNECTIONS)
    ]
    began_s = monotonic_s()
    counts = await asyncio.gather(*(_ask(*stream, left, status) for stream in streams))
    took_s = monotonic_s() - began_s
    for _, writer in streams:
        writer.close()
        await writer.wait_closed()
    return sum(counts) / took_s


async def _ask(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, left: Iterator[bytes], status: int
) -> int:
    count, expected = 0, b"HTTP/1.1 %d " % status
    for each in left:
        writer.write(each)
        head = await reader.readuntil(b"\r\n\r\n")
        length = _LENGTH.search(head)
        body = await reader.readexactly(int(length[1]) if length else 0)
        if not head.startswith(expected):
            raise RuntimeError(f"{status} was expected: {head!r} {body!r}")
        count += 1
    return count
