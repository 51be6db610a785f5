"""A period's bill and the invoice made of it."""

from dataclasses import dataclass

from duro.billing.cycle import Period
from duro.billing.money import InvoiceTotal
from duro.modules.catalog.model import Plan
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


def new_invoice(changes: Changes, bill: Bill, *, key: str) -> Invoice:
    """An open invoice for the bill; `key` makes it the only one."""
    plan, total = bill.plan, bill.total
    invoice_id = changes.new_id("inv")
    lines = [{"kind": "plan", "description": plan.name, "amount": plan.amount_minor}]
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
