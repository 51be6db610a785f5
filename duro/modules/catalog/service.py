"""Makes and changes plans, promo codes and payment links, and counts redemptions."""

from dataclasses import replace
from datetime import datetime

from duro.billing.discounts import DiscountType, Duration
from duro.errors import ConflictError, Detail, InvalidError
from duro.kit.db import Tx
from duro.kit.ids import new_id
from duro.kit.schema import refuse
from duro.modules.catalog.errors import PromoCodeClosedError
from duro.modules.catalog.model import PaymentLink, Plan, PromoCode
from duro.modules.catalog.repository import LinkRepository, PlanRepository, PromoRepository
from duro.modules.catalog.schemas import (
    LinkCreate,
    LinkUpdate,
    PlanCreate,
    PlanUpdate,
    PromoCreate,
    PromoUpdate,
)


async def create_plan(tx: Tx, asked: PlanCreate) -> Plan:
    plan = Plan(
        id=new_id("plan", wall=tx.wall),
        name=asked.name,
        amount_minor=asked.amount,
        currency=asked.currency,
        interval=asked.interval,
        interval_count=asked.interval_count,
        trial_days=asked.trial_days,
        max_cycles=asked.max_cycles,
        allow_multiple=asked.allow_multiple,
        archived_at=None,
        metadata=asked.metadata,
        created_at=tx.now,
    )
    await PlanRepository(tx).add(plan)
    return plan


async def update_plan(tx: Tx, plan_id: str, asked: PlanUpdate) -> Plan:
    """Invoices carry their own amount, so a new price counts from the next invoice on."""
    plans = PlanRepository(tx)
    changes = asked.changes()
    if "amount" in changes:
        changes["amount_minor"] = changes.pop("amount")
    plan = replace(await plans.lock(plan_id), **changes)
    await plans.save(plan)
    return plan


async def archive_plan(tx: Tx, plan_id: str) -> Plan:
    """Nobody can start on it any more; archiving twice keeps the first instant."""
    plans = PlanRepository(tx)
    plan = await plans.lock(plan_id)
    if plan.is_active:
        plan = replace(plan, archived_at=tx.now)
        await plans.save(plan)
    return plan


async def open_plan(tx: Tx, plan_id: str) -> Plan:
    """A plan that somebody can start on."""
    plan = await PlanRepository(tx).get(plan_id)
    if not plan.is_active:
        raise ConflictError("The plan is archived; nobody can start on it.")
    return plan


async def create_promo(tx: Tx, asked: PromoCreate, *, home_currency: str) -> PromoCode:
    """A code for one plan or all; a fixed discount is in the plan's currency, or the merchant's own."""
    plan = await open_plan(tx, asked.plan_id) if asked.plan_id is not None else None
    _demand_sense(asked, plan, tx.now)
    currency = None
    if asked.discount_type is DiscountType.FIXED:
        currency = asked.currency or (plan.currency if plan else home_currency)
    promo = PromoCode(
        id=new_id("prm", wall=tx.wall),
        code=asked.code,
        discount_type=asked.discount_type,
        discount_value=asked.discount_value,
        currency=currency,
        plan_id=asked.plan_id,
        duration=asked.duration,
        duration_cycles=asked.duration_cycles,
        max_redemptions=asked.max_redemptions,
        redeemed_count=0,
        expires_at=asked.expires_at,
        disabled_at=None,
        metadata=asked.metadata,
        created_at=tx.now,
    )
    await PromoRepository(tx).add(promo)
    return promo


async def update_promo(tx: Tx, promo_id: str, asked: PromoUpdate) -> PromoCode:
    """What it takes off never changes; `active` opens and closes it by hand."""
    promos = PromoRepository(tx)
    promo = await promos.lock(promo_id)
    changes = asked.changes()
    is_active = changes.pop("active", None)
    promo = replace(promo, **changes)
    if "expires_at" in changes:
        _demand_future(promo.expires_at, tx.now)
    if promo.remaining is not None and promo.remaining < 0:
        raise ConflictError(f"It has been redeemed {promo.redeemed_count} times already.")
    if is_active is not None:
        promo = replace(promo, disabled_at=None if is_active else promo.disabled_at or tx.now)
        why = promo.why_closed(tx.now) if is_active else None
        if why is not None:
            raise ConflictError(f"The promo code cannot be made active. {why}")
    await promos.save(promo)
    return promo


async def find_promo(tx: Tx, code: str | None, plan: Plan) -> PromoCode | None:
    """The code, if one is asked for, which takes something off this plan and is open; not redeemed yet."""
    if code is None:
        return None
    promo = await PromoRepository(tx).find_by_code(code)
    if promo is None:
        raise refuse("promoCode", "There is no such promo code.")
    unfit = promo.why_unfit(plan)
    if unfit is not None:
        raise refuse("promoCode", unfit)
    closed = promo.why_closed(tx.now)
    if closed is not None:
        raise PromoCodeClosedError(closed)
    return promo


async def redeem_promo(tx: Tx, promo_id: str) -> None:
    """Counts a redemption; others may have taken the last one since the code was found."""
    if not await PromoRepository(tx).redeem(promo_id):
        raise PromoCodeClosedError("It has been redeemed as often as it may be.")


async def create_link(tx: Tx, asked: LinkCreate) -> PaymentLink:
    """A public address of a plan, open at once."""
    plan = await open_plan(tx, asked.plan_id)
    link = PaymentLink(
        id=new_id("lnk", wall=tx.wall),
        plan_id=plan.id,
        slug=asked.slug,
        is_active=True,
        metadata=asked.metadata,
        created_at=tx.now,
    )
    await LinkRepository(tx).add(link)
    return link


async def update_link(tx: Tx, link_id: str, asked: LinkUpdate) -> PaymentLink:
    """Opens or closes it; printed addresses must stay right, so slug and plan are for good."""
    links = LinkRepository(tx)
    changes = asked.changes()
    if "active" in changes:
        changes["is_active"] = changes.pop("active")
    link = replace(await links.lock(link_id), **changes)
    await links.save(link)
    return link


async def plan_behind_link(tx: Tx, link_id: str) -> Plan | None:
    """What the link offers; None while it is closed or its plan is archived."""
    link = await LinkRepository(tx).get(link_id)
    plan = await PlanRepository(tx).get(link.plan_id)
    return plan if link.is_active and plan.is_active else None


def _demand_sense(asked: PromoCreate, plan: Plan | None, now: datetime) -> None:
    refused = []
    if asked.discount_type is DiscountType.PERCENTAGE:
        if asked.discount_value > 100:  # noqa: PLR2004 - percent
            refused.append(Detail("discountValue", "A percentage is at most 100."))
        if asked.currency is not None:
            refused.append(Detail("currency", "Only a fixed discount has a currency."))
    elif plan is not None and asked.currency not in (None, plan.currency):
        refused.append(Detail("currency", f"The plan is in {plan.currency}."))
    if (asked.duration is Duration.REPEATING) != (asked.duration_cycles is not None):
        issue = "Required for a repeating discount, and only there."
        refused.append(Detail("durationCycles", issue))
    if refused:
        raise InvalidError("The promo code makes no sense.", details=refused)
    _demand_future(asked.expires_at, now)


def _demand_future(expires_at: datetime | None, now: datetime) -> None:
    if expires_at is not None and expires_at <= now:
        raise refuse("expiresAt", "Must be in the future.")
