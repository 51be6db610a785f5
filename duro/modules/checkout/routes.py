"""Checkout sessions over HTTP."""

from typing import Final

from duro.errors import ConflictError, GatewayNotConfiguredError, NotFoundError
from duro.kit.call import ANY_KEY, Call
from duro.kit.registry import Routes
from duro.modules.checkout import service
from duro.modules.checkout.links import CheckoutLinks
from duro.modules.checkout.repository import CheckoutRepository
from duro.modules.checkout.schemas import CheckoutCreate, CheckoutSessionOut, session_out
from duro.modules.payments.gateway import Gateways

_EXAMPLE: Final = {
    "planId": "plan_01JD0G4Y8Z7V6T5S4R3Q2P1N0M",
    "customerEmail": "ada@example.com",
    "successUrl": "https://example.com/thanks",
}


def routes(gateways: Gateways, links: CheckoutLinks) -> Routes:
    """The operations on checkout sessions, whose pages are where `links` say."""
    entries = Routes(tag="Checkout")

    @entries.post(
        "/v1/checkout/sessions",
        permission="subscription:write",
        status=201,
        credential=ANY_KEY,
        errors=(ConflictError, NotFoundError, GatewayNotConfiguredError),
        example=_EXAMPLE,
    )
    async def create_checkout_session(call: Call, body: CheckoutCreate) -> CheckoutSessionOut:
        """Ask a customer to pay for a plan, or once; a publishable key may ask for a plan or a link.

        The token is in this answer and in no other.
        """
        gateways.of(call.mode)
        made = await service.create_session(call.tx, body, links=links, kind=call.credential.kind)
        url = links.url(made.token)
        return session_out(made.session, now=call.now, token=made.token, url=url)

    @entries.get("/v1/checkout/sessions/{id}", permission="read", id_prefix="chk")
    async def read_checkout_session(call: Call, session_id: str) -> CheckoutSessionOut:
        """One checkout session, without its token."""
        session = await CheckoutRepository(call.tx).get(session_id)
        return session_out(session, now=call.now)

    return entries
