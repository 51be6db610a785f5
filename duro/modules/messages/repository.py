"""The only reader and writer of the outbox."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from duro.kit.db import Tx
from duro.kit.ids import new_id
from duro.kit.pagination import Seek
from duro.kit.rows import columns, into
from duro.kit.sql import queries
from duro.modules.messages.model import REMINDERS_PER_WEEK, Message, NewMessage

_SQL: Final = queries("messages")
_NEW: Final = ("template", "customer_id", "address", "cause", "data", "is_reminder", "send_at")


@dataclass(frozen=True, slots=True)
class OutboxRepository:
    """The outbox of one tenant and mode, inside the transaction that causes the messages."""

    tx: Tx

    async def add(self, messages: Sequence[NewMessage]) -> Counter[str]:
        """Queue the messages, each once per cause and template; how many are new (`messages`) and too many (`capped`).

        Locks whoever is reminded: the last lock of a transaction.
        """
        if not messages:
            return Counter()
        reminded = sorted({message.recipient for message in messages if message.is_reminder})
        if reminded:
            await self.tx.rows(_SQL["lock_recipients"], reminded)
        ids = [new_id("msg", wall=self.tx.wall) for _ in messages]
        values = (ids, *columns(messages, *_NEW), self.tx.now, REMINDERS_PER_WEEK)
        rows = await self.tx.rows(_SQL["insert_messages"], *values)
        return Counter("capped" if row["status"] == "capped" else "messages" for row in rows)

    async def page(self, place: Seek) -> list[Message]:
        """The messages of one page, newest first."""
        rows = await self.tx.rows(
            _SQL["list_messages"], place.before_at, place.before_id, place.since_at, place.fetch
        )
        return [into(Message, row) for row in rows]
