"""Holds deliveries that are asked for again: under the same ids, to whom they were meant, with all their tries."""

from datetime import timedelta
from typing import Final

import pytest

from duro.errors import ConflictError, NotFoundError
from duro.kit.clock import FixedClock
from duro.kit.modes import Mode
from duro.modules.events.model import EventType
from duro.modules.webhooks.service import ReplayService
from duro.runtime.invariants import check_tenant
from tests.support.receiver import Receiver
from tests.support.webhooks import Enrol, Merchant

CREATED: Final = EventType.SUBSCRIPTION_CREATED
PAID: Final = EventType.SUBSCRIPTION_PAYMENT_SUCCESS
HOUR: Final = timedelta(hours=1)


def replays(merchant: Merchant) -> ReplayService:
    return ReplayService(merchant.db)


async def give_up(merchant: Merchant, clock: FixedClock, receiver: Receiver) -> None:
    """All tries of everything that waits fail."""
    receiver.status = 500
    await merchant.send()
    while (due_at := await merchant.next_due(merchant.deliver)) is not None:
        clock.at = due_at
        await merchant.send()
    receiver.status = 200
    receiver.received.clear()


async def broken_invariants(merchant: Merchant) -> set[str]:
    found = await check_tenant(
        merchant.db, merchant.mode, merchant.tenant_id, statement_ms=10_000, is_at_rest=True
    )
    return {each.invariant for each in found}


async def test_a_failed_delivery_that_is_replayed_has_all_its_tries_again(
    merchant: Merchant, clock: FixedClock, receiver: Receiver
) -> None:
    await merchant.add(receiver.url)
    (event_id,) = await merchant.happen(CREATED)
    await give_up(merchant, clock, receiver)
    failed = await merchant.delivery(event_id)

    await replays(merchant).replay(merchant.mode, merchant.tenant_id, failed.id)
    receiver.status = 500
    await merchant.send()
    again = await merchant.delivery(event_id)
    receiver.status = 200
    clock.move(timedelta(minutes=1))
    await merchant.send()

    assert (failed.status, failed.attempts) == ("failed", 9)
    assert (again.id, again.status, again.attempts) == (failed.id, "pending", 10)
    assert again.next_attempt_at is not None
    assert again.next_attempt_at <= clock.at
    assert receiver.event_ids == [event_id, event_id]
    done = await merchant.delivery(event_id)
    assert (done.status, done.attempts) == ("delivered", 11)
    rows = await merchant.query("SELECT number FROM webhook_attempts ORDER BY number")
    assert [row["number"] for row in rows] == list(range(1, 12))


async def test_what_arrived_can_be_replayed_and_goes_nowhere_else(
    merchant: Merchant, receiver: Receiver, other: Receiver
) -> None:
    await merchant.add(receiver.url)
    await merchant.add(other.url)
    (event_id,) = await merchant.happen(CREATED)
    await merchant.send()
    (first, _) = await merchant.deliveries(event_id)

    await replays(merchant).replay(merchant.mode, merchant.tenant_id, first.id)
    await merchant.send()

    assert receiver.event_ids == [event_id, event_id]
    assert receiver.received[0].body == receiver.received[1].body
    assert other.event_ids == [event_id]


async def test_a_range_brings_what_failed_and_what_happened_while_it_was_disabled(
    merchant: Merchant, clock: FixedClock, receiver: Receiver
) -> None:
    shown = await merchant.add(receiver.url, "subscription_created")
    place = (merchant.mode, merchant.tenant_id, shown.endpoint.id)
    (arrived,) = await merchant.happen(CREATED)
    await merchant.send()
    clock.move(HOUR)
    since = clock.at
    (failed,) = await merchant.happen(CREATED)
    await give_up(merchant, clock, receiver)
    await merchant.service.disable(*place)
    missed, _unwanted = await merchant.happen(CREATED, PAID)
    await merchant.send()
    clock.move(HOUR)
    until = clock.at
    (later,) = await merchant.happen(CREATED)
    await merchant.send()
    await merchant.service.enable(*place)

    sent = await replays(merchant).replay_range(*place, since=since, until=until)
    await merchant.send()

    assert sent == 2
    assert receiver.event_ids == [failed, missed]
    assert await replays(merchant).replay_range(*place, since=since, until=until) == 0
    everything = await replays(merchant).replay_range(
        *place, since=since - HOUR, until=until + HOUR, is_all=True
    )
    await merchant.send()
    assert everything == 4
    assert sorted(receiver.event_ids[2:]) == sorted([arrived, failed, missed, later])
    assert "every_event_reaches_every_endpoint" not in await broken_invariants(merchant)


async def test_a_range_of_more_than_a_step_is_replayed_whole(
    merchant: Merchant, clock: FixedClock, receiver: Receiver
) -> None:
    shown = await merchant.add(receiver.url)
    for _ in range(12):
        await merchant.happen(*[CREATED] * 100)
    await merchant.run(merchant.fan_out, 1200)
    await merchant.query(
        "UPDATE webhook_deliveries SET status = 'failed', next_attempt_at = NULL, settled_at = now()"
    )

    sent = await replays(merchant).replay_range(
        merchant.mode,
        merchant.tenant_id,
        shown.endpoint.id,
        since=clock.at,
        until=clock.at + HOUR,
    )

    assert sent == 1200
    due = await merchant.query("SELECT id FROM webhook_deliveries WHERE status = 'pending'")
    assert len(due) == 1200


async def test_an_event_is_sent_anew_to_all_who_want_it_or_to_one(
    merchant: Merchant, receiver: Receiver, other: Receiver
) -> None:
    await merchant.add(receiver.url, "subscription_created")
    (event_id,) = await merchant.happen(CREATED)
    await merchant.send()
    late = await merchant.add(other.url, "invoice_created")
    place = (merchant.mode, merchant.tenant_id, event_id)

    await replays(merchant).resend(*place)
    await merchant.send()
    assert (receiver.event_ids, other.event_ids) == ([event_id, event_id], [])

    # Who is named gets it, whatever types it asked for and however new it is.
    await replays(merchant).resend(*place, endpoint_id=late.endpoint.id)
    await merchant.send()
    assert (receiver.event_ids, other.event_ids) == ([event_id, event_id], [event_id])


async def test_nothing_is_replayed_to_a_disabled_endpoint(
    merchant: Merchant, clock: FixedClock, receiver: Receiver
) -> None:
    shown = await merchant.add(receiver.url)
    (event_id,) = await merchant.happen(CREATED)
    await merchant.send()
    delivery = await merchant.delivery(event_id)
    place = (merchant.mode, merchant.tenant_id)
    await merchant.service.disable(*place, shown.endpoint.id)

    with pytest.raises(ConflictError, match="enable it first"):
        await replays(merchant).replay(*place, delivery.id)
    with pytest.raises(ConflictError):
        await replays(merchant).resend(*place, event_id, endpoint_id=shown.endpoint.id)
    with pytest.raises(ConflictError):
        await replays(merchant).replay_range(
            *place, shown.endpoint.id, since=clock.at, until=clock.at + HOUR
        )
    assert await replays(merchant).resend(*place, event_id) == []


async def test_nobody_replays_what_is_not_theirs(
    enrol: Enrol, merchant: Merchant, tenant: str, tenant_b: str, receiver: Receiver
) -> None:
    shown = await merchant.add(receiver.url)
    (event_id,) = await merchant.happen(CREATED)
    await merchant.send()
    delivery = await merchant.delivery(event_id)

    for stranger in (enrol(tenant_b, Mode.TEST), enrol(tenant, Mode.LIVE)):
        place = (stranger.mode, stranger.tenant_id)
        with pytest.raises(NotFoundError):
            await replays(stranger).replay(*place, delivery.id)
        with pytest.raises(NotFoundError):
            await replays(stranger).resend(*place, event_id)
        with pytest.raises(NotFoundError):
            await replays(stranger).replay_range(
                *place, shown.endpoint.id, since=delivery.created_at, until=delivery.created_at
            )
    assert (await merchant.delivery(event_id)).status == "delivered"
