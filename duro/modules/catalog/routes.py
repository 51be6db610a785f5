"""Plans, promo codes and payment links over HTTP."""

from functools import partial
from typing import Final

from duro.errors import ConflictError, NotFoundError
from duro.kit.call import Call
from duro.kit.pagination import Page
from duro.kit.registry import Routes
from duro.modules.catalog import service
from duro.modules.catalog.errors import PromoCodeTakenError, SlugTakenError
from duro.modules.catalog.repository import (
    LinkRepository,
    PlanRepository,
    PromoFilter,
    PromoRepository,
)
from duro.modules.catalog.schemas import (
    LinkCreate,
    LinkQuery,
    LinkUpdate,
    PaymentLinkOut,
    PlanCreate,
    PlanOut,
    PlanQuery,
    PlanUpdate,
    PromoCodeOut,
    PromoCreate,
    PromoQuery,
    PromoUpdate,
    link_out,
    plan_out,
    promo_out,
)

routes: Final = Routes(tag="Plans")
promo_routes: Final = Routes(tag="Promo codes")


@routes.get("/v1/plans", permission="read", timeless=True)
async def list_plans(call: Call, query: PlanQuery) -> Page[PlanOut]:
    """Plans, newest first."""
    seek = call.seek("plans", query)
    return seek.page(
        await PlanRepository(call.tx).list_newest(seek, is_active=query.active), plan_out
    )


@routes.post(
    "/v1/plans",
    permission="plan:write",
    status=201,
    example={"name": "Gold", "amount": 500000, "interval": "month"},
)
async def create_plan(call: Call, body: PlanCreate) -> PlanOut:
    """Make a plan."""
    return plan_out(await service.create_plan(call.tx, body))


@routes.get("/v1/plans/{id}", permission="read", id_prefix="plan", timeless=True)
async def read_plan(call: Call, plan_id: str) -> PlanOut:
    """One plan."""
    return plan_out(await PlanRepository(call.tx).get(plan_id))


@routes.patch(
    "/v1/plans/{id}", permission="plan:write", id_prefix="plan", example={"amount": 600000}
)
async def update_plan(call: Call, plan_id: str, body: PlanUpdate) -> PlanOut:
    """Change a plan; issued invoices keep their amount."""
    return plan_out(await service.update_plan(call.tx, plan_id, body))


@routes.delete("/v1/plans/{id}", permission="plan:write", id_prefix="plan")
async def archive_plan(call: Call, plan_id: str) -> PlanOut:
    """Archive a plan: nobody can start on it, those who have it keep it."""
    return plan_out(await service.archive_plan(call.tx, plan_id))


@promo_routes.get("/v1/promo-codes", permission="read")
async def list_promo_codes(call: Call, query: PromoQuery) -> Page[PromoCodeOut]:
    """Promo codes, newest first."""
    seek = call.seek("promo codes", query)
    wanted = PromoFilter(query.code, query.plan_id, query.active)
    found = await PromoRepository(call.tx).list_newest(seek, wanted)
    return seek.page(found, partial(promo_out, now=call.now))


@promo_routes.post(
    "/v1/promo-codes",
    permission="plan:write",
    status=201,
    errors=(PromoCodeTakenError, NotFoundError),
    example={
        "code": "WELCOME20",
        "discountType": "percentage",
        "discountValue": 20,
        "duration": "repeating",
        "durationCycles": 3,
        "maxRedemptions": 100,
    },
)
async def create_promo_code(call: Call, body: PromoCreate) -> PromoCodeOut:
    """Make a promo code for one plan or for all."""
    promo = await service.create_promo(call.tx, body, home_currency=call.tenant.currency)
    return promo_out(promo, now=call.now)


@promo_routes.get("/v1/promo-codes/{id}", permission="read", id_prefix="prm")
async def read_promo_code(call: Call, promo_id: str) -> PromoCodeOut:
    """One promo code, and how often it was redeemed."""
    return promo_out(await PromoRepository(call.tx).get(promo_id), now=call.now)


@promo_routes.patch(
    "/v1/promo-codes/{id}",
    permission="plan:write",
    id_prefix="prm",
    errors=(ConflictError,),
    example={"active": False},
)
async def update_promo_code(call: Call, promo_id: str, body: PromoUpdate) -> PromoCodeOut:
    """Close a promo code or change its limits; who has it keeps it."""
    return promo_out(await service.update_promo(call.tx, promo_id, body), now=call.now)


def link_routes(public_url: str) -> Routes:
    """The operations on payment links, whose pages are below `public_url`."""
    entries = Routes(tag="Payment links")

    @entries.get("/v1/payment-links", permission="read", timeless=True)
    async def list_payment_links(call: Call, query: LinkQuery) -> Page[PaymentLinkOut]:
        """Payment links, newest first."""
        seek = call.seek("payment links", query)
        found = await LinkRepository(call.tx).list_newest(
            seek, plan_id=query.plan_id, is_active=query.active
        )
        return seek.page(found, partial(link_out, public_url=public_url, mode=call.mode))

    @entries.post(
        "/v1/payment-links",
        permission="plan:write",
        status=201,
        errors=(SlugTakenError, NotFoundError),
        example={"planId": "plan_01JD0G4Y8Z7V6T5S4R3Q2P1N0M", "slug": "gold-membership"},
    )
    async def create_payment_link(call: Call, body: LinkCreate) -> PaymentLinkOut:
        """Give a plan a public address of your choice."""
        link = await service.create_link(call.tx, body)
        return link_out(link, public_url=public_url, mode=call.mode)

    @entries.get("/v1/payment-links/{id}", permission="read", id_prefix="lnk", timeless=True)
    async def read_payment_link(call: Call, link_id: str) -> PaymentLinkOut:
        """One payment link."""
        link = await LinkRepository(call.tx).get(link_id)
        return link_out(link, public_url=public_url, mode=call.mode)

    @entries.patch(
        "/v1/payment-links/{id}",
        permission="plan:write",
        id_prefix="lnk",
        example={"active": False},
    )
    async def update_payment_link(call: Call, link_id: str, body: LinkUpdate) -> PaymentLinkOut:
        """Open or close a payment link; its address stays."""
        link = await service.update_link(call.tx, link_id, body)
        return link_out(link, public_url=public_url, mode=call.mode)

    return entries
