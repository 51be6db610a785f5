"""The list of invoices over HTTP; the detail tells of recovery and stands there."""

from typing import Final

from duro.kit.call import Call
from duro.kit.pagination import Page
from duro.kit.registry import Routes
from duro.modules.invoices.repository import InvoiceRepository
from duro.modules.invoices.schemas import InvoiceListQuery, InvoiceOut, present

routes: Final = Routes(tag="Invoices")


@routes.get("/v1/invoices", permission="read")
async def list_invoices(call: Call, query: InvoiceListQuery) -> Page[InvoiceOut]:
    """Invoices, newest first."""
    seek = call.seek("invoices", query)
    found = await InvoiceRepository(call.tx).list_newest(
        seek,
        status=query.status,
        customer_id=query.customer_id,
        subscription_id=query.subscription_id,
    )
    return seek.page(found, present)
