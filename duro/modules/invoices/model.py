"""The invoice as the database keeps it."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from duro.billing.rails import Rail


class InvoiceStatus(StrEnum):
    """`draft` is not used yet; an invoice is born open."""

    DRAFT = "draft"
    OPEN = "open"
    PAID = "paid"
    UNCOLLECTIBLE = "uncollectible"
    VOID = "void"


@dataclass(frozen=True, slots=True)
class Invoice:
    """One period's bill; `amount_minor` is what is left to pay after discount and credit."""

    id: str
    number: str
    subscription_id: str | None
    customer_id: str
    idempotency_key: str
    amount_minor: int
    currency: str
    lines: list[dict[str, Any]]
    status: InvoiceStatus
    rail: Rail | None
    period_index: int
    period_starts_at: datetime
    period_ends_at: datetime
    amount_refunded_minor: int
    paid_at: datetime | None
    created_at: datetime
    # What push rails have brought of it so far.
    received_minor: int = 0

    @property
    def credit_minor(self) -> int:
        """What the credit balance took off the price."""
        return -self._sum("credit")

    @property
    def carried_minor(self) -> int:
        """What a plan change in the last period put on it."""
        return self._sum("carried")

    @property
    def price_minor(self) -> int:
        """What its period costs, after discount, whatever else stands on it."""
        return self._sum("plan", "discount")

    def _sum(self, *kinds: str) -> int:
        found: int = sum(line["amount"] for line in self.lines if line["kind"] in kinds)
        return found

    @property
    def is_payable(self) -> bool:
        return self.status in (InvoiceStatus.OPEN, InvoiceStatus.UNCOLLECTIBLE)

    @property
    def owed_minor(self) -> int:
        """What a charge or a request asks for now."""
        return self.amount_minor - self.received_minor if self.is_payable else 0

    @property
    def paid_minor(self) -> int:
        """What has been paid of it."""
        return self.amount_minor if self.status is InvoiceStatus.PAID else self.received_minor

    def paid(self, *, rail: Rail | None, at: datetime) -> "Invoice":
        return replace(self, status=InvoiceStatus.PAID, rail=rail, paid_at=at)

    def voided(self) -> "Invoice":
        return replace(self, status=InvoiceStatus.VOID)

    def written_off(self) -> "Invoice":
        return replace(self, status=InvoiceStatus.UNCOLLECTIBLE)
