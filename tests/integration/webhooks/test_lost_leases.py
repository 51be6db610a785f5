"""Holds attempts that outlive their lease to one record: an arrival counts, another failure does not."""

import asyncio
from datetime import timedelta
from typing import Final

import pytest
from aiohttp import web

from duro.kit.clock import FixedClock
from duro.modules.events.model import EventType
from tests.support.receiver import Receiver, until
from tests.support.webhooks import Merchant

CREATED: Final = EventType.SUBSCRIPTION_CREATED
LEASE: Final = timedelta(seconds=60)


@pytest.mark.parametrize(
    ("answers", "status", "attempts"),
    [
        pytest.param((200, 200), "delivered", [200], id="both arrive"),
        pytest.param((500, 200), "delivered", [200], id="the late one fails"),
        pytest.param((200, 500), "delivered", [500, 200], id="only the late one arrives"),
        pytest.param((500, 500), "pending", [500], id="both fail"),
        pytest.param((410, 200), "delivered", [200], id="the late one is gone"),
    ],
)
async def test_an_attempt_that_outlives_its_lease_is_recorded_once(
    merchant: Merchant,
    clock: FixedClock,
    receiver: Receiver,
    answers: tuple[int, int],
    status: str,
    attempts: list[int],
) -> None:
    late, meanwhile = answers
    let_go = asyncio.Event()

    async def react(_: web.Request) -> web.StreamResponse:
        if len(receiver.received) == 1:
            await let_go.wait()
            return web.Response(status=late)
        return web.Response(status=meanwhile)

    receiver.react = react
    await merchant.add(receiver.url)
    (event_id,) = await merchant.happen(CREATED)
    await merchant.run(merchant.fan_out)
    slow = asyncio.ensure_future(merchant.run(merchant.deliver))
    await until(lambda: len(receiver.received) == 1)
    clock.move(LEASE)
    quick = await merchant.run(merchant.deliver)
    let_go.set()
    await slow

    assert quick.done == 1
    assert receiver.event_ids == [event_id, event_id]
    assert len({each.body for each in receiver.received}) == 1
    delivery = await merchant.delivery(event_id)
    assert (delivery.status, delivery.attempts) == (status, len(attempts))
    logged = await merchant.query("SELECT number, status FROM webhook_attempts ORDER BY number")
    assert [tuple(row) for row in logged] == list(enumerate(attempts, start=1))
