"""The dashboard's side of signing in: the cookie, the page behind a link, and who a request is from."""

from html import escape
from typing import Final

from aiohttp import hdrs, web

from duro.errors import DuroError, NotFoundError, UnauthorizedError
from duro.kit.call import SESSION_COOKIE, Credential
from duro.kit.csrf import demand_same_origin
from duro.kit.db import Database
from duro.kit.http import Page, add_page
from duro.kit.limits import LimitClass
from duro.kit.modes import Mode
from duro.kit.registry import MODE_PARAMETER
from duro.modules.access import sessions
from duro.modules.access.errors import SignInNeededError
from duro.modules.members.repository import MemberRepository
from duro.runtime import pages

SIGN_IN: Final = "/sign-in/{token}"
_FETCH_SITE: Final = "Sec-Fetch-Site"
_PURPOSE: Final = "Sec-Purpose"
_HEADERS: Final = {
    hdrs.CACHE_CONTROL: "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; form-action 'self'; frame-ancestors 'none'",
}
_HOW: Final = (
    "A link is made on the machine that Duro runs on: <code>duro members link EMAIL</code>."
)


def sign_in_url(core_url: str, token: str) -> str:
    return core_url + SIGN_IN.format(token=token)


class Dashboard:
    """The pages of the core role, and its answer to who asks."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def add_to(self, app: web.Application) -> None:
        page = Page("sign_in", LimitClass.AUTH, refuse=_refused)
        add_page(app, "GET /", self._show_home, Page("dashboard"))
        add_page(app, f"GET {SIGN_IN}", self._follow_link, page)
        add_page(app, f"POST {SIGN_IN}", self._use_link, page)
        app.on_response_prepare.append(_guard)

    async def identify(self, request: web.Request) -> Credential:
        """Whose session the cookie is; raises `UnauthorizedError`, and `ForbiddenError` for another site's wishes."""
        token = request.cookies.get(SESSION_COOKIE)
        if token is None:
            raise SignInNeededError("Sign in first.")
        demand_same_origin(request)
        # What belongs to no mode is asked for without one.
        mode = Mode(request.match_info.get(MODE_PARAMETER, Mode.TEST))
        return await sessions.authenticate(self._db, token, mode)

    async def _show_home(self, request: web.Request) -> web.StreamResponse:
        try:
            credential = await self.identify(request)
        except UnauthorizedError:
            return pages.shown("Dashboard", f"<h1>Dashboard</h1><p>Not signed in. {_HOW}</p>")
        async with self._db.core() as tx:
            member = await MemberRepository(tx, credential.tenant.id).get(credential.id)
        who = f"{escape(member.email)} ({member.role}), {escape(credential.tenant.name)}"
        said = f"<p>Signed in as {who}.</p><p>The dashboard is coming in a later version.</p>"
        return pages.shown("Dashboard", f"<h1>Dashboard</h1>{said}")

    async def _follow_link(self, request: web.Request) -> web.StreamResponse:
        """Signs in who opens the link; whoever only looks ahead, or was sent here by another site, is asked first."""
        is_sent = request.headers.get(_FETCH_SITE, "none") not in ("none", "same-origin")
        if request.method == hdrs.METH_HEAD or is_sent or _PURPOSE in request.headers:
            form = '<form method="post"><button>Sign in</button></form>'
            return pages.shown("Sign in", f"<h1>Sign in</h1>{form}")
        return await self._sign_in(request)

    async def _use_link(self, request: web.Request) -> web.StreamResponse:
        demand_same_origin(request)
        return await self._sign_in(request)

    async def _sign_in(self, request: web.Request) -> web.StreamResponse:
        async with self._db.core() as tx:
            made = await sessions.sign_in(
                tx,
                link=request.match_info["token"],
                user_agent=request.headers.get(hdrs.USER_AGENT),
            )
        response = web.Response(status=303, headers={hdrs.LOCATION: "/"})
        # Browsers take a Secure cookie over plain http from this machine itself, so `duro dev` needs no other one.
        response.set_cookie(
            SESSION_COOKIE, made.token, path="/", secure=True, httponly=True, samesite="Lax"
        )
        return response


async def _guard(_request: web.Request, response: web.StreamResponse) -> None:
    for name, value in _HEADERS.items():
        response.headers[name] = value


def _refused(_request: web.Request, error: DuroError) -> web.Response:
    how = _HOW if isinstance(error, NotFoundError) else ""
    said = f"<h1>Not signed in</h1><p>{escape(error.message)} {how}</p>"
    return pages.shown("Not signed in", said, status=error.status)
