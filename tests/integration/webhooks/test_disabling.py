"""Holds endpoints that are disabled, by hand or by what they do: their queue stays, and comes when they are enabled."""

from dataclasses import replace
from datetime import timedelta
from typing import Final

import pytest

from duro.errors import NotFoundError
from duro.kit.clock import FixedClock
from duro.kit.envelope import Envelope
from duro.kit.modes import Mode
from duro.modules.events.model import EventType
from duro.modules.members.model import Role
from duro.modules.members.service import add_member
from duro.modules.messages.links import OptOutLinks
from duro.modules.messages.wording import Shown, Wording
from duro.modules.testclock import service as testclock
from duro.modules.webhooks.model import Endpoint
from duro.runtime.doctor import examine
from tests.support.receiver import Receiver
from tests.support.system import settings_for
from tests.support.webhooks import Merchant

CREATED: Final = EventType.SUBSCRIPTION_CREATED
DAY: Final = timedelta(days=1)


async def endpoint_of(merchant: Merchant) -> Endpoint:
    (only,) = await merchant.service.list_all(merchant.mode, merchant.tenant_id)
    return only


async def fail_for(merchant: Merchant, clock: FixedClock, span: timedelta) -> None:
    """Something new happens every twelve hours."""
    until = clock.at + span
    while True:
        await merchant.happen(CREATED)
        await merchant.send()
        if clock.at >= until:
            return
        clock.move(min(timedelta(hours=12), until - clock.at))


async def test_a_disabled_endpoint_keeps_its_queue_and_gets_it_when_it_is_enabled(
    merchant: Merchant, clock: FixedClock, receiver: Receiver
) -> None:
    shown = await merchant.add(receiver.url)
    place = (merchant.mode, merchant.tenant_id, shown.endpoint.id)
    receiver.status = 500
    waiting = await merchant.happen(CREATED, CREATED, CREATED)
    await merchant.send()
    receiver.received.clear()
    receiver.status = 200

    await merchant.service.disable(*place)
    clock.move(DAY)
    (meanwhile,) = await merchant.happen(CREATED)
    await merchant.send()
    assert receiver.received == []
    assert await merchant.next_due(merchant.deliver) is None
    disabled = await endpoint_of(merchant)
    assert (disabled.disabled_at, disabled.disabled_reason) == (clock.at - DAY, "asked")

    assert await merchant.service.enable(*place) == 3
    assert await merchant.is_listed(merchant.deliver)
    (after,) = await merchant.happen(CREATED)
    await merchant.send()

    # What happened while it was disabled is asked for by hand: see the replay of a range.
    assert receiver.event_ids == [*waiting, after]
    assert meanwhile not in receiver.event_ids
    enabled = await endpoint_of(merchant)
    assert (enabled.disabled_at, enabled.disabled_reason) == (None, None)


async def test_who_is_disabled_twice_or_enabled_twice_notices_nothing(
    merchant: Merchant, clock: FixedClock, receiver: Receiver
) -> None:
    shown = await merchant.add(receiver.url)
    place = (merchant.mode, merchant.tenant_id, shown.endpoint.id)
    await merchant.service.disable(*place)
    began_at = clock.at
    clock.move(DAY)

    await merchant.service.disable(*place)
    assert (await endpoint_of(merchant)).disabled_at == began_at
    await merchant.service.enable(*place)
    await merchant.service.enable(*place)

    assert (await endpoint_of(merchant)).disabled_at is None
    for act in (merchant.service.disable, merchant.service.enable):
        with pytest.raises(NotFoundError):
            await act(merchant.mode, merchant.tenant_id, "whe_nobody")


async def test_five_days_of_failures_disable_an_endpoint_and_its_queue_stays(
    merchant: Merchant, clock: FixedClock, receiver: Receiver
) -> None:
    receiver.status = 500
    await merchant.add(receiver.url)

    await fail_for(merchant, clock, timedelta(days=4, hours=23))
    before = await endpoint_of(merchant)
    clock.move(timedelta(hours=1))
    await merchant.happen(CREATED)
    await merchant.send()

    disabled = await endpoint_of(merchant)
    assert before.disabled_at is None
    assert (disabled.disabled_at, disabled.disabled_reason) == (clock.at, "failing")
    kept = await merchant.query("SELECT id FROM webhook_deliveries WHERE status = 'pending'")
    assert len(kept) > 5

    receiver.status = 200
    receiver.received.clear()
    await merchant.service.enable(merchant.mode, merchant.tenant_id, disabled.id)
    clock.move(DAY)
    await merchant.send()
    assert len(set(receiver.event_ids)) == len(kept)


async def _join(merchant: Merchant, email: str, role: Role, name: str | None = None) -> None:
    async with merchant.db.core() as tx:
        await add_member(tx, tenant_id=merchant.tenant_id, email=email, role=role, name=name)


async def _told(merchant: Merchant) -> list[Shown]:
    """What was written to anybody, oldest first, as they read it."""
    wording = Wording(merchant.db, OptOutLinks("https://pay.example", b"k" * 32))
    rows = await merchant.query("SELECT id FROM outbox ORDER BY id")
    return [await wording.show(merchant.mode, merchant.tenant_id, row["id"]) for row in rows]


async def test_the_owner_is_told_once_for_each_time_an_endpoint_is_disabled(
    merchant: Merchant, clock: FixedClock, receiver: Receiver
) -> None:
    await _join(merchant, "tunde@adunni.example", Role.OWNER, name="Tunde")
    await _join(merchant, "dev@adunni.example", Role.DEVELOPER)
    shown = await merchant.add(receiver.url)
    endpoint_id = shown.endpoint.id
    receiver.status = 410
    await merchant.happen(CREATED, CREATED)
    await merchant.send()
    await merchant.send()
    once = await _told(merchant)

    clock.move(DAY)
    await merchant.service.enable(merchant.mode, merchant.tenant_id, endpoint_id)
    receiver.status = 500
    await fail_for(merchant, clock, timedelta(days=5))
    gone, failing = await _told(merchant)

    assert len(once) == 1
    for each in (gone, failing):
        assert each.mail is not None
        assert (each.mail.to, each.mail.sender_name) == ("tunde@adunni.example", "Duro")
        assert each.mail.subject.endswith("Adunni Gyms: a webhook endpoint is disabled")
        assert "List-Unsubscribe" not in each.mail.headers
        assert each.message.send_at == each.message.created_at
        text = each.mail.text
        assert "Hello Tunde," in text
        assert f"Nothing more is sent to {receiver.url}, because" in text
        mode = merchant.mode.value
        assert f"\n    duro webhooks enable --mode {mode} {endpoint_id}\n" in text
        assert "https://pay.example/docs/webhooks#disable-enable-replay" in text
        assert "because you own Adunni Gyms at Duro" in text
        assert ("This is about test mode." in text) == (merchant.mode is Mode.TEST)
    assert "it answered 410, which says that it wants no more." in gone.written.text
    assert "nothing has arrived there for five days." in failing.written.text


async def test_who_disables_an_endpoint_by_hand_knows_it(
    merchant: Merchant, receiver: Receiver
) -> None:
    await _join(merchant, "tunde@adunni.example", Role.OWNER)
    shown = await merchant.add(receiver.url)

    await merchant.service.disable(merchant.mode, merchant.tenant_id, shown.endpoint.id)

    assert await _told(merchant) == []


async def test_without_an_owner_an_endpoint_is_disabled_all_the_same(
    merchant: Merchant, receiver: Receiver, tenant_b: str
) -> None:
    await _join(replace(merchant, tenant_id=tenant_b), "owner@bello.example", Role.OWNER)
    await _join(merchant, "dev@adunni.example", Role.DEVELOPER)
    await merchant.add(receiver.url)
    receiver.status = 410
    await merchant.happen(CREATED)
    await merchant.send()

    assert (await endpoint_of(merchant)).disabled_reason == "gone"
    assert await _told(merchant) == []


async def test_doctor_names_an_endpoint_that_was_given_up_until_it_is_enabled(
    merchant: Merchant, receiver: Receiver, database_url: str, redis_url: str
) -> None:
    shown = await merchant.add(receiver.url)
    quiet = await _examined(database_url, redis_url)
    receiver.status = 410
    await merchant.happen(CREATED)
    await merchant.send()
    told = await _examined(database_url, redis_url)
    await merchant.service.enable(merchant.mode, merchant.tenant_id, shown.endpoint.id)

    assert quiet == "no endpoint is given up"
    assert f"{shown.endpoint.id} of {merchant.tenant_id} (test, gone)" in told
    assert await _examined(database_url, redis_url) == quiet


async def _examined(database_url: str, redis_url: str) -> str:
    findings = await examine(settings_for(database_url, redis_url))
    (finding,) = [each for each in findings if each.name == "webhooks"]
    assert finding.is_ok
    return finding.said


async def test_one_success_begins_the_five_days_anew(
    merchant: Merchant, clock: FixedClock, receiver: Receiver
) -> None:
    receiver.status = 500
    await merchant.add(receiver.url)
    await fail_for(merchant, clock, timedelta(days=4, hours=12))
    receiver.status = 200
    clock.move(timedelta(hours=1))
    await merchant.happen(CREATED)
    await merchant.send()
    receiver.status = 500
    clock.move(timedelta(hours=1))

    await fail_for(merchant, clock, timedelta(days=4, hours=23))

    assert (await endpoint_of(merchant)).disabled_at is None


async def test_our_own_faults_disable_nobody(
    merchant: Merchant, clock: FixedClock, receiver: Receiver
) -> None:
    await merchant.add(receiver.url)
    await merchant.happen(CREATED)
    keyless = replace(merchant, envelope=Envelope([bytes(32)]))

    for _ in range(7):
        await keyless.send()
        clock.move(DAY)
    await merchant.send()

    assert (await endpoint_of(merchant)).disabled_at is None
    (row,) = await merchant.query("SELECT failing_since FROM webhook_endpoints")
    assert row["failing_since"] is None


async def test_a_reset_of_the_test_clock_forgets_since_when_an_endpoint_fails(
    merchant: Merchant, receiver: Receiver
) -> None:
    receiver.status = 500
    await merchant.add(receiver.url)
    await merchant.happen(CREATED)
    await merchant.send()
    (before,) = await merchant.query("SELECT failing_since FROM webhook_endpoints")

    async with merchant.scope.begin() as tx:
        await testclock.reset(tx)

    (row,) = await merchant.query("SELECT failing_since FROM webhook_endpoints")
    assert before["failing_since"] is not None
    assert row["failing_since"] is None
    assert await merchant.query("SELECT number FROM webhook_attempts") == []
