"""The inbox of `duro dev`: what customers would be told, and the webhooks that arrived; never mounted elsewhere."""

import hmac
import json
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

import jinja2
from aiohttp import web

from duro.adapters.smtp import composed
from duro.adapters.whatsapp import body_of
from duro.errors import NotFoundError
from duro.kit.db import Database
from duro.kit.ids import is_id
from duro.kit.modes import Mode
from duro.kit.pagination import ListQuery, seek
from duro.kit.share import share
from duro.modules.messages.repository import OutboxRepository
from duro.modules.messages.wording import Shown, Wording
from duro.modules.webhooks.signing import signed_headers

PAGE: Final = "/dev/inbox"
HOOK: Final = "/dev/inbox/webhooks"
_MESSAGE: Final = "/dev/inbox/messages/{id}"
_STYLE: Final = "/dev/inbox.css"
# Nothing is sent from here, so nobody has to own it.
_SENDER: Final = "inbox@duro.example"
_KEPT: Final = 200
_SHOWN: Final = 50
_TOLERANCE_S: Final = 300
_SIGNATURES: Final = ("webhook-signature", "Duro-Signature")
_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; frame-src 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
# An e-mail's own styles, in a frame where nothing runs.
_MAIL_HEADERS: Final = _HEADERS | {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'self'; sandbox allow-popups"
    )
}


@dataclass(frozen=True, slots=True)
class Received:
    """A webhook that arrived."""

    at: datetime
    type: str
    id: str
    body: str
    is_verified: bool


@dataclass(slots=True)
class Inbox:
    """What arrived since the start, newest first; `secret` is known once the endpoint is made."""

    db: Database
    tenant_id: str
    secret: str = ""
    wording: Wording | None = None
    received: deque[Received] = field(default_factory=lambda: deque(maxlen=_KEPT))

    def app(self) -> web.Application:
        """The page, and the address that webhooks are sent to."""
        app = web.Application(client_max_size=1024 * 1024)
        app.router.add_get(PAGE, self._show)
        app.router.add_get(_STYLE, _style)
        app.router.add_post(HOOK, self._receive)
        app.router.add_get(_MESSAGE, self._show_message)
        app.router.add_get(f"{_MESSAGE}/html", self._show_html)
        return app

    async def _receive(self, request: web.Request) -> web.Response:
        body = await request.read()
        wall = self.db.clock.wall()
        received = Received(
            at=wall,
            type=request.headers.get("Duro-Event-Type", ""),
            id=request.headers.get("webhook-id", ""),
            body=_pretty(body),
            is_verified=self._is_verified(request, body, wall),
        )
        self.received.appendleft(received)
        return web.Response(status=204)

    def _is_verified(self, request: web.Request, body: bytes, wall: datetime) -> bool:
        """Both families of signature, over the bytes that arrived, not older than five minutes."""
        stamp = request.headers.get("webhook-timestamp", "")
        if not stamp.isdecimal() or abs(wall.timestamp() - int(stamp)) > _TOLERANCE_S:
            return False
        expected = signed_headers(
            body,
            event_id=request.headers.get("webhook-id", ""),
            event_type=request.headers.get("Duro-Event-Type", ""),
            secret_texts=[self.secret],
            wall=datetime.fromtimestamp(int(stamp), UTC),
        )
        return all(
            hmac.compare_digest(expected[name], request.headers.get(name, ""))
            for name in _SIGNATURES
        )

    async def _show(self, _request: web.Request) -> web.Response:
        place = seek(
            ListQuery(limit=_SHOWN), name="inbox", mode=Mode.TEST, tenant_id=self.tenant_id
        )
        async with self.db.begin(Mode.TEST, self.tenant_id) as tx:
            messages = await OutboxRepository(tx).page(place)
        html = _read_template().render(
            messages=messages[:_SHOWN],
            received=list(self.received),
            style=_STYLE,
            kept=_KEPT,
            page=PAGE,
        )
        return web.Response(text=html, content_type="text/html", headers=_HEADERS)

    async def _show_message(self, request: web.Request) -> web.Response:
        """One message: its headers, its text, and its HTML in a frame."""
        shown = await self._message(request)
        html = _read_template("message.html").render(
            shown=shown, headers=_headers_of(shown), style=_STYLE, inbox=PAGE, here=request.path
        )
        return web.Response(text=html, content_type="text/html", headers=_HEADERS)

    async def _show_html(self, request: web.Request) -> web.Response:
        shown = await self._message(request)
        return web.Response(
            text=shown.written.html, content_type="text/html", headers=_MAIL_HEADERS
        )

    async def _message(self, request: web.Request) -> Shown:
        message_id = request.match_info["id"]
        if self.wording is None or not is_id(message_id, "msg"):
            raise web.HTTPNotFound
        try:
            return await self.wording.show(Mode.TEST, self.tenant_id, message_id)
        except NotFoundError:
            raise web.HTTPNotFound from None


def _headers_of(shown: Shown) -> list[tuple[str, str]]:
    """What stands above the message, as whoever carries it gets it."""
    if (mail := shown.mail) is not None:
        message = composed(mail, _SENDER, at=shown.message.settled_at or shown.message.due_at)
        return [(name, str(value)) for name, value in message.items()]
    if (chat := shown.whatsapp) is not None:
        return [("WhatsApp request", json.dumps(body_of(chat), indent=2, ensure_ascii=False))]
    return []


async def _style(_request: web.Request) -> web.Response:
    text = (share("templates") / "dev" / "inbox.css").read_text(encoding="utf-8")
    return web.Response(text=text, content_type="text/css", headers=_HEADERS)


def _read_template(name: str = "inbox.html") -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(share("templates") / "dev"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
    )
    return environment.get_template(name)


def _pretty(body: bytes) -> str:
    try:
        return json.dumps(json.loads(body), indent=2, ensure_ascii=False)
    except ValueError:
        # Whatever arrived is shown as it is.
        return body.decode("utf-8", "replace")
