"""What the catalog offers to the runtime."""

from duro.kit.module import Module
from duro.modules.catalog.routes import link_routes, promo_routes, routes


def build(*, public_url: str) -> Module:
    """`public_url` is where the pages of payment links are."""
    return Module(name="catalog", routes=(routes, promo_routes, link_routes(public_url)))
