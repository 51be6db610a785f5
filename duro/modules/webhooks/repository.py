"""The only reader and writer of `webhook_endpoints`, `webhook_deliveries` and `webhook_attempts`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from duro.errors import NotFoundError
from duro.kit.db import Tx
from duro.kit.pagination import Seek
from duro.kit.rows import columns, into
from duro.kit.sql import queries
from duro.modules.webhooks.model import (
    Attempt,
    ClaimedDelivery,
    Delivery,
    DeliveryStatus,
    DisabledReason,
    Endpoint,
    NewDelivery,
    Outcome,
    Replayable,
    Sent,
)

_SQL: Final = queries("webhooks")
LIST_GIVEN_UP: Final = _SQL["list_given_up_endpoints"]
_ENDPOINTS_SHOWN: Final = 1000
# Of one event: with 2 kB of answer to each attempt, its whole log is to stay within 2 MB.
_DELIVERIES_SHOWN: Final = 100
_ATTEMPTS_SHOWN: Final = 10


@dataclass(frozen=True, slots=True)
class EndpointRepository:
    """The endpoints of one tenant and mode."""

    tx: Tx

    async def add(self, endpoint: Endpoint, sealed: bytes) -> None:
        await self.tx.run(
            _SQL["insert_endpoint"],
            endpoint.id,
            endpoint.url,
            list(endpoint.types),
            sealed,
            endpoint.created_at,
        )

    async def count(self) -> int:
        counted: int = await self.tx.value(_SQL["count_endpoints"])
        return counted

    async def list_all(self) -> list[Endpoint]:
        rows = await self.tx.rows(_SQL["list_endpoints"], _ENDPOINTS_SHOWN)
        return [into(Endpoint, row) for row in rows]

    async def page(self, place: Seek) -> list[Endpoint]:
        """Newest first."""
        at = (place.before_at, place.before_id, place.since_at, place.fetch)
        rows = await self.tx.rows(_SQL["page_endpoints"], *at)
        return [into(Endpoint, row) for row in rows]

    async def get(self, endpoint_id: str) -> Endpoint:
        """Raises `NotFoundError`."""
        found = await self.find(endpoint_id)
        if found is None:
            raise NotFoundError(f"No webhook endpoint {endpoint_id}.")
        return found

    async def change(
        self, endpoint_id: str, *, url: str | None, types: Sequence[str] | None
    ) -> None:
        """What is None stays as it is."""
        given = None if types is None else list(types)
        await self.tx.run(_SQL["change_endpoint"], endpoint_id, url, given)

    async def find(self, endpoint_id: str) -> Endpoint | None:
        row = await self.tx.row(_SQL["find_endpoint"], endpoint_id)
        return None if row is None else into(Endpoint, row)

    async def lock_secrets(self, endpoint_id: str) -> tuple[bytes, bytes | None] | None:
        """The sealed secret and the sealed old one, held against another rotation."""
        row = await self.tx.row(_SQL["lock_endpoint_secrets"], endpoint_id)
        return None if row is None else (row["secret"], row["old_secret"])

    async def rotate(self, endpoint_id: str, sealed: bytes) -> None:
        """The secret becomes the old one, and what was the old one is forgotten."""
        await self.tx.run(_SQL["rotate_endpoint_secret"], endpoint_id, sealed)

    async def remove(self, endpoint_id: str) -> bool:
        """Answers whether there was one; its deliveries go with it."""
        return await self.tx.run(_SQL["delete_endpoint"], endpoint_id) == 1

    async def share_enabled(self) -> list[Endpoint]:
        """The endpoints that receive; none is disabled or removed until this transaction ends."""
        rows = await self.tx.rows(_SQL["share_enabled_endpoints"])
        return [into(Endpoint, row) for row in rows]

    async def share(self, endpoint_id: str) -> Endpoint | None:
        """The endpoint, which is neither disabled nor removed until this transaction ends."""
        row = await self.tx.row(_SQL["share_endpoint"], endpoint_id)
        return None if row is None else into(Endpoint, row)

    async def disable(self, ids: Sequence[str], reason: DisabledReason) -> list[str]:
        """Send nothing more there; what waits for them keeps waiting. The ids of those that were enabled."""
        rows = await self.tx.rows(_SQL["disable_endpoints"], list(ids), self.tx.now, reason)
        return [row["id"] for row in rows]

    async def note(self, has_arrived: Mapping[str, bool]) -> None:
        """Keep since when nothing arrives at an endpoint, of those that were tried."""
        ids, arrived = list(has_arrived), list(has_arrived.values())
        await self.tx.run(_SQL["note_endpoints"], ids, arrived, self.tx.now)

    async def disable_failing(self, ids: Sequence[str], *, since: datetime) -> list[str]:
        """Disable those where nothing has arrived since then; their ids."""
        rows = await self.tx.rows(_SQL["disable_failing_endpoints"], list(ids), self.tx.now, since)
        return [row["id"] for row in rows]

    async def park(self, endpoint_id: str) -> None:
        """Take the times from what waits for an endpoint, so that no scan meets it."""
        await self.tx.run(_SQL["park_endpoint"], endpoint_id)

    async def enable(self, endpoint_id: str) -> int:
        """Send there again; how many deliveries had waited and are due now."""
        await self.tx.run(_SQL["enable_endpoint"], endpoint_id, self.tx.now)
        return await self.tx.run(_SQL["resume_endpoint"], endpoint_id, self.tx.now)


@dataclass(frozen=True, slots=True)
class DeliveryRepository:
    """The deliveries of one tenant and mode."""

    tx: Tx

    async def add(self, deliveries: Sequence[NewDelivery]) -> None:
        """Each is due at once; one that exists already is left as it is."""
        if deliveries:
            values = columns(deliveries, "id", "event_id", "endpoint_id")
            await self.tx.run(_SQL["insert_deliveries"], *values, self.tx.now)

    async def claim(
        self,
        limit: int,
        *,
        per_endpoint: int,
        under_way: Mapping[str, int],
        lease_until: datetime,
    ) -> list[ClaimedDelivery]:
        """Up to `limit` due deliveries, in the order of their events; `under_way` counts by endpoint."""
        rows = await self.tx.rows(
            _SQL["claim_deliveries"],
            self.tx.now,
            self.tx.wall,
            lease_until,
            limit,
            per_endpoint,
            list(under_way),
            list(under_way.values()),
        )
        claimed = [into(ClaimedDelivery, row) for row in rows]
        return sorted(claimed, key=lambda delivery: delivery.id)

    async def park(self) -> None:
        """Take the time from due deliveries to disabled endpoints, so that no scan meets them again."""
        await self.tx.run(_SQL["park_deliveries"], self.tx.now)

    async def record(self, outcomes: Sequence[Outcome], *, lease_until: datetime) -> None:
        """Write down what came of deliveries that were claimed with this lease."""
        values = columns(
            outcomes,
            "id",
            "status",
            "attempts_used",
            "next_attempt_at",
            "settled_at",
            "last_status",
            "last_error",
            "last_answer",
            "duration_ms",
        )
        await self.tx.run(_SQL["record_attempts"], lease_until, *values, self.tx.now)

    async def list_of_event(self, event_id: str) -> list[Delivery]:
        rows = await self.tx.rows(_SQL["list_deliveries_of_event"], event_id, _DELIVERIES_SHOWN)
        return [into(Delivery, row) for row in rows]

    async def page_of_endpoint(
        self, endpoint_id: str, place: Seek, *, status: DeliveryStatus | None
    ) -> list[Sent]:
        """What an endpoint was sent, newest first."""
        at = (place.before_at, place.before_id, place.since_at, place.fetch)
        rows = await self.tx.rows(_SQL["page_deliveries_of_endpoint"], endpoint_id, *at, status)
        return [into(Sent, row) for row in rows]

    async def get(self, delivery_id: str) -> Sent:
        """Raises `NotFoundError`."""
        row = await self.tx.row(_SQL["get_delivery"], delivery_id)
        if row is None:
            raise NotFoundError(f"No webhook delivery {delivery_id}.")
        return into(Sent, row)

    async def list_attempts(self, delivery_ids: Sequence[str]) -> list[Attempt]:
        """The last attempts of each delivery, in their order."""
        rows = await self.tx.rows(_SQL["list_attempts"], list(delivery_ids), _ATTEMPTS_SHOWN)
        return [into(Attempt, row) for row in rows]

    async def forget_attempts(self, limit: int) -> int:
        """Remove attempts that are 30 days old, with their answers; how many that were."""
        forgotten: int = await self.tx.value(_SQL["forget_attempts"], self.tx.now, limit)
        return forgotten

    async def find_endpoint_id(self, delivery_id: str) -> str | None:
        """Where a delivery goes; null when there is no such delivery."""
        found: str | None = await self.tx.value(_SQL["find_endpoint_of_delivery"], delivery_id)
        return found

    async def find_of_event(self, event_id: str) -> dict[str, str]:
        """The deliveries of an event, by endpoint."""
        rows = await self.tx.rows(_SQL["find_deliveries_of_event"], event_id)
        return {row["endpoint_id"]: row["id"] for row in rows}

    async def replay(self, ids: Sequence[str]) -> None:
        """Send deliveries anew, whatever came of them, and begin their waits anew."""
        await self.tx.run(_SQL["replay_deliveries"], list(ids), self.tx.now, self.tx.wall)

    async def list_to_replay(
        self,
        endpoint_id: str,
        *,
        since: datetime,
        until: datetime,
        after: tuple[datetime, str],
        limit: int,
    ) -> list[Replayable]:
        """Events of a span of business time in their order, with their deliveries to the endpoint."""
        rows = await self.tx.rows(_SQL["list_to_replay"], endpoint_id, since, until, *after, limit)
        return [into(Replayable, row) for row in rows]
