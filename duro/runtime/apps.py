"""The web applications of the public and core roles."""

from aiohttp import web

from duro.kit import metrics
from duro.kit.gate import Gate, bearer
from duro.kit.http import build_app
from duro.kit.limits import Limiter
from duro.runtime import callbacks, pages
from duro.runtime.compose import Ground, System
from duro.runtime.dashboard import Dashboard
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
        gate=Gate(bearer(system.authenticate), limiter, ground.settings.public.trusted_proxies),
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


def build_core_app(
    ground: Ground, system: System, limiter: Limiter | None = None
) -> web.Application:
    """The dashboard: its operations for members who have signed in, and the pages to sign in by."""
    dashboard = Dashboard(ground.db)
    app = build_app(
        routes=system.core_routes,
        db=ground.db,
        clock=ground.clock,
        gate=Gate(dashboard.identify, limiter, ground.settings.public.trusted_proxies),
        public_url=ground.public_url,
        observe=metrics.count_request,
    )
    dashboard.add_to(app)
    return app
