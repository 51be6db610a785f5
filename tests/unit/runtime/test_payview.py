"""What the pay page says follows from the invoice and the try that is looked at, and from nothing else."""

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import pytest

from duro.billing.failures import Category
from duro.billing.rails import Rail
from duro.billing.states import Status
from duro.kit.rows import into
from duro.modules.catalog.model import Plan
from duro.modules.charging.paying import Look, PayState
from duro.modules.invoices.model import Invoice, InvoiceStatus
from duro.modules.payments.model import (
    Attempt,
    AttemptStatus,
    PaymentRequest,
    RequestStatus,
)
from duro.modules.subscriptions.model import Subscription
from duro.runtime.payview import view_of
from duro.runtime.paywords import LANGUAGES, words_in

NOW: Final = datetime(2026, 1, 28, 9, 0, tzinfo=UTC)


def row(kind: type[Any], **values: object) -> Any:  # noqa: ANN401 - of that kind
    """As a row of the database, in which every column that is not named here is null."""
    return into(kind, dict.fromkeys(field.name for field in fields(kind)) | values)


INVOICE: Final[Invoice] = row(
    Invoice,
    number="INV-1",
    amount_minor=500_000,
    received_minor=0,
    currency="NGN",
    status="open",
    period_starts_at=NOW,
    period_ends_at=NOW + timedelta(days=31),
)
ATTEMPT: Final[Attempt] = row(
    Attempt, id="txn_1", status="pending", rail="card", keeps_method=False
)
ASKING: Final[Attempt] = replace(ATTEMPT, rail=Rail.TRANSFER)
REQUEST: Final[PaymentRequest] = row(
    PaymentRequest,
    rail="transfer",
    status="open",
    amount_minor=500_000,
    received_minor=0,
    reference="txn-1",
    details={"bankName": "Bank", "accountNumber": "0123456789", "accountName": "Duro"},
    expires_at=NOW + timedelta(hours=1),
)
DUE: Final = Look(
    merchant="Adunni Gyms",
    zone=ZoneInfo("Africa/Lagos"),
    now=NOW,
    invoice=INVOICE,
    subscription=row(Subscription, status="past_due", cancel_at_period_end=False),
    plan=row(Plan, name="Gold"),
    is_awaited=True,
    rails=(Rail.CARD, Rail.USSD),
    latest_failure=None,
    attempt=None,
    request=None,
)
DECLINED: Final = replace(
    ATTEMPT, status=AttemptStatus.FAILED, failure_category=Category.EXPIRED_CARD
)

LOOKS: Final[list[tuple[PayState, dict[str, Any]]]] = [
    (PayState.DUE, {}),
    (PayState.PAID, {"invoice": replace(INVOICE, status=InvoiceStatus.PAID, paid_at=NOW)}),
    (PayState.VOID, {"invoice": INVOICE.voided()}),
    (PayState.CLOSED, {"is_awaited": False}),
    (PayState.WORKING, {"attempt": ATTEMPT}),
    (PayState.WORKING, {"attempt": replace(ATTEMPT, status=AttemptStatus.UNKNOWN)}),
    (PayState.CHECKING, {"attempt": replace(ATTEMPT, review_reason="another amount")}),
    (PayState.DECLINED, {"attempt": DECLINED}),
    (PayState.PREPARING, {"attempt": ASKING}),
    (PayState.REFUSED, {"attempt": replace(ASKING, status=AttemptStatus.FAILED)}),
    (PayState.PENDING, {"attempt": ASKING, "request": REQUEST}),
    (PayState.EXPIRED, {"attempt": ASKING, "request": replace(REQUEST, expires_at=NOW)}),
    (
        PayState.EXPIRED,
        {"attempt": ASKING, "request": replace(REQUEST, status=RequestStatus.EXPIRED)},
    ),
]
CASES: Final = [pytest.param(state, changed, id=state.value) for state, changed in LOOKS]


@pytest.mark.parametrize(("state", "changed"), CASES)
def test_each_look_is_one_state(state: PayState, changed: dict[str, Any]) -> None:
    assert replace(DUE, **changed).state is state


def test_no_state_is_left_out() -> None:
    assert {state for state, _ in LOOKS} == set(PayState)


@pytest.mark.parametrize("code", LANGUAGES)
@pytest.mark.parametrize(("state", "changed"), CASES)
def test_every_state_says_something_and_offers_ways_only_where_one_may_pay(
    state: PayState, changed: dict[str, Any], code: str
) -> None:
    view = view_of(replace(DUE, **changed), words_in(code))

    may_pay = state in (PayState.DUE, PayState.DECLINED, PayState.REFUSED, PayState.EXPIRED)
    assert bool(view.rails) == may_pay
    assert view.is_lively == (state in (PayState.WORKING, PayState.PREPARING, PayState.PENDING))
    assert bool(view.details) == (state is PayState.PENDING)
    assert view.title
    assert all(view.lines)
    assert view.lines


def test_what_is_asked_for_is_never_more_than_is_owed() -> None:
    part = replace(INVOICE, received_minor=499_999)
    look = replace(DUE, invoice=part, attempt=ASKING, request=REQUEST)

    view = view_of(look, words_in("en"))

    assert view.title == "Pay ₦0.01"
    assert view.details["Exact amount"] == "₦0.01"
    assert view.sums == {
        "Total": "₦5,000.00",
        "Received": "₦4,999.99",
        "Still to pay": "₦0.01",
    }


@pytest.mark.parametrize(
    ("ends", "expected"),
    [
        (False, "Gold is paid until 28 Feb 2026, and renews then."),
        (True, "Gold is paid until 28 Feb 2026, and ends then."),
    ],
)
def test_whoever_has_paid_is_told_what_comes_next(ends: bool, expected: str) -> None:  # noqa: FBT001 - a case
    subscription = replace(
        DUE.subscription,
        status=Status.ACTIVE,
        period_ends_at=INVOICE.period_ends_at,
        cancel_at_period_end=ends,
    )
    paid = INVOICE.paid(rail=Rail.CARD, at=NOW)

    view = view_of(replace(DUE, invoice=paid, subscription=subscription), words_in("en"))

    assert view.lines == (
        "Adunni Gyms has your payment of ₦5,000.00, made on 28 Jan 2026.",
        expected,
    )
