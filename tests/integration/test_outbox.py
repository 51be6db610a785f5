"""Holds the outbox to one message per cause and template."""

from datetime import timedelta

from duro.kit.clock import FixedClock
from duro.kit.db import Database
from duro.kit.modes import Mode
from duro.kit.pagination import ListQuery, seek
from duro.modules.messages.model import Message, NewMessage
from duro.modules.messages.repository import OutboxRepository


def _message(template: str, cause: str) -> NewMessage:
    return NewMessage(template, "cus_1", cause, {"amount": 500000, "name": "Bọ́lá"})


async def _listed(db: Database, mode: Mode, tenant_id: str) -> list[Message]:
    place = seek(ListQuery(), name="messages", mode=mode, tenant_id=tenant_id)
    async with db.begin(mode, tenant_id) as tx:
        return await OutboxRepository(tx).page(place)


async def test_a_cause_queues_each_template_once(
    db: Database, clock: FixedClock, mode: Mode, tenant: str, tenant_b: str
) -> None:
    async with db.begin(mode, tenant) as tx:
        new = [await OutboxRepository(tx).add([_message("receipt", "txn_1")])]
    clock.move(timedelta(seconds=1))
    async with db.begin(mode, tenant) as tx:
        again = [_message("receipt", "txn_1"), _message("dunning_1", "txn_1")]
        new.append(await OutboxRepository(tx).add([*again, _message("receipt", "txn_2")]))

    listed = await _listed(db, mode, tenant)

    assert new == [1, 2]
    assert [(each.template, each.cause) for each in listed] == [
        ("receipt", "txn_2"),
        ("dunning_1", "txn_1"),
        ("receipt", "txn_1"),
    ]
    assert listed[0].data == {"amount": 500000, "name": "Bọ́lá"}
    assert await _listed(db, mode, tenant_b) == []
