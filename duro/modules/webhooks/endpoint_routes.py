"""Endpoints and their deliveries over HTTP, for members who have signed in: keys do not reach them."""

from datetime import UTC, datetime
from typing import Final

from duro.errors import ConflictError
from duro.kit.call import SESSION_ONLY, Call
from duro.kit.limits import LimitClass
from duro.kit.pagination import ListQuery, Page
from duro.kit.registry import DoneByMembers, ReadByMembers, Routes
from duro.modules.webhooks.endpoint_schemas import (
    DeliveryQuery,
    EnabledOut,
    EndpointCreate,
    EndpointOut,
    EndpointUpdate,
    EndpointWithSecretOut,
    RemovedOut,
    ReplayAsk,
    ReplayedOut,
    SentDetailOut,
    SentOut,
    TriedOut,
    enabled_out,
    endpoint_out,
    endpoint_with_secret_out,
    sent_detail_out,
    sent_out,
    tried_out,
)
from duro.modules.webhooks.endpoints import EndpointService
from duro.modules.webhooks.repository import DeliveryRepository, EndpointRepository
from duro.modules.webhooks.service import ReplayService

_ENDPOINTS: Final = "/dashboard/api/{mode}/webhook-endpoints"
_DELIVERIES: Final = "/dashboard/api/{mode}/webhook-deliveries"
_READ: Final[ReadByMembers] = {"permission": "read", "credential": SESSION_ONLY}
# The services open their own transactions: an address is looked at, and sent to, outside of any.
_CHANGE: Final[DoneByMembers] = {
    "permission": "webhook:manage",
    "credential": SESSION_ONLY,
    "transaction": "own",
}
_EXAMPLE: Final = {"url": "https://shop.example/duro", "events": ["subscription_recovered"]}
_SPAN: Final = {"since": "2027-03-01T00:00:00Z", "until": None, "all": False}
# No event is later, so an open end needs no statement of its own.
_END: Final = datetime(9000, 1, 1, tzinfo=UTC)


def core_routes(endpoints: EndpointService, replays: ReplayService) -> Routes:
    """The operations on the endpoints of the asking member's tenant, and on what is sent there."""
    entries = Routes(tag="Webhooks")
    _look_at_endpoints(entries)
    _keep_endpoints(entries, endpoints)
    _run_endpoints(entries, endpoints)
    _look_at_deliveries(entries)
    _replay(entries, replays)
    return entries


def _look_at_endpoints(entries: Routes) -> None:
    @entries.get(_ENDPOINTS, **_READ)
    async def list_webhook_endpoints(call: Call, query: ListQuery) -> Page[EndpointOut]:
        """Endpoints, newest first."""
        place = call.seek("webhook_endpoints", query)
        return place.page(await EndpointRepository(call.tx).page(place), endpoint_out)

    @entries.get(f"{_ENDPOINTS}/{{id}}", id_prefix="whe", **_READ)
    async def read_webhook_endpoint(call: Call, endpoint_id: str) -> EndpointOut:
        """One endpoint."""
        return endpoint_out(await EndpointRepository(call.tx).get(endpoint_id))


def _keep_endpoints(entries: Routes, endpoints: EndpointService) -> None:
    @entries.post(_ENDPOINTS, status=201, errors=(ConflictError,), example=_EXAMPLE, **_CHANGE)
    async def create_webhook_endpoint(call: Call, body: EndpointCreate) -> EndpointWithSecretOut:
        """Have events sent to an address; the secret is in this answer and in no other."""
        made = await endpoints.add(call.mode, call.tenant.id, url=body.url, types=body.events)
        return endpoint_with_secret_out(made.endpoint, made.secret)

    @entries.patch(f"{_ENDPOINTS}/{{id}}", id_prefix="whe", example=_EXAMPLE, **_CHANGE)
    async def update_webhook_endpoint(
        call: Call, endpoint_id: str, body: EndpointUpdate
    ) -> EndpointOut:
        """Change its address or its types; what waits for it goes to the new address."""
        changed = await endpoints.change(
            call.mode, call.tenant.id, endpoint_id, url=body.url, types=body.events
        )
        return endpoint_out(changed)

    @entries.delete(f"{_ENDPOINTS}/{{id}}", id_prefix="whe", **_CHANGE)
    async def remove_webhook_endpoint(call: Call, endpoint_id: str) -> RemovedOut:
        """Remove an endpoint with all that was sent or waits to be sent there."""
        await endpoints.remove(call.mode, call.tenant.id, endpoint_id)
        return RemovedOut(id=endpoint_id)

    @entries.post(f"{_ENDPOINTS}/{{id}}/rotate-secret", id_prefix="whe", **_CHANGE)
    async def rotate_webhook_secret(call: Call, endpoint_id: str) -> EndpointWithSecretOut:
        """Give it a new secret; until the next rotation the present one signs beside it."""
        made = await endpoints.rotate(call.mode, call.tenant.id, endpoint_id)
        return endpoint_with_secret_out(made.endpoint, made.secret)


def _run_endpoints(entries: Routes, endpoints: EndpointService) -> None:
    @entries.post(f"{_ENDPOINTS}/{{id}}/disable", id_prefix="whe", **_CHANGE)
    async def disable_webhook_endpoint(call: Call, endpoint_id: str) -> EndpointOut:
        """Send nothing there; what waits for it keeps waiting."""
        await endpoints.disable(call.mode, call.tenant.id, endpoint_id)
        return endpoint_out(await endpoints.get(call.mode, call.tenant.id, endpoint_id))

    @entries.post(f"{_ENDPOINTS}/{{id}}/enable", id_prefix="whe", **_CHANGE)
    async def enable_webhook_endpoint(call: Call, endpoint_id: str) -> EnabledOut:
        """Send there again, first what waited."""
        waiting = await endpoints.enable(call.mode, call.tenant.id, endpoint_id)
        return enabled_out(await endpoints.get(call.mode, call.tenant.id, endpoint_id), waiting)

    @entries.post(f"{_ENDPOINTS}/{{id}}/test", id_prefix="whe", limit=LimitClass.SEND, **_CHANGE)
    async def test_webhook_endpoint(call: Call, endpoint_id: str) -> TriedOut:
        """Send one signed test event, also to a disabled endpoint, and say what was answered."""
        return tried_out(await endpoints.send_test(call.mode, call.tenant.id, endpoint_id))


def _look_at_deliveries(entries: Routes) -> None:
    @entries.get(f"{_ENDPOINTS}/{{id}}/deliveries", id_prefix="whe", **_READ)
    async def list_webhook_deliveries(
        call: Call, endpoint_id: str, query: DeliveryQuery
    ) -> Page[SentOut]:
        """What an endpoint was sent, newest first."""
        await EndpointRepository(call.tx).get(endpoint_id)
        place = call.seek(f"webhook_deliveries {endpoint_id}", query)
        deliveries = DeliveryRepository(call.tx)
        found = await deliveries.page_of_endpoint(endpoint_id, place, status=query.status)
        return place.page(found, sent_out)

    @entries.get(f"{_DELIVERIES}/{{id}}", id_prefix="whd", **_READ)
    async def read_webhook_delivery(call: Call, delivery_id: str) -> SentDetailOut:
        """One delivery with its attempts: what was answered, how fast, and the beginning of it."""
        deliveries = DeliveryRepository(call.tx)
        sent = await deliveries.get(delivery_id)
        return sent_detail_out(sent, await deliveries.list_attempts([delivery_id]))


def _replay(entries: Routes, replays: ReplayService) -> None:
    @entries.post(
        f"{_DELIVERIES}/{{id}}/replay", id_prefix="whd", errors=(ConflictError,), **_CHANGE
    )
    async def replay_webhook_delivery(call: Call, delivery_id: str) -> ReplayedOut:
        """Send one delivery anew under the same ids, whatever came of it."""
        await replays.replay(call.mode, call.tenant.id, delivery_id)
        return ReplayedOut(count=1)

    @entries.post(
        f"{_ENDPOINTS}/{{id}}/replay",
        id_prefix="whe",
        errors=(ConflictError,),
        example=_SPAN,
        **_CHANGE,
    )
    async def replay_webhook_endpoint(call: Call, endpoint_id: str, body: ReplayAsk) -> ReplayedOut:
        """Send an endpoint what it missed of a span of time, under the same ids."""
        count = await replays.replay_range(
            *(call.mode, call.tenant.id, endpoint_id),
            since=body.since,
            until=body.until or _END,
            is_all=body.all,
        )
        return ReplayedOut(count=count)
