"""What checkout offers to the runtime."""

from duro.kit.module import Module
from duro.modules.checkout.routes import routes
from duro.modules.payments.gateway import Gateways


def build(*, gateways: Gateways, public_url: str) -> Module:
    """`public_url` is where the page is that a session opens."""
    return Module(name="checkout", routes=(routes(gateways, public_url),))
