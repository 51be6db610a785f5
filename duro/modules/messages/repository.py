"""The only reader and writer of the outbox."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from duro.kit.db import Tx
from duro.kit.ids import new_id
from duro.kit.pagination import Seek
from duro.kit.rows import columns, into
from duro.kit.sql import queries
from duro.modules.messages.model import Message, NewMessage

_SQL: Final = queries("messages")


@dataclass(frozen=True, slots=True)
class OutboxRepository:
    """The outbox of one tenant and mode, inside the transaction that causes the messages."""

    tx: Tx

    async def add(self, messages: Sequence[NewMessage]) -> int:
        """Queue the messages, each once per cause and template; answers how many are new."""
        if not messages:
            return 0
        ids = [new_id("msg", wall=self.tx.wall) for _ in messages]
        values = columns(messages, "template", "customer_id", "cause", "data")
        return await self.tx.run(_SQL["insert_messages"], ids, *values, self.tx.now)

    async def page(self, place: Seek) -> list[Message]:
        """The messages of one page, newest first."""
        rows = await self.tx.rows(
            _SQL["list_messages"], place.before_at, place.before_id, place.since_at, place.fetch
        )
        return [into(Message, row) for row in rows]
