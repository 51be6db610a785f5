"""One person is reminded seven times in any seven days, by all merchants together, and nobody learns who else wrote."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from duro.kit.clock import FixedClock
from duro.kit.db import Database
from duro.kit.ids import new_id
from duro.kit.modes import Mode
from duro.kit.sql import queries
from duro.modules.messages.channels import Channels
from duro.modules.messages.contacts import forget_people
from duro.modules.messages.jobs import FORGETTING
from duro.modules.messages.model import Message, MessageStatus
from duro.modules.messages.sending import Sender
from tests.conftest import Say
from tests.integration.messages.conftest import LINKS, PEOPLE, Post
from tests.support.mail import PostBox
from tests.support.roles import app_role, connected, connected_as
from tests.support.tenants import add_tenant

# As the product says, not as the code does.
SEVEN: Final = 7
WEEK: Final = timedelta(days=7)
ADA: Final = "ada@example.com"
PHONE: Final = "+2348012345678"
_CAUGHT: Final = Sender(Channels(is_caught=True), LINKS, PEOPLE)


def _caught(post: Post) -> Post:
    """Sent to the inbox, which takes everything at once."""
    return replace(post, sender=_CAUGHT)


def _of(messages: Sequence[Message], status: MessageStatus) -> list[Message]:
    return [each for each in messages if each.status is status]


@pytest.fixture
def other(post: Post, tenant_b: str) -> Post:
    """Another merchant, who knows the same people."""
    return replace(post, tenant_id=tenant_b)


async def test_two_merchants_share_the_seven_reminders_of_a_person(
    post: Post, other: Post, box: PostBox
) -> None:
    for n in range(4):
        await post.queue("renewal_reminder", address=ADA, cause=f"sub_{n}")
        await other.queue("dunning_1", to=await other.customer(email="Ada@Example.com"))
    for merchant in (post, other):
        await merchant.queue("receipt", address=ADA)
        await merchant.queue(
            "dunning_1", address=f"somebody.else@{merchant.tenant_id[-6:]}.example"
        )

    ran = [await post.send(), await other.send()]

    (capped,) = _of(await other.messages(), MessageStatus.CAPPED)
    assert _of(await post.messages(), MessageStatus.CAPPED) == []
    assert (capped.template, capped.attempts, capped.person) == ("dunning_1", 0, None)
    assert capped.last_error == "its reader has had the reminders of this week"
    assert ran[1].counts == {"messagesSent": 5, "capped": 1}
    # Seven reminders, two receipts, and one to each of two other people.
    assert len(box.arrived) == 11
    assert [to for (to,) in box.to].count(ADA) + [to for (to,) in box.to].count(
        "Ada@Example.com"
    ) == 9


async def test_in_test_mode_every_merchant_has_the_seven_for_itself(
    post: Post, other: Post
) -> None:
    """Their clocks differ, and nobody is really written to."""
    for merchant in (post, other):
        testing = replace(_caught(merchant), mode=Mode.TEST)
        for n in range(8):
            await testing.queue("renewal_reminder", address=ADA, cause=f"sub_{n}")
        await testing.send()

        messages = await testing.messages()
        assert len(_of(messages, MessageStatus.SENT)) == SEVEN
        assert len(_of(messages, MessageStatus.CAPPED)) == 1


@pytest.mark.parametrize(
    ("after", "status"),
    [
        (timedelta(0), MessageStatus.CAPPED),
        (WEEK - timedelta(seconds=1), MessageStatus.CAPPED),
        (WEEK, MessageStatus.SENT),
    ],
)
async def test_seven_days_later_there_is_room_again(
    post: Post, other: Post, after: timedelta, status: MessageStatus
) -> None:
    post, other = _caught(post), _caught(other)
    for n in range(SEVEN):
        await post.queue("dunning_1", address=ADA, cause=f"txn_{n}")
    await post.send()
    post.wait(seconds=after.total_seconds())

    await other.queue("dunning_1", address=ADA)
    await other.send()

    assert (await other.message()).status is status


async def test_what_waits_for_another_try_keeps_its_place_and_what_is_refused_gives_it_back(
    post: Post, other: Post, box: PostBox
) -> None:
    box.says_to_recipient = ["550 no such user", "451 later"]
    for n in range(SEVEN):
        await post.queue("dunning_1", address=ADA, cause=f"txn_{n}")
    await post.send()

    await other.queue("dunning_1", address=ADA, cause="has the place of the refused")
    await other.queue("dunning_1", address=ADA, cause="is one too many")
    await other.send()
    post.wait(minutes=1)
    await post.send()

    statuses = [each.status.value for each in await post.messages()]
    assert sorted(statuses) == ["failed", *["sent"] * 6]
    assert [each.status.value for each in await other.messages()] == ["sent", "capped"]
    assert len(box.arrived) == SEVEN


async def test_what_is_tried_twice_has_one_place(post: Post, other: Post, box: PostBox) -> None:
    box.says_to_recipient = ["451 later", "451 later"]
    await post.queue("dunning_1", address=ADA)
    for _ in range(3):
        await post.send()
        post.wait(minutes=6)

    for n in range(SEVEN):
        await other.queue("dunning_1", address=ADA, cause=f"txn_{n}")
    await other.send()

    assert (await post.message()).attempts == 3
    assert len(_of(await other.messages(), MessageStatus.SENT)) == SEVEN - 1
    assert len(box.arrived) == SEVEN


async def test_a_place_is_free_again_when_what_waited_has_stopped_being_true(
    post: Post, other: Post, box: PostBox
) -> None:
    box.says_to_recipient = ["451 later"]
    customer = await post.customer(email=ADA)
    await post.queue("trial_ending", to=customer)
    await post.send()
    async with post.scope.begin() as tx:
        await tx.run(queries("messages")["opt_out"], (await post.message()).id, post.clock.wall())
    post.wait(minutes=1)
    await post.send()

    for n in range(8):
        await other.queue("dunning_1", address=ADA, cause=f"txn_{n}")
    await other.send()

    assert (await post.message()).status is MessageStatus.OUTDATED
    assert len(_of(await other.messages(), MessageStatus.SENT)) == SEVEN


async def test_fifty_merchants_at_once_reach_a_person_seven_times(
    db: Database, clock: FixedClock, database_url: str, say: Say
) -> None:
    """Each writes to the same three people, in an order of its own."""
    people = [ADA, PHONE, "bola@example.com"]
    merchants = []
    for n in range(50):
        tenant_id = await add_tenant(database_url, new_id("ten", wall=clock.wall()), name=f"M{n}")
        merchant = Post(db, clock, tenant_id, _CAUGHT)
        for address in people[n % 3 :] + people[: n % 3]:
            await merchant.queue("dunning_1", address=address, cause=address)
        merchants.append(merchant)

    await asyncio.gather(*(merchant.send() for merchant in merchants))

    found = [message for merchant in merchants for message in await merchant.messages()]
    sent = [each.address for each in _of(found, MessageStatus.SENT)]
    assert {address: sent.count(address) for address in people} == dict.fromkeys(people, SEVEN)
    assert len(_of(found, MessageStatus.CAPPED)) == 150 - 21
    say("contact caps: 50 merchants wrote to 3 people at once; each got 7 of 50 reminders")


@dataclass(frozen=True)
class Write:
    """One merchant reminds one person so many times, so many hours after what was before."""

    hours: int
    merchant: int
    person: int
    times: int


_WRITES: Final = st.lists(
    st.builds(
        Write,
        hours=st.sampled_from([0, 0, 1, 24, 24 * 7 - 1, 24 * 7]),
        merchant=st.integers(0, 2),
        person=st.integers(0, 1),
        times=st.integers(1, 8),
    ),
    min_size=4,
    max_size=16,
)


@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(writes=_WRITES)
async def test_whoever_writes_when_each_gets_what_there_is_room_for(
    db: Database, clock: FixedClock, database_url: str, writes: Sequence[Write]
) -> None:
    stamp = new_id("cau", wall=clock.wall())
    addresses = [f"{n}.{stamp}@example.com" for n in range(2)]
    merchants = []
    for n in range(3):
        tenant_id = await add_tenant(database_url, new_id("ten", wall=clock.wall()), name=f"M{n}")
        merchants.append(Post(db, clock, tenant_id, _CAUGHT))
    expected: list[list[datetime]] = [[], []]

    for write in writes:
        clock.move(timedelta(hours=write.hours))
        now, merchant = clock.wall(), merchants[write.merchant]
        for _ in range(write.times):
            await merchant.queue("dunning_1", address=addresses[write.person])
            if sum(at > now - WEEK for at in expected[write.person]) < SEVEN:
                expected[write.person].append(now)
        await merchant.send()

    found = [message for merchant in merchants for message in await merchant.messages()]
    sent = [
        sorted(
            each.settled_at
            for each in _of(found, MessageStatus.SENT)
            if each.address == one and each.settled_at
        )
        for one in addresses
    ]
    assert sent == expected
    assert len(found) == sum(write.times for write in writes)


async def test_no_tenant_learns_what_another_has_sent(
    post: Post, other: Post, database_url: str
) -> None:
    post, other = _caught(post), _caught(other)
    for merchant in (post, other):
        await merchant.queue("dunning_1", address=ADA)
        await merchant.queue("dunning_1", address=PHONE)
        await merchant.send()
    sent = [message.id for merchant in (post, other) for message in await merchant.messages()]

    async with connected_as(database_url, app_role(post.mode), search_path="live,core") as app:
        await app.execute("SELECT set_config('duro.tenant', $1, false)", post.tenant_id)
        unnamed = await app.fetch("SELECT person FROM contact_caps")
        changed = await app.execute("UPDATE contact_caps SET forget_at = now()")
        ada = PEOPLE.person(Mode.LIVE, "", ADA)
        await app.execute("SELECT set_config('duro.people', $1, false)", ada)
        named = await app.fetch("SELECT * FROM contact_caps")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await app.execute("UPDATE contact_caps SET person = 'x'")

    (row,) = named
    assert (unnamed, changed, row["person"], row["tenant_id"]) == ([], "UPDATE 0", ada, None)
    # Two merchants wrote; which ones, and what, cannot be read from it.
    assert len(row["reminders"]) == 2
    told = [ADA, PHONE, post.tenant_id, other.tenant_id, *sent]
    assert [word for word in told if word in str(dict(row))] == []


async def test_who_has_not_been_reminded_for_a_week_is_forgotten(
    post: Post, other: Post, database_url: str
) -> None:
    post, other = _caught(post), _caught(other)
    await post.queue("dunning_1", address=ADA)
    await post.send()
    post.wait(days=6)
    await other.queue("dunning_1", address=PHONE)
    await other.send()

    post.wait(days=1)
    found = await post.db.scan(post.mode, FORGETTING.list_due, post.clock.wall(), [], [])
    ran = [await forget_people(other.scope, 100), await forget_people(post.scope, 100)]

    async with connected(database_url) as owner:
        await owner.execute("ALTER TABLE live.contact_caps NO FORCE ROW LEVEL SECURITY")
        left = await owner.fetch("SELECT person FROM live.contact_caps")
    assert len(found) == 1
    assert [each.done for each in ran] == [1, 0]
    assert [row["person"] for row in left] == [PEOPLE.person(Mode.LIVE, "", PHONE)]


def test_who_knows_the_digests_without_the_key_knows_nobody() -> None:
    other_key = replace(PEOPLE, key=b"q" * 32)

    assert PEOPLE.person(Mode.LIVE, "ten_a", ADA) == PEOPLE.person(
        Mode.LIVE, "ten_b", " ADA@example.com"
    )
    assert PEOPLE.person(Mode.TEST, "ten_a", ADA) != PEOPLE.person(Mode.TEST, "ten_b", ADA)
    assert PEOPLE.person(Mode.LIVE, "", ADA) != other_key.person(Mode.LIVE, "", ADA)
    assert PEOPLE.person(Mode.LIVE, "", ADA) != PEOPLE.person(Mode.LIVE, "", PHONE)
