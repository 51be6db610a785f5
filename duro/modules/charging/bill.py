"""A period's bill and the invoice made of it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from duro.billing.cycle import Period
from duro.billing.money import InvoiceTotal, invoice_total
from duro.modules.catalog.model import Plan, PromoCode
from duro.modules.charging.model import Changes
from duro.modules.invoices.model import Invoice, InvoiceStatus
from duro.modules.subscriptions.model import Subscription


@dataclass(frozen=True, slots=True)
class Bill:
    """A period of a subscription, and what it costs."""

    subscription: Subscription
    plan: Plan
    index: int
    period: Period
    total: InvoiceTotal
    promo: PromoCode | None


def new_bill(
    row: Subscription, plan: Plan, index: int, period: Period, promos: Mapping[str, PromoCode]
) -> Bill:
    """The plan's price less the promo code, less the credit balance, of which the rest stays.

    A code that takes nothing off the plan, because the plan was changed, is over.
    """
    promo = promos.get(row.live_promo_id or "")
    if promo is not None and promo.why_unfit(plan) is not None:
        row, promo = replace(row, promo_cycles_left=0), None
    total = invoice_total(
        price_minor=plan.amount_minor,
        discount_minor=promo.discount_minor(plan) if promo else 0,
        balance_minor=row.balance_minor,
    )
    left = row.balance_minor - total.balance_used_minor
    return Bill(replace(row, balance_minor=left), plan, index, period, total, promo)


def new_invoice(changes: Changes, bill: Bill, *, key: str) -> Invoice:
    """An open invoice for the bill; `key` makes it the only one."""
    plan, total = bill.plan, bill.total
    invoice_id = changes.new_id("inv")
    lines = [{"kind": "plan", "description": plan.name, "amount": plan.amount_minor}]
    if bill.promo is not None and total.discount_minor:
        code = f"Promo code {bill.promo.code}"
        lines.append({"kind": "discount", "description": code, "amount": -total.discount_minor})
    if total.balance_used_minor:
        credit = -total.balance_used_minor
        lines.append({"kind": "credit", "description": "Credit balance", "amount": credit})
    return Invoice(
        id=invoice_id,
        # The tail of the id is random enough to be unique for a tenant, and tells nobody how many there are.
        number=f"INV-{invoice_id[-12:]}",
        subscription_id=bill.subscription.id,
        customer_id=bill.subscription.customer_id,
        idempotency_key=key,
        amount_minor=total.amount_minor,
        currency=plan.currency,
        lines=lines,
        status=InvoiceStatus.OPEN,
        rail=None,
        period_index=bill.index,
        period_starts_at=bill.period.starts_at,
        period_ends_at=bill.period.ends_at,
        amount_refunded_minor=0,
        paid_at=None,
        created_at=changes.tx.now,
    )
