"""The receivers on the page of webhooks, run as they stand there: what Duro signed is taken, all else refused."""

import asyncio
import os
import shutil
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import aiohttp
import pytest

from duro.kit.clock import SystemClock
from duro.modules.webhooks.signing import new_secret, signed_headers, write_body
from tests.support.samples import blocks, guide

_CREATED: Final = datetime(2026, 2, 28, 9, tzinfo=UTC)
_ID: Final = "evt_01M822G06SEZAAZ7Z29X4RR9BG"
_TYPE: Final = "subscription_recovered"
_BODY: Final = write_body(
    event_id=_ID,
    event_type=_TYPE,
    created_at=_CREATED,
    data={"subscriptionId": "sub_01M822FY2RENMTX9ZDFCGZVMY5", "note": "₦5,000 – paid"},
)


@dataclass(frozen=True, slots=True)
class Receiver:
    language: str
    program: str
    file: str
    command: Callable[[str, int], list[str]]


_RECEIVERS: Final = [
    Receiver("python", "python3", "receiver.py", lambda file, _port: ["python3", file]),
    Receiver("javascript", "node", "receiver.mjs", lambda file, _port: ["node", file]),
    Receiver(
        "php", "php", "receiver.php", lambda file, port: ["php", "-S", f"127.0.0.1:{port}", file]
    ),
]


@pytest.fixture(params=_RECEIVERS, ids=lambda receiver: receiver.language)
def receiver(request: pytest.FixtureRequest) -> Receiver:
    chosen = request.param
    assert isinstance(chosen, Receiver)
    if shutil.which(chosen.program) is None:
        pytest.skip(f"{chosen.program} is not on this machine")
    return chosen


async def test_a_documented_receiver_takes_what_duro_signed_and_refuses_all_else(
    receiver: Receiver, tmp_path: Path
) -> None:
    # A receiver is another program and reads the real clock.
    now = SystemClock().wall()
    secret, older = new_secret(), new_secret()
    genuine = _signed([secret], at=now)
    cases: list[tuple[str, int, bytes, Mapping[str, str]]] = [
        ("genuine", 204, _BODY, genuine),
        ("while the secret is rotated", 204, _BODY, _signed([older, secret], at=now)),
        ("four minutes old", 204, _BODY, _signed([secret], at=now - timedelta(minutes=4))),
        ("another body", 400, _BODY.replace(b"5,000", b"9,000"), genuine),
        ("another id", 400, _BODY, genuine | {"webhook-id": "evt_01M822G06SEZAAZ7Z29X4RR9BH"}),
        ("another secret", 400, _BODY, _signed([older], at=now)),
        ("six minutes old", 400, _BODY, _signed([secret], at=now - timedelta(minutes=6))),
        ("from the future", 400, _BODY, _signed([secret], at=now + timedelta(minutes=6))),
        ("a stamp moved to now", 400, _BODY, _restamped([secret], now)),
        ("not signed", 400, _BODY, {"Content-Type": "application/json"}),
        ("no signature", 400, _BODY, genuine | {"webhook-signature": ""}),
        ("nonsense", 400, b"\xff", genuine | {"webhook-timestamp": "soon"}),
    ]

    async with _running(receiver, tmp_path, secret) as url, aiohttp.ClientSession() as session:
        statuses = {}
        for name, _, body, headers in cases:
            async with session.post(url, data=body, headers=headers) as answer:
                statuses[name] = answer.status

    assert statuses == {name: status for name, status, _, _ in cases}


def _signed(secrets: list[str], *, at: datetime) -> dict[str, str]:
    return signed_headers(_BODY, event_id=_ID, event_type=_TYPE, secret_texts=secrets, wall=at)


def _restamped(secrets: list[str], now: datetime) -> dict[str, str]:
    old = _signed(secrets, at=now - timedelta(hours=1))
    return old | {"webhook-timestamp": str(int(now.timestamp()))}


@asynccontextmanager
async def _running(receiver: Receiver, folder: Path, secret: str) -> AsyncIterator[str]:
    """The page's program, listening."""
    (text,) = [text for text in blocks(guide("webhooks"), receiver.language) if "verify" in text]
    (folder / receiver.file).write_text(text, encoding="utf-8")
    port = _free_port()
    program = await asyncio.create_subprocess_exec(
        *receiver.command(receiver.file, port),
        cwd=folder,
        env={**os.environ, "WEBHOOK_SECRET": secret, "PORT": str(port)},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        await _listens(port)
        yield f"http://127.0.0.1:{port}/"
    finally:
        program.kill()
        await program.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def _listens(port: int) -> None:
    async with asyncio.timeout(20):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except ConnectionError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                await writer.wait_closed()
                return
