"""Holds an event's way to its receivers: committed, fanned out once, signed, in order, to nobody else."""

import asyncio
import base64
from collections import Counter
from typing import Final

import pytest
from aiohttp import web

from duro.errors import NotFoundError
from duro.kit.clock import FixedClock, SystemClock
from duro.kit.modes import Mode
from duro.modules.events.model import EventType, NewEvent
from duro.modules.events.repository import EventRepository
from tests.support.receiver import Receiver
from tests.support.webhooks import Enrol, Merchant, verifies

CREATED: Final = EventType.SUBSCRIPTION_CREATED
PAID: Final = EventType.SUBSCRIPTION_PAYMENT_SUCCESS
INVOICED: Final = EventType.INVOICE_CREATED


async def test_an_event_arrives_signed_in_both_families(
    enrol: Enrol, clock: FixedClock, tenant: str, mode: Mode, receiver: Receiver
) -> None:
    # The official library compares the stamp with the machine's clock.
    clock.at = SystemClock().wall()
    merchant = enrol(tenant, mode)
    shown = await merchant.add(receiver.url)
    (event_id,) = await merchant.happen(PAID, data={"amount": 500000, "name": "Bọ́lá ₦"})

    ran = await merchant.send()

    (got,) = receiver.received
    assert verifies(shown.secret, got)
    assert not verifies("whsec_" + base64.b64encode(bytes(32)).decode(), got)
    assert got.headers["webhook-id"] == got.headers["Duro-Event-Id"] == event_id
    assert got.headers["Duro-Event-Type"] == "subscription_payment_success"
    assert got.headers["Content-Type"] == "application/json"
    assert list(got.json) == ["id", "type", "createdAt", "data"]
    assert got.json["id"] == event_id
    assert got.json["data"] == {"amount": 500000, "name": "Bọ́lá ₦"}
    assert ran.counts == Counter(deliveries=1)
    delivery = await merchant.delivery(event_id)
    assert (delivery.status, delivery.attempts, delivery.last_status) == ("delivered", 1, 200)
    assert delivery.last_answer == "noted"
    assert delivery.settled_at == clock.wall()


async def test_an_event_is_on_its_way_only_when_its_transaction_commits(
    merchant: Merchant, receiver: Receiver
) -> None:
    await merchant.add(receiver.url)

    with pytest.raises(RuntimeError, match="the change failed"):
        await _write_then_fail(merchant)
    await merchant.send()

    assert receiver.received == []


async def _write_then_fail(merchant: Merchant) -> None:
    async with merchant.scope.begin() as tx:
        await EventRepository(tx).add([NewEvent(CREATED, "sub_1", {})])
        raise RuntimeError("the change failed")


async def test_events_of_one_object_arrive_one_after_the_other_in_their_order(
    merchant: Merchant, receiver: Receiver
) -> None:
    under_way = most = 0

    async def falter(_: web.Request) -> web.StreamResponse:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.002)
        under_way -= 1
        return web.Response()

    receiver.react = falter
    await merchant.add(receiver.url)
    happened = [(await merchant.happen(CREATED, object_id="sub_1"))[0] for _ in range(30)]

    await merchant.send()

    assert receiver.event_ids == happened
    assert most == 1


async def test_ten_fan_outs_at_once_make_one_delivery_per_event_and_endpoint(
    merchant: Merchant, receiver: Receiver
) -> None:
    for _ in range(3):
        await merchant.add(receiver.url)
    for _ in range(10):
        await merchant.happen(*[CREATED] * 50)

    rounds = await asyncio.gather(*(merchant.run(merchant.fan_out, 100) for _ in range(10)))

    assert sum(ran.done for ran in rounds) == 500
    found = await merchant.query(
        "SELECT event_id, count(*) AS times FROM webhook_deliveries GROUP BY event_id"
    )
    assert [row["times"] for row in found] == [3] * 500
    assert await merchant.next_due(merchant.fan_out) is None


async def test_ten_runs_at_once_send_each_delivery_once(
    merchant: Merchant, receiver: Receiver
) -> None:
    await merchant.add(receiver.url)
    happened = await merchant.happen(*[CREATED] * 200)
    await merchant.run(merchant.fan_out)

    await asyncio.gather(*(merchant.run(merchant.deliver) for _ in range(10)))
    await merchant.run(merchant.deliver, 1000)

    assert sorted(receiver.event_ids) == sorted(happened)


async def test_fewer_done_than_asked_means_nothing_is_left(
    merchant: Merchant, receiver: Receiver
) -> None:
    await merchant.add(receiver.url)
    await merchant.happen(*[CREATED] * 130)

    fanned = [(await merchant.run(merchant.fan_out, 100)).done for _ in range(3)]
    sent = [(await merchant.run(merchant.deliver, 100)).done for _ in range(3)]

    assert fanned == [100, 30, 0]
    assert sent == [100, 30, 0]


async def test_an_endpoint_gets_the_types_it_asked_for_and_an_empty_list_means_all(
    merchant: Merchant, receiver: Receiver, other: Receiver
) -> None:
    await merchant.add(receiver.url, "subscription_created", "invoice_created")
    await merchant.add(other.url)

    created, paid, invoiced = await merchant.happen(CREATED, PAID, INVOICED)
    await merchant.send()

    assert receiver.event_ids == [created, invoiced]
    assert other.event_ids == [created, paid, invoiced]


async def test_an_event_that_nobody_wants_is_dispatched_too(
    merchant: Merchant, clock: FixedClock, receiver: Receiver
) -> None:
    await merchant.happen(CREATED)
    assert await merchant.is_listed(merchant.fan_out)
    await merchant.send()

    # An endpoint gets what happens from now on.
    await merchant.add(receiver.url)
    await merchant.send()

    assert receiver.received == []
    assert not await merchant.is_listed(merchant.fan_out)
    (row,) = await merchant.query("SELECT dispatched_at FROM events")
    assert row["dispatched_at"] == clock.at


async def test_two_tenants_and_two_modes_never_meet(
    enrol: Enrol, tenant: str, tenant_b: str, receiver: Receiver, other: Receiver
) -> None:
    merchant, live = enrol(tenant, Mode.TEST), enrol(tenant, Mode.LIVE)
    stranger = enrol(tenant_b, Mode.TEST)
    shown = await merchant.add(receiver.url)
    await stranger.add(other.url)

    (mine,) = await merchant.happen(CREATED)
    (theirs,) = await stranger.happen(CREATED)
    await live.happen(CREATED)
    for each in (live, stranger, merchant):
        await each.send()

    assert receiver.event_ids == [mine]
    assert other.event_ids == [theirs]
    for each in (live, stranger):
        assert shown.endpoint not in await each.service.list_all(each.mode, each.tenant_id)
        with pytest.raises(NotFoundError):
            await each.service.remove(each.mode, each.tenant_id, shown.endpoint.id)
        with pytest.raises(NotFoundError):
            await each.service.rotate(each.mode, each.tenant_id, shown.endpoint.id)
        with pytest.raises(NotFoundError):
            await each.service.send_test(each.mode, each.tenant_id, shown.endpoint.id)
