"""Payment requests, virtual accounts, mandates and suspense as they come in and go out."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from duro.billing.rails import Rail
from duro.kit.pagination import ListQuery
from duro.kit.schema import NOT_NULL, AmountMinor, Body, Out
from duro.modules.catalog.schemas import Currency
from duro.modules.payments.model import (
    IncomingPayment,
    Mandate,
    MandateStatus,
    PaymentRequest,
    RequestStatus,
    Resolution,
    SuspenseItem,
    SuspenseReason,
    SuspenseStatus,
    VirtualAccount,
)


class PaymentRequestQuery(ListQuery):
    status: RequestStatus | None = None
    invoice_id: str | None = None
    subscription_id: str | None = None
    customer_id: str | None = None


class SuspenseQuery(ListQuery):
    status: SuspenseStatus | None = None
    reason: SuspenseReason | None = None


class RequestDetails(Out):
    """What the customer needs to pay: a USSD string, or an account."""

    ussd: str | None
    bank_name: str | None
    account_number: str | None
    account_name: str | None


class PaymentRequestOut(Out):
    """What a customer was asked to pay by themselves; money that comes after it was closed is matched all the same."""

    id: str
    invoice_id: str
    subscription_id: str
    customer_id: str
    rail: Rail
    status: RequestStatus
    amount: int
    amount_received: int
    currency: str
    reference: str
    details: RequestDetails
    expires_at: datetime
    closed_at: datetime | None
    created_at: datetime


class VirtualAccountOut(Out):
    """An account number of one customer's own: whatever is paid to it is theirs."""

    id: str
    customer_id: str
    bank_name: str
    account_number: str
    account_name: str
    created_at: datetime


class MandateOut(Out):
    """A customer's consent to direct debit; only an `active` one is debited."""

    id: str
    customer_id: str
    payment_method_id: str
    status: MandateStatus
    activated_at: datetime | None
    ready_at: Annotated[
        datetime | None,
        Field(description="Before it the bank may still answer `05` though the mandate is active."),
    ]
    revoked_at: datetime | None
    created_at: datetime


class SuspenseItemOut(Out):
    """Money that fits nothing yet."""

    id: str
    reason: SuspenseReason
    status: SuspenseStatus
    amount: int
    currency: str
    invoice_id: str | None
    subscription_id: str | None
    customer_id: str | None
    transaction_id: str | None
    reference: Annotated[
        str | None, Field(description="What it came under: of a request, or an account number.")
    ]
    received_at: datetime | None
    resolution: Resolution | None
    note: str | None
    created_at: datetime
    resolved_at: datetime | None


class MandateCreate(Body):
    payment_method_id: Annotated[
        str,
        Field(description="A direct debit method; in test mode also the name of a test mandate."),
    ]


class RequestPay(Body):
    """What comes in for a payment request."""

    amount: Annotated[
        AmountMinor | None, NOT_NULL, Field(description="What still lacks if not given.")
    ] = None
    currency: Annotated[
        Currency | None, NOT_NULL, Field(description="The request's if not given.")
    ] = None


class AccountPay(Body):
    """What is paid to a virtual account."""

    amount: AmountMinor
    currency: Currency = "NGN"


def payment_request_out(request: PaymentRequest) -> PaymentRequestOut:
    told = request.details
    return PaymentRequestOut(
        id=request.id,
        invoice_id=request.invoice_id,
        subscription_id=request.subscription_id,
        customer_id=request.customer_id,
        rail=request.rail,
        status=request.status,
        amount=request.amount_minor,
        amount_received=request.received_minor,
        currency=request.currency,
        reference=request.reference,
        details=RequestDetails(
            ussd=told.get("ussd"),
            bank_name=told.get("bankName"),
            account_number=told.get("accountNumber"),
            account_name=told.get("accountName"),
        ),
        expires_at=request.expires_at,
        closed_at=request.closed_at,
        created_at=request.created_at,
    )


def virtual_account_out(account: VirtualAccount) -> VirtualAccountOut:
    return VirtualAccountOut(
        id=account.id,
        customer_id=account.customer_id,
        bank_name=account.bank_name,
        account_number=account.account_number,
        account_name=account.account_name,
        created_at=account.created_at,
    )


def mandate_out(mandate: Mandate) -> MandateOut:
    return MandateOut(
        id=mandate.id,
        customer_id=mandate.customer_id,
        payment_method_id=mandate.payment_method_id,
        status=mandate.status,
        activated_at=mandate.activated_at,
        ready_at=mandate.ready_at,
        revoked_at=mandate.revoked_at,
        created_at=mandate.created_at,
    )


def suspense_item_out(item: SuspenseItem, incoming: IncomingPayment | None) -> SuspenseItemOut:
    return SuspenseItemOut(
        id=item.id,
        reason=item.reason,
        status=item.status,
        amount=item.amount_minor,
        currency=item.currency,
        invoice_id=item.invoice_id,
        subscription_id=item.subscription_id,
        customer_id=item.customer_id,
        transaction_id=item.attempt_id,
        reference=incoming.reference if incoming else None,
        received_at=incoming.received_at if incoming else None,
        resolution=item.resolution,
        note=item.note,
        created_at=item.created_at,
        resolved_at=item.resolved_at,
    )
