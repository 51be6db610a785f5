"""The only reader and writer of `checkout_sessions`."""

from dataclasses import fields
from operator import attrgetter
from typing import Final

from duro.errors import NotFoundError
from duro.kit.db import Tx
from duro.kit.rows import into
from duro.kit.sql import queries
from duro.modules.checkout.model import CheckoutSession

_SQL: Final = queries("checkout")
_NEW: Final = attrgetter(*(field.name for field in fields(CheckoutSession)))


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
