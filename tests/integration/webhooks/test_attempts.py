"""Holds attempts to their schedule: failures, lost processes, answers of every kind, our own faults."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Final

import pytest
from aiohttp import web

from duro.adapters.egress import GuardedEgress
from duro.kit.clock import FixedClock
from duro.kit.envelope import Envelope
from duro.modules.events.model import EventType
from duro.modules.webhooks.model import Delivery, DeliveryStatus
from duro.modules.webhooks.repository import DeliveryRepository
from tests.support.receiver import Receiver, counting_listener, hanging, until
from tests.support.webhooks import Merchant

CREATED: Final = EventType.SUBSCRIPTION_CREATED
PAID: Final = EventType.SUBSCRIPTION_PAYMENT_SUCCESS
INVOICED: Final = EventType.INVOICE_CREATED
# First try at once, then these.
SCHEDULE: Final = (
    *(timedelta(minutes=minutes) for minutes in (1, 5, 30, 120, 360)),
    *[timedelta(hours=24)] * 3,
)


async def test_failures_are_retried_on_the_schedule_with_the_same_bytes(
    merchant: Merchant, clock: FixedClock, receiver: Receiver
) -> None:
    receiver.status = 500
    await merchant.add(receiver.url)
    (event_id,) = await merchant.happen(CREATED, data={"b": 1, "a": [2, {"c": None}]})

    waits = []
    while (delivery := await _send_and_look(merchant, event_id)).next_attempt_at is not None:
        waits.append(delivery.next_attempt_at - clock.at)
        clock.at = delivery.next_attempt_at - timedelta(seconds=1)
        assert (await merchant.send()).done == 0
        assert not await merchant.is_listed(merchant.deliver)
        clock.at = delivery.next_attempt_at
        assert await merchant.is_listed(merchant.deliver)

    assert (delivery.status, delivery.attempts) == ("failed", 9)
    assert (delivery.last_status, delivery.last_error) == (500, "HTTP 500")
    assert len(waits) == len(SCHEDULE)
    for wait, described in zip(waits, SCHEDULE, strict=True):
        assert described * 0.9 <= wait <= described
    assert set(receiver.event_ids) == {event_id}
    assert len({each.body for each in receiver.received}) == 1
    assert len({each.headers["webhook-timestamp"] for each in receiver.received}) == 9


async def _send_and_look(merchant: Merchant, event_id: str) -> Delivery:
    await merchant.send()
    return await merchant.delivery(event_id)


async def test_a_receiver_that_recovers_gets_the_event_and_no_more_of_it(
    merchant: Merchant, clock: FixedClock, receiver: Receiver
) -> None:
    receiver.status = 503
    await merchant.add(receiver.url)
    (event_id,) = await merchant.happen(CREATED)
    await merchant.send()

    receiver.status = 204
    for _ in range(5):
        clock.move(timedelta(minutes=1))
        await merchant.send()

    assert receiver.event_ids == [event_id, event_id]
    assert (await merchant.delivery(event_id)).status is DeliveryStatus.DELIVERED


async def test_a_process_that_dies_after_its_claim_loses_nothing(
    merchant: Merchant, clock: FixedClock, receiver: Receiver
) -> None:
    await merchant.add(receiver.url)
    (event_id,) = await merchant.happen(CREATED)
    await merchant.run(merchant.fan_out)
    async with merchant.scope.begin() as tx:
        lease_until = tx.wall + timedelta(seconds=60)
        (claimed,) = await DeliveryRepository(tx).claim(
            100, per_endpoint=20, under_way={}, lease_until=lease_until
        )

    clock.move(timedelta(seconds=59))
    assert not await merchant.is_listed(merchant.deliver)
    assert (await merchant.run(merchant.deliver)).done == 0
    clock.move(timedelta(seconds=1))
    assert await merchant.is_listed(merchant.deliver)
    assert (await merchant.run(merchant.deliver)).done == 1

    assert claimed.event_id == event_id
    assert receiver.event_ids == [event_id]
    assert (await merchant.delivery(event_id)).attempts == 1


async def test_a_run_that_is_cancelled_leaves_its_deliveries_to_the_next(
    merchant: Merchant, clock: FixedClock, receiver: Receiver
) -> None:
    receiver.react = hanging()
    await merchant.add(receiver.url)
    (event_id,) = await merchant.happen(CREATED)
    await merchant.run(merchant.fan_out)
    running = asyncio.ensure_future(merchant.run(merchant.deliver))
    await until(lambda: bool(receiver.received))

    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    receiver.react = None
    clock.move(timedelta(seconds=60))
    await merchant.run(merchant.deliver)

    assert receiver.event_ids == [event_id, event_id]
    delivery = await merchant.delivery(event_id)
    assert (delivery.status, delivery.attempts) == ("delivered", 1)


async def test_410_disables_the_endpoint_and_keeps_its_queue(
    merchant: Merchant, clock: FixedClock, receiver: Receiver, other: Receiver
) -> None:
    shown = await merchant.add(receiver.url)
    await merchant.add(other.url)
    receiver.status = 500
    (waiting,) = await merchant.happen(CREATED)
    await merchant.send()
    receiver.status = 410
    (refused,) = await merchant.happen(PAID)
    await merchant.send()

    clock.move(timedelta(hours=1))
    (later,) = await merchant.happen(INVOICED)
    await merchant.send()
    await merchant.send()

    assert receiver.event_ids == [waiting, refused]
    assert other.event_ids == [waiting, refused, later]
    endpoint = (await merchant.service.list_all(merchant.mode, merchant.tenant_id))[0]
    assert endpoint.id == shown.endpoint.id
    assert endpoint.disabled_at == clock.at - timedelta(hours=1)
    (gone,) = [
        each for each in await merchant.deliveries(refused) if each.endpoint_id == endpoint.id
    ]
    assert (gone.status, gone.last_status, gone.attempts) == ("failed", 410, 1)
    (kept,) = [
        each for each in await merchant.deliveries(waiting) if each.endpoint_id == endpoint.id
    ]
    assert (kept.status, kept.next_attempt_at) == ("pending", None)
    assert len(await merchant.deliveries(later)) == 1
    assert await merchant.next_due(merchant.deliver) is None
    assert not await merchant.is_listed(merchant.deliver)


@pytest.mark.parametrize("status", [429, 503])
async def test_retry_after_is_waited_for(
    merchant: Merchant, clock: FixedClock, receiver: Receiver, status: int
) -> None:
    receiver.status, receiver.headers = status, {"Retry-After": "7200"}
    await merchant.add(receiver.url)
    (event_id,) = await merchant.happen(CREATED)

    await merchant.send()

    assert (await merchant.delivery(event_id)).next_attempt_at == clock.at + timedelta(hours=2)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_a_failure_and_is_not_followed(
    merchant: Merchant, receiver: Receiver, other: Receiver, status: int
) -> None:
    receiver.status, receiver.headers = status, {"Location": other.url}
    await merchant.add(receiver.url)
    (event_id,) = await merchant.happen(CREATED)

    await merchant.send()

    assert other.received == []
    delivery = await merchant.delivery(event_id)
    assert (delivery.status, delivery.last_error) == ("pending", f"HTTP {status}")


async def test_a_connection_that_is_reset_is_tried_again(
    merchant: Merchant, receiver: Receiver
) -> None:
    async def reset(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    receiver.react = reset
    await merchant.add(receiver.url)
    (event_id,) = await merchant.happen(CREATED)

    await merchant.send()

    delivery = await merchant.delivery(event_id)
    assert (delivery.status, delivery.attempts) == ("pending", 1)
    assert (delivery.last_status, delivery.last_answer) == (None, None)
    assert delivery.last_error is not None


async def test_a_time_out_is_a_failed_attempt(merchant: Merchant, receiver: Receiver) -> None:
    receiver.react = hanging()
    await merchant.add(receiver.url)
    (event_id,) = await merchant.happen(CREATED)

    await merchant.send()

    delivery = await merchant.delivery(event_id)
    assert (delivery.status, delivery.attempts) == ("pending", 1)
    assert delivery.last_error is not None
    assert delivery.last_error.startswith("no answer within")


async def test_a_blocked_destination_ends_the_delivery_without_a_connection(
    merchant: Merchant,
) -> None:
    async with counting_listener() as listener, GuardedEgress() as strict:
        await merchant.add(f"http://127.0.0.1:{listener.port}/")
        (event_id,) = await merchant.happen(CREATED)
        await replace(merchant, egress=strict).send()

    delivery = await merchant.delivery(event_id)
    assert (delivery.status, delivery.last_error) == ("failed", "blocked destination")
    assert listener.connections == 0


async def test_our_own_fault_uses_up_no_attempt(
    merchant: Merchant, clock: FixedClock, receiver: Receiver
) -> None:
    await merchant.add(receiver.url)
    (event_id,) = await merchant.happen(CREATED)
    keyless = replace(merchant, envelope=Envelope([bytes(32)]))

    for _ in range(20):
        await keyless.send()
        clock.move(timedelta(hours=24))
    broken = await merchant.delivery(event_id)
    await merchant.send()

    assert (broken.status, broken.attempts) == ("pending", 0)
    assert receiver.event_ids == [event_id]
    mended = await merchant.delivery(event_id)
    assert (mended.status, mended.attempts, mended.last_error) == ("delivered", 1, None)


async def test_under_a_test_clock_retries_are_business_time_and_stamps_are_wall_time(
    merchant: Merchant, clock: FixedClock, receiver: Receiver
) -> None:
    at = clock.at + timedelta(days=300)
    receiver.status = 500
    await merchant.add(receiver.url)
    await merchant.query(
        "INSERT INTO test_clocks (tenant_id, now) VALUES ($1, $2)",
        merchant.tenant_id,
        at,
    )

    (event_id,) = await merchant.happen(CREATED)
    await merchant.send()

    (got,) = receiver.received
    assert got.headers["webhook-timestamp"] == str(int(clock.at.timestamp()))
    assert got.json["createdAt"] == "2026-11-24T09:00:00.000Z"
    due_at = (await merchant.delivery(event_id)).next_attempt_at
    assert due_at == await merchant.next_due(merchant.deliver)
    assert due_at is not None
    assert at < due_at <= at + timedelta(minutes=1)
    listed = await merchant.db.scan(
        merchant.mode, merchant.deliver.list_due, clock.wall(), [merchant.tenant_id], [due_at]
    )
    assert [row["tenant_id"] for row in listed] == [merchant.tenant_id]
