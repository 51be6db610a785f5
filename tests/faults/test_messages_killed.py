"""Kills the process at every await point of sending messages: between commit and send, between send and record.

Every run has a tenant of its own; then one new start sends what is left, and every message has arrived under its id.
"""

import asyncio
from collections import Counter, defaultdict
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
# How many reminders somebody is to get, and how many somebody gets in a week.
_WANTED = 9
_SEVEN = 7
_KINDS = (Kind.KILL, Kind.CUT) if IS_LONG else (Kind.KILL,)
_BETWEEN = {"before mail", "after mail", "before COMMIT", "after COMMIT"}
_ALL = "SELECT id, status, attempts FROM outbox"


async def _new_tenants(ground: Ground, count: int, template: str, messages: int) -> tuple[str, ...]:
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
                        NewMessage(template, None, f"whe_{number}", data, tx.now, email)
                        for number in range(messages)
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


async def _strike(
    ground: Ground,
    box: PostBox,
    kind: Kind,
    template: str = "endpoint_disabled",
    messages: int = _MESSAGES,
) -> tuple[list[str | None], tuple[str, ...]]:
    """One tenant is sent to in peace; then one for each await point is struck there: where, and who they are."""
    (first,) = await _new_tenants(ground, 1, template, messages)
    whole = await ground.run(works=_WORKS, tenant_ids=(first,), mail_port=box.port)
    chosen = range(1, len(whole.points) + 1)
    tenant_ids = await _new_tenants(ground, len(chosen), template, messages)
    turn = asyncio.Semaphore(_AT_ONCE)

    async def strike(at: int, tenant_id: str) -> str | None:
        orders = {"works": _WORKS, "tenant_ids": (tenant_id,), "mail_port": box.port}
        async with turn:
            return (await ground.run(**orders, fault=Fault(kind, at))).struck

    return await asyncio.gather(*map(strike, chosen, tenant_ids)), tenant_ids


@pytest.mark.parametrize("kind", _KINDS)
async def test_every_message_arrives_wherever_the_process_dies(
    ground: Ground, kind: Kind, say: Callable[[str], None]
) -> None:
    async with post_box() as box:
        struck, tenant_ids = await _strike(ground, box, kind)
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
    say(f"messages, {kind}: struck at {len(struck)} points, {copies} second copies, 0 lost")


async def test_a_person_is_reminded_seven_times_wherever_the_process_dies(
    ground: Ground, say: Callable[[str], None]
) -> None:
    """A place that was taken by the dead is the same message's when it is sent at last."""
    async with post_box() as box:
        struck, tenant_ids = await _strike(ground, box, Kind.KILL, "dunning_1", _WANTED)
        await ground.run(works=_WORKS, tenant_ids=tenant_ids, mail_port=box.port, ahead=LATER)
        after = await _outbox(ground)

    people = len(tenant_ids) + 1
    statuses = Counter(status for status, _ in after.values())
    assert "after contact_caps.take_places" in struck
    assert statuses == {"sent": _SEVEN * people, "capped": (_WANTED - _SEVEN) * people}
    assert len(_arrived(box)) == _SEVEN * people
    say(f"reminders, kill: struck at {len(struck)} points, each person got {_SEVEN} of {_WANTED}")
