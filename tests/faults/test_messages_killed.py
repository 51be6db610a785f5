"""Kills the process at every await point of sending messages: between commit and send, between send and record.

Every run has a tenant of its own; then one new start sends what is left, and every message has arrived under its id.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable

import pytest

from duro.kit.modes import Mode
from duro.kit.work import WorkScope
from duro.modules.members.model import Role
from duro.modules.members.service import add_member
from duro.modules.messages.model import NewMessage
from duro.modules.messages.repository import OutboxRepository
from duro.runtime.serve import running
from tests.support.fault_child import Fault, Kind
from tests.support.fault_data import new_tenant, overseeing
from tests.support.faults import IS_LONG, LATER, Ground
from tests.support.mail import PostBox, post_box
from tests.support.system import settings_for

_WORKS = ("messages.send",)
_MESSAGES = 3
_AT_ONCE = 3
_KINDS = (Kind.KILL, Kind.CUT) if IS_LONG else (Kind.KILL,)
_BETWEEN = {"before mail", "after mail", "before COMMIT", "after COMMIT"}
_ALL = "SELECT id, status, attempts FROM outbox"


async def _new_tenants(ground: Ground, count: int) -> tuple[str, ...]:
    """Each with messages to its owner, who gets them in test mode too."""
    tenant_ids = []
    async with running(settings_for(ground.database_url, ground.redis_url), roles=()) as process:
        db = process.ground.db
        for _ in range(count):
            tenant_id = await new_tenant(ground.database_url)
            email = f"{tenant_id.lower()}@adunni.example"
            async with db.core() as tx:
                await add_member(tx, tenant_id=tenant_id, email=email, role=Role.OWNER)
            async with WorkScope(db, Mode.TEST, tenant_id).begin() as tx:
                data = {"reason": "it is a test", "details": {"endpointUrl": "https://x.example/"}}
                await OutboxRepository(tx).add(
                    [
                        NewMessage("endpoint_disabled", None, f"whe_{number}", data, tx.now, email)
                        for number in range(_MESSAGES)
                    ]
                )
            tenant_ids.append(tenant_id)
    return tuple(tenant_ids)


async def _outbox(ground: Ground) -> dict[str, tuple[str, int]]:
    """How each message stands, and how many tries of it were used up."""
    async with overseeing(ground.database_url) as connection:
        rows = await connection.fetch(_ALL)
    return {row["id"]: (row["status"], row["attempts"]) for row in rows}


def _arrived(box: PostBox) -> dict[str, list[str]]:
    """The recipients of all that arrived, by id."""
    found: dict[str, list[str]] = defaultdict(list)
    for mail in box.messages:
        message_id, _, domain = str(mail["Message-ID"]).strip("<>").partition("@")
        assert domain == "pay.example"
        found[message_id].append(str(mail["To"]))
    return found


@pytest.mark.parametrize("kind", _KINDS)
async def test_every_message_arrives_wherever_the_process_dies(
    ground: Ground, kind: Kind, say: Callable[[str], None]
) -> None:
    async with post_box() as box:
        (first,) = await _new_tenants(ground, 1)
        whole = await ground.run(works=_WORKS, tenant_ids=(first,), mail_port=box.port)
        chosen = range(1, len(whole.points) + 1)
        tenant_ids = await _new_tenants(ground, len(chosen))
        turn = asyncio.Semaphore(_AT_ONCE)

        async def strike(at: int, tenant_id: str) -> str | None:
            orders = {"works": _WORKS, "tenant_ids": (tenant_id,), "mail_port": box.port}
            async with turn:
                return (await ground.run(**orders, fault=Fault(kind, at))).struck

        struck = await asyncio.gather(*map(strike, chosen, tenant_ids))
        before = await _outbox(ground)
        await ground.run(works=_WORKS, tenant_ids=tenant_ids, mail_port=box.port, ahead=LATER)
        after = await _outbox(ground)

    arrived = _arrived(box)
    assert set(struck) >= _BETWEEN
    assert {status for status, _ in before.values()} > {"sent"}
    assert set(after.values()) == {("sent", 1)}
    assert set(arrived) == set(after)
    assert all(len(set(recipients)) == 1 for recipients in arrived.values())
    copies = sum(map(len, arrived.values())) - len(arrived)
    assert copies > 0, "none died between sending and recording"
    say(f"messages, {kind}: struck at {len(whole.points)} points, {copies} second copies, 0 lost")
