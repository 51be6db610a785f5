"""What payments offer to the runtime."""

from duro.kit.module import Module
from duro.modules.payments.gateway import GatewayBooks
from duro.modules.payments.routes import books_routes, routes


def build(books: GatewayBooks) -> Module:
    """`books` are those of the test mode's gateway."""
    return Module(name="payments", routes=(routes, books_routes(books)))
