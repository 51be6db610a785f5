"""Customers over HTTP."""

from typing import Final

from duro.errors import NotFoundError
from duro.kit.call import Call
from duro.kit.pagination import Page
from duro.kit.registry import Routes
from duro.modules.customers import service
from duro.modules.customers.errors import MerchantRefTakenError
from duro.modules.customers.repository import CustomerFilter, CustomerRepository
from duro.modules.customers.schemas import (
    BlacklistAsk,
    CustomerCreate,
    CustomerOut,
    CustomerQuery,
    CustomerUpdate,
    customer_out,
)

routes: Final = Routes(tag="Customers")


@routes.get("/v1/customers", permission="read", timeless=True)
async def list_customers(call: Call, query: CustomerQuery) -> Page[CustomerOut]:
    """Customers, newest first."""
    seek = call.seek("customers", query)
    wanted = CustomerFilter(query.email, query.phone, query.merchant_ref, query.blacklisted)
    return seek.page(await CustomerRepository(call.tx).list_newest(seek, wanted), customer_out)


@routes.post(
    "/v1/customers",
    permission="customer:write",
    status=201,
    errors=(MerchantRefTakenError,),
    example={"email": "ada@example.com", "phone": "0803 123 4567", "name": "Ada Obi"},
)
async def create_customer(call: Call, body: CustomerCreate) -> CustomerOut:
    """Make a customer."""
    return customer_out(await service.create_customer(call.tx, body))


@routes.get("/v1/customers/{id}", permission="read", id_prefix="cus", timeless=True)
async def read_customer(call: Call, customer_id: str) -> CustomerOut:
    """One customer."""
    return customer_out(await CustomerRepository(call.tx).get(customer_id))


@routes.get(
    "/v1/customers/ref/{merchantRef}",
    permission="read",
    errors=(NotFoundError,),
    timeless=True,
)
async def read_customer_by_ref(call: Call, merchant_ref: str) -> CustomerOut:
    """One customer by your own id."""
    return customer_out(await CustomerRepository(call.tx).get_by_ref(merchant_ref))


@routes.patch(
    "/v1/customers/{id}",
    permission="customer:write",
    id_prefix="cus",
    errors=(MerchantRefTakenError,),
    example={"name": "Ada Obi-Eze"},
)
async def update_customer(call: Call, customer_id: str, body: CustomerUpdate) -> CustomerOut:
    """Change a customer."""
    return customer_out(await service.update_customer(call.tx, customer_id, body))


@routes.post(
    "/v1/customers/{id}/blacklist",
    permission="customer:write",
    id_prefix="cus",
    example={"reason": "Charged back twice"},
)
async def blacklist_customer(call: Call, customer_id: str, body: BlacklistAsk) -> CustomerOut:
    """Let a customer start nothing new."""
    return customer_out(await service.blacklist(call.tx, customer_id, reason=body.reason))


@routes.post("/v1/customers/{id}/unblacklist", permission="customer:write", id_prefix="cus")
async def unblacklist_customer(call: Call, customer_id: str) -> CustomerOut:
    """Let a customer start something new again."""
    return customer_out(await service.unblacklist(call.tx, customer_id))
