"""The only reader and writer of payment requests."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Final

from duro.billing.rails import Rail
from duro.kit.db import Tx
from duro.kit.pagination import Seek
from duro.kit.rows import columns, into
from duro.kit.sql import Statement, queries
from duro.modules.payments.errors import PaymentRequestNotFoundError
from duro.modules.payments.model import PaymentRequest, RequestFilter

_Q: Final = queries("payment_requests")

# For the work of the charging feature.
LIST_TENANTS_WITH_REQUESTS: Final[Statement] = _Q["list_tenants_with_requests_to_check"]
NEXT_REQUEST: Final[Statement] = _Q["next_request_to_check"]

_REQUEST: Final = tuple(field.name for field in fields(PaymentRequest))
_CHANGING: Final = ("id", "status", "received_minor", "check_at", "closed_at")
# An invoice has a handful; the bound only keeps a broken one from filling the memory.
_REQUESTS_OF_INVOICE_MAX: Final = 1000


@dataclass(frozen=True, slots=True)
class PaymentRequestRepository:
    """Payment requests of the transaction's tenant."""

    tx: Tx

    async def add(self, requests: Sequence[PaymentRequest]) -> None:
        """Leaves out those whose attempt has its request already."""
        if requests:
            await self.tx.run(_Q["insert_requests"], *columns(requests, *_REQUEST))

    async def save(self, requests: Sequence[PaymentRequest]) -> None:
        """Writes what may change of them."""
        if not requests:
            return
        saved = await self.tx.run(_Q["update_requests"], *columns(requests, *_CHANGING))
        if saved != len(requests):
            raise PaymentRequestNotFoundError(f"{len(requests) - saved} requests are not there.")

    async def void_of_invoices(
        self,
        invoice_ids: Collection[str],
        *,
        but: Collection[str],
        look_again_at: datetime,
        is_apart: bool = False,
    ) -> None:
        """Nothing is asked for these invoices any more, but by the attempts that settled them.

        Attempts by a push rail that wait for their customer, or for the gateway, come to nothing with that; `is_apart`
        promises that none of those is written by what waits in the transaction.
        """
        if invoice_ids:
            ids, settling, now = list(invoice_ids), list(but), self.tx.now
            args = (ids, settling, now, look_again_at)
            await self.tx.put(_Q["void_requests_of_invoices"], *args)
            await self.tx.put(_Q["supersede_attempts"], ids, settling, now, is_apart=is_apart)

    async def find_to_check(self, limit: int) -> list[PaymentRequest]:
        """Those about which the gateway is to be asked now."""
        rows = await self.tx.rows(_Q["find_requests_to_check"], self.tx.now, limit)
        return [into(PaymentRequest, row) for row in rows]

    async def check_at(self, request_id: str, at: datetime | None) -> None:
        """When the gateway is next asked what came; None is ignored for an open one."""
        await self.tx.run(_Q["postpone_request_check"], request_id, at)

    async def get(self, request_id: str) -> PaymentRequest:
        row = await self.tx.row(_Q["find_request"], request_id)
        if row is None:
            raise PaymentRequestNotFoundError(f"There is no payment request {request_id}.")
        return into(PaymentRequest, row)

    async def find_by_reference(self, reference: str) -> PaymentRequest | None:
        row = await self.tx.row(_Q["find_request_by_reference"], reference)
        return None if row is None else into(PaymentRequest, row)

    async def find_open_of_customer(self, customer_id: str, rail: Rail) -> PaymentRequest | None:
        """The oldest that the customer may still pay by that rail."""
        row = await self.tx.row(_Q["find_open_request_of_customer"], customer_id, rail)
        return None if row is None else into(PaymentRequest, row)

    async def of_attempts(self, attempt_ids: Collection[str]) -> dict[str, PaymentRequest]:
        """By attempt; attempts whose gateway has not answered are left out."""
        rows = await self.tx.rows(_Q["find_requests_of_attempts"], sorted(set(attempt_ids)))
        return {row["attempt_id"]: into(PaymentRequest, row) for row in rows}

    async def of_invoice(self, invoice_id: str) -> list[PaymentRequest]:
        """Oldest first."""
        rows = await self.tx.rows(
            _Q["read_requests_of_invoice"], invoice_id, _REQUESTS_OF_INVOICE_MAX
        )
        return [into(PaymentRequest, row) for row in rows]

    async def lock_of_invoices(self, invoice_ids: Collection[str]) -> list[PaymentRequest]:
        """Holds the rows, closed ones too, in the order of their ids; the invoices must be locked."""
        wanted = sorted(set(invoice_ids))
        most = _REQUESTS_OF_INVOICE_MAX * max(len(wanted), 1)
        rows = await self.tx.rows(_Q["lock_requests_of_invoices"], wanted, most)
        return [into(PaymentRequest, row) for row in rows]

    async def list_page(self, where: RequestFilter, seek: Seek) -> list[PaymentRequest]:
        """Newest first; one more than the page holds."""
        shared = (
            *(seek.before_at, seek.before_id, seek.since_at, seek.fetch),
            *(where.status, where.subscription_id, where.customer_id),
        )
        rows = (
            await self.tx.rows(_Q["list_requests"], *shared)
            if where.invoice_id is None
            else await self.tx.rows(_Q["list_requests_of_invoice"], *shared, where.invoice_id)
        )
        return [into(PaymentRequest, row) for row in rows]
