"""Events over HTTP."""

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta

import pytest

from duro.adapters.egress import GuardedEgress
from duro.kit.clock import FixedClock
from duro.kit.db import Database
from duro.kit.modes import Mode
from duro.kit.registry import Routes
from duro.modules.events.model import EventType
from duro.modules.events.routes import routes as event_routes
from duro.modules.webhooks.routes import routes as webhook_routes
from tests.support.api import Client, Server
from tests.support.receiver import running_receiver
from tests.support.webhooks import Merchant

CREATED = EventType.SUBSCRIPTION_CREATED
PAID = EventType.SUBSCRIPTION_PAYMENT_SUCCESS
# As product documentation lists them.
TYPES = {
    "subscription_created",
    "subscription_activated",
    "subscription_updated",
    "subscription_plan_changed",
    "subscription_paused",
    "subscription_resumed",
    "subscription_past_due",
    "subscription_recovered",
    "subscription_unpaid",
    "subscription_expired",
    "subscription_cancelled",
    "subscription_payment_success",
    "subscription_payment_failed",
    "subscription_payment_recovered",
    "subscription_payment_refunded",
    "subscription_payment_action_required",
    "invoice_created",
}


@pytest.fixture
def routes() -> Sequence[Routes]:
    return (event_routes, webhook_routes)


@pytest.fixture
async def merchant(
    db: Database, clock: FixedClock, database_url: str, tenant: str
) -> AsyncIterator[Merchant]:
    async with GuardedEgress(allow_loopback=True) as egress:
        yield Merchant(db, clock, database_url, tenant, Mode.TEST, egress)


def test_every_described_type_exists_and_no_other() -> None:
    assert set(EventType) == TYPES


async def test_events_are_listed_newest_first_over_pages(
    client: Client, merchant: Merchant, clock: FixedClock
) -> None:
    happened = await merchant.happen(CREATED, PAID)
    clock.move(timedelta(seconds=1))
    happened += await merchant.happen(PAID)

    first = await client.get("/v1/events?limit=2")
    second = await client.get(f"/v1/events?limit=2&cursor={first.json['nextCursor']}")

    pages = [first.json["items"], second.json["items"]]
    assert [[event["id"] for event in page] for page in pages] == [
        [happened[2], happened[1]],
        [happened[0]],
    ]
    assert (first.json["hasMore"], second.json["hasMore"]) == (True, False)


async def test_an_event_is_shown_as_it_was_written(client: Client, merchant: Merchant) -> None:
    data = {"subscriptionId": "sub_1", "amount": 500000, "invoice": None, "lines": [{"a": "ọ"}]}
    (event_id,) = await merchant.happen(CREATED, data=data)

    listed = (await client.get("/v1/events")).json["items"]

    assert listed == [
        {
            "id": event_id,
            "type": "subscription_created",
            "createdAt": "2026-01-28T09:00:00.000Z",
            "data": data,
            "dispatchedAt": None,
        }
    ]
    assert list(listed[0]) == ["id", "type", "createdAt", "data", "dispatchedAt"]


async def test_the_list_is_filtered_by_type_and_range(
    client: Client, merchant: Merchant, clock: FixedClock
) -> None:
    early, _ = await merchant.happen(CREATED, PAID)
    clock.move(timedelta(hours=1))
    late, _ = await merchant.happen(CREATED, PAID)

    by_type = await client.get("/v1/events?type=subscription_created")
    by_range = await client.get(
        "/v1/events?type=subscription_created&createdFrom=2026-01-28T09:30:00Z"
    )

    assert [event["id"] for event in by_type.json["items"]] == [late, early]
    assert [event["id"] for event in by_range.json["items"]] == [late]


async def test_an_unknown_type_is_refused(client: Client) -> None:
    refused = await client.get("/v1/events?type=subscription_exploded")

    assert (refused.status, refused.code, refused.paths) == (422, "validation_error", ["type"])


async def test_one_event_is_shown_with_its_deliveries(client: Client, merchant: Merchant) -> None:
    async with running_receiver() as receiver:
        receiver.status = 500
        shown = await merchant.add(receiver.url)
        (event_id,) = await merchant.happen(CREATED)
        await merchant.send()

    got = await client.get(f"/v1/events/{event_id}")

    assert got.status == 200
    assert got.json["dispatchedAt"] == "2026-01-28T09:00:00.000Z"
    (delivery,) = got.json["deliveries"]
    assert delivery.pop("id").startswith("whd_")
    assert delivery.pop("nextAttemptAt") > "2026-01-28T09:00:00.000Z"
    (attempt,) = delivery.pop("attemptLog")
    assert attempt.pop("durationMs") >= 0
    assert attempt == {
        "number": 1,
        "at": "2026-01-28T09:00:00.000Z",
        "status": 500,
        "error": "HTTP 500",
        "answer": "noted",
    }
    assert delivery == {
        "endpointId": shown.endpoint.id,
        "url": receiver.url,
        "status": "pending",
        "attempts": 1,
        "lastStatus": 500,
        "lastError": "HTTP 500",
        "lastAnswer": "noted",
        "createdAt": "2026-01-28T09:00:00.000Z",
        "settledAt": None,
    }


async def test_another_tenants_and_another_modes_event_is_not_found(
    server: Server, merchant: Merchant, tenant: str, tenant_b: str
) -> None:
    (event_id,) = await merchant.happen(CREATED)
    strangers = [await server.client(tenant_b, Mode.TEST), await server.client(tenant, Mode.LIVE)]

    for stranger in strangers:
        answers = [await stranger.get(f"/v1/events/{each}") for each in (event_id, "evt_1")]

        assert [(answer.status, answer.code) for answer in answers] == [(404, "not_found")] * 2
        assert (await stranger.get("/v1/events")).json["items"] == []
