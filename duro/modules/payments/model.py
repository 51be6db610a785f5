"""Payment methods, charge attempts and what push rails bring, as they are stored."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from duro.billing.failures import Category
from duro.billing.rails import PUSH, Rail


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
    """Why the money was asked for; by a pay link the customer asks for it."""

    FIRST = "first"
    RENEWAL = "renewal"
    RETRY = "retry"
    PLAN_CHANGE = "plan_change"
    MANUAL = "manual"
    PAY_LINK = "pay_link"

    @property
    def is_by_hand(self) -> bool:
        return self in {Purpose.MANUAL, Purpose.PAY_LINK}


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
    # Which card or account was charged; two saved methods may be one.
    fingerprint: str | None = None
    # It succeeded, but other money had settled the invoice already.
    is_excess: bool = False
    # If it settles the invoice, its method is from then on the subscription's.
    keeps_method: bool = False

    @property
    def is_under_way(self) -> bool:
        """Whether a pull may be moving money; a request waits for its customer and stands in nobody's way."""
        return self.status.is_open and self.rail not in PUSH


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


class RequestStatus(StrEnum):
    """`open` may still be paid; money that comes for a closed request is matched all the same."""

    OPEN = "open"
    PAID = "paid"
    EXPIRED = "expired"
    VOID = "void"


@dataclass(frozen=True, slots=True)
class PaymentRequest:
    """What a customer is told so that they can pay by themselves; its attempt carries the state of the charge."""

    id: str
    attempt_id: str
    invoice_id: str
    subscription_id: str
    customer_id: str
    rail: Rail
    status: RequestStatus
    amount_minor: int
    received_minor: int
    currency: str
    reference: str
    details: Mapping[str, str]
    expires_at: datetime
    # When the gateway is next asked what came; late money is looked for after the end as well.
    check_at: datetime | None
    closed_at: datetime | None
    created_at: datetime

    @property
    def lacking_minor(self) -> int:
        """What has not come of it yet."""
        return max(self.amount_minor - self.received_minor, 0)


@dataclass(frozen=True, slots=True)
class RequestFilter:
    """What a list of payment requests is narrowed to."""

    status: RequestStatus | None = None
    invoice_id: str | None = None
    subscription_id: str | None = None
    customer_id: str | None = None


@dataclass(frozen=True, slots=True)
class IncomingPayment:
    """One sum that a push rail brought; its three parts come to the whole."""

    id: str
    gateway: str
    gateway_id: str
    reference: str
    request_id: str | None
    invoice_id: str | None
    subscription_id: str | None
    customer_id: str | None
    amount_minor: int
    currency: str
    applied_minor: int
    credited_minor: int
    suspended_minor: int
    received_at: datetime
    created_at: datetime


class SuspenseReason(StrEnum):
    """Why money fits nothing yet."""

    SHORT = "short"
    NOT_OWED = "not_owed"
    UNMATCHED = "unmatched"
    WRONG_CURRENCY = "wrong_currency"


class SuspenseStatus(StrEnum):
    OPEN = "open"
    RESOLVED = "resolved"


class Resolution(StrEnum):
    """Where money in suspense went."""

    APPLIED = "applied"
    CREDITED = "credited"
    REFUNDED = "refunded"


@dataclass(frozen=True, slots=True)
class SuspenseItem:
    """Money that fits nothing yet."""

    id: str
    incoming_id: str | None
    attempt_id: str | None
    invoice_id: str | None
    subscription_id: str | None
    customer_id: str | None
    amount_minor: int
    currency: str
    reason: SuspenseReason
    status: SuspenseStatus
    resolution: Resolution | None
    note: str | None
    created_at: datetime
    resolved_at: datetime | None


@dataclass(frozen=True, slots=True)
class SuspenseFilter:
    """What the list of suspense is narrowed to."""

    status: SuspenseStatus | None = None
    reason: SuspenseReason | None = None


@dataclass(frozen=True, slots=True)
class VirtualAccount:
    """An account number of one customer's own, kept for good."""

    id: str
    customer_id: str
    bank_name: str
    account_number: str
    account_name: str
    check_at: datetime | None
    created_at: datetime


class MandateStatus(StrEnum):
    """Only an `active` mandate may be debited."""

    PENDING = "pending"
    ACTIVE = "active"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class Mandate:
    """A customer's standing consent to direct debit.

    Instants are business time. Until `ready_at` the bank may still answer "do not honour" to an active mandate.
    """

    id: str
    customer_id: str
    payment_method_id: str
    status: MandateStatus
    check_at: datetime | None
    activated_at: datetime | None
    ready_at: datetime | None
    revoked_at: datetime | None
    created_at: datetime
