"""Makes checkout sessions: who may ask for what, at which price, and where the customer goes afterwards."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from duro.errors import ConflictError, Detail, ForbiddenError, InvalidError
from duro.kit.call import CredentialKind
from duro.kit.crypto import sha256
from duro.kit.db import Tx
from duro.kit.ids import new_id
from duro.kit.modes import Mode
from duro.kit.schema import refuse
from duro.modules.catalog import service as catalog
from duro.modules.catalog.model import Plan
from duro.modules.checkout.links import CheckoutLinks
from duro.modules.checkout.model import (
    LIFETIME,
    REMINDED_AFTER,
    CheckoutSession,
    Kind,
    SessionStatus,
)
from duro.modules.checkout.repository import CheckoutRepository
from duro.modules.checkout.schemas import CheckoutCreate, is_https, is_on_this_machine
from duro.modules.customers.repository import CustomerRepository
from duro.modules.recovery.repository import settings_of

_ONE_OF: Final = "Give exactly one of planId, amount and paymentLinkId."


@dataclass(frozen=True, slots=True)
class NewSession:
    """A session that was just made: the only time that its token is known."""

    session: CheckoutSession
    token: str


async def create_session(
    tx: Tx, asked: CheckoutCreate, *, links: CheckoutLinks, kind: CredentialKind
) -> NewSession:
    """An open session for a day of business time; the promo code is looked at and not redeemed."""
    _demand_one_source(asked)
    _demand_addresses(asked, tx.mode)
    if kind is CredentialKind.PUBLISHABLE:
        _demand_public(asked)
    plan = await _plan_of(tx, asked)
    promo = None
    if plan is not None:
        promo = await catalog.find_promo(tx, asked.promo_code, plan)
    elif asked.promo_code is not None:
        raise refuse("promoCode", "A promo code is for a plan, not for an amount.")
    await _demand_welcome(tx, asked.customer_id)
    session = CheckoutSession(
        id=new_id("chk", wall=tx.wall),
        kind=Kind.SUBSCRIPTION if plan else Kind.ONE_TIME,
        status=SessionStatus.OPEN,
        plan_id=plan.id if plan else None,
        payment_link_id=asked.payment_link_id,
        amount_minor=_price(asked, plan) - (promo.discount_minor(plan) if promo and plan else 0),
        currency=plan.currency if plan else asked.currency,
        customer_id=asked.customer_id,
        customer_email=asked.customer_email,
        customer_phone=asked.customer_phone,
        promo_code_id=promo.id if promo else None,
        success_url=asked.success_url,
        cancel_url=asked.cancel_url,
        metadata=asked.metadata,
        expires_at=tx.now + LIFETIME,
        reminds_at=await _reminder(tx, asked),
        created_at=tx.now,
    )
    token = links.token(mode=tx.mode, tenant_id=tx.tenant_id, session_id=session.id)
    await CheckoutRepository(tx).add(session, digest=sha256(token))
    return NewSession(session, token)


def _demand_one_source(asked: CheckoutCreate) -> None:
    sources = {
        "planId": asked.plan_id,
        "amount": asked.amount,
        "paymentLinkId": asked.payment_link_id,
    }
    given = [name for name, value in sources.items() if value is not None]
    if len(given) != 1:
        details = [Detail(name, _ONE_OF) for name in given or sources]
        raise InvalidError(_ONE_OF, details=details)


def _demand_addresses(asked: CheckoutCreate, mode: Mode) -> None:
    urls = {"successUrl": asked.success_url, "cancelUrl": asked.cancel_url}
    details = [
        Detail(name, "Must be https; in test mode http to localhost will do.")
        for name, url in urls.items()
        if url is not None
        and not is_https(url)
        and not (mode is Mode.TEST and is_on_this_machine(url))
    ]
    if details:
        raise InvalidError("The customer cannot be sent there.", details=details)


def _demand_public(asked: CheckoutCreate) -> None:
    """Everybody can read a publishable key: it names no price, and learns nothing of customers."""
    if asked.amount is not None:
        raise ForbiddenError("A publishable key may not name an amount: use a plan or a link.")
    if asked.customer_id is not None:
        raise ForbiddenError("A publishable key may not speak for a customer.")


async def _plan_of(tx: Tx, asked: CheckoutCreate) -> Plan | None:
    if asked.plan_id is not None:
        plan = await catalog.open_plan(tx, asked.plan_id)
    elif asked.payment_link_id is not None:
        behind = await catalog.plan_behind_link(tx, asked.payment_link_id)
        if behind is None:
            raise ConflictError("The payment link is closed.")
        plan = behind
    else:
        return None
    if "currency" in asked.model_fields_set and asked.currency != plan.currency:
        raise refuse("currency", f"The plan is in {plan.currency}.")
    return plan


async def _reminder(tx: Tx, asked: CheckoutCreate) -> datetime | None:
    """When whoever leaves it open is reminded; nobody is who cannot be told, or where the merchant does not want it."""
    if asked.customer_id or asked.customer_email or asked.customer_phone:
        settings = (await settings_of(tx)).settings
        return tx.now + REMINDED_AFTER if settings.abandoned_cart else None
    return None


async def _demand_welcome(tx: Tx, customer_id: str | None) -> None:
    if customer_id is None:
        return
    if (await CustomerRepository(tx).get(customer_id)).is_blacklisted:
        raise ConflictError("The customer is blacklisted and can start nothing new.")


def _price(asked: CheckoutCreate, plan: Plan | None) -> int:
    return plan.amount_minor if plan else asked.amount or 0
