"""Saved cards that are about to expire, and when each is looked at."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from duro.kit.db import Tx
from duro.kit.rows import into
from duro.kit.sql import Statement, queries
from duro.modules.payments.model import PaymentMethod

_Q: Final = queries("card_expiries")

# For the reminders of the charging feature.
LIST_TENANTS_WITH_EXPIRING: Final[Statement] = _Q["list_tenants_with_expiring"]
NEXT_LOOK: Final[Statement] = _Q["next_look"]


@dataclass(frozen=True, slots=True)
class ExpiryRepository:
    """The cards of the transaction's tenant, by when their expiry is looked at."""

    tx: Tx

    async def claim(self, limit: int) -> list[PaymentMethod]:
        """Those that are due, held until the transaction ends."""
        rows = await self.tx.rows(_Q["claim_expiring"], self.tx.now, limit)
        return [into(PaymentMethod, row) for row in rows]

    async def plan(self, looks: Mapping[str, datetime | None]) -> None:
        """When each method is looked at next, by id; None: it is not."""
        if looks:
            await self.tx.run(_Q["plan_looks"], list(looks), list(looks.values()))
