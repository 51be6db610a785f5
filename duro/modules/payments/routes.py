"""Transactions and payment methods over HTTP, and the simulated gateway's books."""

from typing import Final

from duro.kit.call import Call
from duro.kit.modes import Mode
from duro.kit.pagination import ListQuery, Page
from duro.kit.registry import Routes
from duro.modules.customers.repository import CustomerRepository
from duro.modules.payments.gateway import GatewayBooks
from duro.modules.payments.model import AttemptFilter
from duro.modules.payments.repository import AttemptRepository, PaymentMethodRepository
from duro.modules.payments.schemas import (
    CustomerTransactionQuery,
    GatewayChargeOut,
    GatewayChargeQuery,
    PaymentMethodOut,
    TransactionOut,
    TransactionQuery,
    gateway_charge_out,
    payment_method_out,
    transaction_out,
)

routes: Final = Routes(tag="Payments")


@routes.get("/v1/transactions", permission="read")
async def list_transactions(call: Call, query: TransactionQuery) -> Page[TransactionOut]:
    """Charge attempts, newest first."""
    seek = call.seek("transactions", query)
    wanted = AttemptFilter(query.status, query.customer_id, query.subscription_id, query.invoice_id)
    return seek.page(await AttemptRepository(call.tx).list_page(wanted, seek), transaction_out)


@routes.get("/v1/transactions/{id}", permission="read", id_prefix="txn")
async def read_transaction(call: Call, transaction_id: str) -> TransactionOut:
    """One charge attempt."""
    return transaction_out(await AttemptRepository(call.tx).get(transaction_id))


@routes.get("/v1/customers/{id}/transactions", permission="read", id_prefix="cus")
async def list_customer_transactions(
    call: Call, customer_id: str, query: CustomerTransactionQuery
) -> Page[TransactionOut]:
    """Charge attempts on one customer, newest first."""
    seek = call.seek(f"transactions of {customer_id}", query)
    customer = await CustomerRepository(call.tx).get(customer_id)
    wanted = AttemptFilter(query.status, customer.id, query.subscription_id, query.invoice_id)
    return seek.page(await AttemptRepository(call.tx).list_page(wanted, seek), transaction_out)


@routes.get("/v1/customers/{id}/payment-methods", permission="read", id_prefix="cus")
async def list_payment_methods(
    call: Call, customer_id: str, query: ListQuery
) -> Page[PaymentMethodOut]:
    """Saved payment methods of one customer, newest first."""
    seek = call.seek(f"payment methods of {customer_id}", query)
    customer = await CustomerRepository(call.tx).get(customer_id)
    found = await PaymentMethodRepository(call.tx).list_of_customer(customer.id, seek)
    return seek.page(found, payment_method_out)


def books_routes(books: GatewayBooks) -> Routes:
    """Reads what a gateway itself has written down."""
    of_books = Routes(tag="Test mode")

    @of_books.get("/v1/test/gateway/charges", permission="read", modes=frozenset({Mode.TEST}))
    async def list_gateway_charges(call: Call, query: GatewayChargeQuery) -> Page[GatewayChargeOut]:
        """Charges in the simulated gateway's own books, newest first."""
        seek = call.seek("gateway charges", query)
        found = await books.list_charges(call.tx, reference=query.reference, seek=seek)
        return seek.page(found, gateway_charge_out)

    return of_books
