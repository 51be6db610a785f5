"""Plans, promo codes and payment links as they come in and go out."""

from datetime import datetime
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import Field, StringConstraints

from duro.billing.cycle import MAX_INTERVAL_COUNT, Interval
from duro.billing.discounts import DiscountType, Duration
from duro.kit.modes import Mode
from duro.kit.pagination import ListQuery
from duro.kit.schema import (
    AMOUNT_MAX_MINOR,
    NOT_NULL,
    AmountMinor,
    Body,
    Choice,
    Flag,
    InstantIn,
    Metadata,
    Name,
    Out,
)
from duro.modules.catalog.model import PaymentLink, Plan, PromoCode

# Two years, as far as a test clock moves in one step.
_TRIAL_DAYS_MAX: Final = 730
_CYCLES_MAX: Final = 100_000
_REDEMPTIONS_MAX: Final = 1_000_000_000

# The currencies whose minor units the billing code knows (ISO 4217).
Currency: TypeAlias = Literal["NGN", "GHS", "KES", "ZAR", "USD", "XOF", "UGX", "RWF"]
TrialDays: TypeAlias = Annotated[int, Field(ge=0, le=_TRIAL_DAYS_MAX)]
MaxCycles: TypeAlias = Annotated[
    int, Field(ge=1, le=_CYCLES_MAX, description="The subscription expires after so many charges.")
]
# ASCII, so that upper and lower case mean the same here and in the database.
PromoCodeText: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
MaxRedemptions: TypeAlias = Annotated[
    int, Field(ge=1, le=_REDEMPTIONS_MAX, description="How many subscriptions may have it.")
]
Slug: TypeAlias = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z0-9-]{1,100}$"),
    Field(description="The end of the link's address; the only one of its kind in the mode."),
]


class PlanCreate(Body):
    name: Name
    amount: AmountMinor
    interval: Annotated[Interval, Choice]
    currency: Currency = "NGN"
    interval_count: Annotated[int, Field(ge=1, le=MAX_INTERVAL_COUNT)] = 1
    trial_days: TrialDays = 0
    max_cycles: MaxCycles | None = None
    allow_multiple: Annotated[
        bool, Field(description="A customer may have several live subscriptions to it.")
    ] = False
    metadata: Metadata = Field(default_factory=dict)


class PlanUpdate(Body):
    """Only what is given changes; a new price never alters an issued invoice."""

    name: Annotated[Name | None, NOT_NULL] = None
    amount: Annotated[AmountMinor | None, NOT_NULL] = None
    trial_days: Annotated[TrialDays | None, NOT_NULL] = None
    max_cycles: MaxCycles | None = None
    metadata: Annotated[Metadata | None, NOT_NULL] = None


class PlanQuery(ListQuery):
    active: Flag | None = None


class PlanOut(Out):
    id: str
    name: str
    amount: int
    currency: str
    interval: Interval
    interval_count: int
    trial_days: int
    max_cycles: int | None
    allow_multiple: bool
    active: bool
    metadata: dict[str, str]
    created_at: datetime


def plan_out(plan: Plan) -> PlanOut:
    return PlanOut(
        id=plan.id,
        name=plan.name,
        amount=plan.amount_minor,
        currency=plan.currency,
        interval=plan.interval,
        interval_count=plan.interval_count,
        trial_days=plan.trial_days,
        max_cycles=plan.max_cycles,
        allow_multiple=plan.allow_multiple,
        active=plan.is_active,
        metadata=plan.metadata,
        created_at=plan.created_at,
    )


class PromoCreate(Body):
    code: Annotated[PromoCodeText, Field(description="Unique in any case.")]
    discount_type: Annotated[DiscountType, Choice]
    discount_value: Annotated[
        int, Field(ge=1, le=AMOUNT_MAX_MINOR, description="Percent, 1 to 100, or minor units.")
    ]
    currency: Annotated[
        Currency | None,
        Field(description="Of a fixed discount; by default the plan's, else your own."),
    ] = None
    plan_id: Annotated[str | None, Field(description="The only plan it is for; null: all.")] = None
    duration: Annotated[Duration, Choice] = Duration.ONCE
    duration_cycles: Annotated[
        int | None,
        Field(ge=1, le=_CYCLES_MAX, description="How many charged periods, if `repeating`."),
    ] = None
    max_redemptions: MaxRedemptions | None = None
    expires_at: InstantIn | None = None
    metadata: Metadata = Field(default_factory=dict)


class PromoUpdate(Body):
    """Only what is given changes; the discount stays for good."""

    active: Annotated[bool | None, NOT_NULL, Field(description="false: nobody can redeem it.")] = (
        None
    )
    max_redemptions: MaxRedemptions | None = None
    expires_at: InstantIn | None = None
    metadata: Annotated[Metadata | None, NOT_NULL] = None


class PromoQuery(ListQuery):
    code: Annotated[str | None, Field(description="In any case.")] = None
    plan_id: str | None = None
    active: Flag | None = None


class PromoCodeOut(Out):
    id: str
    code: str
    discount_type: DiscountType
    discount_value: int
    currency: str | None
    plan_id: str | None
    duration: Duration
    duration_cycles: int | None
    max_redemptions: int | None
    expires_at: datetime | None
    redeemed_count: int
    remaining: Annotated[int | None, Field(description="null: without limit.")]
    active: Annotated[
        bool, Field(description="Not disabled, not expired, not used up: it can be redeemed now.")
    ]
    metadata: dict[str, str]
    created_at: datetime


def promo_out(promo: PromoCode, *, now: datetime) -> PromoCodeOut:
    return PromoCodeOut(
        id=promo.id,
        code=promo.code,
        discount_type=promo.discount_type,
        discount_value=promo.discount_value,
        currency=promo.currency,
        plan_id=promo.plan_id,
        duration=promo.duration,
        duration_cycles=promo.duration_cycles,
        max_redemptions=promo.max_redemptions,
        expires_at=promo.expires_at,
        redeemed_count=promo.redeemed_count,
        remaining=promo.remaining,
        active=promo.why_closed(now) is None,
        metadata=promo.metadata,
        created_at=promo.created_at,
    )


class LinkCreate(Body):
    plan_id: str
    slug: Slug
    metadata: Metadata = Field(default_factory=dict)


class LinkUpdate(Body):
    """Only what is given changes; slug and plan stay for good."""

    active: Annotated[bool | None, NOT_NULL, Field(description="false: its page is not found.")] = (
        None
    )
    metadata: Annotated[Metadata | None, NOT_NULL] = None


class LinkQuery(ListQuery):
    plan_id: str | None = None
    active: Flag | None = None


class PaymentLinkOut(Out):
    id: str
    plan_id: str
    slug: str
    url: str
    active: bool
    metadata: dict[str, str]
    created_at: datetime


def link_out(link: PaymentLink, *, public_url: str, mode: Mode) -> PaymentLinkOut:
    return PaymentLinkOut(
        id=link.id,
        plan_id=link.plan_id,
        slug=link.slug,
        url=f"{public_url}/pay/{mode.value}/{link.slug}",
        active=link.is_active,
        metadata=link.metadata,
        created_at=link.created_at,
    )
