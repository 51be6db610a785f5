"""Owns customers, invoices and attempts for tests that are not about making them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from duro.billing.rails import Rail
from duro.kit.db import Tx
from duro.kit.ids import new_id
from duro.kit.work import WorkScope
from duro.modules.customers.schemas import CustomerCreate
from duro.modules.customers.service import create_customer
from duro.modules.invoices.model import Invoice, InvoiceStatus
from duro.modules.invoices.repository import InvoiceRepository
from duro.modules.payments.gateway import ChargeGateway, Credit, Unknown
from duro.modules.payments.model import (
    Attempt,
    AttemptStatus,
    PaymentRequest,
    Purpose,
    RequestStatus,
)
from duro.modules.payments.repository import AttemptRepository
from duro.modules.payments.requests import PaymentRequestRepository


async def add_customer(tx: Tx) -> str:
    return (await create_customer(tx, CustomerCreate())).id


async def add_invoice(tx: Tx, customer_id: str) -> str:
    invoice_id = new_id("inv", wall=tx.wall)
    invoice = Invoice(
        id=invoice_id,
        number=invoice_id,
        subscription_id=None,
        customer_id=customer_id,
        idempotency_key=invoice_id,
        amount_minor=500_000,
        currency="NGN",
        lines=[{"kind": "plan", "description": "Gold", "amount": 500_000}],
        status=InvoiceStatus.OPEN,
        rail=None,
        period_index=0,
        period_starts_at=tx.now,
        period_ends_at=tx.now + timedelta(days=30),
        amount_refunded_minor=0,
        paid_at=None,
        created_at=tx.now,
    )
    await InvoiceRepository(tx).add([invoice])
    return invoice_id


def pending_attempt(tx: Tx, *, invoice_id: str, customer_id: str) -> Attempt:
    """As phase one of a charge leaves it."""
    attempt_id = new_id("txn", wall=tx.wall)
    return Attempt(
        id=attempt_id,
        invoice_id=invoice_id,
        subscription_id="sub_A",
        customer_id=customer_id,
        payment_method_id=None,
        purpose=Purpose.RENEWAL,
        status=AttemptStatus.PENDING,
        amount_minor=500_000,
        currency="NGN",
        rail=Rail.CARD,
        reference=attempt_id.lower().replace("_", "-"),
        failure_code=None,
        failure_category=None,
        settled_at=None,
        check_at=tx.now + timedelta(minutes=1),
        checks=0,
        lease_until=tx.wall + timedelta(minutes=1),
        review_reason=None,
        created_at=tx.now,
    )


async def add_attempt(
    tx: Tx,
    change: Callable[[Attempt], Attempt] = lambda attempt: attempt,
    *,
    customer_id: str | None = None,
    invoice_id: str | None = None,
) -> Attempt:
    """A pending attempt, or what `change` makes of it; on a customer and an invoice of its own if none is named."""
    customer_id = customer_id or await add_customer(tx)
    invoice_id = invoice_id or await add_invoice(tx, customer_id)
    attempt = change(pending_attempt(tx, invoice_id=invoice_id, customer_id=customer_id))
    await AttemptRepository(tx).add([attempt])
    return attempt


def settled(attempt: Attempt, status: AttemptStatus, at: datetime) -> Attempt:
    return replace(attempt, status=status, settled_at=at, check_at=None, lease_until=None)


async def add_request(
    tx: Tx,
    change: Callable[[PaymentRequest], PaymentRequest] = lambda request: request,
    *,
    customer_id: str | None = None,
) -> PaymentRequest:
    """An open request to pay ₦5,000 by transfer within a day, as the gateway's answer leaves it, or as changed."""
    attempt = await add_attempt(
        tx,
        lambda made: replace(made, rail=Rail.TRANSFER, check_at=None, lease_until=None),
        customer_id=customer_id,
    )
    request = change(
        PaymentRequest(
            id=new_id("prq", wall=tx.wall),
            attempt_id=attempt.id,
            invoice_id=attempt.invoice_id,
            subscription_id=attempt.subscription_id,
            customer_id=attempt.customer_id,
            rail=Rail.TRANSFER,
            status=RequestStatus.OPEN,
            amount_minor=attempt.amount_minor,
            received_minor=0,
            currency=attempt.currency,
            reference=attempt.reference,
            details={
                "bankName": "Duro Test Bank",
                "accountNumber": "0123456789",
                "accountName": "Duro",
            },
            expires_at=tx.now + timedelta(days=1),
            check_at=tx.now + timedelta(minutes=5),
            closed_at=None,
            created_at=tx.now,
        )
    )
    await PaymentRequestRepository(tx).add([request])
    return request


@dataclass
class Till:
    """Remembers what was to be settled at once, and settles nothing."""

    asked: list[str] = field(default_factory=list)

    async def settle(self, _scope: WorkScope, reference: str) -> None:
        self.asked.append(reference)


async def credits_of(gateway: ChargeGateway, tenant_id: str, reference: str) -> Sequence[Credit]:
    """What came under a reference in the gateway's books."""
    found = await gateway.find_credits(tenant_id, reference)
    assert not isinstance(found, Unknown)
    return found
