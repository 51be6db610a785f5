"""The customer as the database keeps it."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Customer:
    """A person or firm that a merchant bills; `phone` is E.164, `merchant_ref` the merchant's own id."""

    id: str
    email: str | None
    phone: str | None
    name: str | None
    merchant_ref: str | None
    blacklisted_at: datetime | None
    blacklist_reason: str | None
    metadata: dict[str, str]
    created_at: datetime

    @property
    def is_blacklisted(self) -> bool:
        return self.blacklisted_at is not None
