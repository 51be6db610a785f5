"""What payments offer to the runtime."""

from functools import partial

from duro.kit.module import Module
from duro.kit.work import DueWork
from duro.modules.payments import mandate_routes, mandating, request_routes
from duro.modules.payments.gateway import GatewayBooks, Gateways
from duro.modules.payments.mandates import LIST_TENANTS_WITH_MANDATES, NEXT_MANDATE
from duro.modules.payments.notices import Settle, settle_later
from duro.modules.payments.routes import books_routes, routes


def build(books: GatewayBooks, gateways: Gateways, *, settle: Settle = settle_later) -> Module:
    """`books` are those of the test mode's gateway; `settle` takes money in that a test paid."""
    money = request_routes.SimulatedMoney(books, settle)
    return Module(
        name="payments",
        routes=(
            routes,
            request_routes.routes,
            request_routes.account_routes(gateways),
            mandate_routes.routes(gateways),
            request_routes.paying_routes(money),
            books_routes(books),
        ),
        work=(
            DueWork(
                name="reconcile.mandates",
                every_s=60,
                list_due=LIST_TENANTS_WITH_MANDATES,
                next_due=NEXT_MANDATE,
                run=partial(mandating.reconcile_due, gateways),
            ),
        ),
    )
