"""What a message in the outbox is, and which ones count as reminding somebody."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

# So many reminders one person gets of one merchant in any 7 days of business time.
REMINDERS_PER_WEEK: Final = 7
# These answer or confirm something, and are owed to a person however much else they were told.
_CONFIRMING: Final = frozenset({"receipt", "payment_recovered", "refund", "subscription_cancelled"})


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
        """Whose reminders are counted together."""
        recipient = self.customer_id or self.address
        if recipient is None:
            raise ValueError(f"{self.template} of {self.cause} is for nobody")
        return recipient

    @property
    def is_reminder(self) -> bool:
        return self.template not in _CONFIRMING


@dataclass(frozen=True, slots=True)
class Message:
    """A message as it stands in the outbox: `capped` is one too many, and never sent.

    `send_at` and `created_at` are business time.
    """

    id: str
    template: str
    customer_id: str | None
    address: str | None
    cause: str
    data: dict[str, object]
    status: str
    send_at: datetime
    created_at: datetime

    @property
    def is_delayed(self) -> bool:
        return self.send_at > self.created_at
