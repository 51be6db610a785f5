"""Kills the process at every await point of a fan-out and a delivery: between commit and send, between send and record.

Every run has a tenant of its own; then one new start recovers all, and every event has arrived under its id.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable

import pytest

from duro.kit.modes import Mode
from duro.kit.work import WorkScope
from duro.modules.events.model import EventType, NewEvent
from duro.modules.events.repository import EventRepository
from duro.runtime.serve import running
from tests.support.fault_child import Fault, Kind
from tests.support.fault_data import new_tenant, overseeing
from tests.support.faults import IS_LONG, LATER, Child, Ground
from tests.support.receiver import Reaction, Received, Receiver, hanging, running_receiver, until
from tests.support.system import settings_for
from tests.support.webhooks import verifies

_WORKS = ("webhook.fanout", "webhook.deliver")
_EVENTS = 3
_AT_ONCE = 3
_KINDS = (Kind.KILL, Kind.CUT) if IS_LONG else (Kind.KILL,)
_BETWEEN = {"after webhooks.claim_deliveries", "before COMMIT", "after COMMIT"}
_SENT = "SELECT event_id FROM webhook_deliveries WHERE status = 'delivered'"


async def _new_merchants(
    ground: Ground, receiver: Receiver, count: int
) -> tuple[dict[str, str], set[str]]:
    """The secret of each tenant's endpoint, and the ids of all events that were committed."""
    secrets: dict[str, str] = {}
    event_ids: set[str] = set()
    settings = settings_for(ground.database_url, ground.redis_url)
    async with running(settings, roles=()) as process:
        for _ in range(count):
            tenant_id = await new_tenant(ground.database_url)
            shown = await process.system.endpoints.add(Mode.TEST, tenant_id, url=receiver.url)
            secrets[tenant_id] = shown.secret
            async with WorkScope(process.ground.db, Mode.TEST, tenant_id).begin() as tx:
                events = EventRepository(tx)
                before = await events.last_position()
                new = NewEvent(EventType.INVOICE_CREATED, "inv_1", {"tenantId": tenant_id})
                await events.add([new] * _EVENTS)
                event_ids |= {each.id for each in await events.list_after(before, limit=_EVENTS)}
    return secrets, event_ids


def _demand_signed_and_stable(received: list[Received], secrets: dict[str, str]) -> None:
    """A second copy has the same id and the same bytes, and everything is signed."""
    bodies: dict[str, set[bytes]] = defaultdict(set)
    for got in received:
        assert verifies(secrets[got.json["data"]["tenantId"]], got)
        assert got.headers["webhook-id"] == got.json["id"]
        bodies[got.event_id].add(got.body)
    assert all(len(each) == 1 for each in bodies.values())


async def _delivered(ground: Ground) -> set[str]:
    async with overseeing(ground.database_url) as connection:
        return {row["event_id"] for row in await connection.fetch(_SENT)}


@pytest.mark.parametrize("kind", _KINDS)
async def test_every_event_arrives_wherever_the_process_dies(
    ground: Ground, kind: Kind, say: Callable[[str], None]
) -> None:
    async with running_receiver() as receiver:
        secrets, event_ids = await _new_merchants(ground, receiver, 1)
        points = (await ground.run(works=_WORKS, tenant_ids=tuple(secrets))).points
        chosen = range(1, len(points) + 1)
        more, ids = await _new_merchants(ground, receiver, len(chosen))
        secrets |= more
        event_ids |= ids
        turn = asyncio.Semaphore(_AT_ONCE)

        async def strike(at: int, tenant_id: str) -> str | None:
            async with turn:
                end = await ground.run(works=_WORKS, tenant_ids=(tenant_id,), fault=Fault(kind, at))
            return end.struck

        struck = await asyncio.gather(*map(strike, chosen, more))
        before = len(receiver.received)
        await ground.recover(ahead=LATER)

    # What is recorded while more is claimed passes its points in any order, so these are the ones that must be there.
    assert set(struck) >= _BETWEEN
    assert before < len(event_ids)
    assert set(receiver.event_ids) == event_ids
    assert await _delivered(ground) == event_ids
    assert len(receiver.event_ids) > len(event_ids), "none died between sending and recording"
    _demand_signed_and_stable(receiver.received, secrets)
    copies = len(receiver.event_ids) - len(event_ids)
    say(f"webhooks, {kind}: struck at {len(points)} points, {copies} second copies, 0 lost")


async def test_an_event_arrives_whose_sender_died_before_the_answer(ground: Ground) -> None:
    async with running_receiver() as receiver:
        secrets, event_ids = await _new_merchants(ground, receiver, 1)
        waiting: Reaction = hanging()
        receiver.react = waiting
        child = Child(ground.orders(works=_WORKS, tenant_ids=tuple(secrets)))
        await until(lambda: bool(receiver.received), patience_s=30)
        child.kill()
        await child.end()
        assert await _delivered(ground) == set()

        receiver.react = None
        await ground.recover(ahead=LATER)

    assert set(receiver.event_ids) == event_ids
    assert len(receiver.event_ids) == len(event_ids) + 1
    _demand_signed_and_stable(receiver.received, secrets)
