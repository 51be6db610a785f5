"""The public pages that customers open: so far they say what is to be paid, and that paying here is coming."""

import re
from html import escape
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler

from duro.billing.money import format_minor
from duro.kit.crypto import is_token
from duro.kit.modes import Mode
from duro.modules.catalog.model import Plan
from duro.modules.catalog.repository import find_slug
from duro.modules.catalog.service import plan_behind_link
from duro.runtime.compose import Ground

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
_COMING: Final = "Paying on this page is coming in a later version."
_SLUG: Final = re.compile(r"[a-z0-9-]{1,100}", re.ASCII)


def shown(title: str, body: str, *, status: int = 200) -> web.Response:
    """A page; `body` is HTML."""
    html = _PAGE.format(title=escape(title), body=body)
    return web.Response(text=html, status=status, content_type="text/html", headers=_PAGE_HEADERS)


def link_page(ground: Ground) -> Handler:
    """The page behind `/pay/{mode}/{slug}`: found while the link is open and its plan can be had."""

    async def show(request: web.Request) -> web.StreamResponse:
        mode, slug = Mode(request.match_info["mode"]), request.match_info["slug"]
        plan = await _plan_at(ground, mode, slug) if _SLUG.fullmatch(slug) else None
        if plan is None:
            return _nothing()
        price = format_minor(plan.amount_minor, plan.currency)
        return shown(plan.name, f"<h1>{escape(plan.name)}</h1><p>{price}</p><p>{_COMING}</p>")

    return show


async def show_checkout(request: web.Request) -> web.StreamResponse:
    """The page behind `/checkout/{token}`: what has not the form of a token opens nothing."""
    token = request.match_info["token"]
    if not any(is_token(token, f"cs_{mode.value}_") for mode in Mode):
        return _nothing()
    return shown("Checkout", f"<h1>Checkout</h1><p>{_COMING}</p>")


async def _plan_at(ground: Ground, mode: Mode, slug: str) -> Plan | None:
    async with ground.db.core() as core:
        owner = await find_slug(core, mode=mode, slug=slug)
    if owner is None:
        return None
    async with ground.db.begin(mode, owner.tenant_id) as tx:
        return await plan_behind_link(tx, owner.link_id)


def _nothing() -> web.Response:
    return shown("Not found", "<h1>Not found</h1><p>There is nothing to pay here.</p>", status=404)
