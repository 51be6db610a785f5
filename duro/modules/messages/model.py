"""What a message in the outbox is, which ones count as reminding somebody, and which ones nobody has to get."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

# So many reminders one person gets of all merchants together in any 7 days; the database refuses more.
REMINDERS_PER_WEEK: Final = 7
# What the cause of a message begins with that somebody sends to try it.
BY_HAND: Final = "test:"
# These answer or confirm something, and are owed to a person however much else they were told.
_OWED: Final = frozenset(
    {
        *("receipt", "payment_recovered", "refund", "subscription_cancelled", "welcome"),
        *("verify_email", "password_reset", "invitation", "otp", "portal_code"),
        *("kyc_submitted", "kyc_approved", "kyc_rejected", "endpoint_disabled"),
    }
)
# Kind words before something happens; whoever wants none gets none.
OPTIONAL: Final = frozenset(
    {"renewal_reminder", "trial_ending", "card_expiring", "abandoned_checkout"}
)


class Channel(StrEnum):
    EMAIL = "email"
    WHATSAPP = "whatsapp"


class MessageStatus(StrEnum):
    """What is never sent: `capped` was one reminder too many, `outdated` untrue when it would have gone out, and
    `withheld` is of test mode and to somebody outside the team.
    """

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    CAPPED = "capped"
    OUTDATED = "outdated"
    WITHHELD = "withheld"


class Receipt(StrEnum):
    """What the provider told of a message after it took it, in the order in which that happens."""

    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class NewMessage:
    """A message about to be queued, to a customer, to an address, or to a customer at another address than theirs.

    `cause` names what it is about, for example an attempt's id: the same template goes out once per cause.
    `data` fills the template's merge tags, JSON throughout. Not sent before `send_at`, which is business time.
    """

    template: str
    customer_id: str | None
    cause: str
    data: Mapping[str, object]
    send_at: datetime
    address: str | None = None

    @property
    def recipient(self) -> str:
        """Who may want no more of them."""
        recipient = self.customer_id or self.address
        if recipient is None:
            raise ValueError(f"{self.template} of {self.cause} is for nobody")
        return recipient

    @property
    def is_reminder(self) -> bool:
        return self.template not in _OWED

    @property
    def is_optional(self) -> bool:
        return self.template in OPTIONAL


@dataclass(frozen=True, slots=True)
class Message:
    """A message as it stands in the outbox.

    `send_at`, `created_at`, `due_at` and `settled_at` are business time. `person` is whom a reminder has a place with.
    """

    id: str
    template: str
    customer_id: str | None
    address: str | None
    cause: str
    data: dict[str, object]
    status: MessageStatus
    send_at: datetime
    created_at: datetime
    due_at: datetime
    attempts: int
    channel: Channel | None
    provider_id: str | None
    last_error: str | None
    settled_at: datetime | None
    receipt: Receipt | None
    receipt_at: datetime | None
    person: str | None

    @property
    def is_reminder(self) -> bool:
        return self.template not in _OWED

    @property
    def is_optional(self) -> bool:
        return self.template in OPTIONAL

    @property
    def is_by_hand(self) -> bool:
        """Somebody of the team asked for this one, and said where to."""
        return self.cause.startswith(BY_HAND)

    @property
    def is_delayed(self) -> bool:
        return self.send_at > self.created_at


@dataclass(frozen=True, slots=True)
class Letter:
    """What a message speaks of, as it stands when it is written: its person, subscription, plan and invoice.

    All but the id may be missing: some messages are about nothing that is kept.
    """

    id: str
    customer_name: str | None = None
    email: str | None = None
    phone: str | None = None
    language: str | None = None
    subscription_status: str | None = None
    cancel_at_period_end: bool | None = None
    period_ends_at: datetime | None = None
    plan_name: str | None = None
    invoice_number: str | None = None
    invoice_status: str | None = None
    amount_minor: int | None = None
    received_minor: int | None = None
    currency: str | None = None
    has_opted_out: bool | None = None


@dataclass(frozen=True, slots=True)
class Override:
    """A merchant's own words for one key in one language, and the channel it prefers.

    Null words are Duro's own; `body` is HTML, sanitised when it was given. Not used unless it is enabled.
    """

    key: str
    language: str
    channel: Channel | None
    subject: str | None
    body: str | None
    is_enabled: bool
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one attempt to send changes; `attempts_used` is 0 where nobody was asked.

    `person` and `counted_at` are of a reminder that has a place in somebody's week.
    """

    id: str
    status: MessageStatus
    attempts_used: int
    due_at: datetime | None = None
    channel: Channel | None = None
    provider_id: str | None = None
    error: str | None = None
    person: str | None = None
    counted_at: datetime | None = None
