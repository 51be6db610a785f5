"""Holds the outbox to one message per cause and template, and to asking for it to be sent when it is due."""

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from duro.kit.bells import Bell
from duro.kit.clock import FixedClock
from duro.kit.db import Database
from duro.kit.modes import Mode
from duro.kit.pagination import ListQuery, seek
from duro.kit.sql import queries
from duro.modules.messages.model import Message, NewMessage
from duro.modules.messages.repository import OutboxRepository
from tests.support.roles import app_role, connected, connected_as
from tests.support.statements import plan_of, scans

NOW: Final = datetime.fromisoformat("2027-01-05T09:00:00+00:00")


def _message(
    template: str, cause: str, to: str | None = "cus_1", *, at: datetime = NOW, address: str = ""
) -> NewMessage:
    data = {"amount": 500000, "name": "Bọ́lá"}
    return NewMessage(template, to, cause, data, at, address or None)


async def _add(db: Database, mode: Mode, tenant: str, *messages: NewMessage) -> Counter[str]:
    async with db.begin(mode, tenant) as tx:
        return await OutboxRepository(tx).add(messages)


async def _listed(db: Database, mode: Mode, tenant_id: str) -> list[Message]:
    place = replace(seek(ListQuery(), name="messages", mode=mode, tenant_id=tenant_id), limit=500)
    async with db.begin(mode, tenant_id) as tx:
        return await OutboxRepository(tx).page(place)


async def test_a_cause_queues_each_template_once(
    db: Database, clock: FixedClock, mode: Mode, tenant: str, tenant_b: str
) -> None:
    new = [await _add(db, mode, tenant, _message("receipt", "txn_1"))]
    clock.move(timedelta(seconds=1))
    again = [_message("receipt", "txn_1"), _message("dunning_1", "txn_1")]
    new.append(await _add(db, mode, tenant, *again, _message("receipt", "txn_2")))
    new.append(await _add(db, mode, tenant, _message("dunning_1", "txn_1")))

    listed = await _listed(db, mode, tenant)

    assert [each["messages"] for each in new] == [1, 2, 0]
    assert [(each.template, each.cause) for each in listed] == [
        ("receipt", "txn_2"),
        ("dunning_1", "txn_1"),
        ("receipt", "txn_1"),
    ]
    assert listed[0].data == {"amount": 500000, "name": "Bọ́lá"}
    assert await _listed(db, mode, tenant_b) == []


async def test_what_was_told_before_is_not_read_when_more_is_told(
    db: Database, mode: Mode, tenant: str, database_url: str
) -> None:
    """Below row security, which keeps an index on an expression from being used."""
    for n in range(20):
        told = [_message("dunning_1", f"case_{n}_{m}", f"cus_{n}_{m}") for m in range(20)]
        await _add(db, mode, tenant, *told)

    role = app_role(mode)
    async with connected(database_url) as owner:
        await owner.execute("ANALYZE")
    async with connected_as(database_url, role, search_path=f"{mode.schema},core") as app:
        await app.execute("SELECT set_config('duro.tenant', $1, false)", tenant)
        plan = await plan_of(app, queries("messages")["insert_messages"].text)

    assert [node for node in scans(plan) if node["Relation Name"] == "outbox"] == []


class _Bells:
    """What a process heard after its commits."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, Mode, str]] = []

    async def ring(self, bells: Sequence[Bell]) -> None:
        self.heard += [(bell.work, bell.mode, bell.tenant_id) for bell in bells]


async def test_what_is_due_rings_once_it_is_committed_and_what_waits_does_not(
    db: Database, mode: Mode, tenant: str, clock: FixedClock
) -> None:
    bells = _Bells()
    db.doorbell = bells
    now, later = clock.wall(), clock.wall() + timedelta(seconds=1)

    await _add(db, mode, tenant, _message("receipt", "tomorrow", at=later))
    with suppress(LookupError):
        async with db.begin(mode, tenant) as tx:
            await OutboxRepository(tx).add([_message("receipt", "never", at=now)])
            raise LookupError
    before = list(bells.heard)
    await _add(
        db, mode, tenant, _message("receipt", "one", at=later), _message("receipt", "two", at=now)
    )

    assert before == []
    assert bells.heard == [("messages.send", mode, tenant)]
