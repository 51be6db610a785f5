"""The only reader and writer of the outbox, of merchants' own words, and of who wants no reminders."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from duro.errors import NotFoundError
from duro.kit.db import Database, Tx
from duro.kit.ids import new_id
from duro.kit.modes import Mode
from duro.kit.pagination import Seek
from duro.kit.rows import columns, into, records
from duro.kit.sql import Statement, queries
from duro.modules.messages.model import (
    Letter,
    Message,
    MessageStatus,
    NewMessage,
    Outcome,
    Override,
    Receipt,
)

_SQL: Final = queries("messages")
LIST_TENANTS_TO_SEND: Final[Statement] = _SQL["list_tenants_to_send"]
NEXT_MESSAGE: Final[Statement] = _SQL["find_next_message"]
WORK: Final = "messages.send"
_NEW: Final = (
    *("template", "customer_id", "address", "cause", "data"),
    *("is_reminder", "is_optional", "send_at"),
)
_OUTCOME: Final = (
    *("id", "status", "attempts_used", "due_at", "channel", "provider_id", "error"),
    *("person", "counted_at"),
)
_SHOWN: Final = 1000
_OVERRIDES_MAX: Final = 1000
_TENANTS_MAX: Final = 10
_RECEIPTS: Final = [receipt.value for receipt in Receipt]


@dataclass(frozen=True, slots=True)
class OutboxRepository:
    """The outbox of one tenant and mode, inside the transaction that causes the messages."""

    tx: Tx

    async def add(self, messages: Sequence[NewMessage]) -> Counter[str]:
        """Queue the messages, each once per cause and template; how many are new.

        An optional one to somebody who wants none is not written. What is due goes out as soon as it is committed.
        """
        if not messages:
            return Counter()
        ids = [new_id("msg", wall=self.tx.wall) for _ in messages]
        rows = records(messages, *_NEW)
        new = await self.tx.run(_SQL["insert_messages"], ids, rows, self.tx.now)
        if any(message.send_at <= self.tx.now for message in messages):
            self.tx.ring(WORK)
        return Counter(messages=new) if new else Counter()

    async def page(self, place: Seek) -> list[Message]:
        """The messages of one page, newest first."""
        rows = await self.tx.rows(
            _SQL["list_messages"], place.before_at, place.before_id, place.since_at, place.fetch
        )
        return [into(Message, row) for row in rows]

    async def get(self, message_id: str) -> Message:
        row = await self.tx.row(_SQL["find_message"], message_id)
        if row is None:
            raise NotFoundError("There is no such message.")
        return into(Message, row)

    async def list_newest(self, status: MessageStatus | None) -> list[Message]:
        """Of one status or all, newest first; the first thousand."""
        rows = await self.tx.rows(_SQL["list_newest_messages"], status, _SHOWN)
        return [into(Message, row) for row in rows]

    async def claim(self, limit: int, *, lease_until: datetime) -> list[Message]:
        """Up to `limit` due messages, which nobody else sends before the lease is over."""
        args = (self.tx.now, self.tx.wall, lease_until, limit)
        rows = await self.tx.rows(_SQL["claim_messages"], *args)
        return sorted((into(Message, row) for row in rows), key=lambda each: each.id)

    async def letters(self, ids: Sequence[str]) -> dict[str, Letter]:
        """What the messages speak of, as it stands now."""
        rows = await self.tx.rows(_SQL["read_letters"], list(ids))
        return {row["id"]: into(Letter, row) for row in rows}

    async def record(self, outcomes: Sequence[Outcome], *, lease_until: datetime) -> None:
        """Write down what came of messages that were claimed with this lease."""
        values = columns(outcomes, *_OUTCOME)
        await self.tx.run(_SQL["record_messages"], lease_until, self.tx.now, *values)

    async def resend(self, ids: Sequence[str]) -> int:
        """Queue dead messages once more; how many of them were dead."""
        self.tx.ring(WORK)
        return await self.tx.run(_SQL["resend_messages"], list(ids), self.tx.now)

    async def note_receipt(
        self, provider_id: str, receipt: Receipt, *, at: datetime, error: str | None
    ) -> None:
        """What the provider tells of a message that was sent; what is older than what is known changes nothing."""
        await self.tx.run(_SQL["note_receipt"], provider_id, receipt, at, error, _RECEIPTS)

    async def opt_out(self, message_id: str) -> bool:
        """Whoever got that message gets no more optional ones; False if there is no such message."""
        return await self.tx.row(_SQL["opt_out"], message_id, self.tx.now) is not None


@dataclass(frozen=True, slots=True)
class OverrideRepository:
    """The words of one tenant and mode."""

    tx: Tx

    async def list_all(self) -> list[Override]:
        rows = await self.tx.rows(_SQL["list_overrides"], _OVERRIDES_MAX)
        return [into(Override, row) for row in rows]

    async def save(self, override: Override) -> None:
        await self.tx.run(
            _SQL["save_override"],
            override.key,
            override.language,
            override.channel,
            override.subject,
            override.body,
            override.is_enabled,
            override.updated_at,
        )

    async def remove(self, key: str, language: str) -> bool:
        """Answers whether there was one."""
        return await self.tx.run(_SQL["delete_override"], key, language) == 1


async def tenants_of(db: Database, mode: Mode, provider_id: str) -> list[str]:
    """Whose message a provider knows by that id."""
    rows = await db.scan(mode, _SQL["list_tenants_of_provider_id"], provider_id, _TENANTS_MAX)
    return [row["tenant_id"] for row in rows]
