"""The pay page over HTTP: one signed address for one invoice, forms that lead back to it, and nothing else."""

import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, TypeAlias
from urllib.parse import parse_qs, urlencode, urlsplit

import jinja2
import structlog
from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from duro.billing.money import format_minor
from duro.billing.rails import PUSH, Rail
from duro.errors import (
    ConflictError,
    DuroError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
)
from duro.kit.bodies import read_bounded
from duro.kit.http import Page, add_page
from duro.kit.ids import is_id
from duro.kit.limits import LimitClass
from duro.kit.modes import Mode
from duro.kit.share import share
from duro.modules.charging.paying import TEST_CARDS, LinkExpiredError, Look, Paying
from duro.modules.invoices.links import PayLinks, PayTicket
from duro.runtime.payview import mark_of, period_of, view_of
from duro.runtime.paywords import ENGLISH, LANGUAGES, Words, words_in
from duro.runtime.static import static_url

PATH: Final = "/pay/i/{token}"
FORM_MAX_BYTES: Final = 4096
_FORM: Final = "application/x-www-form-urlencoded"
_FIELDS_MAX: Final = 8
_NONCE_BYTES: Final = 16
_NONCE_MAX: Final = 64
# What a form that was sent leads back with, besides an attempt.
_NOTICES: Final = {"card": "card_not_now", "looked": "looked"}
_PROBLEMS: Final = frozenset({404, 410, 403, 422, 429, 503})
_ODD: Final = {400: 422, 413: 422, 415: 422, 409: 422}
_GONE: Final = 410
_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex",
}
_Serve: TypeAlias = Callable[[web.Request, PayTicket], Awaitable[web.Response]]


@dataclass(frozen=True, slots=True)
class PayPages:
    """The handlers of the pay page."""

    paying: Paying
    links: PayLinks

    def add_to(self, app: web.Application) -> None:
        look = Page("show_pay_page", refuse=refusal)
        send = Page("send_pay_form", LimitClass.PAY, refusal)
        one = f"{PATH}/{{attempt}}"
        add_page(app, f"GET {PATH}", self._served(self._show), look)
        add_page(app, f"GET {one}", self._served(self._show), look)
        add_page(app, f"GET {one}/state", self._served(self._tell), look)
        add_page(app, f"POST {PATH}/card", self._served(self._pay_by_card), send)
        add_page(app, f"POST {PATH}/request", self._served(self._ask), send)
        add_page(app, f"POST {one}/check", self._served(self._check), send)

    def _served(self, serve: _Serve) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            ticket = self.links.read(request.match_info["token"])
            if ticket is None:
                raise NotFoundError("There is no such link.")
            structlog.contextvars.bind_contextvars(
                tenant_id=ticket.tenant_id, mode=ticket.mode.value
            )
            try:
                return await serve(request, ticket)
            except LinkExpiredError:
                return _problem(request, _GONE)

        return handle

    async def _show(self, request: web.Request, ticket: PayTicket) -> web.Response:
        look = await self.paying.look(ticket, _attempt_in(request))
        words = _words(request)
        view = view_of(look, words)
        notice = _NOTICES.get(request.query.get("notice", ""))
        if notice == _NOTICES["looked"] and not view.may_look:
            notice = None
        return _page(
            "pay.html",
            words,
            look=look,
            view=view,
            notice=notice and words.say(notice),
            period=period_of(look, words),
            is_test=ticket.mode is Mode.TEST,
            cards=TEST_CARDS,
            amount=format_minor(look.invoice.owed_minor, look.invoice.currency),
            nonce=secrets.token_urlsafe(_NONCE_BYTES),
            **self._addresses(ticket, look, words),
        )

    async def _tell(self, request: web.Request, ticket: PayTicket) -> web.Response:
        """For the page's own script, which asks whether there is something new to see."""
        look = await self.paying.look(ticket, _attempt_in(request))
        return web.json_response({"mark": mark_of(look)}, headers=_HEADERS)

    async def _pay_by_card(self, request: web.Request, ticket: PayTicket) -> web.Response:
        form = await self._form(request)
        try:
            attempt_id = await self.paying.by_card(
                ticket, card=form.get("card", ""), keeps="keep" in form, nonce=form["form"]
            )
        except ConflictError:
            # Whatever stands against it, the page knows by now.
            return _lead(request, "", notice="card")
        return _lead(request, f"/{attempt_id}")

    async def _ask(self, request: web.Request, ticket: PayTicket) -> web.Response:
        form = await self._form(request)
        if form.get("rail") not in {rail.value for rail in PUSH}:
            raise InvalidError("There is no such way to pay.")
        try:
            attempt_id = await self.paying.by_request(
                ticket, rail=Rail(form["rail"]), nonce=form["form"]
            )
        except ConflictError:
            return _lead(request, "")
        return _lead(request, f"/{attempt_id}")

    async def _check(self, request: web.Request, ticket: PayTicket) -> web.Response:
        await self._form(request)
        attempt_id = _attempt_in(request) or ""
        await self.paying.check(ticket, attempt_id)
        return _lead(request, f"/{attempt_id}", notice="looked")

    def _addresses(self, ticket: PayTicket, look: Look, words: Words) -> dict[str, Any]:
        """Of this page and its forms. Each page renews the link, so one that is kept in use does not end."""
        token = self.links.token(
            mode=ticket.mode,
            tenant_id=ticket.tenant_id,
            invoice_id=ticket.invoice_id,
            now=look.now,
        )
        home = f"/pay/i/{token}"
        here = home if look.attempt is None else f"{home}/{look.attempt.id}"
        query = _query(words.code)
        others = [code for code in LANGUAGES if code != words.code]
        return {
            "home": home,
            "here": here,
            "query": query,
            "others": [(words_in(code), f"{here}{_query(code)}") for code in others],
        }

    async def _form(self, request: web.Request) -> Mapping[str, str]:
        """The fields that were sent, by a page of ours; `form` names the form."""
        _demand_same_origin(request, self.links.public_url)
        form = await _read(request)
        if not 0 < len(form.get("form", "")) <= _NONCE_MAX or not form["form"].isascii():
            raise InvalidError("The form has lost its name.")
        return form


def refusal(request: web.Request, error: DuroError) -> web.Response:
    """What is refused is said in words, and what went wrong inside is not."""
    return _problem(request, error.status)


def _problem(request: web.Request, status: int) -> web.Response:
    known = _ODD.get(status, status)
    key = f"problem_{known if known in _PROBLEMS else 500}"
    return _page("problem.html", _words(request), status=status, key=key)


def _page(template: str, words: Words, *, status: int = 200, **values: object) -> web.Response:
    html = _templates().get_template(template).render(words=words, say=words.say, **values)
    return web.Response(text=html, status=status, content_type="text/html", headers=_HEADERS)


def _lead(request: web.Request, below: str, *, notice: str = "") -> web.Response:
    """Back to the page, by GET: sending the form again is then nobody's accident."""
    query = _query(_words(request).code, notice)
    to = f"/pay/i/{request.match_info['token']}{below}{query}"
    return web.Response(status=303, headers={**_HEADERS, hdrs.LOCATION: to})


def _query(code: str, notice: str = "") -> str:
    told = {"lang": code} if code != ENGLISH else {}
    if notice:
        told["notice"] = notice
    return f"?{urlencode(told)}" if told else ""


def _words(request: web.Request) -> Words:
    asked = request.query.get("lang", "")
    return words_in(asked if asked in LANGUAGES else ENGLISH)


def _attempt_in(request: web.Request) -> str | None:
    attempt_id = request.match_info.get("attempt")
    if attempt_id is not None and not is_id(attempt_id, "txn"):
        raise NotFoundError("There is no such payment.")
    return attempt_id


def _demand_same_origin(request: web.Request, public_url: str) -> None:
    """Refuses what another site's page has sent.

    Nobody is logged in here, so there is nothing that such a page could borrow: whoever knows the address may pay. A
    browser too old for Sec-Fetch-Site says `null`, because our pages tell no referrer.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        is_ours = site in ("same-origin", "none")
    else:
        origin = request.headers.get(hdrs.ORIGIN, "null")
        places = {urlsplit(public_url).netloc, request.host}
        is_ours = origin == "null" or urlsplit(origin).netloc in places
    if not is_ours:
        raise ForbiddenError("The form was sent from another site.")


async def _read(request: web.Request) -> dict[str, str]:
    if request.content_type != _FORM:
        raise InvalidError("Send the form of the page.")
    raw = await read_bounded(request, FORM_MAX_BYTES)
    try:
        sent = parse_qs(raw.decode("ascii"), strict_parsing=True, max_num_fields=_FIELDS_MAX)
    except ValueError as error:
        raise InvalidError("The form cannot be read.") from error
    return {name: values[0] for name, values in sent.items()}


@cache
def _templates() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(share("templates") / "pay"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["static"] = static_url
    return environment
