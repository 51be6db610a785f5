"""The web applications of the public and core roles."""

from aiohttp import web
from aiohttp.typedefs import Handler

from duro.kit import metrics
from duro.kit.gate import Gate
from duro.kit.http import build_app
from duro.kit.limits import Limiter
from duro.runtime import callbacks, pages
from duro.runtime.compose import Ground, System
from duro.runtime.docs import Docs
from duro.runtime.guides import Guides
from duro.runtime.messaging import MessagePages
from duro.runtime.paying import PayPages


def build_public_app(
    ground: Ground, system: System, limiter: Limiter | None = None
) -> web.Application:
    """The merchant API, its documentation, the pages that customers open, and where gateways call back."""
    app = build_app(
        routes=system.routes,
        db=ground.db,
        clock=ground.clock,
        gate=Gate(system.authenticate, limiter, ground.settings.public.trusted_proxies),
        public_url=ground.public_url,
        observe=metrics.count_request,
    )
    PayPages(system.paying, system.paying.charging.links).add_to(app)
    app.router.add_get("/pay/{mode:test|live}/{slug}", pages.link_page(ground))
    app.router.add_get("/checkout/{token}", pages.show_checkout)
    app.router.add_post(callbacks.PATH, callbacks.callback_handler(system.callbacks))
    MessagePages(ground.db, system.opt_outs, system.receipts).add_to(app)
    Docs(Guides(ground.public_url), system.routes).add_to(app)
    return app


def build_core_app() -> web.Application:
    """The dashboard's place: a page that says it is coming; everything else is not found, as JSON."""
    app = web.Application(middlewares=[_not_found_as_json])
    app.router.add_get("/", _page("Dashboard", "The dashboard is coming in a later version."))
    return app


def _page(title: str, text: str) -> Handler:
    async def show(_request: web.Request) -> web.StreamResponse:
        return pages.shown(title, f"<h1>{title}</h1><p>{text}</p>")

    return show


@web.middleware
async def _not_found_as_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except web.HTTPNotFound:
        refusal = {"code": "not_found", "message": "There is nothing at this path."}
        return web.json_response({"error": refusal}, status=404)
