"""What charging offers to the runtime."""

from duro.kit.module import Module
from duro.modules.charging.case_routes import routes as case_routes
from duro.modules.charging.change_routes import routes as change_routes
from duro.modules.charging.engine import Charging
from duro.modules.charging.invoice_routes import routes as invoice_routes
from duro.modules.charging.jobs import due_work
from duro.modules.charging.routes import routes
from duro.modules.charging.suspense_routes import routes as suspense_routes
from duro.modules.invoices.links import PayLinks
from duro.modules.payments.gateway import Gateways


def build(*, gateways: Gateways, links: PayLinks, concurrency: int = 100) -> Module:
    """`concurrency` bounds the gateway calls of one batch."""
    charging = Charging(gateways, links, concurrency)
    return Module(
        name="charging",
        routes=(
            routes(charging),
            change_routes(charging),
            invoice_routes(charging),
            case_routes(charging),
            suspense_routes(charging),
        ),
        work=due_work(charging),
    )
