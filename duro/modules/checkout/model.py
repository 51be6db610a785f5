"""The checkout session as the database keeps it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

LIFETIME: Final = timedelta(hours=24)
# Long enough to have looked for the card, soon enough to remember what it was for.
REMINDED_AFTER: Final = timedelta(hours=1)


class Kind(StrEnum):
    """A plan makes a subscription, an amount is paid once."""

    SUBSCRIPTION = "subscription"
    ONE_TIME = "one_time"


class SessionStatus(StrEnum):
    OPEN = "open"
    COMPLETED = "completed"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class CheckoutSession:
    """An offer to one customer; `amount_minor` is what the first charged period, or the one payment, costs."""

    id: str
    kind: Kind
    status: SessionStatus
    plan_id: str | None
    payment_link_id: str | None
    amount_minor: int
    currency: str
    customer_id: str | None
    customer_email: str | None
    customer_phone: str | None
    promo_code_id: str | None
    success_url: str | None
    cancel_url: str | None
    metadata: dict[str, str]
    expires_at: datetime
    reminds_at: datetime | None
    created_at: datetime

    def status_at(self, now: datetime) -> SessionStatus:
        """An open session is over once its time is, without anybody writing it down."""
        if self.status is SessionStatus.OPEN and self.expires_at <= now:
            return SessionStatus.EXPIRED
        return self.status


@dataclass(frozen=True, slots=True)
class LeftSession:
    """A session that may have been left behind; superseded if its person has begun another one since."""

    session: CheckoutSession
    digest: bytes
    is_superseded: bool
