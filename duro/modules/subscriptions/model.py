"""The subscription as the database keeps it, and the steps it can take."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from duro.billing import discounts
from duro.billing.cycle import Period
from duro.billing.states import Action, Status, transition

INCOMPLETE_LIFETIME: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Subscription:
    """One customer on one plan. A charge under way is an active subscription whose `renews_at` is null."""

    id: str
    customer_id: str
    plan_id: str
    payment_method_id: str | None
    status: Status
    anchor_at: datetime
    period_index: int
    period_starts_at: datetime | None
    period_ends_at: datetime | None
    trial_ends_at: datetime | None
    cycles_completed: int
    cancel_at_period_end: bool
    canceled_at: datetime | None
    cancel_reason: str | None
    balance_minor: int
    scheduled_plan_id: str | None
    is_exclusive: bool
    renews_at: datetime | None
    expires_at: datetime | None
    reminds_at: datetime | None
    last_payment_error: dict[str, Any] | None
    latest_invoice_id: str | None
    metadata: dict[str, str]
    created_at: datetime
    promo_code_id: str | None
    promo_cycles_left: int | None

    @property
    def live_promo_id(self) -> str | None:
        """The promo code that its next invoice may be cheaper by."""
        return None if self.promo_cycles_left == 0 else self.promo_code_id

    @property
    def is_renewing(self) -> bool:
        """Whether its renewal is being charged right now."""
        return self.status in (Status.ACTIVE, Status.TRIALING) and self.renews_at is None

    def step(self, action: Action) -> tuple["Subscription", str]:
        """The subscription after the action, and the event that the step records.

        Leaving the renewing states clears what only they have. Raises `IllegalTransitionError`.
        """
        row = transition(self.status, action)
        moved = replace(self, status=row.target, expires_at=None)
        if row.target not in (Status.ACTIVE, Status.TRIALING):
            moved = replace(moved, renews_at=None, reminds_at=None)
        return moved, row.event

    def paid_once_more(self) -> "Subscription":
        """One more period was charged for, which is also one of the promo's cycles."""
        return replace(
            self,
            cycles_completed=self.cycles_completed + 1,
            promo_cycles_left=discounts.after_cycle(self.promo_cycles_left),
        )

    def in_period(
        self, period: Period, *, index: int, now: datetime, reminder: timedelta
    ) -> "Subscription":
        """Moved to a period: renewed at its end, reminded so long before it if that is still to come."""
        reminds_at = period.ends_at - reminder
        return replace(
            self,
            period_index=index,
            period_starts_at=period.starts_at,
            period_ends_at=period.ends_at,
            renews_at=period.ends_at,
            reminds_at=reminds_at if reminds_at > max(now, period.starts_at) else None,
        )
