"""The web applications of the public and core roles."""

from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler

from duro.kit import metrics
from duro.kit.http import build_app
from duro.runtime.compose import Ground, System
from duro.runtime.papers import paper

_PAGE: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title} · Duro</title></head>
<body>{body}</body></html>
"""
_PAGE_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


def build_public_app(ground: Ground, system: System) -> web.Application:
    """The merchant API and the errors it can give; the page behind a pay link only says that it is coming."""
    app = build_app(
        routes=system.routes,
        db=ground.db,
        clock=ground.clock,
        authenticate=system.authenticate,
        public_url=ground.public_url,
        observe=metrics.count_request,
    )
    app.router.add_get(
        "/pay/i/{token}",
        _page("Pay this invoice", "Paying on this page is coming in a later version."),
    )
    # Where the `docUrl` of every refusal leads.
    app.router.add_get("/docs/errors", _shown("Errors", paper("errors")))
    return app


def build_core_app() -> web.Application:
    """The dashboard's place: a page that says it is coming; everything else is not found, as JSON."""
    app = web.Application(middlewares=[_not_found_as_json])
    app.router.add_get("/", _page("Dashboard", "The dashboard is coming in a later version."))
    return app


def _page(title: str, text: str) -> Handler:
    return _shown(title, f"<h1>{title}</h1><p>{text}</p>")


def _shown(title: str, body: str) -> Handler:
    html = _PAGE.format(title=title, body=body)

    async def show(_request: web.Request) -> web.StreamResponse:
        return web.Response(text=html, content_type="text/html", headers=_PAGE_HEADERS)

    return show


@web.middleware
async def _not_found_as_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except web.HTTPNotFound:
        refusal = {"code": "not_found", "message": "There is nothing at this path."}
        return web.json_response({"error": refusal}, status=404)
