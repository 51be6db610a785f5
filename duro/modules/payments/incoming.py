"""The only reader and writer of the money that push rails brought, and of what of it fits nothing yet."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Final

from duro.kit.db import Tx
from duro.kit.pagination import Seek
from duro.kit.rows import columns, into
from duro.kit.sql import queries
from duro.modules.payments.errors import SuspenseItemNotFoundError
from duro.modules.payments.model import IncomingPayment, SuspenseFilter, SuspenseItem

_Q: Final = queries("incoming")
_INCOMING: Final = attrgetter(*(field.name for field in fields(IncomingPayment)))
_SUSPENSE: Final = tuple(field.name for field in fields(SuspenseItem))
_CHANGING: Final = ("id", "status", "resolution", "note", "resolved_at")
# An invoice has a few; the bound only keeps a broken one from filling the memory.
_SUSPENSE_OF_INVOICE_MAX: Final = 1000


@dataclass(frozen=True, slots=True)
class IncomingRepository:
    """Money that came in for the transaction's tenant."""

    tx: Tx

    async def add(self, payment: IncomingPayment) -> bool:
        """Whether it is new: what a gateway tells twice under one id is taken once."""
        return await self.tx.run(_Q["insert_incoming"], *_INCOMING(payment)) == 1

    async def turn_to_credit(self, invoice_id: str, amount_minor: int) -> None:
        """So much of what was paid to the invoice was too much; the latest money first."""
        await self.tx.run(_Q["turn_applied_to_credit"], invoice_id, amount_minor)

    async def take_back(
        self, incoming_id: str | None, amount_minor: int, *, is_credited: bool
    ) -> None:
        """So much of it does not count towards its invoice any more: it is credit, or nobody's."""
        await self.tx.run(_Q["take_applied_back"], incoming_id, amount_minor, is_credited)

    async def taken_of(self, gateway: str, gateway_ids: Collection[str]) -> set[str]:
        """Those of the gateway's ids whose money was taken already."""
        rows = await self.tx.rows(_Q["find_taken"], gateway, sorted(set(gateway_ids)))
        return {row["gateway_id"] for row in rows}

    async def of_ids(self, incoming_ids: Collection[str]) -> dict[str, IncomingPayment]:
        """By id; ids that are not there are left out."""
        rows = await self.tx.rows(_Q["find_incoming"], sorted(set(incoming_ids)))
        return {row["id"]: into(IncomingPayment, row) for row in rows}


@dataclass(frozen=True, slots=True)
class SuspenseRepository:
    """Money of the transaction's tenant that fits nothing yet."""

    tx: Tx

    async def add(self, items: Sequence[SuspenseItem]) -> None:
        if items:
            await self.tx.run(_Q["insert_suspense"], *columns(items, *_SUSPENSE))

    async def save(self, items: Sequence[SuspenseItem]) -> None:
        """Writes what may change of them."""
        if not items:
            return
        saved = await self.tx.run(_Q["update_suspense"], *columns(items, *_CHANGING))
        if saved != len(items):
            raise SuspenseItemNotFoundError(f"{len(items) - saved} suspense items are not there.")

    async def get(self, item_id: str) -> SuspenseItem:
        row = await self.tx.row(_Q["find_suspense"], item_id)
        if row is None:
            raise SuspenseItemNotFoundError(f"There is no suspense item {item_id}.")
        return into(SuspenseItem, row)

    async def lock(self, item_id: str) -> SuspenseItem:
        """Its subscription and invoice, if it has them, must be locked before."""
        row = await self.tx.row(_Q["lock_suspense"], item_id)
        if row is None:
            raise SuspenseItemNotFoundError(f"There is no suspense item {item_id}.")
        return into(SuspenseItem, row)

    async def open_of_invoices(self, invoice_ids: Collection[str]) -> list[SuspenseItem]:
        """Oldest first; the invoices must be locked."""
        wanted = sorted(set(invoice_ids))
        most = _SUSPENSE_OF_INVOICE_MAX * max(len(wanted), 1)
        rows = await self.tx.rows(_Q["read_open_suspense_of_invoices"], wanted, most)
        return [into(SuspenseItem, row) for row in rows]

    async def list_page(self, where: SuspenseFilter, seek: Seek) -> list[SuspenseItem]:
        """Newest first; one more than the page holds."""
        rows = await self.tx.rows(
            _Q["list_suspense"],
            *(seek.before_at, seek.before_id, seek.since_at, seek.fetch),
            *(where.status, where.reason),
        )
        return [into(SuspenseItem, row) for row in rows]
