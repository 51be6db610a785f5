"""The only reader and writer of what gateways told by themselves."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from duro.kit.db import Database, Tx
from duro.kit.ids import new_id
from duro.kit.modes import Mode
from duro.kit.sql import queries

_Q: Final = queries("gateway_callbacks")
# One, unless a simulated account number came up twice: each is told, and asks for itself.
_TENANTS_MAX: Final = 10


async def tenants_told_of(db: Database, mode: Mode, reference: str) -> list[str]:
    """Whose attempt goes by that reference, or whose account has that number."""
    rows = await db.scan(mode, _Q["list_tenants_told_of"], reference, _TENANTS_MAX)
    return [row["tenant_id"] for row in rows]


@dataclass(frozen=True, slots=True)
class CallbackRepository:
    """Callbacks about the transaction's tenant."""

    tx: Tx

    async def keep(
        self, *, gateway: str, gateway_id: str, reference: str, body: Mapping[str, object]
    ) -> int:
        """How often this one was told by now; it is kept once."""
        times_told: int = await self.tx.value(
            _Q["keep_callback"],
            *(new_id("gcb", wall=self.tx.wall), gateway, gateway_id, reference, body, self.tx.now),
        )
        return times_told
