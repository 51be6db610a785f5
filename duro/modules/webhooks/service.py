"""Deliveries that are asked for again: one of them, what an endpoint missed, an event to everybody who wants it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from duro.errors import ConflictError, NotFoundError
from duro.kit.db import Database, Tx
from duro.kit.ids import new_id
from duro.kit.modes import Mode
from duro.modules.events.repository import EventRepository
from duro.modules.webhooks.model import DeliveryStatus, Endpoint, NewDelivery, Replayable
from duro.modules.webhooks.repository import DeliveryRepository, EndpointRepository

# Events that are looked at in one transaction.
_STEP: Final = 500


@dataclass(frozen=True, slots=True)
class ReplayService:
    """What is replayed is due at once, keeps its ids, and has all its tries again."""

    db: Database

    async def replay(self, mode: Mode, tenant_id: str, delivery_id: str) -> None:
        """Send one delivery anew, whatever came of it.

        Raises `NotFoundError`, and `ConflictError` while its endpoint is disabled.
        """
        async with self.db.begin(mode, tenant_id) as tx:
            deliveries = DeliveryRepository(tx)
            endpoint_id = await deliveries.find_endpoint_id(delivery_id)
            if endpoint_id is None:
                raise NotFoundError(f"No webhook delivery {delivery_id}.")
            await _demand_enabled(tx, endpoint_id)
            await deliveries.replay([delivery_id])
            tx.ring("webhook.deliver")

    async def replay_range(
        self,
        mode: Mode,
        tenant_id: str,
        endpoint_id: str,
        *,
        since: datetime,
        until: datetime,
        is_all: bool = False,
    ) -> int:
        """Send an endpoint what it missed of the events of a span of business time; how many that were.

        Missed is what failed, and what happened while the endpoint was disabled; with `is_all` also what arrived.
        Raises `NotFoundError`, and `ConflictError` while the endpoint is disabled.
        """
        after, sent = (since, ""), 0
        while True:
            async with self.db.begin(mode, tenant_id) as tx:
                endpoint = await _demand_enabled(tx, endpoint_id)
                found = await DeliveryRepository(tx).list_to_replay(
                    endpoint_id, since=since, until=until, after=after, limit=_STEP
                )
                wanted = [each for each in found if _is_missed(each, endpoint, is_all=is_all)]
                await _send(tx, endpoint_id, wanted)
            sent += len(wanted)
            if len(found) < _STEP:
                return sent
            after = (found[-1].created_at, found[-1].event_id)

    async def resend(
        self, mode: Mode, tenant_id: str, event_id: str, *, endpoint_id: str | None = None
    ) -> list[str]:
        """Send one event anew to one endpoint, or to all that are enabled and want it; their ids.

        Raises `NotFoundError`, and `ConflictError` when the endpoint that is named is disabled.
        """
        async with self.db.begin(mode, tenant_id) as tx:
            event = await EventRepository(tx).get(event_id)
            if endpoint_id is not None:
                chosen = [await _demand_enabled(tx, endpoint_id)]
            else:
                enabled = await EndpointRepository(tx).share_enabled()
                chosen = [each for each in enabled if each.wants(event.type)]
            present = await DeliveryRepository(tx).find_of_event(event_id)
            for endpoint in chosen:
                delivery_id = present.get(endpoint.id)
                found = Replayable(event_id, event.type, event.created_at, delivery_id, None)
                await _send(tx, endpoint.id, [found])
        return [endpoint.id for endpoint in chosen]


def _is_missed(found: Replayable, endpoint: Endpoint, *, is_all: bool) -> bool:
    if found.delivery_id is None:
        return endpoint.wants(found.event_type)
    return found.status is DeliveryStatus.FAILED or (
        is_all and found.status is DeliveryStatus.DELIVERED
    )


async def _send(tx: Tx, endpoint_id: str, found: Sequence[Replayable]) -> None:
    deliveries = DeliveryRepository(tx)
    missing = [each.event_id for each in found if each.delivery_id is None]
    await deliveries.add(
        [NewDelivery(new_id("whd", wall=tx.wall), event_id, endpoint_id) for event_id in missing]
    )
    await deliveries.replay([each.delivery_id for each in found if each.delivery_id is not None])
    if found:
        tx.ring("webhook.deliver")


async def _demand_enabled(tx: Tx, endpoint_id: str) -> Endpoint:
    endpoint = await EndpointRepository(tx).share(endpoint_id)
    if endpoint is None:
        raise NotFoundError(f"No webhook endpoint {endpoint_id}.")
    if endpoint.disabled_at is not None:
        raise ConflictError(f"{endpoint_id} is disabled: enable it first.")
    return endpoint
