"""The subscription as the database keeps it, and the steps it can take."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from duro.billing import discounts
from duro.billing.cycle import Period
from duro.billing.states import Action, Status, transition

INCOMPLETE_LIFETIME: Final = timedelta(hours=24)
_SHORT_TRIAL_REMINDER: Final = timedelta(days=1)


class BalanceReason(StrEnum):
    """Why a credit balance moved.

    A downgrade gave it, an invoice used it, a voided invoice gave it back, a customer paid more than was owed.
    """

    DOWNGRADE = "downgrade"
    PLAN_CHANGE = "plan_change"
    RENEWAL = "renewal"
    VOID = "void"
    OVERPAYMENT = "overpayment"


@dataclass(frozen=True, slots=True)
class BalanceEntry:
    """One movement of a subscription's credit balance, in minor units; negative uses it up."""

    id: str
    subscription_id: str
    invoice_id: str | None
    amount_minor: int
    balance_after_minor: int
    reason: BalanceReason
    created_at: datetime


@dataclass(frozen=True, slots=True)
class PlanChange:
    """Another plan as soon as its invoice is paid, or at once if there is none.

    `price_minor` is what a whole period costs from then on, after discount. `span` is the first period of another
    cadence; without one the present period goes on. `renews_at` is when the next renewal was due before the change.
    """

    plan_id: str
    is_exclusive: bool
    price_minor: int
    renews_at: datetime | None
    span: Period | None = None
    invoice_id: str | None = None

    def to_dict(self) -> dict[str, Any]:
        return {
            "planId": self.plan_id,
            "isExclusive": self.is_exclusive,
            "price": self.price_minor,
            "renewsAt": _text(self.renews_at),
            "startsAt": _text(self.span.starts_at) if self.span else None,
            "endsAt": _text(self.span.ends_at) if self.span else None,
            "invoiceId": self.invoice_id,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "PlanChange":
        starts_at, ends_at = _instant(data["startsAt"]), _instant(data["endsAt"])
        return cls(
            plan_id=data["planId"],
            is_exclusive=data["isExclusive"],
            price_minor=data["price"],
            renews_at=_instant(data["renewsAt"]),
            span=Period(starts_at, ends_at) if starts_at and ends_at else None,
            invoice_id=data["invoiceId"],
        )


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
    # What a plan change put on the next invoice, and what the present period costs as it was billed.
    carried_minor: int
    period_price_minor: int | None
    pending_change: dict[str, Any] | None

    @property
    def change(self) -> PlanChange | None:
        """The change of plan whose charge is under way."""
        return None if self.pending_change is None else PlanChange.from_dict(self.pending_change)

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
            moved = replace(moved, renews_at=None, reminds_at=None, pending_change=None)
        return moved, row.event

    def paid_once_more(self, **also: Any) -> "Subscription":  # noqa: ANN401 - fields, as of `replace`
        """One more period was charged for, which is also one of the promo's cycles; `also` as of `replace`."""
        return replace(
            self,
            cycles_completed=self.cycles_completed + 1,
            promo_cycles_left=discounts.after_cycle(self.promo_cycles_left),
            **also,
        )

    def waiting(self, change: PlanChange) -> "Subscription":
        """Until the change's charge settles nothing else is charged for it."""
        return replace(self, pending_change=change.to_dict(), renews_at=None)

    def unchanged(self) -> "Subscription":
        """As before, because the charge of the change was declined."""
        change = self.change
        return replace(self, pending_change=None, renews_at=change.renews_at if change else None)

    def changed(self, change: PlanChange, *, now: datetime, reminder: timedelta) -> "Subscription":
        """On the other plan; what was scheduled before is over."""
        moved = replace(
            self,
            plan_id=change.plan_id,
            is_exclusive=change.is_exclusive,
            period_price_minor=change.price_minor,
            scheduled_plan_id=None,
            pending_change=None,
            renews_at=change.renews_at,
        )
        if change.span is None:
            return moved
        begun = replace(moved.paid_once_more(), anchor_at=change.span.starts_at)
        return begun.in_period(change.span, index=0, now=now, reminder=reminder)

    def in_period(
        self, period: Period, *, index: int, now: datetime, reminder: timedelta
    ) -> "Subscription":
        """Moved to a period: renewed at its end, reminded so long before it if that is still to come."""
        reminds_at = _reminder_in(period, reminder, is_trial=self.status is Status.TRIALING)
        return replace(
            self,
            period_index=index,
            period_starts_at=period.starts_at,
            period_ends_at=period.ends_at,
            renews_at=period.ends_at,
            reminds_at=reminds_at if reminds_at is not None and reminds_at > now else None,
        )

    def reminder_anew(self, *, now: datetime, reminder: timedelta) -> datetime | None:
        """When it is reminded after the merchant has changed how long before: at once, if that is over already.

        Whoever was reminded of this period is planned again and not told again: a message goes out once per period.
        """
        starts_at, ends_at = self.period_starts_at, self.period_ends_at
        if starts_at is None or ends_at is None or ends_at <= now:
            return None
        is_trial = self.status is Status.TRIALING
        at = _reminder_in(Period(starts_at, ends_at), reminder, is_trial=is_trial)
        return at and max(at, now)


def _reminder_in(period: Period, reminder: timedelta, *, is_trial: bool) -> datetime | None:
    """So long before the period's end; a trial that is shorter has its own, because nobody expects its first charge."""
    at = period.ends_at - reminder
    if is_trial and at <= period.starts_at:
        at = period.ends_at - _SHORT_TRIAL_REMINDER
    return at if at > period.starts_at else None


def _text(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
