"""Payment methods and charge attempts as they are stored."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from duro.billing.failures import Category
from duro.billing.rails import Rail


class AttemptStatus(StrEnum):
    """`pending` and `unknown` are open: whether the money moved is not known yet."""

    PENDING = "pending"
    UNKNOWN = "unknown"
    SUCCEEDED = "succeeded"
    FAILED = "failed"

    @property
    def is_open(self) -> bool:
        return self in {AttemptStatus.PENDING, AttemptStatus.UNKNOWN}


class Purpose(StrEnum):
    """Why the money was asked for."""

    FIRST = "first"
    RENEWAL = "renewal"
    RETRY = "retry"
    PLAN_CHANGE = "plan_change"
    MANUAL = "manual"


@dataclass(frozen=True, slots=True)
class PaymentMethod:
    """A saved card or mandate; `token` is the gateway's and leaves this process only towards it."""

    id: str
    customer_id: str
    rail: Rail
    token: str
    fingerprint: str
    brand: str | None
    last4: str | None
    exp_month: int | None
    exp_year: int | None
    is_default: bool
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request for money under one gateway reference.

    `check_at` is business time, `lease_until` wall time.
    """

    id: str
    invoice_id: str
    subscription_id: str
    customer_id: str
    payment_method_id: str | None
    purpose: Purpose
    status: AttemptStatus
    amount_minor: int
    currency: str
    rail: Rail
    reference: str
    failure_code: str | None
    failure_category: Category | None
    settled_at: datetime | None
    check_at: datetime | None
    checks: int
    lease_until: datetime | None
    review_reason: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class AttemptFilter:
    """What a list of attempts is narrowed to."""

    status: AttemptStatus | None = None
    customer_id: str | None = None
    subscription_id: str | None = None
    invoice_id: str | None = None


class RefundStatus(StrEnum):
    """As of a charge: `pending` and `unknown` may still move the money, so they count as taken."""

    PENDING = "pending"
    UNKNOWN = "unknown"
    SUCCEEDED = "succeeded"
    FAILED = "failed"

    @property
    def is_open(self) -> bool:
        return self in {RefundStatus.PENDING, RefundStatus.UNKNOWN}


@dataclass(frozen=True, slots=True)
class Refund:
    """Money that goes back under a reference of its own. `check_at` is business time, `lease_until` wall time."""

    id: str
    invoice_id: str
    attempt_id: str
    status: RefundStatus
    amount_minor: int
    currency: str
    reason: str | None
    reference: str
    failure_code: str | None
    check_at: datetime | None
    checks: int
    lease_until: datetime | None
    review_reason: str | None
    settled_at: datetime | None
    created_at: datetime
