"""Owns those who verify what Duro signs: the official libraries of Python and npm, and a check written by hand."""

import asyncio
import base64
import hashlib
import hmac
import json
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from duro.kit.clock import SystemClock
from tests.support.npm import installed

_TOLERANCE_S: Final = 300
_PACKAGE: Final = Path(__file__).parents[1] / "integration" / "webhooks" / "npm"


@dataclass(frozen=True)
class Message:
    """What a receiver has to judge, by the machine's clock."""

    secret: str
    headers: Mapping[str, str]
    body: bytes

    def by_library(self) -> bool:
        """The official package of Python."""
        try:
            Webhook(self.secret).verify(self.body, dict(self.headers), json_parse=False)
        except (WebhookVerificationError, ValueError):
            return False
        return True

    def by_hand(self) -> bool:
        """As one who has read how another provider signs: `t=…,v1=…`, keyed with the secret as text."""
        parts = [part.partition("=") for part in self.headers["Duro-Signature"].split(",")]
        stamps = [value for name, _, value in parts if name == "t"]
        if len(stamps) != 1 or not stamps[0].isascii() or not stamps[0].isdecimal():
            return False
        if abs(SystemClock().wall().timestamp() - int(stamps[0])) > _TOLERANCE_S:
            return False
        signed = stamps[0].encode() + b"." + self.body
        expected = hmac.new(self.secret.encode(), signed, hashlib.sha256).hexdigest()
        given = [value for name, _, value in parts if name == "v1"]
        return any(hmac.compare_digest(each.encode(), expected.encode()) for each in given)


@dataclass(frozen=True)
class NpmVerifier:
    """A Node process with the official package, which judges as long as it is asked."""

    process: Process

    async def judge(self, messages: Sequence[Message]) -> list[bool]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.writelines(map(_line, messages))
        # Both at once: whoever waits for the other with a full pipe waits for ever.
        draining = asyncio.ensure_future(self.process.stdin.drain())
        said = [await self.process.stdout.readline() for _ in messages]
        await draining
        assert set(said) <= {b"true\n", b"false\n"}, said[:3]
        return [each == b"true\n" for each in said]


@asynccontextmanager
async def npm_verifier() -> AsyncIterator[NpmVerifier]:
    """Skips the test where there is no Node, or npm has no packages."""
    modules = await installed(_PACKAGE, "webhooks")
    process = await asyncio.create_subprocess_exec(
        "node", _PACKAGE / "verify.mjs", f"{modules.parent}/", stdin=PIPE, stdout=PIPE
    )
    try:
        yield NpmVerifier(process)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()


def _line(message: Message) -> bytes:
    asked = {
        "secret": message.secret,
        "headers": dict(message.headers),
        "body": base64.b64encode(message.body).decode(),
    }
    return json.dumps(asked).encode() + b"\n"
