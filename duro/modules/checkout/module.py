"""What checkout offers to the runtime."""

from duro.kit.module import Module
from duro.modules.checkout.jobs import due_work
from duro.modules.checkout.links import CheckoutLinks
from duro.modules.checkout.routes import routes
from duro.modules.payments.gateway import Gateways


def build(*, gateways: Gateways, links: CheckoutLinks) -> Module:
    """`links` say where the page is that a session opens."""
    return Module(name="checkout", routes=(routes(gateways, links),), work=due_work(links))
