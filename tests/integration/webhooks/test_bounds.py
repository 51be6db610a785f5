"""Holds endpoints to their number, and the five days of failures to days on which something was tried."""

from datetime import timedelta
from typing import Final

import pytest

from duro.errors import ConflictError
from duro.kit.clock import FixedClock
from duro.modules.events.model import EventType
from tests.support.receiver import Receiver
from tests.support.webhooks import Merchant

CREATED: Final = EventType.SUBSCRIPTION_CREATED


async def fail_to_the_end(merchant: Merchant, clock: FixedClock) -> None:
    """One event, and all its tries."""
    await merchant.happen(CREATED)
    await merchant.send()
    while (due_at := await merchant.next_due(merchant.deliver)) is not None:
        clock.at = due_at
        await merchant.send()


async def is_disabled(merchant: Merchant) -> bool:
    (only,) = await merchant.service.list_all(merchant.mode, merchant.tenant_id)
    return only.disabled_at is not None


async def test_days_without_a_try_are_no_days_of_failures(
    merchant: Merchant, clock: FixedClock, receiver: Receiver
) -> None:
    receiver.status = 500
    await merchant.add(receiver.url)
    await fail_to_the_end(merchant, clock)

    # A month in which nothing happened: whether the receiver was well again nobody knows.
    clock.move(timedelta(days=30))
    await fail_to_the_end(merchant, clock)

    assert not await is_disabled(merchant)


async def test_tries_as_far_apart_as_a_receiver_may_ask_for_are_one_span_of_failures(
    merchant: Merchant, clock: FixedClock, receiver: Receiver
) -> None:
    receiver.status, receiver.headers = 503, {"Retry-After": "86400"}
    await merchant.add(receiver.url)
    began_at = clock.at

    await fail_to_the_end(merchant, clock)

    # The first try from whose failure on it is five days.
    assert await is_disabled(merchant)
    assert clock.at == began_at + timedelta(days=5)


async def test_another_address_has_not_failed_yet(
    merchant: Merchant, clock: FixedClock, receiver: Receiver, other: Receiver
) -> None:
    receiver.status = other.status = 500
    shown = await merchant.add(receiver.url)
    place = (merchant.mode, merchant.tenant_id, shown.endpoint.id)
    await fail_to_the_end(merchant, clock)
    began_at = clock.at
    clock.move(timedelta(days=2))
    await merchant.service.change(*place, types=["subscription_created"])

    await merchant.service.change(*place, url=other.url)
    await merchant.happen(CREATED)
    await merchant.send()

    assert len(other.received) == 1
    assert clock.at - began_at < timedelta(hours=49)
    assert not await is_disabled(merchant)


async def test_a_merchant_has_a_bounded_number_of_endpoints(
    merchant: Merchant, receiver: Receiver
) -> None:
    first = await merchant.add(receiver.url)
    await merchant.query(
        "INSERT INTO webhook_endpoints (tenant_id, id, url, types, secret, created_at)"
        " SELECT tenant_id, id || number, url, types, secret, created_at"
        "   FROM webhook_endpoints, generate_series(1, 248) AS number"
    )
    await merchant.add(receiver.url)

    with pytest.raises(ConflictError, match="250 endpoints already"):
        await merchant.add(receiver.url)
    await merchant.service.remove(merchant.mode, merchant.tenant_id, first.endpoint.id)
    await merchant.add(receiver.url)
