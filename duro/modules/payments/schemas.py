"""Transactions, payment methods and the simulated gateway's books as they go out."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from duro.billing.failures import Category
from duro.billing.rails import Rail
from duro.kit.pagination import ListQuery
from duro.kit.schema import Out
from duro.modules.payments.gateway import BookEntry
from duro.modules.payments.model import (
    Attempt,
    AttemptStatus,
    PaymentMethod,
    Refund,
    RefundStatus,
)


class CustomerTransactionQuery(ListQuery):
    status: AttemptStatus | None = None
    subscription_id: str | None = None
    invoice_id: str | None = None


class TransactionQuery(CustomerTransactionQuery):
    customer_id: str | None = None


class GatewayChargeQuery(ListQuery):
    reference: Annotated[str | None, Field(description="The `reference` of a transaction.")] = None


class TransactionOut(Out):
    id: str
    invoice_id: str
    customer_id: str
    status: AttemptStatus
    amount: int
    currency: str
    rail: Rail
    failure_code: str | None
    failure_category: Category | None
    reference: str
    created_at: datetime


class PaymentMethodOut(Out):
    """The gateway's token is never shown."""

    id: str
    rail: Rail
    brand: str | None
    last4: str | None
    exp_month: int | None
    exp_year: int | None
    is_default: bool
    created_at: datetime


class GatewayChargeOut(Out):
    """One charge as the simulated gateway remembers it."""

    reference: str
    amount: int
    currency: str
    status: str
    code: str | None
    at: datetime


class RefundOut(Out):
    """Money that went back, or is on its way; `unknown` until the gateway has said what became of it."""

    id: str
    invoice_id: str
    transaction_id: str
    amount: int
    currency: str
    status: RefundStatus
    reason: str | None
    created_at: datetime
    failure_code: str | None


def refund_out(refund: Refund) -> RefundOut:
    return RefundOut(
        id=refund.id,
        invoice_id=refund.invoice_id,
        transaction_id=refund.attempt_id,
        amount=refund.amount_minor,
        currency=refund.currency,
        status=refund.status,
        reason=refund.reason,
        created_at=refund.created_at,
        failure_code=refund.failure_code,
    )


def transaction_out(attempt: Attempt) -> TransactionOut:
    return TransactionOut(
        id=attempt.id,
        invoice_id=attempt.invoice_id,
        customer_id=attempt.customer_id,
        status=attempt.status,
        amount=attempt.amount_minor,
        currency=attempt.currency,
        rail=attempt.rail,
        failure_code=attempt.failure_code,
        failure_category=attempt.failure_category,
        reference=attempt.reference,
        created_at=attempt.created_at,
    )


def payment_method_out(method: PaymentMethod) -> PaymentMethodOut:
    return PaymentMethodOut(
        id=method.id,
        rail=method.rail,
        brand=method.brand,
        last4=method.last4,
        exp_month=method.exp_month,
        exp_year=method.exp_year,
        is_default=method.is_default,
        created_at=method.created_at,
    )


def gateway_charge_out(entry: BookEntry) -> GatewayChargeOut:
    return GatewayChargeOut(
        reference=entry.reference,
        amount=entry.amount_minor,
        currency=entry.currency,
        status=entry.status,
        code=entry.code,
        at=entry.charged_at,
    )
