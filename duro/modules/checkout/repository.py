"""The only reader and writer of `checkout_sessions`."""

from collections.abc import Sequence
from dataclasses import fields
from operator import attrgetter
from typing import Final

from duro.errors import NotFoundError
from duro.kit.db import Tx
from duro.kit.rows import into
from duro.kit.sql import Statement, queries
from duro.modules.checkout.model import CheckoutSession, LeftSession

_SQL: Final = queries("checkout")
_COLUMNS: Final = tuple(field.name for field in fields(CheckoutSession))
_NEW: Final = attrgetter(*_COLUMNS)
LIST_TENANTS_WITH_LEFT: Final[Statement] = _SQL["list_tenants_with_left"]
NEXT_REMINDER: Final[Statement] = _SQL["next_reminder"]


class CheckoutRepository:
    """The checkout sessions of one tenant and mode."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx

    async def add(self, session: CheckoutSession, *, digest: bytes) -> None:
        """`digest` is that of the token, which is kept nowhere."""
        await self._tx.run(_SQL["insert_checkout_session"], digest, *_NEW(session))

    async def get(self, session_id: str) -> CheckoutSession:
        row = await self._tx.row(_SQL["get_checkout_session"], session_id)
        if row is None:
            raise NotFoundError("There is no such checkout session.")
        return into(CheckoutSession, row)

    async def claim_left(self, limit: int) -> list[LeftSession]:
        """Those whose reminder is due, held until the transaction ends."""
        rows = await self._tx.rows(_SQL["claim_left"], self._tx.now, limit)
        return [
            LeftSession(
                into(CheckoutSession, {name: row[name] for name in _COLUMNS}),
                row["digest"],
                row["is_superseded"],
            )
            for row in rows
        ]

    async def clear_reminders(self, ids: Sequence[str]) -> None:
        """None of them is come back to again."""
        await self._tx.run(_SQL["clear_reminders"], list(ids))
