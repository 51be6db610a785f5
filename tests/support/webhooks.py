"""Owns what the webhook tests do over and over: add endpoints, write events, run the due work, look at the rows."""

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeAlias

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from duro.adapters.egress import GuardedEgress
from duro.kit.clock import FixedClock
from duro.kit.db import Database
from duro.kit.envelope import Envelope
from duro.kit.modes import Mode
from duro.kit.work import DueWork, Ran, WorkScope
from duro.modules.events.model import EventType, NewEvent
from duro.modules.events.repository import EventRepository
from duro.modules.webhooks.endpoints import EndpointService, ShownOnce
from duro.modules.webhooks.jobs import due_work
from duro.modules.webhooks.model import Delivery
from duro.modules.webhooks.repository import DeliveryRepository
from tests.support.receiver import Received
from tests.support.roles import app_role, connected_as

ENVELOPE: Final = Envelope([bytes(range(32))])
# What the way out of the tests waits for an answer.
TIMEOUT_S: Final = 1.5


@dataclass(frozen=True)
class Merchant:
    """One tenant and mode with its webhooks, over the real database and a real way out."""

    db: Database
    clock: FixedClock
    database_url: str
    tenant_id: str
    mode: Mode
    egress: GuardedEgress
    envelope: Envelope = ENVELOPE

    @property
    def scope(self) -> WorkScope:
        return WorkScope(self.db, self.mode, self.tenant_id)

    @property
    def service(self) -> EndpointService:
        return EndpointService(self.db, self.envelope, self.egress)

    @property
    def fan_out(self) -> DueWork:
        return due_work(self.egress, self.envelope)[0]

    @property
    def deliver(self) -> DueWork:
        return due_work(self.egress, self.envelope)[1]

    async def add(self, url: str, *types: str) -> ShownOnce:
        return await self.service.add(self.mode, self.tenant_id, url=url, types=types)

    async def happen(
        self, *types: EventType, object_id: str = "sub_1", data: dict[str, object] | None = None
    ) -> list[str]:
        """Events of these types in one transaction; their ids."""
        async with self.scope.begin() as tx:
            events = EventRepository(tx)
            before = await events.last_position()
            await events.add([NewEvent(each, object_id, data or {}) for each in types])
            return [event.id for event in await events.list_after(before, limit=1000)]

    async def run(self, work: DueWork, limit: int | None = None) -> Ran:
        return await work.run(self.scope, limit or work.batch)

    async def send(self) -> Ran:
        """Fan out and deliver what is due now."""
        await self.run(self.fan_out)
        return await self.run(self.deliver)

    async def deliveries(self, event_id: str) -> list[Delivery]:
        async with self.scope.begin() as tx:
            return await DeliveryRepository(tx).list_of_event(event_id)

    async def delivery(self, event_id: str) -> Delivery:
        (only,) = await self.deliveries(event_id)
        return only

    async def next_due(self, work: DueWork) -> datetime | None:
        async with self.scope.begin() as tx:
            found: datetime | None = await tx.value(work.next_due)
            return found

    async def is_listed(self, work: DueWork) -> bool:
        """Whether a scan would wake the worker for this tenant."""
        found = await self.db.scan(self.mode, work.list_due, self.clock.wall(), [], [])
        return self.tenant_id in {row["tenant_id"] for row in found}

    async def query(self, text: str, *args: object) -> list[Any]:
        """Rows as this tenant sees them, below the repositories."""
        role, schema = app_role(self.mode), f"{self.mode.schema},core"
        async with connected_as(self.database_url, role, search_path=schema) as connection:
            await connection.execute("SELECT set_config('duro.tenant', $1, false)", self.tenant_id)
            found: list[Any] = await connection.fetch(text, *args)
            return found


# Makes a merchant of a tenant and a mode.
Enrol: TypeAlias = Callable[[str, Mode], Merchant]


def verifies(secret: str, received: Received) -> bool:
    """What a merchant does: the official library, and our own header by hand."""
    stamp, *signatures = received.headers["Duro-Signature"].split(",")
    signed = stamp.removeprefix("t=").encode() + b"." + received.body
    expected = "v1=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    try:
        Webhook(secret).verify(received.body, received.headers)
    except WebhookVerificationError:
        assert expected not in signatures
        return False
    assert expected in signatures
    return True
