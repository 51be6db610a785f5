"""Holds slow and flooding receivers to their share of time, connections and memory."""

import asyncio
from collections.abc import Sequence
from typing import Final

import pytest
from aiohttp import web

from duro.kit.bells import Bell
from duro.modules.events.model import EventType
from duro.modules.webhooks import deliver
from duro.modules.webhooks.model import DeliveryStatus
from tests.support.receiver import Receiver, hanging, until
from tests.support.webhooks import TIMEOUT_S, Merchant

CREATED: Final = EventType.SUBSCRIPTION_CREATED
PAID: Final = EventType.SUBSCRIPTION_PAYMENT_SUCCESS


async def test_an_answer_without_end_is_cut_and_counts_by_its_status(
    merchant: Merchant, receiver: Receiver
) -> None:
    written = 0

    async def flood(request: web.Request) -> web.StreamResponse:
        nonlocal written
        response = web.StreamResponse()
        await response.prepare(request)
        while written < 64 * 1024 * 1024:
            await response.write(b"\x00\xff" + b"x" * 65534)
            written += 65536
        return response

    receiver.react = flood
    await merchant.add(receiver.url)
    (event_id,) = await merchant.happen(CREATED)

    await merchant.send()

    delivery = await merchant.delivery(event_id)
    assert delivery.status is DeliveryStatus.DELIVERED
    assert delivery.last_answer == "\ufffd\ufffd" + "x" * 2046
    # What was written beyond the 64 kB that are read lies in the buffers of the kernel.
    assert written < 16 * 1024 * 1024


async def test_an_answer_that_stalls_after_its_status_counts_by_its_status(
    merchant: Merchant, receiver: Receiver
) -> None:
    async def stall(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "100"})
        await response.prepare(request)
        await response.write(b"so far")
        await asyncio.sleep(TIMEOUT_S * 4)
        return response

    receiver.react = stall
    await merchant.add(receiver.url)
    (event_id,) = await merchant.happen(CREATED)

    await merchant.send()

    delivery = await merchant.delivery(event_id)
    assert (delivery.status, delivery.last_answer) == ("delivered", "so far")


async def test_a_slow_receiver_delays_nobody_else(
    merchant: Merchant, receiver: Receiver, other: Receiver
) -> None:
    receiver.react = hanging()
    await merchant.add(receiver.url)
    await merchant.add(other.url)
    before = await merchant.happen(*[CREATED] * 60, object_id="sub_1")
    await merchant.run(merchant.fan_out)
    running = asyncio.ensure_future(merchant.run(merchant.deliver))
    await until(lambda: len(other.received) == 60)

    # While the slow one still holds its first attempts, more happens.
    started_s = asyncio.get_running_loop().time()
    (after,) = await merchant.happen(PAID, object_id="sub_2")
    await merchant.run(merchant.fan_out)
    await until(lambda: len(other.received) == 61)
    waited_s = asyncio.get_running_loop().time() - started_s
    is_still_busy = not running.done()
    running.cancel()

    assert other.event_ids[:60] == before
    assert other.event_ids[60] == after
    assert is_still_busy
    assert waited_s < 1.0


async def test_many_slow_receivers_delay_nobody_else(
    merchant: Merchant, receiver: Receiver, other: Receiver
) -> None:
    receiver.react = hanging()
    for _ in range(8):
        await merchant.add(receiver.url)
    await merchant.add(other.url, "subscription_payment_success")
    for number in range(40):
        await merchant.happen(CREATED, object_id=f"sub_{number}")
    await merchant.run(merchant.fan_out)
    running = asyncio.ensure_future(merchant.run(merchant.deliver))
    # Together they take all that a round has room for, and no more.
    await until(lambda: len(receiver.received) == 100)
    await asyncio.sleep(0.3)
    held = len(receiver.received)

    started_s = asyncio.get_running_loop().time()
    await merchant.happen(PAID, object_id="sub_after")
    await merchant.run(merchant.fan_out)
    await until(lambda: len(other.received) == 1)
    waited_s = asyncio.get_running_loop().time() - started_s
    is_still_busy = not running.done()
    running.cancel()

    assert held == 100
    assert is_still_busy
    assert waited_s < 0.8


async def test_a_round_ends_in_time_and_leaves_the_queue_of_a_slow_receiver_to_the_next(
    merchant: Merchant, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[str] = []

    class Bells:
        async def ring(self, bells: Sequence[Bell]) -> None:
            heard.extend(bell.work for bell in bells)

    receiver.react = hanging()
    await merchant.add(receiver.url)
    for number in range(60):
        await merchant.happen(CREATED, object_id=f"sub_{number}")
    await merchant.run(merchant.fan_out)
    merchant.db.doorbell = Bells()
    monkeypatch.setattr(deliver, "_ROUND_S", TIMEOUT_S / 2)
    started_s = asyncio.get_running_loop().time()

    ran = await merchant.run(merchant.deliver)

    assert ran.done == 20
    assert asyncio.get_running_loop().time() - started_s < TIMEOUT_S * 2
    assert heard == ["webhook.deliver"]
    assert await merchant.is_listed(merchant.deliver)


async def test_a_slow_receiver_is_asked_for_no_more_than_its_share_at_once(
    merchant: Merchant, receiver: Receiver
) -> None:
    under_way = most = 0

    async def slow(_: web.Request) -> web.StreamResponse:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.2)
        under_way -= 1
        return web.Response()

    receiver.react = slow
    await merchant.add(receiver.url)
    for number in range(60):
        await merchant.happen(CREATED, object_id=f"sub_{number}")

    ran = await merchant.send()

    assert ran.done == 60
    assert most == 20
