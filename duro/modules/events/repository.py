"""The only reader and writer of `events`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from duro.errors import NotFoundError
from duro.kit.db import Tx
from duro.kit.ids import new_id
from duro.kit.json import dumps
from duro.kit.pagination import Seek
from duro.kit.rows import into
from duro.kit.sql import queries
from duro.modules.events.model import Event, EventType, NewEvent

_SQL: Final = queries("events")


@dataclass(frozen=True, slots=True)
class EventRepository:
    """The events of one tenant and mode, inside the transaction of the change they tell of."""

    tx: Tx

    async def add(self, events: Sequence[NewEvent]) -> None:
        """Write the events in this order, dated at the tenant's present."""
        if not events:
            return
        rows = [
            {
                "id": new_id("evt", wall=self.tx.wall),
                "type": event.type,
                "object_id": event.object_id,
                "data": event.data,
            }
            for event in events
        ]
        await self.tx.put(_SQL["insert_events"], dumps(rows).decode(), self.tx.now)
        self.tx.ring("webhook.fanout")

    async def get(self, event_id: str) -> Event:
        row = await self.tx.row(_SQL["get_event"], event_id)
        if row is None:
            raise NotFoundError("No such event.")
        return into(Event, row)

    async def page(self, place: Seek, *, of_type: EventType | None) -> list[Event]:
        """The events of one page, newest first; every type when none is named."""
        rows = await self.tx.rows(
            _SQL["list_events"],
            place.before_at,
            place.before_id,
            place.since_at,
            place.fetch,
            of_type,
        )
        return [into(Event, row) for row in rows]

    async def last_position(self) -> int:
        """Where the events written from now on begin, for `list_after`; 0 when there are none."""
        position: int = await self.tx.value(_SQL["read_last_position"])
        return position

    async def list_after(self, position: int, *, limit: int) -> list[Event]:
        """The first events written after a position, in the order of writing."""
        rows = await self.tx.rows(_SQL["list_events_after"], position, limit)
        return [into(Event, row) for row in rows]

    async def claim_undispatched(self, limit: int) -> list[Event]:
        """The oldest events that no endpoint was given yet, held until this transaction ends."""
        rows = await self.tx.rows(_SQL["claim_undispatched_events"], self.tx.now, limit)
        return [into(Event, row) for row in rows]

    async def mark_dispatched(self, ids: Sequence[str]) -> None:
        """Say that every endpoint that wants these events has a delivery of them."""
        await self.tx.run(_SQL["mark_events_dispatched"], list(ids), self.tx.now)
