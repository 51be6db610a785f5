"""Subscriptions as they are shown and changed."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field

from duro.billing.states import Status
from duro.kit.pagination import ListQuery
from duro.kit.schema import Body, Choice, Metadata, Out
from duro.modules.invoices.schemas import InvoiceLine
from duro.modules.subscriptions.model import Subscription

_PAYABLE = frozenset({Status.INCOMPLETE, Status.PAST_DUE, Status.UNPAID})


class PaymentError(Out):
    """Why the latest charge failed; `message` may be shown to the customer."""

    code: str
    category: str
    message: str


class SubscriptionOut(Out):
    """Who pays for which plan, and where they are in its cycle."""

    id: str
    status: Status
    customer_id: str
    plan_id: str
    payment_method_id: str | None
    current_period_start: datetime | None
    current_period_end: datetime | None
    trial_end: datetime | None
    cycles_completed: int
    cancel_at_period_end: bool
    balance: int
    scheduled_plan_id: str | None
    pay_url: Annotated[
        str | None, Field(description="Where the customer can pay what is open; else null.")
    ]
    last_payment_error: PaymentError | None
    latest_invoice_id: str | None
    metadata: dict[str, str]
    created_at: datetime
    promo_code_id: str | None
    promo_cycles_left: Annotated[
        int | None,
        Field(description="Paid cycles that the promo code still makes cheaper; null: all."),
    ]
    pending_plan_id: Annotated[
        str | None,
        Field(description="The plan it changes to once the charge under way is settled."),
    ]
    carried: Annotated[
        int, Field(description="What a plan change put on the next invoice. Minor units.")
    ]


class CustomerSubscriptionQuery(ListQuery):
    """Filters of the list of one customer's subscriptions."""

    status: Status | None = None
    plan_id: str | None = None


class SubscriptionListQuery(CustomerSubscriptionQuery):
    """Filters of the list of subscriptions."""

    customer_id: str | None = None


class SubscriptionCreate(Body):
    """A new subscription; without a trial its first period is charged at once."""

    customer_id: str
    plan_id: str
    payment_method_id: str | None = None
    promo_code: Annotated[str | None, Field(description="The code, in any case.")] = None
    trial_days: Annotated[
        int | None, Field(ge=0, le=730, description="Instead of the plan's; 0 means no trial.")
    ] = None
    metadata: Metadata = Field(default_factory=dict)


class SubscriptionPatch(Body):
    """What may be changed; fields left out stay."""

    payment_method_id: str | None = None
    metadata: Metadata | None = None


class SubscriptionCancel(Body):
    """How a subscription is ended."""

    at_period_end: bool = False
    reason: Annotated[str | None, Field(max_length=500)] = None


class When(StrEnum):
    """When a change of plan happens."""

    NOW = "now"
    PERIOD_END = "period_end"


class Billing(StrEnum):
    """When what a change of plan costs is charged."""

    NOW = "now"
    NEXT_INVOICE = "next_invoice"


class PlanChangeAsk(Body):
    """Another plan for a subscription."""

    plan_id: str
    when: Annotated[
        When,
        Choice,
        Field(description="`period_end` schedules it, without proration, instead of another."),
    ] = When.NOW
    billing: Annotated[
        Billing,
        Choice,
        Field(description="For what it costs now; a credit goes to the balance either way."),
    ] = Billing.NOW


class ProrationOut(Out):
    """The net of the unused credit of the old plan and the charge of the new one. Minor units."""

    amount: int
    kind: Literal["charge", "credit", "none"]


class ChangeInvoiceOut(Out):
    """What is charged at once for a change of plan."""

    amount: Annotated[int, Field(description="Less the credit balance. Minor units.")]
    currency: str
    lines: list[InvoiceLine]
    period_start: datetime
    period_end: datetime


class PlanChangeOut(Out):
    """A change of plan: the subscription with it, what it costs, and the invoice if there is one."""

    subscription: SubscriptionOut
    proration: ProrationOut
    invoice: ChangeInvoiceOut | None


def is_payable(subscription: Subscription) -> bool:
    """Whether its customer has something open to pay."""
    return subscription.status in _PAYABLE and subscription.latest_invoice_id is not None


def present(subscription: Subscription, *, pay_url: str | None) -> SubscriptionOut:
    fields = _shown(subscription, pay_url)
    error = subscription.last_payment_error
    fields["last_payment_error"] = PaymentError.model_construct(**error) if error else None
    return SubscriptionOut.model_construct(**fields)


def snapshot(subscription: Subscription, *, pay_url: str | None) -> dict[str, Any]:
    """What `present` shows, as JSON."""
    return SubscriptionOut.spell(_shown(subscription, pay_url))


def _shown(subscription: Subscription, pay_url: str | None) -> dict[str, Any]:
    return {
        "id": subscription.id,
        "status": subscription.status,
        "customer_id": subscription.customer_id,
        "plan_id": subscription.plan_id,
        "payment_method_id": subscription.payment_method_id,
        "current_period_start": subscription.period_starts_at,
        "current_period_end": subscription.period_ends_at,
        "trial_end": subscription.trial_ends_at,
        "cycles_completed": subscription.cycles_completed,
        "cancel_at_period_end": subscription.cancel_at_period_end,
        "balance": subscription.balance_minor,
        "scheduled_plan_id": subscription.scheduled_plan_id,
        "pay_url": pay_url,
        "last_payment_error": subscription.last_payment_error,
        "latest_invoice_id": subscription.latest_invoice_id,
        "metadata": subscription.metadata,
        "created_at": subscription.created_at,
        "promo_code_id": subscription.promo_code_id,
        "promo_cycles_left": subscription.promo_cycles_left,
        "pending_plan_id": (subscription.pending_change or {}).get("planId"),
        "carried": subscription.carried_minor,
    }
