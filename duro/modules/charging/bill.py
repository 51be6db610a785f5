"""A period's bill and the invoice made of it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from duro.billing.cycle import Period
from duro.billing.money import InvoiceTotal, invoice_total
from duro.modules.catalog.model import Plan, PromoCode
from duro.modules.charging.model import Changes
from duro.modules.invoices.model import Invoice, InvoiceStatus
from duro.modules.subscriptions.model import BalanceReason, Subscription

# Kind, description and amount, as it is shown.
Line: TypeAlias = dict[str, Any]


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
    """The plan's price less the promo code, and what was carried to it, less the credit balance.

    A code that takes nothing off the plan, because the plan was changed, is over.
    """
    promo = promos.get(row.live_promo_id or "")
    if promo is not None and promo.why_unfit(plan) is not None:
        row, promo = replace(row, promo_cycles_left=0), None
    total = invoice_total(
        price_minor=plan.amount_minor,
        discount_minor=promo.discount_minor(plan) if promo else 0,
        balance_minor=row.balance_minor,
        carried_minor=row.carried_minor,
    )
    return Bill(row, plan, index, period, total, promo)


def new_invoice(
    changes: Changes, bill: Bill, *, key: str | None = None
) -> tuple[Subscription, Invoice]:
    """An open invoice for the bill, and the subscription with what it used; `key` makes it the only one.

    A first period has none: a resume that was declined may be asked for again at the same instant of a test clock,
    and the lock of the subscription keeps two of them apart.
    """
    total, row = bill.total, bill.subscription
    lines = [
        *plan_lines(bill.plan, bill.promo, total.discount_minor),
        *carried_lines(row.carried_minor),
        *credit_lines(total.balance_used_minor),
    ]
    invoice = open_invoice(
        changes, row, lines=lines, currency=bill.plan.currency, index=bill.index, period=bill.period
    )
    used = changes.move_balance(row, -total.balance_used_minor, BalanceReason.RENEWAL, invoice.id)
    keyed = replace(invoice, idempotency_key=key or f"first_{invoice.id}")
    return replace(used, carried_minor=0) if used.carried_minor else used, keyed


def plan_lines(plan: Plan, promo: PromoCode | None, discount_minor: int) -> list[Line]:
    """The price of a whole period, and what the promo code takes off it."""
    lines: list[Line] = [{"kind": "plan", "description": plan.name, "amount": plan.amount_minor}]
    if promo is not None and discount_minor:
        code = f"Promo code {promo.code}"
        lines.append({"kind": "discount", "description": code, "amount": -discount_minor})
    return lines


def carried_lines(amount_minor: int) -> list[Line]:
    """What a change of plan put on the next invoice, which this is."""
    words = "Change of plan in the last period"
    return [{"kind": "carried", "description": words, "amount": amount_minor}] * bool(amount_minor)


def credit_lines(used_minor: int) -> list[Line]:
    """What the credit balance pays."""
    credit: Line = {"kind": "credit", "description": "Credit balance", "amount": -used_minor}
    return [credit] * bool(used_minor)


def open_invoice(
    changes: Changes,
    row: Subscription,
    *,
    lines: list[Line],
    currency: str,
    index: int,
    period: Period,
) -> Invoice:
    """An open invoice of these lines; it is its own idempotency key until it is given another."""
    invoice_id = changes.new_id("inv")
    return Invoice(
        id=invoice_id,
        # The tail of the id is random enough to be unique for a tenant, and tells nobody how many there are.
        number=f"INV-{invoice_id[-12:]}",
        subscription_id=row.id,
        customer_id=row.customer_id,
        idempotency_key=invoice_id,
        amount_minor=sum(int(line["amount"]) for line in lines),
        currency=currency,
        lines=lines,
        status=InvoiceStatus.OPEN,
        rail=None,
        period_index=index,
        period_starts_at=period.starts_at,
        period_ends_at=period.ends_at,
        amount_refunded_minor=0,
        paid_at=None,
        created_at=changes.tx.now,
    )
