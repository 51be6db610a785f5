"""How a case moves, step by step, without a database."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from duro.billing.dunning import Move
from duro.billing.failures import Category
from duro.billing.rails import Rail
from duro.billing.schedule import Status
from duro.billing.states import IllegalTransitionError
from duro.modules.customers.model import Customer
from duro.modules.invoices.model import Invoice, InvoiceStatus
from duro.modules.payments.model import Attempt, AttemptStatus, PaymentMethod, Purpose
from duro.modules.recovery import service
from duro.modules.recovery.model import DEFAULT_SETTINGS, Movement, RecoveredBy
from duro.modules.recovery.seen import Payer, is_spent
from duro.modules.recovery.service import Step, Terms

LAGOS = ZoneInfo("Africa/Lagos")
FAILED_AT = datetime(2027, 2, 5, 9, tzinfo=UTC)
DAY = timedelta(days=1)

CUSTOMER = Customer(
    id="cus_1",
    email="ada@example.com",
    phone=None,
    name=None,
    merchant_ref=None,
    blacklisted_at=None,
    blacklist_reason=None,
    metadata={},
    created_at=FAILED_AT,
)
INVOICE = Invoice(
    id="inv_1",
    number="INV-1",
    subscription_id="sub_1",
    customer_id="cus_1",
    idempotency_key="renewal_1",
    amount_minor=500_000,
    currency="NGN",
    lines=[],
    status=InvoiceStatus.OPEN,
    rail=None,
    period_index=1,
    period_starts_at=FAILED_AT,
    period_ends_at=FAILED_AT + 28 * DAY,
    amount_refunded_minor=0,
    paid_at=None,
    created_at=FAILED_AT,
)


def card(name: str) -> PaymentMethod:
    return PaymentMethod(
        id=name,
        customer_id="cus_1",
        rail=Rail.CARD,
        token=f"tok_{name}",
        fingerprint=name,
        brand=None,
        last4=None,
        exp_month=None,
        exp_year=None,
        is_default=True,
        created_at=FAILED_AT,
    )


def payer(*methods: PaymentMethod) -> Payer:
    return Payer(CUSTOMER, {method.rail: method for method in methods})


def attempt(
    category: Category | None, *, method: str | None = "pm_old", at: datetime = FAILED_AT
) -> Attempt:
    """A settled attempt: failed in this category, or else succeeded."""
    return Attempt(
        id=f"txn_{at.isoformat()}",
        invoice_id="inv_1",
        subscription_id="sub_1",
        customer_id="cus_1",
        payment_method_id=method,
        purpose=Purpose.RENEWAL,
        status=AttemptStatus.FAILED if category else AttemptStatus.SUCCEEDED,
        amount_minor=500_000,
        currency="NGN",
        rail=Rail.CARD,
        reference="txn-1",
        failure_code="x" if category else None,
        failure_category=category,
        settled_at=at,
        check_at=None,
        checks=0,
        lease_until=None,
        review_reason=None,
        created_at=at,
    )


def opened(category: Category, *methods: PaymentMethod) -> Step:
    method = "pm_old" if category is not Category.NO_PAYMENT_METHOD else None
    return service.open_case(
        schedule_id="dun_1",
        invoice=INVOICE,
        attempt=attempt(category, method=method),
        payer=payer(*methods),
        terms=Terms(DEFAULT_SETTINGS, LAGOS, FAILED_AT),
    )


def test_a_case_enters_the_ledger_once_with_the_amount_of_its_invoice() -> None:
    step = opened(Category.INSUFFICIENT_FUNDS, card("pm_old"))

    (entered,) = step.movements
    assert (entered.movement, entered.amount_minor) == (Movement.ENTERED, 500_000)
    assert step.schedule.attempts_made == 1
    assert step.schedule.state is Status.SCHEDULED
    assert len(step.decisions) == 1


@pytest.mark.parametrize("category", list(Category))
def test_every_failure_leaves_an_open_case_with_a_time_and_a_reason(category: Category) -> None:
    methods = () if category is Category.NO_PAYMENT_METHOD else (card("pm_old"),)

    schedule = opened(category, *methods).schedule

    assert schedule.is_open
    assert schedule.next_attempt_at is not None
    assert schedule.next_attempt_at >= FAILED_AT
    assert schedule.reason.endswith(".")
    assert (schedule.deadline_at is not None) == (schedule.state is Status.AWAITING_CUSTOMER)


def test_the_first_attempt_beyond_the_limit_gives_up_and_loses_the_money() -> None:
    case = opened(Category.PROCESSOR_ERROR, card("pm_old")).schedule
    flying = replace(case, state=Status.IN_FLIGHT, next_attempt_at=None, attempts_made=4)

    step = service.follow_failure(
        schedule=flying,
        attempt=attempt(Category.PROCESSOR_ERROR, at=FAILED_AT + 7 * DAY),
        history=[attempt(Category.PROCESSOR_ERROR)],
        payer=payer(card("pm_old")),
        zone=LAGOS,
        now=FAILED_AT + 7 * DAY,
    )

    assert (step.schedule.state, step.schedule.attempts_made) == (Status.EXHAUSTED, 5)
    assert step.schedule.closed_at == FAILED_AT + 7 * DAY
    assert [row.movement for row in step.movements] == [Movement.LOST]


def test_a_wait_ends_at_the_deadline_that_was_set_when_it_began() -> None:
    case = opened(Category.EXPIRED_CARD, card("pm_old")).schedule
    # The later of the last offset and the next payday, 28 February at 09:00 UTC.
    assert case.deadline_at == datetime(2027, 2, 28, 9, tzinfo=UTC)
    now, reminders = case.next_attempt_at, 0

    while True:
        assert now is not None
        step = service.follow_wait(schedule=case, payer=payer(card("pm_old")), zone=LAGOS, now=now)
        if step.move is Move.EXHAUST:
            break
        case, now, reminders = step.schedule, step.schedule.next_attempt_at, reminders + 1

    assert (now, reminders) == (case.deadline_at, 4)
    assert [row.movement for row in step.movements] == [Movement.LOST]


def test_a_new_card_is_charged_now() -> None:
    case = opened(Category.EXPIRED_CARD, card("pm_old")).schedule
    later = FAILED_AT + DAY

    step = service.charge_new_method(
        schedule=case,
        history=[attempt(Category.EXPIRED_CARD)],
        payer=payer(card("pm_new")),
        zone=LAGOS,
        now=later,
    )

    assert step is not None
    assert (step.schedule.state, step.schedule.next_attempt_at) == (Status.SCHEDULED, later)
    assert step.schedule.deadline_at is None


@pytest.mark.parametrize(
    ("category", "expected"),
    [
        (Category.HARD_DECLINE, True),
        (Category.EXPIRED_CARD, True),
        (Category.CARD_NOT_SUPPORTED, True),
        (Category.DO_NOT_HONOR, False),
        (Category.INSUFFICIENT_FUNDS, False),
        (Category.PROCESSOR_ERROR, False),
        (Category.LIMIT, False),
    ],
)
def test_a_token_is_spent_by_what_cannot_pass_again(category: Category, *, expected: bool) -> None:
    history = [attempt(category)]

    assert is_spent(card("pm_old"), history) is expected
    assert is_spent(card("pm_new"), history) is False


def test_no_token_is_charged_twice_within_twenty_hours() -> None:
    case = opened(Category.INSUFFICIENT_FUNDS, card("pm_old")).schedule

    step = service.charge_new_method(
        schedule=case,
        history=[attempt(Category.INSUFFICIENT_FUNDS)],
        payer=payer(card("pm_old")),
        zone=LAGOS,
        now=FAILED_AT + timedelta(hours=1),
    )

    assert step is not None
    assert step.schedule.next_attempt_at == FAILED_AT + timedelta(hours=20)


@pytest.mark.parametrize(
    ("next_action", "method", "expected"),
    [
        (Move.RETRY, "pm_old", RecoveredBy.RETRY),
        (Move.RETRY_PAYDAY, "pm_old", RecoveredBy.PAYDAY_RETRY),
        (Move.RETRY, "pm_new", RecoveredBy.NEW_CARD),
        (Move.RETRY_PAYDAY, "pm_new", RecoveredBy.NEW_CARD),
    ],
)
def test_a_recovery_says_by_what(next_action: Move, method: str, expected: RecoveredBy) -> None:
    case = opened(Category.INSUFFICIENT_FUNDS, card("pm_old")).schedule
    flying = replace(case, state=Status.IN_FLIGHT, next_action=next_action, next_attempt_at=None)
    paid = attempt(None, method=method, at=FAILED_AT + DAY)

    step = service.recover(
        schedule=flying,
        attempt=paid,
        history=[attempt(Category.INSUFFICIENT_FUNDS), paid],
        now=FAILED_AT + DAY,
    )

    assert (step.schedule.state, step.schedule.recovered_by) == (Status.RECOVERED, expected)
    assert [(row.movement, row.reason) for row in step.movements] == [
        (Movement.RECOVERED, expected.value)
    ]


def test_a_case_leaves_the_ledger_only_once() -> None:
    case = opened(Category.EXPIRED_CARD, card("pm_old")).schedule
    closed = service.cancel(schedule=case, reason="The subscription was cancelled.", now=FAILED_AT)

    assert [row.movement for row in closed.movements] == [Movement.CANCELLED]
    with pytest.raises(IllegalTransitionError):
        service.cancel(schedule=closed.schedule, reason="Again.", now=FAILED_AT)
