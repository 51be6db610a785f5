"""Where WhatsApp tells what became of messages, and where their readers say that it is enough."""

from dataclasses import dataclass
from typing import Final

from aiohttp import web

from duro.errors import DuroError, NotFoundError
from duro.kit.bodies import read_bounded
from duro.kit.db import Database
from duro.kit.http import Page, add_page
from duro.kit.limits import LimitClass
from duro.modules.messages.links import OptOut, OptOutLinks
from duro.modules.messages.receipts import SIGNATURE_HEADER, Receipts
from duro.modules.messages.repository import OutboxRepository
from duro.runtime import pages

WHATSAPP_PATH: Final = "/gateways/whatsapp"
STOP_PATH: Final = "/messages/stop/{token}"
_BODY_MAX_BYTES: Final = 1024 * 1024
_CHALLENGE_MAX: Final = 255
_ASK: Final = (
    "<h1>No more reminders?</h1>"
    "<p>You will get no more reminders of this business. "
    "What you have to know about your payments still reaches you.</p>"
    '<form method="post"><button>Send me no more reminders</button></form>'
)
_DONE: Final = "<h1>That is done</h1><p>You will get no more reminders of this business.</p>"
_NOTHING: Final = "<h1>Not found</h1><p>This link opens nothing. Please use the whole link.</p>"


@dataclass(frozen=True, slots=True)
class MessagePages:
    """Where WhatsApp tells what became of messages, and where their readers say that it is enough."""

    db: Database
    links: OptOutLinks
    receipts: Receipts

    def add_to(self, app: web.Application) -> None:
        app.router.add_get(WHATSAPP_PATH, self._verify)
        app.router.add_post(WHATSAPP_PATH, self._take)
        add_page(app, f"GET {STOP_PATH}", self._ask, Page("show_stop_page", refuse=_refusal))
        stop = Page("stop_reminders", LimitClass.PAY, _refusal)
        add_page(app, f"POST {STOP_PATH}", self._stop, stop)

    async def _verify(self, request: web.Request) -> web.StreamResponse:
        query = request.query
        challenge = self.receipts.answer(
            query.get("hub.mode", ""),
            query.get("hub.verify_token", ""),
            query.get("hub.challenge", "")[:_CHALLENGE_MAX],
        )
        if challenge is None:
            raise NotFoundError("There is nothing at this path.")
        return web.Response(text=challenge, headers={"X-Content-Type-Options": "nosniff"})

    async def _take(self, request: web.Request) -> web.StreamResponse:
        raw = await read_bounded(request, _BODY_MAX_BYTES)
        await self.receipts.take(raw, request.headers.get(SIGNATURE_HEADER, ""))
        return web.json_response({})

    async def _ask(self, request: web.Request) -> web.StreamResponse:
        """Looking changes nothing: programs that check links open them before people do."""
        if self._read(request) is None:
            return _page("Not found", _NOTHING, status=404)
        return _page("No more reminders?", _ASK)

    async def _stop(self, request: web.Request) -> web.StreamResponse:
        """By the button, or by one click of a mail program (RFC 8058); the link says it all."""
        found = self._read(request)
        if found is None:
            return _page("Not found", _NOTHING, status=404)
        async with self.db.begin(found.mode, found.tenant_id) as tx:
            if not await OutboxRepository(tx).opt_out(found.message_id):
                return _page("Not found", _NOTHING, status=404)
        return _page("No more reminders", _DONE)

    def _read(self, request: web.Request) -> OptOut | None:
        return self.links.read(request.match_info["token"])


def _refusal(_request: web.Request, error: DuroError) -> web.Response:
    body = "<h1>Not now</h1><p>Please open the link again in a minute.</p>"
    return _page("Not now", body, status=error.status)


def _page(title: str, body: str, *, status: int = 200) -> web.Response:
    page = pages.shown(title, body, status=status)
    # The form goes back to where it came from, and nowhere else.
    page.headers["Content-Security-Policy"] += "; form-action 'self'"
    page.headers["X-Robots-Tag"] = "noindex"
    return page
