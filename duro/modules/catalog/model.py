"""Plans, promo codes and payment links as the database keeps them."""

from dataclasses import dataclass
from datetime import datetime

from duro.billing import discounts
from duro.billing.cycle import Cadence, Interval
from duro.billing.discounts import DiscountType, Duration


@dataclass(frozen=True, slots=True)
class Plan:
    """A price per interval; an archived one can be bought by nobody and goes on for those who have it."""

    id: str
    name: str
    amount_minor: int
    currency: str
    interval: Interval
    interval_count: int
    trial_days: int
    max_cycles: int | None
    allow_multiple: bool
    archived_at: datetime | None
    metadata: dict[str, str]
    created_at: datetime

    @property
    def is_active(self) -> bool:
        return self.archived_at is None

    @property
    def cadence(self) -> Cadence:
        return Cadence(self.interval, self.interval_count)


@dataclass(frozen=True, slots=True)
class PromoCode:
    """A discount that customers ask for by its code; `discount_value` is percent or minor units."""

    id: str
    code: str
    discount_type: DiscountType
    discount_value: int
    currency: str | None
    plan_id: str | None
    duration: Duration
    duration_cycles: int | None
    max_redemptions: int | None
    redeemed_count: int
    expires_at: datetime | None
    disabled_at: datetime | None
    metadata: dict[str, str]
    created_at: datetime

    @property
    def remaining(self) -> int | None:
        """How often it can still be redeemed; None is without limit."""
        return None if self.max_redemptions is None else self.max_redemptions - self.redeemed_count

    @property
    def cycles(self) -> int | None:
        """How many paid cycles it makes cheaper; None means all."""
        return discounts.cycles(self.duration, repeating=self.duration_cycles)

    def why_closed(self, now: datetime) -> str | None:
        """Why nobody can redeem it now; None while it is open."""
        if self.disabled_at is not None:
            return "It is disabled."
        if self.expires_at is not None and self.expires_at <= now:
            return "It has expired."
        if self.remaining == 0:
            return "It has been redeemed as often as it may be."
        return None

    def why_unfit(self, plan: Plan) -> str | None:
        """Why it takes nothing off this plan; None if it does."""
        if self.plan_id not in (None, plan.id):
            return "It is for another plan."
        if self.currency not in (None, plan.currency):
            return f"It is in {self.currency}, the plan in {plan.currency}."
        return None

    def discount_minor(self, plan: Plan) -> int:
        """What it takes off the plan's price, in minor units."""
        if self.why_unfit(plan) is not None:
            return 0
        return discounts.discount_minor(
            price_minor=plan.amount_minor, kind=self.discount_type, value=self.discount_value
        )


@dataclass(frozen=True, slots=True)
class PaymentLink:
    """A public address of a plan; its slug is the only one in its mode."""

    id: str
    plan_id: str
    slug: str
    is_active: bool
    metadata: dict[str, str]
    created_at: datetime
