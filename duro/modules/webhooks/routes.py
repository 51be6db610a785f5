"""One event with its deliveries over HTTP; endpoints are not managed with keys."""

from typing import Final

from duro.kit.call import Call
from duro.kit.registry import Routes
from duro.modules.events.repository import EventRepository
from duro.modules.webhooks.repository import DeliveryRepository
from duro.modules.webhooks.schemas import EventDetailOut, event_detail_out

routes: Final = Routes(tag="Events")


@routes.get("/v1/events/{id}", permission="read", id_prefix="evt")
async def read_event(call: Call, event_id: str) -> EventDetailOut:
    """One event, and how far it has come to each endpoint."""
    event = await EventRepository(call.tx).get(event_id)
    repository = DeliveryRepository(call.tx)
    deliveries = await repository.list_of_event(event_id)
    attempts = await repository.list_attempts([delivery.id for delivery in deliveries])
    return event_detail_out(event, deliveries, attempts)
