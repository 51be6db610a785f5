"""The objects of the API; generated from its OpenAPI document, not written by hand."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypeAlias, TypedDict

AttemptStatus: TypeAlias = Literal["pending", "unknown", "succeeded", "failed"]
Billing: TypeAlias = Literal["now", "next_invoice"]
Category: TypeAlias = Literal[
    "insufficient_funds",
    "limit",
    "expired_card",
    "card_not_supported",
    "do_not_honor",
    "hard_decline",
    "processor_error",
    "no_payment_method",
]
DeliveryStatus: TypeAlias = Literal["pending", "delivered", "failed"]
DiscountType: TypeAlias = Literal["percentage", "fixed"]
Duration: TypeAlias = Literal["once", "forever", "repeating"]
Escalation: TypeAlias = Literal["cancel", "mark_unpaid", "keep_past_due"]
EventType: TypeAlias = Literal[
    "subscription_created",
    "subscription_activated",
    "subscription_updated",
    "subscription_plan_changed",
    "subscription_paused",
    "subscription_resumed",
    "subscription_past_due",
    "subscription_recovered",
    "subscription_unpaid",
    "subscription_expired",
    "subscription_cancelled",
    "subscription_payment_success",
    "subscription_payment_failed",
    "subscription_payment_recovered",
    "subscription_payment_refunded",
    "subscription_payment_action_required",
    "invoice_created",
]
Interval: TypeAlias = Literal["hour", "day", "week", "month", "quarter", "biannual", "year"]
InvoiceStatus: TypeAlias = Literal["draft", "open", "paid", "uncollectible", "void"]
Kind: TypeAlias = Literal["subscription", "one_time"]
Move: TypeAlias = Literal[
    "retry",
    "retry_payday",
    "manual_retry",
    "switch_rail",
    "request_card_update",
    "remind",
    "escalate",
    "exhaust",
]
Rail: TypeAlias = Literal["card", "ussd", "transfer", "virtual_account", "direct_debit", "wallet"]
RecoveredBy: TypeAlias = Literal["retry", "payday_retry", "new_card", "manual"]
RefundStatus: TypeAlias = Literal["pending", "unknown", "succeeded", "failed"]
SessionStatus: TypeAlias = Literal["open", "completed", "expired"]
When: TypeAlias = Literal["now", "period_end"]
ScheduleStatus: TypeAlias = Literal[
    "scheduled", "in_flight", "awaiting_customer", "recovered", "exhausted", "canceled"
]
StatesStatus: TypeAlias = Literal[
    "incomplete",
    "incomplete_expired",
    "trialing",
    "active",
    "past_due",
    "paused",
    "unpaid",
    "canceled",
    "expired",
]


class AdvanceOut(TypedDict):
    """A finished advance."""

    now: str
    counts: dict[str, int]
    events: list[EventSummary]


class BlacklistAsk(TypedDict):
    reason: NotRequired[str | None]


class CaseNote(TypedDict):
    """Why somebody steps in."""

    reason: NotRequired[str | None]


class ChangeInvoiceOut(TypedDict):
    """What is charged at once for a change of plan."""

    amount: int
    currency: str
    lines: list[InvoiceLine]
    periodStart: str
    periodEnd: str


class CheckoutCreate(TypedDict):
    """Exactly one of `planId`, `amount` and `paymentLinkId`; what a plan costs is looked up here."""

    planId: NotRequired[str | None]
    amount: NotRequired[int | None]
    paymentLinkId: NotRequired[str | None]
    currency: NotRequired[Literal["NGN", "GHS", "KES", "ZAR", "USD", "XOF", "UGX", "RWF"]]
    customerEmail: NotRequired[str | None]
    customerPhone: NotRequired[str | None]
    customerId: NotRequired[str | None]
    successUrl: NotRequired[str | None]
    cancelUrl: NotRequired[str | None]
    promoCode: NotRequired[str | None]
    metadata: NotRequired[dict[str, str]]


class CheckoutSessionOut(TypedDict):
    id: str
    token: str | None
    url: str | None
    status: SessionStatus
    kind: Kind
    amount: int
    currency: str
    planId: str | None
    expiresAt: str
    paymentLinkId: str | None
    promoCodeId: str | None
    customerId: str | None
    customerEmail: str | None
    customerPhone: str | None
    successUrl: str | None
    cancelUrl: str | None
    metadata: dict[str, str]
    createdAt: str


class ChurnOut(TypedDict):
    """Involuntary is churn because a payment could not be recovered; the rest is voluntary."""

    voluntary: ChurnedOut
    involuntary: ChurnedOut


class ChurnedOut(TypedDict):
    """Subscriptions that stopped earning, and what they had earned in a month."""

    subscriptions: int
    amount: int


class CurrencyOverview(TypedDict):
    """One currency; nothing is converted."""

    currency: str
    mrr: int
    mrrOpening: int
    movements: MovementsOut
    active: int
    churn: ChurnOut
    churnRate: float
    atRisk: int
    recovered: int
    recoveryRate: float


class CustomerCreate(TypedDict):
    email: NotRequired[str | None]
    phone: NotRequired[str | None]
    name: NotRequired[str | None]
    merchantRef: NotRequired[str | None]
    metadata: NotRequired[dict[str, str]]


class CustomerOut(TypedDict):
    id: str
    email: str | None
    phone: str | None
    name: str | None
    merchantRef: str | None
    blacklisted: bool
    blacklistReason: str | None
    metadata: dict[str, str]
    createdAt: str


class CustomerPage(TypedDict):
    items: list[CustomerOut]
    nextCursor: str | None
    hasMore: bool


class CustomerUpdate(TypedDict):
    """Only what is given changes; null clears."""

    email: NotRequired[str | None]
    phone: NotRequired[str | None]
    name: NotRequired[str | None]
    merchantRef: NotRequired[str | None]
    metadata: NotRequired[dict[str, str]]


class DecisionOut(TypedDict):
    """One decision: what was known, what was decided, when it acts, and why."""

    at: str
    action: str
    rail: Rail | None
    nextAttemptAt: str | None
    reason: str
    rule: str
    inputs: dict[str, Any]
    settingsVersion: int


class DeliveryOut(TypedDict):
    id: str
    endpointId: str
    url: str
    status: DeliveryStatus
    attempts: int
    nextAttemptAt: str | None
    lastStatus: int | None
    lastError: str | None
    lastAnswer: str | None
    createdAt: str
    settledAt: str | None


class DunningStep(TypedDict):
    """One decision on the way to the money."""

    at: str
    action: str
    rail: Rail | None
    nextAttemptAt: str | None
    reason: str


class Error(TypedDict):
    error: dict[str, Any]


class EventDetailOut(TypedDict):
    id: str
    type: EventType
    createdAt: str
    data: dict[str, Any]
    dispatchedAt: str | None
    deliveries: list[DeliveryOut]


class EventOut(TypedDict):
    id: str
    type: EventType
    createdAt: str
    data: dict[str, Any]
    dispatchedAt: str | None


class EventPage(TypedDict):
    items: list[EventOut]
    nextCursor: str | None
    hasMore: bool


class EventSummary(TypedDict):
    """One event that the advance brought about."""

    id: str
    type: str
    createdAt: str


FailuresOut = TypedDict(
    "FailuresOut",
    {
        "inFlight": "int",
        "recovered": "int",
        "exhausted": "int",
        "recoveryRate": "float",
        "byFailureCode": "dict[str, int]",
        "byCategory": "dict[str, int]",
        "currency": "str",
        "from": "str",
        "to": "str",
    },
)


class GatewayChargeOut(TypedDict):
    """One charge as the simulated gateway remembers it."""

    reference: str
    amount: int
    currency: str
    status: str
    code: str | None
    at: str


class GatewayChargePage(TypedDict):
    items: list[GatewayChargeOut]
    nextCursor: str | None
    hasMore: bool


class InvoiceDetail(TypedDict):
    """An invoice with every attempt to charge it, its refunds and, if it failed, what was decided."""

    id: str
    subscriptionId: str | None
    customerId: str
    number: str
    amount: int
    currency: str
    lines: list[InvoiceLine]
    status: InvoiceStatus
    rail: Rail | None
    periodStart: str
    periodEnd: str
    amountRefunded: int
    paidAt: str | None
    createdAt: str
    attempts: list[TransactionOut]
    dunning: list[DunningStep]
    refunds: list[RefundOut]


class InvoiceLine(TypedDict):
    """A part of the amount; a discount or a credit is negative. Minor units."""

    kind: str
    description: str
    amount: int


class InvoiceOut(TypedDict):
    """What a customer owes, or owed, for one period."""

    id: str
    subscriptionId: str | None
    customerId: str
    number: str
    amount: int
    currency: str
    lines: list[InvoiceLine]
    status: InvoiceStatus
    rail: Rail | None
    periodStart: str
    periodEnd: str
    amountRefunded: int
    paidAt: str | None
    createdAt: str


class InvoicePage(TypedDict):
    items: list[InvoiceOut]
    nextCursor: str | None
    hasMore: bool


class InvoicePay(TypedDict):
    """How an invoice is charged by hand."""

    paymentMethodId: NotRequired[str | None]


LedgerItem = TypedDict(
    "LedgerItem",
    {
        "currency": "str",
        "from": "str",
        "to": "str",
        "opening": "int",
        "entered": "int",
        "recovered": "int",
        "lost": "int",
        "cancelled": "int",
        "closing": "int",
        "byReason": "ReasonsOut",
    },
)


class LedgerOut(TypedDict):
    """The recovery ledger of a period, an entry for each currency."""

    items: list[LedgerItem]


class LinkCreate(TypedDict):
    planId: str
    slug: str
    metadata: NotRequired[dict[str, str]]


class LinkUpdate(TypedDict):
    """Only what is given changes; slug and plan stay for good."""

    active: NotRequired[bool]
    metadata: NotRequired[dict[str, str]]


class MovementsOut(TypedDict):
    """How monthly revenue moved, in minor units: the first three added, the last two taken away."""

    new: int
    reactivation: int
    expansion: int
    contraction: int
    churn: int


class OAuthErrorOut(TypedDict):
    """A refusal as OAuth clients understand it."""

    error: str
    error_description: str


OverviewOut = TypedDict(
    "OverviewOut", {"from": "str", "to": "str", "items": "list[CurrencyOverview]"}
)


class PaymentError(TypedDict):
    """Why the latest charge failed; `message` may be shown to the customer."""

    code: str
    category: str
    message: str


class PaymentLinkOut(TypedDict):
    id: str
    planId: str
    slug: str
    url: str
    active: bool
    metadata: dict[str, str]
    createdAt: str


class PaymentLinkPage(TypedDict):
    items: list[PaymentLinkOut]
    nextCursor: str | None
    hasMore: bool


class PaymentMethodOut(TypedDict):
    """The gateway's token is never shown."""

    id: str
    rail: Rail
    brand: str | None
    last4: str | None
    expMonth: int | None
    expYear: int | None
    isDefault: bool
    createdAt: str


class PaymentMethodPage(TypedDict):
    items: list[PaymentMethodOut]
    nextCursor: str | None
    hasMore: bool


class PlanChangeAsk(TypedDict):
    """Another plan for a subscription."""

    planId: str
    when: NotRequired[When]
    billing: NotRequired[Billing]


class PlanChangeOut(TypedDict):
    """A change of plan: the subscription with it, what it costs, and the invoice if there is one."""

    subscription: SubscriptionOut
    proration: ProrationOut
    invoice: ChangeInvoiceOut | None


class PlanCreate(TypedDict):
    name: str
    amount: int
    interval: Interval
    currency: NotRequired[Literal["NGN", "GHS", "KES", "ZAR", "USD", "XOF", "UGX", "RWF"]]
    intervalCount: NotRequired[int]
    trialDays: NotRequired[int]
    maxCycles: NotRequired[int | None]
    allowMultiple: NotRequired[bool]
    metadata: NotRequired[dict[str, str]]


class PlanOut(TypedDict):
    id: str
    name: str
    amount: int
    currency: str
    interval: Interval
    intervalCount: int
    trialDays: int
    maxCycles: int | None
    allowMultiple: bool
    active: bool
    metadata: dict[str, str]
    createdAt: str


class PlanPage(TypedDict):
    items: list[PlanOut]
    nextCursor: str | None
    hasMore: bool


class PlanUpdate(TypedDict):
    """Only what is given changes; a new price never alters an issued invoice."""

    name: NotRequired[str]
    amount: NotRequired[int]
    trialDays: NotRequired[int]
    maxCycles: NotRequired[int | None]
    metadata: NotRequired[dict[str, str]]


class PromoCodeOut(TypedDict):
    id: str
    code: str
    discountType: DiscountType
    discountValue: int
    currency: str | None
    planId: str | None
    duration: Duration
    durationCycles: int | None
    maxRedemptions: int | None
    expiresAt: str | None
    redeemedCount: int
    remaining: int | None
    active: bool
    metadata: dict[str, str]
    createdAt: str


class PromoCodePage(TypedDict):
    items: list[PromoCodeOut]
    nextCursor: str | None
    hasMore: bool


class PromoCreate(TypedDict):
    code: str
    discountType: DiscountType
    discountValue: int
    currency: NotRequired[Literal["NGN", "GHS", "KES", "ZAR", "USD", "XOF", "UGX", "RWF"] | None]
    planId: NotRequired[str | None]
    duration: NotRequired[Duration]
    durationCycles: NotRequired[int | None]
    maxRedemptions: NotRequired[int | None]
    expiresAt: NotRequired[str | None]
    metadata: NotRequired[dict[str, str]]


class PromoUpdate(TypedDict):
    """Only what is given changes; the discount stays for good."""

    active: NotRequired[bool]
    maxRedemptions: NotRequired[int | None]
    expiresAt: NotRequired[str | None]
    metadata: NotRequired[dict[str, str]]


class ProrationOut(TypedDict):
    """The net of the unused credit of the old plan and the charge of the new one. Minor units."""

    amount: int
    kind: Literal["charge", "credit", "none"]


class ReasonsOut(TypedDict):
    """Each movement by its reason, in minor units."""

    entered: dict[str, int]
    recovered: dict[str, int]
    lost: dict[str, int]
    cancelled: dict[str, int]


class RecoveryCaseDetail(TypedDict):
    """A case with every decision made in it, oldest first."""

    id: str
    subscriptionId: str
    invoiceId: str
    customerId: str
    state: ScheduleStatus
    amount: int
    currency: str
    failureCode: str
    failureCategory: Category
    attemptsMade: int
    attemptsSkipped: int
    maxAttempts: int
    rail: Rail
    nextAction: Move | None
    nextAttemptAt: str | None
    reason: str
    openedAt: str
    closedAt: str | None
    recoveredBy: RecoveredBy | None
    decisions: list[DecisionOut]


class RecoveryCaseOut(TypedDict):
    """A failed renewal that is worked until its money is back or given up."""

    id: str
    subscriptionId: str
    invoiceId: str
    customerId: str
    state: ScheduleStatus
    amount: int
    currency: str
    failureCode: str
    failureCategory: Category
    attemptsMade: int
    attemptsSkipped: int
    maxAttempts: int
    rail: Rail
    nextAction: Move | None
    nextAttemptAt: str | None
    reason: str
    openedAt: str
    closedAt: str | None
    recoveredBy: RecoveredBy | None


class RecoveryCasePage(TypedDict):
    items: list[RecoveryCaseOut]
    nextCursor: str | None
    hasMore: bool


class RecoverySettingsOut(TypedDict):
    """How failed renewals are worked; `changedAt` is null for version 1, the defaults."""

    version: int
    autoRecovery: bool
    renewalReminders: bool
    renewalReminderDays: int
    abandonedCart: bool
    dunningEnabled: bool
    dunningEscalationDays: int | None
    dunningEscalation: Escalation
    paydayAware: bool
    paydayAnchorDay: int
    retryOffsetsHours: list[int]
    maxAttempts: int
    rails: list[Rail]
    changedAt: str | None


class RecoverySettingsPatch(TypedDict):
    """Only what is given changes; cases that are open keep the settings they began with."""

    autoRecovery: NotRequired[bool]
    renewalReminders: NotRequired[bool]
    renewalReminderDays: NotRequired[int]
    abandonedCart: NotRequired[bool]
    dunningEnabled: NotRequired[bool]
    dunningEscalationDays: NotRequired[int | None]
    dunningEscalation: NotRequired[Escalation]
    paydayAware: NotRequired[bool]
    paydayAnchorDay: NotRequired[int]
    retryOffsetsHours: NotRequired[list[int]]
    maxAttempts: NotRequired[int]
    rails: NotRequired[list[Literal["card", "ussd", "transfer", "virtual_account", "direct_debit"]]]


class RefundCreate(TypedDict):
    """How much goes back, and why."""

    amount: NotRequired[int]
    reason: NotRequired[str | None]


class RefundOut(TypedDict):
    """Money that went back, or is on its way; `unknown` until the gateway has said what became of it."""

    id: str
    invoiceId: str
    transactionId: str
    amount: int
    currency: str
    status: RefundStatus
    reason: str | None
    createdAt: str
    failureCode: str | None


class SubscriptionCancel(TypedDict):
    """How a subscription is ended."""

    atPeriodEnd: NotRequired[bool]
    reason: NotRequired[str | None]


class SubscriptionCreate(TypedDict):
    """A new subscription; without a trial its first period is charged at once."""

    customerId: str
    planId: str
    paymentMethodId: NotRequired[str | None]
    promoCode: NotRequired[str | None]
    trialDays: NotRequired[int | None]
    metadata: NotRequired[dict[str, str]]


class SubscriptionOut(TypedDict):
    """Who pays for which plan, and where they are in its cycle."""

    id: str
    status: StatesStatus
    customerId: str
    planId: str
    paymentMethodId: str | None
    currentPeriodStart: str | None
    currentPeriodEnd: str | None
    trialEnd: str | None
    cyclesCompleted: int
    cancelAtPeriodEnd: bool
    balance: int
    scheduledPlanId: str | None
    payUrl: str | None
    lastPaymentError: PaymentError | None
    latestInvoiceId: str | None
    metadata: dict[str, str]
    createdAt: str
    promoCodeId: str | None
    promoCyclesLeft: int | None
    pendingPlanId: str | None
    carried: int


class SubscriptionPage(TypedDict):
    items: list[SubscriptionOut]
    nextCursor: str | None
    hasMore: bool


class SubscriptionPatch(TypedDict):
    """What may be changed; fields left out stay."""

    paymentMethodId: NotRequired[str | None]
    metadata: NotRequired[dict[str, str] | None]


class TestClockAdvance(TypedDict):
    """Where to move the clock: an instant, or how far."""

    to: NotRequired[str | None]
    by: NotRequired[str | None]


class TestClockOut(TypedDict):
    """The tenant's time in test mode; it runs in real time until it is advanced."""

    now: str
    frozen: bool


class TokenOut(TypedDict):
    """An access token; it is shown this once."""

    access_token: str
    token_type: str
    expires_in: int


class TokenRequest(TypedDict):
    """What a client asks with; unknown parameters are ignored and empty ones are absent, as OAuth demands."""

    grant_type: str
    client_id: NotRequired[str | None]
    client_secret: NotRequired[str | None]
    scope: NotRequired[str | None]


class TransactionOut(TypedDict):
    id: str
    invoiceId: str
    customerId: str
    status: AttemptStatus
    amount: int
    currency: str
    rail: Rail
    failureCode: str | None
    failureCategory: Category | None
    reference: str
    createdAt: str


class TransactionPage(TypedDict):
    items: list[TransactionOut]
    nextCursor: str | None
    hasMore: bool
