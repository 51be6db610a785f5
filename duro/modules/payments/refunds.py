"""The only reader and writer of refunds."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Final

from duro.kit.db import Tx
from duro.kit.rows import into
from duro.kit.sql import Statement, queries
from duro.modules.payments.errors import RefundNotFoundError
from duro.modules.payments.model import Refund

_Q: Final = queries("refunds")

LIST_TENANTS_WITH_REFUNDS: Final[Statement] = _Q["list_tenants_with_refunds_to_reconcile"]
NEXT_REFUND: Final[Statement] = _Q["next_refund_to_reconcile"]

_VALUES: Final = attrgetter(*(field.name for field in fields(Refund)))
_CHANGING: Final = attrgetter(
    *("id", "status", "failure_code", "check_at", "checks", "lease_until"),
    *("review_reason", "settled_at"),
)
# More than anybody makes of one invoice.
_SHOWN_MAX: Final = 100


@dataclass(frozen=True, slots=True)
class RefundRepository:
    """Refunds of the transaction's tenant."""

    tx: Tx

    async def add(self, refund: Refund) -> None:
        """The invoice must be locked, so that what is left of it is known."""
        await self.tx.run(_Q["insert_refund"], *_VALUES(refund))

    async def save(self, refund: Refund) -> None:
        await self.tx.run(_Q["update_refund"], *_CHANGING(refund))

    async def get(self, refund_id: str) -> Refund:
        row = await self.tx.row(_Q["find_refund"], refund_id)
        if row is None:
            raise RefundNotFoundError("There is no such refund.")
        return into(Refund, row)

    async def lock(self, refund_id: str) -> Refund:
        row = await self.tx.row(_Q["lock_refund"], refund_id)
        if row is None:
            raise RefundNotFoundError("There is no such refund.")
        return into(Refund, row)

    async def taken_of(self, invoice_id: str) -> int:
        """What went back of the invoice or may still, in minor units."""
        taken: int = await self.tx.value(_Q["sum_taken"], invoice_id)
        return taken

    async def of_invoice(self, invoice_id: str) -> list[Refund]:
        """The newest, oldest of them first."""
        rows = await self.tx.rows(_Q["list_refunds_of_invoice"], invoice_id, _SHOWN_MAX)
        return [into(Refund, row) for row in reversed(rows)]

    async def claim_to_reconcile(self, limit: int) -> Sequence[Refund]:
        """Open refunds whose gateway is to be asked now, held for a minute; oldest first."""
        rows = await self.tx.rows(
            _Q["claim_refunds_to_reconcile"], self.tx.now, self.tx.wall, limit
        )
        return sorted((into(Refund, row) for row in rows), key=attrgetter("created_at", "id"))
