"""Holds the rules of who is reminded of a checkout that was left open."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import pytest

from duro.billing.states import Status
from duro.modules.checkout.jobs import People, is_left, is_theirs
from duro.modules.checkout.model import CheckoutSession, Kind, LeftSession, SessionStatus
from duro.modules.customers.model import Customer
from duro.modules.subscriptions.model import Subscription

NOW: Final = datetime.fromisoformat("2027-01-05T10:00:00+00:00")
HOUR: Final = timedelta(hours=1)
SESSION: Final = CheckoutSession(
    id="chk_1",
    kind=Kind.SUBSCRIPTION,
    status=SessionStatus.OPEN,
    plan_id="plan_1",
    payment_link_id=None,
    amount_minor=500_000,
    currency="NGN",
    customer_id=None,
    customer_email="Ada@example.com",
    customer_phone="+2348030000001",
    promo_code_id=None,
    success_url=None,
    cancel_url=None,
    metadata={},
    expires_at=NOW + 23 * HOUR,
    reminds_at=NOW,
    created_at=NOW - HOUR,
)
ADA: Final = Customer(
    id="cus_1",
    email="ada@EXAMPLE.com",
    phone=None,
    name=None,
    merchant_ref=None,
    blacklisted_at=None,
    blacklist_reason=None,
    metadata={},
    created_at=NOW - HOUR,
)
GOLD: Final = Subscription(
    id="sub_1",
    customer_id="cus_1",
    plan_id="plan_1",
    payment_method_id=None,
    status=Status.ACTIVE,
    anchor_at=NOW,
    period_index=0,
    period_starts_at=NOW,
    period_ends_at=NOW + 30 * 24 * HOUR,
    trial_ends_at=None,
    cycles_completed=1,
    cancel_at_period_end=False,
    canceled_at=None,
    cancel_reason=None,
    balance_minor=0,
    scheduled_plan_id=None,
    is_exclusive=True,
    renews_at=NOW,
    expires_at=None,
    reminds_at=None,
    last_payment_error=None,
    latest_invoice_id=None,
    metadata={},
    created_at=NOW,
    promo_code_id=None,
    promo_cycles_left=None,
    carried_minor=0,
    period_price_minor=None,
    pending_change=None,
)
OLD: Final = NOW - 100 * HOUR


@pytest.mark.parametrize(
    ("session", "customer", "theirs"),
    [
        (SESSION, ADA, True),
        (SESSION, replace(ADA, email="bola@example.com"), False),
        (SESSION, replace(ADA, email=None, phone="+2348030000001"), True),
        (SESSION, replace(ADA, email=None), False),
        (replace(SESSION, customer_email=None, customer_phone=None), ADA, False),
        (replace(SESSION, customer_email=None), replace(ADA, email=None), False),
        (replace(SESSION, customer_id="cus_1"), replace(ADA, email=None), True),
        # Who was named is meant, whatever else was given.
        (replace(SESSION, customer_id="cus_2"), ADA, False),
    ],
)
def test_a_session_is_of_whom_it_names_or_whose_contact_it_has(
    session: CheckoutSession, customer: Customer, theirs: object
) -> None:
    assert is_theirs(session, customer) is theirs


@pytest.mark.parametrize(
    ("customers", "going_on", "left"),
    [
        ([], [], True),
        ([ADA], [], True),
        ([ADA], [GOLD], False),
        # They had the plan all along.
        ([ADA], [replace(GOLD, created_at=OLD)], False),
        # Another plan: taken instead, or long before.
        ([ADA], [replace(GOLD, plan_id="plan_2")], False),
        ([ADA], [replace(GOLD, plan_id="plan_2", created_at=OLD)], True),
        ([ADA], [replace(GOLD, customer_id="cus_2")], True),
        ([replace(ADA, blacklisted_at=OLD)], [], False),
        # Two customers of one address: what either has bought counts.
        ([ADA, replace(ADA, id="cus_2")], [replace(GOLD, customer_id="cus_2")], False),
    ],
)
def test_whoever_has_bought_is_not_reminded(
    customers: list[Customer], going_on: list[Subscription], left: object
) -> None:
    one = LeftSession(SESSION, b"", is_superseded=False)

    assert is_left(one, People(customers, going_on), goes_out_at=NOW) is left


@pytest.mark.parametrize(
    ("status", "is_superseded", "after", "left"),
    [
        (SessionStatus.OPEN, False, 0 * HOUR, True),
        (SessionStatus.COMPLETED, False, 0 * HOUR, False),
        (SessionStatus.OPEN, True, 0 * HOUR, False),
        (SessionStatus.OPEN, False, 22 * HOUR, True),
        (SessionStatus.OPEN, False, 23 * HOUR, False),
    ],
)
def test_only_the_newest_session_that_can_still_be_paid_is_come_back_to(
    status: SessionStatus, is_superseded: object, after: timedelta, left: object
) -> None:
    one = LeftSession(replace(SESSION, status=status), b"", is_superseded=bool(is_superseded))

    assert is_left(one, People([], []), goes_out_at=NOW + after) is left
