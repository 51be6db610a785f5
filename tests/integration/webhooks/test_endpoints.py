"""Holds endpoints: what may be saved, secrets and their rotation, tests, removal."""

import base64
from typing import Final

import pytest
from aiohttp import web

from duro.errors import InvalidError
from duro.kit.clock import FixedClock, SystemClock
from duro.modules.events.model import EventType
from duro.modules.webhooks.egress import Answered
from duro.modules.webhooks.model import DeliveryStatus
from tests.support.receiver import Receiver
from tests.support.webhooks import Merchant, verifies

CREATED: Final = EventType.SUBSCRIPTION_CREATED
PAID: Final = EventType.SUBSCRIPTION_PAYMENT_SUCCESS


@pytest.mark.parametrize(
    "url", ["http://example.com/", "https://10.0.0.1/", "https://2130706433/", "no url"]
)
async def test_an_address_that_the_guard_refuses_is_not_saved(merchant: Merchant, url: str) -> None:
    with pytest.raises(InvalidError) as refused:
        await merchant.add(url)

    assert [detail.path for detail in refused.value.details] == ["url"]
    assert await merchant.service.list_all(merchant.mode, merchant.tenant_id) == []


async def test_an_unknown_type_is_refused(merchant: Merchant, receiver: Receiver) -> None:
    with pytest.raises(InvalidError) as refused:
        await merchant.add(receiver.url, "subscription_created", "subscription_exploded")

    (detail,) = refused.value.details
    assert detail.path == "events"
    assert "subscription_exploded" in detail.issue


async def test_during_a_rotation_both_secrets_verify(
    merchant: Merchant, clock: FixedClock, receiver: Receiver
) -> None:
    clock.at = SystemClock().wall()
    first = await merchant.add(receiver.url)
    place = (merchant.mode, merchant.tenant_id, first.endpoint.id)
    second = await merchant.service.rotate(*place)
    await merchant.happen(CREATED)
    await merchant.send()
    third = await merchant.service.rotate(*place)
    await merchant.happen(PAID)
    await merchant.send()

    after_one, after_two = receiver.received
    secrets = (first.secret, second.secret, third.secret)
    assert [verifies(secret, after_one) for secret in secrets] == [True, True, False]
    assert [verifies(secret, after_two) for secret in secrets] == [False, True, True]
    assert await merchant.service.reveal(*place) == third.secret


async def test_a_secret_is_kept_only_sealed(merchant: Merchant, receiver: Receiver) -> None:
    shown = await merchant.add(receiver.url)

    (row,) = await merchant.query("SELECT secret FROM webhook_endpoints")

    assert shown.secret.encode() not in row["secret"]
    assert base64.b64decode(shown.secret.removeprefix("whsec_")) not in row["secret"]


async def test_a_removed_endpoint_takes_its_deliveries_with_it(
    merchant: Merchant, receiver: Receiver
) -> None:
    shown = await merchant.add(receiver.url)
    (event_id,) = await merchant.happen(CREATED)
    await merchant.run(merchant.fan_out)

    await merchant.service.remove(merchant.mode, merchant.tenant_id, shown.endpoint.id)
    await merchant.send()

    assert receiver.received == []
    assert await merchant.deliveries(event_id) == []


async def test_an_endpoint_that_vanishes_in_mid_delivery_stops_nothing(
    merchant: Merchant, receiver: Receiver, other: Receiver
) -> None:
    shown = await merchant.add(receiver.url)
    await merchant.add(other.url)

    async def vanish(_: web.Request) -> web.StreamResponse:
        await merchant.service.remove(merchant.mode, merchant.tenant_id, shown.endpoint.id)
        return web.Response()

    receiver.react = vanish
    (event_id,) = await merchant.happen(CREATED)
    await merchant.send()

    assert (await merchant.delivery(event_id)).status is DeliveryStatus.DELIVERED


async def test_a_test_is_signed_sent_and_not_kept(
    merchant: Merchant, clock: FixedClock, receiver: Receiver
) -> None:
    clock.at = SystemClock().wall()
    shown = await merchant.add(receiver.url)

    answer = await merchant.service.send_test(merchant.mode, merchant.tenant_id, shown.endpoint.id)

    assert answer == Answered(200, "noted")
    (got,) = receiver.received
    assert verifies(shown.secret, got)
    assert got.json["type"] == "webhook_test"
    assert await merchant.query("SELECT id FROM events") == []
