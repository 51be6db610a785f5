"""Invoices as they are shown."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from duro.billing.rails import Rail
from duro.kit.pagination import ListQuery
from duro.kit.schema import Out
from duro.modules.invoices.model import Invoice, InvoiceStatus
from duro.modules.payments.schemas import RefundOut, TransactionOut


class InvoiceLine(Out):
    """A part of the amount; a discount or a credit is negative. Minor units."""

    kind: str
    description: str
    amount: int


class InvoiceOut(Out):
    """What a customer owes, or owed, for one period."""

    id: str
    subscription_id: str | None
    customer_id: str
    number: str
    amount: int
    currency: str
    lines: list[InvoiceLine]
    status: InvoiceStatus
    rail: Rail | None
    period_start: datetime
    period_end: datetime
    amount_refunded: int
    paid_at: datetime | None
    created_at: datetime
    amount_paid: Annotated[int, Field(description="Below the amount while the rest is open.")]


class DunningStep(Out):
    """One decision on the way to the money."""

    at: datetime
    action: str
    rail: Rail | None
    next_attempt_at: datetime | None
    reason: str


class InvoiceDetail(InvoiceOut):
    """An invoice with every attempt to charge it, its refunds and, if it failed, what was decided."""

    attempts: list[TransactionOut]
    dunning: list[DunningStep]
    refunds: Annotated[list[RefundOut], Field(description="The latest 100, oldest of them first.")]


class InvoiceListQuery(ListQuery):
    """Filters of the list of invoices."""

    status: InvoiceStatus | None = None
    customer_id: str | None = None
    subscription_id: str | None = None


def present(invoice: Invoice) -> InvoiceOut:
    return InvoiceOut.model_construct(**shown(invoice))


def snapshot(invoice: Invoice) -> dict[str, Any]:
    """What `present` shows, as JSON."""
    return InvoiceOut.spell(_plain(invoice))


def shown(invoice: Invoice) -> dict[str, Any]:
    """The fields of an `InvoiceOut`."""
    lines = [InvoiceLine.model_construct(**line) for line in invoice.lines]
    return _plain(invoice) | {"lines": lines}


def _plain(invoice: Invoice) -> dict[str, Any]:
    return {
        "id": invoice.id,
        "subscription_id": invoice.subscription_id,
        "customer_id": invoice.customer_id,
        "number": invoice.number,
        "amount": invoice.amount_minor,
        "currency": invoice.currency,
        "lines": invoice.lines,
        "status": invoice.status,
        "rail": invoice.rail,
        "period_start": invoice.period_starts_at,
        "period_end": invoice.period_ends_at,
        "amount_refunded": invoice.amount_refunded_minor,
        "paid_at": invoice.paid_at,
        "created_at": invoice.created_at,
        "amount_paid": invoice.paid_minor,
    }
