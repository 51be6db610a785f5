"""The list of events over HTTP; one event with its deliveries is shown by webhooks, which knows both."""

from typing import Final

from duro.kit.call import Call
from duro.kit.pagination import Page
from duro.kit.registry import Routes
from duro.modules.events.repository import EventRepository
from duro.modules.events.schemas import EventOut, EventQuery, event_out

routes: Final = Routes(tag="Events")


@routes.get("/v1/events", permission="read")
async def list_events(call: Call, query: EventQuery) -> Page[EventOut]:
    """Events, newest first."""
    seek = call.seek("events", query)
    return seek.page(await EventRepository(call.tx).page(seek, of_type=query.type), event_out)
