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
MandateStatus: TypeAlias = Literal["pending", "active", "revoked"]
Move: TypeAlias = Literal[
    "retry",
    "retry_payday",
    "manual_retry",
    "switch_rail",
    "await_payment",
    "request_card_update",
    "remind",
    "escalate",
    "exhaust",
]
Rail: TypeAlias = Literal["card", "ussd", "transfer", "virtual_account", "direct_debit", "wallet"]
RecoveredBy: TypeAlias = Literal[
    "retry", "payday_retry", "new_card", "other_rail", "pay_link", "manual"
]
RefundStatus: TypeAlias = Literal["pending", "unknown", "succeeded", "failed"]
RequestStatus: TypeAlias = Literal["open", "paid", "expired", "void"]
Resolution: TypeAlias = Literal["applied", "credited", "refunded"]
SessionStatus: TypeAlias = Literal["open", "completed", "expired"]
SuspenseAction: TypeAlias = Literal["apply", "credit", "refunded"]
SuspenseReason: TypeAlias = Literal["short", "not_owed", "unmatched", "wrong_currency"]
SuspenseStatus: TypeAlias = Literal["open", "resolved"]
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


class AccountPay(TypedDict):
    """What is paid to a virtual account."""

    amount: int
    currency: NotRequired[Literal["NGN", "GHS", "KES", "ZAR", "USD", "XOF", "UGX", "RWF"]]


class AccountsItem(TypedDict):
    """Debits less credits in one currency, in minor units: together they are 0."""

    currency: str
    gatewayClearing: int
    customerCredit: int
    wallet: int
    merchantPayable: int
    suspense: int


class AccountsOut(TypedDict):
    """The accounts of the merchant, an entry for each currency."""

    items: list[AccountsItem]


class AdvanceOut(TypedDict):
    """A finished advance."""

    now: str
    counts: dict[str, int]
    events: list[EventSummary]


class AttemptOut(TypedDict):
    number: int
    at: str
    durationMs: int
    status: int | None
    error: str | None
    answer: str | None


BacktestAsk = TypedDict(
    "BacktestAsk",
    {
        "a": "Any",
        "b": "Any",
        "from": "NotRequired[Any | None]",
        "to": "NotRequired[Any | None]",
        "currency": "NotRequired[Literal['NGN', 'GHS', 'KES', 'ZAR', 'USD', 'XOF', 'UGX', 'RWF'] | None]",
        "seed": "NotRequired[int]",
        "population": "NotRequired[BacktestPopulation]",
    },
)


class BacktestFiguresOut(TypedDict):
    """What became of the cases, in cases and in minor units; attempts are those after the renewal."""

    cases: int
    amount: int
    recovered: int
    recoveredCases: int
    lost: int
    lostCases: int
    unknown: int
    unknownCases: int
    attempts: int
    paymentRequests: int
    contacts: int


class BacktestMonthOut(TypedDict):
    """The renewals of one month, under both strategies."""

    month: str
    a: BacktestFiguresOut
    b: BacktestFiguresOut


BacktestOut = TypedDict(
    "BacktestOut",
    {
        "source": "Literal['invoices', 'population']",
        "currency": "str",
        "from": "str | None",
        "to": "str | None",
        "seed": "int | None",
        "cases": "int",
        "unknown": "int",
        "isTruncated": "bool",
        "a": "BacktestStrategyOut",
        "b": "BacktestStrategyOut",
        "difference": "BacktestFiguresOut",
        "optimum": "BacktestStrategyOut | None",
        "byMonth": "list[BacktestMonthOut]",
    },
)


class BacktestPopulation(TypedDict):
    """Made customers instead of your own."""

    customers: int
    months: NotRequired[int]


class BacktestStrategyOut(TypedDict):
    """One strategy; the rates are of all money and of all cases, from 0 to 1."""

    cases: int
    amount: int
    recovered: int
    recoveredCases: int
    lost: int
    lostCases: int
    unknown: int
    unknownCases: int
    attempts: int
    paymentRequests: int
    contacts: int
    strategy: str
    recoveryRate: float
    recoveryRateOfCases: float
    meanHoursToRecover: float | None


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


class DecidedOut(TypedDict):
    """Cases by how they came to be at risk: all of them, and what became of those that are decided."""

    key: str
    all: TallyOut
    recovered: TallyOut
    exhausted: TallyOut
    recoveryRate: float
    caseRate: float


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
    alternatives: list[str]
    wouldChange: str


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
    attemptLog: list[AttemptOut]


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
    amountPaid: int
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
    amountPaid: int


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


class MandateCreate(TypedDict):
    paymentMethodId: str


class MandateOut(TypedDict):
    """A customer's consent to direct debit; only an `active` one is debited."""

    id: str
    customerId: str
    paymentMethodId: str
    status: MandateStatus
    activatedAt: str | None
    readyAt: str | None
    revokedAt: str | None
    createdAt: str


class MandatePage(TypedDict):
    items: list[MandateOut]
    nextCursor: str | None
    hasMore: bool


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


class PaymentRequestOut(TypedDict):
    """What a customer was asked to pay by themselves; money that comes after it was closed is matched all the same."""

    id: str
    invoiceId: str
    subscriptionId: str
    customerId: str
    rail: Rail
    status: RequestStatus
    amount: int
    amountReceived: int
    currency: str
    reference: str
    details: RequestDetails
    expiresAt: str
    closedAt: str | None
    createdAt: str


class PaymentRequestPage(TypedDict):
    items: list[PaymentRequestOut]
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


RecoveryOut = TypedDict(
    "RecoveryOut",
    {
        "currency": "str",
        "from": "str",
        "to": "str",
        "all": "TallyOut",
        "inFlight": "TallyOut",
        "recovered": "TallyOut",
        "exhausted": "TallyOut",
        "canceled": "TallyOut",
        "recoveryRate": "float",
        "caseRate": "float",
        "timeToRecover": "TimeToRecoverOut",
        "byFailureCode": "list[DecidedOut]",
        "byCategory": "list[DecidedOut]",
        "byRail": "list[TriesOut]",
        "byAttempt": "list[TriesOut]",
        "byWeekday": "list[TriesOut]",
        "byDayOfMonth": "list[TriesOut]",
        "settingsChanges": "list[SettingsChangeOut]",
    },
)


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
    learnPayday: bool
    quietFirst: bool
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
    learnPayday: NotRequired[bool]
    quietFirst: NotRequired[bool]


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


class RequestDetails(TypedDict):
    """What the customer needs to pay: a USSD string, or an account."""

    ussd: str | None
    bankName: str | None
    accountNumber: str | None
    accountName: str | None


class RequestPay(TypedDict):
    """What comes in for a payment request."""

    amount: NotRequired[int]
    currency: NotRequired[Literal["NGN", "GHS", "KES", "ZAR", "USD", "XOF", "UGX", "RWF"]]


class SettingsChangeOut(TypedDict):
    """A mark: other settings were in force from here on."""

    version: int
    changedAt: str


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


class SuspenseItemOut(TypedDict):
    """Money that fits nothing yet."""

    id: str
    reason: SuspenseReason
    status: SuspenseStatus
    amount: int
    currency: str
    invoiceId: str | None
    subscriptionId: str | None
    customerId: str | None
    transactionId: str | None
    reference: str | None
    receivedAt: str | None
    resolution: Resolution | None
    note: str | None
    createdAt: str
    resolvedAt: str | None


class SuspenseItemPage(TypedDict):
    items: list[SuspenseItemOut]
    nextCursor: str | None
    hasMore: bool


class SuspenseResolve(TypedDict):
    """Where the money goes."""

    action: SuspenseAction
    invoiceId: NotRequired[str | None]
    subscriptionId: NotRequired[str | None]
    note: NotRequired[str | None]


class TallyOut(TypedDict):
    """How many, and how much in minor units."""

    count: int
    amount: int


class TestClockAdvance(TypedDict):
    """Where to move the clock: an instant, or how far."""

    to: NotRequired[str | None]
    by: NotRequired[str | None]


class TestClockOut(TypedDict):
    """The tenant's time in test mode; it runs in real time until it is advanced."""

    now: str
    frozen: bool


class TimeToRecoverOut(TypedDict):
    """From the first failure to the recovery; null without a recovery."""

    medianSeconds: int | None
    p90Seconds: int | None


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


class TriesOut(TypedDict):
    """Charges and requests after the first failure: all that were settled, and those that brought the money."""

    key: str
    tried: TallyOut
    succeeded: TallyOut
    successRate: float
    tryRate: float


class VirtualAccountOut(TypedDict):
    """An account number of one customer's own: whatever is paid to it is theirs."""

    id: str
    customerId: str
    bankName: str
    accountNumber: str
    accountName: str
    createdAt: str
