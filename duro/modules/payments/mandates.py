"""The only reader and writer of direct debit mandates."""

from collections.abc import Collection
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Final

from duro.kit.db import Tx
from duro.kit.pagination import Seek
from duro.kit.rows import into
from duro.kit.sql import Statement, queries
from duro.modules.payments.errors import MandateNotFoundError
from duro.modules.payments.model import Mandate

_Q: Final = queries("mandates")

LIST_TENANTS_WITH_MANDATES: Final[Statement] = _Q["list_tenants_with_mandates_to_check"]
NEXT_MANDATE: Final[Statement] = _Q["next_mandate_to_check"]

_VALUES: Final = attrgetter(*(field.name for field in fields(Mandate)))
_CHANGING: Final = attrgetter("id", "status", "check_at", "activated_at", "ready_at", "revoked_at")


@dataclass(frozen=True, slots=True)
class MandateRepository:
    """Mandates of the transaction's tenant."""

    tx: Tx

    async def add(self, mandate: Mandate) -> Mandate:
        """The payment method's mandate: this one, unless there is one already."""
        await self.tx.run(_Q["insert_mandate"], *_VALUES(mandate))
        return (await self.of_methods([mandate.payment_method_id]))[mandate.payment_method_id]

    async def save(self, mandate: Mandate) -> None:
        await self.tx.run(_Q["update_mandate"], *_CHANGING(mandate))

    async def get(self, mandate_id: str) -> Mandate:
        row = await self.tx.row(_Q["find_mandate"], mandate_id)
        if row is None:
            raise MandateNotFoundError(f"There is no mandate {mandate_id}.")
        return into(Mandate, row)

    async def lock(self, mandate_id: str) -> Mandate:
        row = await self.tx.row(_Q["lock_mandate"], mandate_id)
        if row is None:
            raise MandateNotFoundError(f"There is no mandate {mandate_id}.")
        return into(Mandate, row)

    async def of_methods(self, method_ids: Collection[str]) -> dict[str, Mandate]:
        """By payment method; methods without a mandate, such as cards, are left out."""
        rows = await self.tx.rows(_Q["find_mandates_of_methods"], sorted(set(method_ids)))
        return {row["payment_method_id"]: into(Mandate, row) for row in rows}

    async def list_of_customer(self, customer_id: str, seek: Seek) -> list[Mandate]:
        """Newest first; one more than the page holds."""
        rows = await self.tx.rows(
            _Q["list_mandates_of_customer"],
            *(customer_id, seek.before_at, seek.before_id, seek.since_at, seek.fetch),
        )
        return [into(Mandate, row) for row in rows]

    async def claim_to_check(self, limit: int) -> list[Mandate]:
        """Mandates about which the gateway is to be asked now, held for a minute; oldest first."""
        rows = await self.tx.rows(_Q["claim_mandates_to_check"], self.tx.now, limit)
        return sorted((into(Mandate, row) for row in rows), key=attrgetter("created_at", "id"))
