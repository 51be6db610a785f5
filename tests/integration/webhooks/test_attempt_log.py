"""Holds the log of attempts: every one of the receiver's, with what came of it, and nothing that is secret."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from aiohttp import web

from duro.kit.clock import FixedClock
from duro.kit.envelope import Envelope
from duro.kit.json import dumps
from duro.modules.events.model import EventType
from duro.modules.events.repository import EventRepository
from duro.modules.webhooks.repository import DeliveryRepository
from duro.modules.webhooks.schemas import event_detail_out
from tests.support.receiver import Receiver
from tests.support.webhooks import Merchant

CREATED: Final = EventType.SUBSCRIPTION_CREATED


async def inspect(merchant: Merchant, event_id: str) -> dict[str, Any]:
    """An event with its deliveries as the API shows it."""
    async with merchant.scope.begin() as tx:
        repository = DeliveryRepository(tx)
        event = await EventRepository(tx).get(event_id)
        deliveries = await repository.list_of_event(event_id)
        attempts = await repository.list_attempts([each.id for each in deliveries])
    return event_detail_out(event, deliveries, attempts).model_dump(by_alias=True, mode="json")


async def test_each_attempt_stands_in_the_log_with_its_end(
    merchant: Merchant, clock: FixedClock, receiver: Receiver
) -> None:
    async def falter(_: web.Request) -> web.StreamResponse:
        await asyncio.sleep(0.05)
        return web.Response(status=500, text="x" * 5000)

    async def drop(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    await merchant.add(receiver.url)
    (event_id,) = await merchant.happen(CREATED)
    began_at = clock.at
    for reaction in (falter, drop, None):
        receiver.react = reaction
        await merchant.send()
        clock.move(timedelta(hours=1))

    (delivery,) = (await inspect(merchant, event_id))["deliveries"]
    first, second, third = delivery["attemptLog"]
    assert delivery["attempts"] == 3
    assert [each["number"] for each in (first, second, third)] == [1, 2, 3]
    assert (first["status"], first["error"], first["answer"]) == (500, "HTTP 500", "x" * 2048)
    assert 50 <= first["durationMs"] < 1500
    assert second["status"] is second["answer"] is None
    assert second["error"] == "no HTTP answer: ServerDisconnectedError"
    assert (third["status"], third["error"], third["answer"]) == (200, None, "noted")
    ended_at = [datetime.fromisoformat(each["at"]) for each in (first, second, third)]
    assert ended_at == [began_at + timedelta(hours=hours) for hours in range(3)]


async def test_a_fault_of_ours_is_not_among_the_attempts(
    merchant: Merchant, receiver: Receiver
) -> None:
    await merchant.add(receiver.url)
    (event_id,) = await merchant.happen(CREATED)

    await replace(merchant, envelope=Envelope([bytes(32)])).send()

    (delivery,) = (await inspect(merchant, event_id))["deliveries"]
    assert (delivery["attempts"], delivery["attemptLog"]) == (0, [])
    assert delivery["lastError"] == "an error of Duro's own; the attempt does not count"


async def test_the_log_is_bounded_and_shows_the_newest(
    merchant: Merchant, receiver: Receiver
) -> None:
    receiver.status = 410
    for _ in range(120):
        await merchant.add(receiver.url)
    (event_id,) = await merchant.happen(CREATED)
    await merchant.run(merchant.fan_out)
    await merchant.query(
        "INSERT INTO webhook_attempts (tenant_id, delivery_id, number, at, duration_ms, status)"
        " SELECT tenant_id, id, number, created_at, 1, 500"
        "   FROM webhook_deliveries, generate_series(1, 30) AS number"
    )

    shown = await inspect(merchant, event_id)

    assert len(shown["deliveries"]) == 100
    for delivery in shown["deliveries"]:
        assert [each["number"] for each in delivery["attemptLog"]] == list(range(21, 31))


async def test_no_secret_stands_in_what_is_shown_and_kept(
    merchant: Merchant, receiver: Receiver
) -> None:
    shown = await merchant.add(receiver.url)
    turned = await merchant.service.rotate(merchant.mode, merchant.tenant_id, shown.endpoint.id)
    (event_id,) = await merchant.happen(CREATED)
    await merchant.send()

    text = dumps(await inspect(merchant, event_id)).decode()
    kept = str(await merchant.query("SELECT * FROM webhook_attempts"))

    for secret in (shown.secret, turned.secret):
        assert secret.removeprefix("whsec_") not in text + kept
    (got,) = receiver.received
    assert got.headers["Duro-Signature"].partition("v1=")[2] not in text + kept


async def test_a_delivery_that_is_removed_takes_its_log_with_it(
    merchant: Merchant, receiver: Receiver
) -> None:
    shown = await merchant.add(receiver.url)
    await merchant.happen(CREATED)
    await merchant.send()

    await merchant.service.remove(merchant.mode, merchant.tenant_id, shown.endpoint.id)

    assert await merchant.query("SELECT number FROM webhook_attempts") == []
