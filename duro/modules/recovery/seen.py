"""What a decision of recovery sees: the facts of the case, its tries and its payer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from duro.billing.case import Context
from duro.billing.failures import Category, requires_new_card
from duro.billing.pattern import PaydayPattern
from duro.billing.rails import PULL, PUSH, Rail
from duro.modules.customers.model import Customer
from duro.modules.payments.model import Attempt, AttemptStatus, PaymentMethod, VirtualAccount
from duro.modules.recovery.model import Schedule

# What a customer can be told how to pay by: there must be a way to tell them.
_TOLD: Final = (Rail.USSD, Rail.TRANSFER)


@dataclass(frozen=True, slots=True)
class Payer:
    """Who is to pay, and with what: the methods that could be charged now by rail, the preferred one first, and the
    customer's own account number.
    """

    customer: Customer
    methods: Mapping[Rail, PaymentMethod]
    account: VirtualAccount | None = None
    mandate_ready_at: datetime | None = None
    # Rails whose card or account must never be charged again, or not before then.
    blocked: frozenset[Rail] = frozenset()
    capped_until: Mapping[Rail, datetime] = field(default_factory=dict[Rail, datetime])
    # When they are paid, as far as it could be learnt, and the holidays that move it.
    payday: PaydayPattern | None = None
    holidays: tuple[date, ...] = ()


def context_of(
    schedule: Schedule,
    *,
    attempt: Attempt | None,
    history: Sequence[Attempt],
    payer: Payer,
    zone: ZoneInfo,
    now: datetime,
) -> Context:
    """What is known of the case now; `attempt` is its latest try, `history` has all of them."""
    was_tried = attempt is not None and (attempt.payment_method_id or attempt.rail in PUSH)
    rail = attempt.rail if attempt is not None and was_tried else None
    failures = [past for past in history if past.status is AttemptStatus.FAILED]
    same = [
        past
        for past in failures
        if past.rail is schedule.rail
        and past.failure_category is schedule.failure_category
        and not _was_early(past, payer)
    ]
    short = [past for past in failures if past.failure_category is Category.INSUFFICIENT_FUNDS]
    return Context(
        now=now,
        zone=zone,
        settings=schedule.plan,
        rail=rail,
        code=schedule.failure_code,
        category=schedule.failure_category,
        attempts_made=schedule.attempts_made,
        attempts_skipped=schedule.attempts_skipped,
        first_failed_at=schedule.first_failed_at,
        last_pull_at=schedule.last_pull_at,
        same_category_failures=max(len(same), 1),
        usable_rails=_usable(payer),
        spent_rails=payer.blocked
        | {rail for rail, method in payer.methods.items() if is_spent(method, failures)},
        capped_until=payer.capped_until,
        payday=payer.payday,
        holidays=payer.holidays,
        pulled_rails=frozenset(past.rail for past in failures if past.rail in PULL),
        mandate_ready_at=payer.mandate_ready_at,
        funds_short_at=max((past.created_at for past in short), default=None),
    )


def _was_early(past: Attempt, payer: Payer) -> bool:
    """A debit before the bank knew its mandate says nothing about the customer."""
    ready_at = payer.mandate_ready_at
    return past.rail is Rail.DIRECT_DEBIT and ready_at is not None and past.created_at < ready_at


def is_spent(method: PaymentMethod, history: Sequence[Attempt]) -> bool:
    """Whether the token was hard-declined or needs replacing, so that it must not be charged again."""
    return any(
        past.failure_category is Category.HARD_DECLINE
        or (past.failure_category is not None and requires_new_card(past.failure_category))
        for past in history
        if past.payment_method_id == method.id
    )


def _usable(payer: Payer) -> tuple[Rail, ...]:
    usable = set(payer.methods)
    if payer.customer.email or payer.customer.phone:
        usable.update(_TOLD)
    if payer.account is not None:
        usable.add(Rail.VIRTUAL_ACCOUNT)
    return tuple(rail for rail in Rail if rail in usable)
