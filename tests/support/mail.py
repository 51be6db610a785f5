"""Owns what messages are sent to in the tests: a mail server on a real socket, and a Cloud API over HTTP."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any, Final

from aiohttp import web
from aiohttp.test_utils import TestServer
from aiosmtpd.smtp import SMTP, Envelope, Session

TAKEN: Final = "250 2.0.0 taken"


@dataclass(slots=True)
class PostBox:
    """What arrived, and what the server says next to each recipient and each message."""

    port: int = 0
    arrived: list[bytes] = field(default_factory=list)
    to: list[list[str]] = field(default_factory=list)
    says_to_recipient: list[str] = field(default_factory=list)
    says_to_data: list[str] = field(default_factory=list)
    connections: int = 0
    # Set while an answer is held back, until it is released.
    holding: asyncio.Event | None = None
    reached: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def messages(self) -> list[EmailMessage]:
        return [message_from_bytes(raw, policy=default) for raw in self.arrived]

    async def handle_RCPT(  # noqa: N802 - the server calls it so
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: object
    ) -> str:
        answer = self.says_to_recipient.pop(0) if self.says_to_recipient else TAKEN
        if answer.startswith("2"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(  # noqa: N802 - the server calls it so
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        answer = self.says_to_data.pop(0) if self.says_to_data else TAKEN
        if answer.startswith("2"):
            assert isinstance(envelope.content, bytes)
            self.arrived.append(envelope.content)
            self.to.append(list(envelope.rcpt_tos))
        self.reached.set()
        if self.holding is not None:
            await self.holding.wait()
        return answer


@asynccontextmanager
async def post_box() -> AsyncIterator[PostBox]:
    """A mail server on a free port of this machine."""
    box = PostBox()

    def accept() -> SMTP:
        box.connections += 1
        return SMTP(box, hostname="mail.test", enable_SMTPUTF8=True)

    server = await asyncio.get_running_loop().create_server(accept, "127.0.0.1", 0)
    box.port = server.sockets[0].getsockname()[1]
    try:
        yield box
    finally:
        server.close()


@dataclass(slots=True)
class FakeCloud:
    """What the Cloud API was asked, and what it answers next."""

    url: str = ""
    asked: list[dict[str, Any]] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    answers: list[tuple[int, object]] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(await request.json())
        self.tokens.append(request.headers.get("Authorization", ""))
        self.paths.append(request.path)
        usual = (200, {"messages": [{"id": f"wamid.{len(self.asked)}"}]})
        status, body = self.answers.pop(0) if self.answers else usual
        return web.json_response(body, status=status)


@asynccontextmanager
async def fake_cloud() -> AsyncIterator[FakeCloud]:
    """The Cloud API on a free port of this machine."""
    cloud = FakeCloud()
    app = web.Application()
    app.router.add_post("/{number}/messages", cloud.handle)
    async with TestServer(app) as server:
        cloud.url = str(server.make_url("")).rstrip("/")
        yield cloud


def refused(code: int, message: str = "no") -> dict[str, object]:
    """An error as the Cloud API words it."""
    return {"error": {"message": message, "type": "OAuthException", "code": code}}


def parts(message: EmailMessage) -> tuple[str, str]:
    """Its text and its HTML."""
    return _part(message, "plain"), _part(message, "html")


def _part(message: EmailMessage, kind: str) -> str:
    found = message.get_body((kind,))
    assert found is not None
    return str(found.get_content())
