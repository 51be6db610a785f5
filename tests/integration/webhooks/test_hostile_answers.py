"""Holds answers that mean harm to their bounds of time and memory, and to what a broken answer counts as."""

import asyncio
import gzip
import socket
import threading
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from typing import Final

import pytest

from duro.adapters import egress as egress_module
from duro.adapters.egress import GuardedEgress
from duro.kit.clock import FixedClock, monotonic_s
from duro.modules.events.model import EventType
from duro.modules.webhooks.egress import Answered, Unreachable
from tests.support.receiver import Receiver, hanging
from tests.support.webhooks import Merchant

_OK: Final = b"HTTP/1.1 200 OK\r\n"
_CHUNKED: Final = _OK + b"Transfer-Encoding: chunked\r\n\r\n"
_BLOCK: Final = b"a" * 65536
_PAUSE_S: Final = 0.02
_TIMEOUT_S: Final = 1.0
# What ends before this has not waited for the time-out, on a busy machine either.
_PATIENT_S: Final = 20.0
_PEAK_MAX: Final = 24 * 1024 * 1024
_BOMB: Final = gzip.compress(b"\0" * 50_000_000)
CREATED: Final = EventType.SUBSCRIPTION_CREATED


@asynccontextmanager
async def answering(start: bytes, more: bytes = b"", pause_s: float = 0.0) -> AsyncIterator[str]:
    """A server that begins its answer so, and goes on for as long as anybody listens; its address."""

    ended = asyncio.Event()
    under_way: set[asyncio.Task[None]] = set()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(start)
            while more and not ended.is_set():
                writer.write(more)
                await writer.drain()
                await asyncio.sleep(pause_s)
            await ended.wait()
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        under_way.add(asyncio.ensure_future(answer(reader, writer)))

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    finally:
        ended.set()
        server.close()
        await asyncio.wait(under_way)


async def _post(url: str, *, timeout_s: float = _TIMEOUT_S) -> tuple[object, float]:
    """The answer, and how long it took in seconds."""
    async with GuardedEgress(allow_loopback=True, timeout_s=timeout_s) as egress:
        began_s = monotonic_s()
        answer = await egress.post(url, body=b"{}", headers={})
        return answer, monotonic_s() - began_s


async def _peak(url: str) -> int:
    """How many bytes an attempt takes at most; measuring them makes it much slower."""
    tracemalloc.start()
    try:
        await _post(url)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("start", "more"),
    [
        pytest.param(_OK + b"Content-Length: 1073741824\r\n\r\n", _BLOCK, id="a gigabyte"),
        pytest.param(_OK + b"\r\n", _BLOCK, id="no end"),
        pytest.param(_CHUNKED, b"10000\r\n" + _BLOCK + b"\r\n", id="chunks without end"),
        pytest.param(_CHUNKED, b"1\r\na\r\n" * 8000, id="tiny chunks without end"),
        pytest.param(_CHUNKED + b"5;", _BLOCK, id="a chunk extension without end"),
    ],
)
async def test_a_body_without_end_counts_by_its_status_at_once(start: bytes, more: bytes) -> None:
    async with answering(start, more) as url:
        answer, took_s = await _post(url, timeout_s=_PATIENT_S)
        peak = await _peak(url)

    assert isinstance(answer, Answered)
    assert answer.status == 200
    assert len(answer.excerpt) in {0, 2048}
    assert took_s < _PATIENT_S
    assert peak < _PEAK_MAX


@pytest.mark.parametrize(
    ("start", "more"),
    [
        pytest.param(b"HTTP/1.1 200 ", _BLOCK, id="a reason without end"),
        pytest.param(_OK, b"X-Name: value\r\n" * 4000, id="headers without end"),
        pytest.param(_OK + b"X: ", _BLOCK, id="a header without end"),
        pytest.param(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 2000, id="100 without end"),
        pytest.param(b"", b"HTTP/1.1 103 Early Hints\r\nX: a\r\n\r\n" * 2000, id="103 without end"),
        pytest.param(_CHUNKED + b"0\r\n", b"X-Name: value\r\n" * 4000, id="trailers without end"),
        pytest.param(_CHUNKED + b"0\r\nX: ", _BLOCK, id="a trailer without end"),
        pytest.param(_CHUNKED + b"f" * 40 + b"\r\n", _BLOCK, id="a chunk larger than a number"),
        pytest.param(_OK + b"Content-Length: -1\r\n\r\n", b"", id="a length below zero"),
        pytest.param(
            _OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab", b"", id="2 lengths"
        ),
        pytest.param(b"SSH-2.0-OpenSSH_9.9\r\n", b"", id="another protocol"),
        pytest.param(_OK + b"X: a\0b\r\n\r\n", b"", id="NUL in a header"),
    ],
)
async def test_what_is_no_answer_is_dropped_at_once(start: bytes, more: bytes) -> None:
    async with answering(start, more) as url:
        answer, took_s = await _post(url, timeout_s=_PATIENT_S)
        peak = await _peak(url)

    assert isinstance(answer, Unreachable)
    assert answer.reason.startswith("no HTTP answer")
    assert took_s < _PATIENT_S
    assert peak < _PEAK_MAX


@pytest.mark.parametrize(
    ("start", "more"),
    [
        pytest.param(b"", b"", id="silence"),
        pytest.param(_OK + b"X: ", b"a", id="a header by drips"),
        pytest.param(_OK, b"X: a\r\n", id="headers by drips"),
        pytest.param(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n", id="interim answers by drips"),
    ],
)
async def test_an_answer_that_does_not_begin_in_time_is_none(start: bytes, more: bytes) -> None:
    async with answering(start, more, _PAUSE_S) as url:
        answer, took_s = await _post(url)

    assert answer == Unreachable("no answer within 1 s")
    assert _TIMEOUT_S <= took_s < _PATIENT_S


@pytest.mark.parametrize(
    ("start", "more", "excerpt"),
    [
        pytest.param(_OK + b"Content-Length: 9999\r\n\r\n", b"a", "aaa", id="a body by drips"),
        pytest.param(_CHUNKED + b"2\r\nhi\r\n0\r\n", b"X: a\r\n", "hi", id="trailers by drips"),
        pytest.param(_OK + b"Content-Encoding: gzip\r\n\r\n" + _BOMB, b"", "\x1f", id="a bomb"),
    ],
)
async def test_a_body_that_does_not_end_in_time_counts_by_its_status(
    start: bytes, more: bytes, excerpt: str
) -> None:
    async with answering(start, more, _PAUSE_S) as url:
        answer, took_s = await _post(url)
        peak = await _peak(url)

    assert isinstance(answer, Answered)
    assert answer.status == 200
    assert answer.excerpt.startswith(excerpt)
    assert took_s < _PATIENT_S
    assert peak < _PEAK_MAX


# Larger than any event, so that the kernels of both sides cannot hold it.
@pytest.mark.filterwarnings("ignore:Sending a large body:ResourceWarning")
async def test_a_receiver_that_takes_nothing_does_not_keep_its_connection() -> None:
    body = b"x" * 8_000_000
    loop = asyncio.get_running_loop()
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        listening.settimeout(0)
        async with GuardedEgress(allow_loopback=True, timeout_s=_TIMEOUT_S) as egress:
            url = f"http://127.0.0.1:{listening.getsockname()[1]}/"
            answer = await egress.post(url, body=body, headers={})
            taken, _ = await loop.sock_accept(listening)
            got = 0
            with taken, suppress(ConnectionResetError):
                while some := await loop.sock_recv(taken, 1_000_000):
                    got += len(some)

    assert answer == Unreachable("no answer within 1 s")
    assert got < len(body)


@pytest.mark.parametrize(
    "asked",
    [
        "Mon, 01 Jan 2027 00:00:00 +99999999999999999",
        "99999999999999999999 Jan 2027 00:00:00 GMT",
        "9" * 8000,
    ],
)
async def test_a_retry_after_that_nobody_can_read_harms_no_neighbour(
    merchant: Merchant, clock: FixedClock, receiver: Receiver, other: Receiver, asked: str
) -> None:
    receiver.status, receiver.headers = 503, {"Retry-After": asked}
    await merchant.add(receiver.url)
    await merchant.add(other.url)
    (event_id,) = await merchant.happen(CREATED)

    await merchant.send()

    statuses = {each.url: each for each in await merchant.deliveries(event_id)}
    assert statuses[other.url].status == "delivered"
    refused = statuses[receiver.url]
    assert (refused.status, refused.attempts, refused.last_status) == ("pending", 1, 503)
    assert refused.next_attempt_at is not None
    assert refused.next_attempt_at <= clock.at + timedelta(days=1)


async def test_who_waits_behind_slow_name_servers_of_others_loses_no_attempt(
    merchant: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_stuck = threading.Event()

    def hang(_host: str, _port: int, **_: object) -> list[object]:
        is_stuck.wait(10)
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    for number in range(2):
        await merchant.add(f"https://hooks{number}.example/")
    (event_id,) = await merchant.happen(CREATED)
    monkeypatch.setattr(socket, "getaddrinfo", hang)
    # One thread for look-ups: whoever comes second does not even begin.
    monkeypatch.setattr(egress_module, "_LOOKUPS_AT_ONCE", 1)
    async with GuardedEgress(timeout_s=_TIMEOUT_S) as narrow:
        crowded = replace(merchant, egress=narrow)
        await crowded.send()
        is_stuck.set()

    found = sorted((each.attempts, each.last_error) for each in await merchant.deliveries(event_id))
    assert found == [
        (0, "an error of Duro's own; the attempt does not count"),
        (1, "no answer within 1 s"),
    ]


async def test_who_finds_no_free_connection_loses_no_attempt(
    merchant: Merchant, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(egress_module, "_AT_ONCE", 1)
    monkeypatch.setattr(egress_module, "_SLOT_WAIT_S", _TIMEOUT_S / 2)
    receiver.react = hanging()
    await merchant.add(receiver.url)
    event_ids = [(await merchant.happen(CREATED, object_id=f"sub_{n}"))[0] for n in range(2)]
    async with GuardedEgress(allow_loopback=True, timeout_s=_TIMEOUT_S) as narrow:
        await replace(merchant, egress=narrow).send()

    found = [await merchant.delivery(event_id) for event_id in event_ids]
    assert sorted((each.attempts, each.last_error) for each in found) == [
        (0, "an error of Duro's own; the attempt does not count"),
        (1, "no answer within 1 s"),
    ]
