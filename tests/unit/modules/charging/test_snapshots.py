"""Owns the claim that an event holds what the API shows."""

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest

from duro.billing.rails import Rail
from duro.kit.rows import into
from duro.modules.invoices import schemas as invoices
from duro.modules.invoices.model import Invoice, InvoiceStatus
from duro.modules.subscriptions import schemas as subscriptions
from duro.modules.subscriptions.model import Subscription

_AT: Final = datetime(2026, 1, 28, 9, 0, tzinfo=UTC)
# As a row of the database, in which every column that is not named here is null.
_SUBSCRIPTION: Final = into(
    Subscription,
    dict.fromkeys(field.name for field in fields(Subscription))
    | {
        "id": "sub_1",
        "customer_id": "cus_1",
        "plan_id": "plan_1",
        "payment_method_id": "pm_1",
        "status": "past_due",
        "anchor_at": _AT,
        "period_index": 1,
        "period_starts_at": _AT,
        "period_ends_at": _AT + timedelta(days=30),
        "trial_ends_at": _AT,
        "cycles_completed": 2,
        "cancel_at_period_end": True,
        "cancel_reason": "moved",
        "balance_minor": 7,
        "scheduled_plan_id": "plan_2",
        "is_exclusive": True,
        "last_payment_error": {
            "code": "51",
            "category": "insufficient_funds",
            "message": "Not enough.",
        },
        "latest_invoice_id": "inv_1",
        "metadata": {"seat": "12"},
        "created_at": _AT,
    },
)
_INVOICE: Final = Invoice(
    id="inv_1",
    number="INV-1",
    subscription_id="sub_1",
    customer_id="cus_1",
    idempotency_key="renewal_1",
    amount_minor=500_000,
    currency="NGN",
    lines=[{"kind": "plan", "description": "Gold", "amount": 500_000}],
    status=InvoiceStatus.PAID,
    rail=Rail.CARD,
    period_index=1,
    period_starts_at=_AT,
    period_ends_at=_AT + timedelta(days=30),
    amount_refunded_minor=0,
    paid_at=_AT,
    created_at=_AT,
)
_BARE: Final = replace(
    _SUBSCRIPTION,
    payment_method_id=None,
    period_starts_at=None,
    period_ends_at=None,
    trial_ends_at=None,
    scheduled_plan_id=None,
    last_payment_error=None,
    latest_invoice_id=None,
    metadata={},
)


@pytest.mark.parametrize("row", [_SUBSCRIPTION, _BARE])
def test_a_snapshot_of_a_subscription_is_what_the_api_shows(row: Subscription) -> None:
    shown = subscriptions.present(row, pay_url="https://pay.example/i").model_dump()

    assert subscriptions.snapshot(row, pay_url="https://pay.example/i") == shown


@pytest.mark.parametrize("row", [_INVOICE, replace(_INVOICE, rail=None, paid_at=None, lines=[])])
def test_a_snapshot_of_an_invoice_is_what_the_api_shows(row: Invoice) -> None:
    assert invoices.snapshot(row) == invoices.present(row).model_dump()
