"""Fan-out: one delivery for each event and each endpoint that wants it."""

from duro.kit.ids import new_id
from duro.kit.work import Ran, WorkScope
from duro.modules.events.repository import EventRepository
from duro.modules.webhooks.model import NewDelivery
from duro.modules.webhooks.repository import DeliveryRepository, EndpointRepository


async def fan_out(scope: WorkScope, limit: int) -> Ran:
    """Give up to `limit` events to their endpoints; an event that nobody wants is done too."""
    async with scope.begin() as tx:
        events = await EventRepository(tx).claim_undispatched(limit)
        if not events:
            return Ran(0)
        endpoints = await EndpointRepository(tx).share_enabled()
        # Ids in the order of the events: deliveries that are due together go out in that order.
        deliveries = [
            NewDelivery(new_id("whd", wall=tx.wall), event.id, endpoint.id)
            for event in events
            for endpoint in endpoints
            if endpoint.wants(event.type)
        ]
        await DeliveryRepository(tx).add(deliveries)
        await EventRepository(tx).mark_dispatched([event.id for event in events])
        if deliveries:
            tx.ring("webhook.deliver")
    return Ran(len(events))
