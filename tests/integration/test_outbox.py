"""Holds the outbox to one message per cause and template, and to so many reminders of one person in a week."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from typing import Final

import pytest

from duro.kit.clock import FixedClock
from duro.kit.db import Database
from duro.kit.modes import Mode
from duro.kit.pagination import ListQuery, seek
from duro.kit.sql import queries
from duro.modules.messages.model import REMINDERS_PER_WEEK, Message, NewMessage
from duro.modules.messages.repository import OutboxRepository
from tests.support.roles import app_role, connected, connected_as
from tests.support.statements import plan_of, scans

NOW: Final = datetime.fromisoformat("2027-01-05T09:00:00+00:00")
_DAY: Final = timedelta(days=1)
_WEEK: Final = timedelta(days=7)


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


async def test_the_eighth_reminder_of_a_week_is_kept_and_not_sent(
    db: Database, mode: Mode, tenant: str
) -> None:
    told = [_message("dunning_1", f"case_{n}") for n in range(REMINDERS_PER_WEEK)]
    first = await _add(db, mode, tenant, *told)

    second = await _add(
        db,
        mode,
        tenant,
        _message("renewal_reminder", "one too many"),
        _message("receipt", "owed all the same"),
        _message("dunning_1", "of somebody else", "cus_2"),
    )

    assert first == Counter(messages=7)
    assert second == Counter(messages=2, capped=1)
    capped = [each.cause for each in await _listed(db, mode, tenant) if each.status == "capped"]
    assert capped == ["one too many"]


@pytest.mark.parametrize(
    ("after", "status"),
    [
        (timedelta(0), "capped"),
        (_WEEK - timedelta(seconds=1), "capped"),
        (_WEEK, "queued"),
    ],
)
async def test_a_week_is_counted_by_when_messages_go_out(
    db: Database, mode: Mode, tenant: str, after: timedelta, status: str
) -> None:
    for n in range(REMINDERS_PER_WEEK):
        await _add(db, mode, tenant, _message("dunning_1", f"case_{n}"))

    await _add(db, mode, tenant, _message("dunning_1", "last", at=NOW + after))

    (last,) = [each for each in await _listed(db, mode, tenant) if each.cause == "last"]
    assert (last.status, last.send_at) == (status, NOW + after)


async def test_what_is_capped_or_written_again_uses_nothing_up(
    db: Database, mode: Mode, tenant: str
) -> None:
    for n in range(REMINDERS_PER_WEEK - 1):
        await _add(db, mode, tenant, _message("dunning_1", f"case_{n}"))
    again = await _add(db, mode, tenant, *(_message("dunning_1", f"case_{n}") for n in range(6)))
    seventh = await _add(db, mode, tenant, _message("dunning_1", "seventh"))
    over = await _add(db, mode, tenant, _message("dunning_1", "a"), _message("dunning_1", "b"))

    late = [_message("dunning_1", f"late_{n}", at=NOW + _WEEK) for n in range(8)]
    next_week = await _add(db, mode, tenant, *late)

    assert again == Counter()
    assert seventh == Counter(messages=1)
    assert over == Counter(capped=2)
    assert next_week == Counter(messages=7, capped=1)


async def test_an_address_without_a_customer_is_counted_by_itself(
    db: Database, mode: Mode, tenant: str
) -> None:
    ada = "ada@example.com"
    told = [_message("dunning_1", f"case_{n}") for n in range(REMINDERS_PER_WEEK)]
    await _add(db, mode, tenant, *told)

    by_address = await _add(
        db, mode, tenant, _message("abandoned_checkout", "chk_1", None, address=ada)
    )
    as_customer = await _add(db, mode, tenant, _message("abandoned_checkout", "chk_2", address=ada))

    assert by_address == Counter(messages=1)
    assert as_customer == Counter(capped=1)


@pytest.mark.parametrize("seed", range(5))
async def test_many_writers_at_once_never_exceed_the_week(
    db: Database, mode: Mode, tenant: str, seed: int
) -> None:
    random = Random(seed)
    people = [f"cus_{n}" for n in range(4)]
    batches = [
        [
            _message(
                random.choice(["dunning_1", "renewal_reminder", "receipt"]),
                f"{seed}:{batch}:{n}",
                random.choice(people),
                at=NOW + random.randrange(20) * _DAY / 2,
            )
            for n in range(random.randrange(1, 12))
        ]
        for batch in range(20)
    ]

    counts = await asyncio.gather(*(_add(db, mode, tenant, *batch) for batch in batches))

    asked = [message for batch in batches for message in batch]
    listed = await _listed(db, mode, tenant)
    assert len(listed) == len(asked) == sum(sum(count.values()) for count in counts)
    assert {each.status for each in listed if each.template == "receipt"} == {"queued"}
    for person in people:
        wanted = [each for each in asked if each.recipient == person and each.is_reminder]
        sent = [each.send_at for each in listed if _is_sent_reminder(each, person)]
        assert _most_in_a_week(sent) <= REMINDERS_PER_WEEK
        # And not by telling nobody anything.
        assert len(sent) >= min(len(wanted), REMINDERS_PER_WEEK)


def _is_sent_reminder(message: Message, person: str) -> bool:
    is_theirs = message.customer_id == person and message.template != "receipt"
    return is_theirs and message.status == "queued"


def _most_in_a_week(instants: Sequence[datetime]) -> int:
    """The most that any span of less than seven days holds."""
    return max((sum(at <= o < at + _WEEK for o in instants) for at in instants), default=0)


async def test_what_was_told_before_is_looked_up_and_not_read_through(
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

    found_by = [node.get("Index Cond", "") for node in scans(plan) if "outbox" in str(node)]
    assert len(found_by) == 2
    assert "recipient = " in "".join(found_by)
    assert "cause = " in "".join(found_by)
