"""Plans as they come in and go out."""

from datetime import datetime
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import Field

from duro.billing.cycle import MAX_INTERVAL_COUNT, Interval
from duro.kit.pagination import ListQuery
from duro.kit.schema import NOT_NULL, AmountMinor, Body, Choice, Flag, Metadata, Name, Out
from duro.modules.catalog.model import Plan

# Two years, as far as a test clock moves in one step.
_TRIAL_DAYS_MAX: Final = 730
_CYCLES_MAX: Final = 100_000

# The currencies whose minor units the billing code knows (ISO 4217).
Currency: TypeAlias = Literal["NGN", "GHS", "KES", "ZAR", "USD", "XOF", "UGX", "RWF"]
TrialDays: TypeAlias = Annotated[int, Field(ge=0, le=_TRIAL_DAYS_MAX)]
MaxCycles: TypeAlias = Annotated[
    int, Field(ge=1, le=_CYCLES_MAX, description="The subscription expires after so many charges.")
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
