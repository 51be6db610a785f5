"""The only reader and writer of `invoices`."""

from collections.abc import Collection, Sequence
from typing import Final

from duro.errors import NotFoundError
from duro.kit.db import Tx
from duro.kit.pagination import Seek
from duro.kit.rows import into, records
from duro.kit.sql import queries
from duro.modules.invoices.model import Invoice

_SQL: Final = queries("invoices")
_COLUMNS: Final = (
    *("id", "number", "subscription_id", "customer_id", "idempotency_key", "amount_minor"),
    *("currency", "lines", "status", "rail", "period_index", "period_starts_at", "period_ends_at"),
    *("amount_refunded_minor", "paid_at", "created_at", "received_minor"),
)
_MUTABLE: Final = (
    *("id", "status", "rail", "period_starts_at", "period_ends_at", "amount_refunded_minor"),
    *("paid_at", "received_minor"),
)


class InvoiceExistsError(Exception):
    """The period has an invoice already: whoever made it owns its charge."""


_TAKEN: Final = {"one_invoice_per_period": InvoiceExistsError}


class InvoiceRepository:
    """The invoices of one tenant and mode."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx

    async def add(self, invoices: Sequence[Invoice]) -> None:
        """A period that has an invoice already is refused with an `InvoiceExistsError`, when this is sent."""
        if invoices:
            await self._tx.put(_SQL["insert_invoices"], records(invoices, *_COLUMNS), taken=_TAKEN)

    async def save(self, invoices: Sequence[Invoice]) -> None:
        """Writes what can change; the rows must be locked."""
        if invoices:
            rows = records(invoices, *_MUTABLE)
            await self._tx.put(_SQL["save_invoices"], len(invoices), rows)

    async def lock(self, invoice_id: str) -> Invoice:
        found = await self.lock_many([invoice_id])
        if not found:
            raise NotFoundError("There is no such invoice.")
        return found[invoice_id]

    async def lock_many(self, ids: Collection[str]) -> dict[str, Invoice]:
        rows = await self._tx.rows(_SQL["lock_invoices"], list(ids))
        return {row["id"]: into(Invoice, row) for row in rows}

    async def lock_open_of(self, subscription_id: str) -> list[Invoice]:
        rows = await self._tx.rows(_SQL["lock_open_invoices_of_subscription"], subscription_id)
        return [into(Invoice, row) for row in rows]

    async def get(self, invoice_id: str) -> Invoice:
        row = await self._tx.row(_SQL["get_invoice"], invoice_id)
        if row is None:
            raise NotFoundError("There is no such invoice.")
        return into(Invoice, row)

    async def find_owed_by(self, customer_id: str) -> Invoice | None:
        """What the customer owes longest of what a subscription still waits for."""
        row = await self._tx.row(_SQL["find_owed_invoice_of_customer"], customer_id)
        return None if row is None else into(Invoice, row)

    async def list_newest(
        self,
        seek: Seek,
        *,
        status: str | None,
        customer_id: str | None,
        subscription_id: str | None,
    ) -> list[Invoice]:
        place = (seek.fetch, seek.before_at, seek.before_id, seek.since_at)
        filters = (status, customer_id, subscription_id)
        rows = await self._tx.rows(_SQL["list_invoices"], *place, *filters)
        return [into(Invoice, row) for row in rows]
