"""Holds sending to its word: each message once, tried again while there is hope, and never lost without a trace."""

import asyncio
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest

from duro.kit.modes import Mode
from duro.modules.messages.channels import Channels
from duro.modules.messages.model import MessageStatus
from duro.modules.messages.sending import Sender
from tests.integration.messages.conftest import LINKS, PEOPLE, Post
from tests.support.mail import FakeCloud, PostBox, parts, refused


async def test_a_due_message_goes_out_once_and_is_known_by_its_message_id(
    post: Post, box: PostBox
) -> None:
    customer = await post.customer()
    await post.queue("receipt", to=customer, cause="txn_1", amount="₦5,000.00")
    await post.queue("receipt", to=customer, cause="txn_1", amount="₦5,000.00")

    ran = [await post.send(), await post.send()]

    (arrived,) = box.messages
    row = await post.message()
    assert [each.done for each in ran] == [1, 0]
    assert box.to == [["ada@example.com"]]
    assert arrived["Message-ID"] == f"<{row.id}@pay.example>" == row.provider_id
    assert (row.status, row.attempts, row.channel) == (MessageStatus.SENT, 1, "email")
    assert row.settled_at == post.clock.wall()


async def test_nothing_goes_out_before_its_time(post: Post, box: PostBox) -> None:
    await post.queue()
    post.wait(minutes=-1)

    early = await post.send()
    post.wait(minutes=1)
    ran = await post.send()

    assert (early.done, ran.done, len(box.arrived)) == (0, 1, 1)


async def test_what_is_temporary_is_tried_again_at_growing_intervals_and_then_kept_dead(
    post: Post, box: PostBox
) -> None:
    box.says_to_recipient = ["451 4.7.1 greylisted"] * 7
    await post.queue()
    waits = []

    for _ in range(6):
        await post.send()
        row = await post.message()
        assert row.status is MessageStatus.QUEUED
        waits.append(row.due_at - post.clock.wall())
        post.wait(seconds=waits[-1].total_seconds() - 1)
        assert (await post.send()).done == 0
        post.wait(seconds=1)
    await post.send()

    row = await post.message()
    assert waits == [
        timedelta(minutes=1),
        timedelta(minutes=5),
        timedelta(minutes=30),
        timedelta(hours=2),
        timedelta(hours=6),
        timedelta(hours=24),
    ]
    assert (row.status, row.attempts) == (MessageStatus.FAILED, 7)
    assert row.last_error == "451 4.7.1 greylisted"
    assert box.arrived == []


async def test_a_dead_letter_is_seen_and_can_be_sent_again(post: Post, box: PostBox) -> None:
    box.says_to_recipient = ["550 5.1.1 no such user"]
    await post.queue()
    await post.send()
    (dead,) = await post.wording.list_newest(post.mode, post.tenant_id, MessageStatus.FAILED)

    queued = await post.wording.resend(post.mode, post.tenant_id, [dead.id])
    await post.send()

    assert (dead.attempts, dead.last_error) == (1, "550 5.1.1 no such user")
    assert queued == 1
    assert [each["Message-ID"] for each in box.messages] == [f"<{dead.id}@pay.example>"]
    assert await post.wording.list_newest(post.mode, post.tenant_id, MessageStatus.FAILED) == []
    assert await post.wording.resend(post.mode, post.tenant_id, [dead.id]) == 0


async def test_killed_between_send_and_record_the_same_message_comes_again_under_the_same_id(
    post: Post, box: PostBox
) -> None:
    await post.queue()
    box.holding = asyncio.Event()
    dying = asyncio.create_task(post.send())
    await box.reached.wait()
    dying.cancel()
    with suppress(asyncio.CancelledError):
        await dying
    box.holding.set()
    box.holding = None

    at_once = await post.send()
    post.wait(seconds=91)
    later = await post.send()

    assert (at_once.done, later.done) == (0, 1)
    first, second = box.messages
    assert first["Message-ID"] == second["Message-ID"]
    assert (await post.message()).status is MessageStatus.SENT


async def test_a_fault_of_our_own_uses_up_no_try_and_stops_nobody_else(
    post: Post, box: PostBox
) -> None:
    await post.queue("no_such_template")
    await post.queue()

    await post.send()

    broken, fine = await post.messages()
    assert (broken.status, broken.attempts) == (MessageStatus.QUEUED, 0)
    assert broken.due_at == post.clock.wall() + timedelta(minutes=1)
    assert fine.status is MessageStatus.SENT
    assert len(box.arrived) == 1


async def test_e_mail_goes_before_whatsapp_and_whatsapp_is_for_who_has_a_phone_alone(
    post: Post, box: PostBox, cloud: FakeCloud
) -> None:
    both = await post.customer(phone="+2348012345678")
    phone = await post.customer(email="", phone="+2348087654321")
    await post.queue(to=both)
    await post.queue(to=phone, amount="₦5,000.00", url="https://pay.example/pay/i/x")

    await post.send()

    assert box.to == [["ada@example.com"]]
    assert [each["to"] for each in cloud.asked] == ["2348087654321"]
    assert [each.channel for each in await post.messages()] == ["email", "whatsapp"]


async def test_without_a_channel_it_waits_and_without_an_address_it_is_dead(
    post: Post, box: PostBox
) -> None:
    mail_only = replace(post, sender=Sender(Channels(post.sender.channels.mailer), LINKS, PEOPLE))
    await post.queue(to=await post.customer(email="", phone="+2348012345678"))
    await post.queue(to=await post.customer(email=""))

    await mail_only.send()

    waiting, dead = await post.messages()
    assert (waiting.status, waiting.attempts) == (MessageStatus.QUEUED, 0)
    assert waiting.last_error == "no channel: whatsapp is not set up"
    assert (dead.status, dead.last_error) == (
        MessageStatus.FAILED,
        "the customer has neither e-mail nor phone",
    )
    assert box.arrived == []


async def test_the_inbox_takes_everything_and_nothing_leaves(post: Post, box: PostBox) -> None:
    caught = replace(post, sender=Sender(Channels(is_caught=True), LINKS, PEOPLE))
    await post.queue()
    await post.queue(to=await post.customer(email=""))

    ran = await caught.send()

    row, unreachable = await post.messages()
    assert (ran.done, row.status, row.provider_id) == (2, MessageStatus.SENT, "inbox")
    assert unreachable.status is MessageStatus.FAILED
    assert box.connections == 0


async def test_one_connection_serves_many_messages(post: Post, box: PostBox) -> None:
    for _ in range(3):
        await post.queue()
        await post.send()

    assert (len(box.arrived), box.connections) == (3, 1)


async def test_two_processes_send_each_message_once(post: Post, box: PostBox) -> None:
    for _ in range(8):
        await post.queue()

    ran = await asyncio.gather(*(post.send() for _ in range(4)))

    assert sum(each.done for each in ran) == 8
    assert len({each["Message-ID"] for each in box.messages}) == len(box.arrived) == 8


async def test_in_test_mode_a_message_says_so(post: Post, box: PostBox) -> None:
    testing = replace(post, mode=Mode.TEST)
    await testing.join("ada@example.com")
    await testing.queue(amount="₦5,000.00")

    await testing.send()

    (arrived,) = box.messages
    assert arrived["Subject"] == "[Test] Receipt from Adunni Gyms: ₦5,000.00"
    assert all("This is a test message." in part for part in parts(arrived))


async def test_in_test_mode_only_the_team_and_who_is_named_by_hand_are_written_to(
    post: Post, box: PostBox, cloud: FakeCloud
) -> None:
    testing = replace(post, mode=Mode.TEST)
    await testing.join("ada@example.com")
    await testing.queue("receipt", to=await testing.customer(email="Ada@Example.com"))
    await testing.queue("receipt", to=await testing.customer(email="real@customer.example"))
    await testing.queue("dunning_1", to=await testing.customer(email="", phone="+2348012345678"))
    await testing.wording.send_test(
        Mode.TEST, testing.tenant_id, key="refund", language="en", address="try@shop.example"
    )

    ran = await testing.send()

    assert sorted(box.to) == [["Ada@Example.com"], ["try@shop.example"]]
    assert cloud.asked == []
    assert ran.counts == {"messagesSent": 2, "messagesWithheld": 2}
    withheld = [each for each in await testing.messages() if each.status is MessageStatus.WITHHELD]
    assert [(each.attempts, each.last_error, each.person) for each in withheld] == [
        (0, "not sent in test mode: its reader is not one of the team", None)
    ] * 2


async def test_what_test_mode_withholds_waits_for_no_channel(post: Post) -> None:
    mail_only = Sender(Channels(post.sender.channels.mailer), LINKS, PEOPLE)
    testing = replace(post, mode=Mode.TEST, sender=mail_only)
    await testing.queue(address="+2348012345678")

    await testing.send()

    assert (await testing.message()).status is MessageStatus.WITHHELD


async def test_of_another_merchants_team_nobody_is_written_to_in_test_mode(
    post: Post, box: PostBox, tenant_b: str
) -> None:
    testing = replace(post, mode=Mode.TEST)
    await replace(testing, tenant_id=tenant_b).join("ada@example.com")
    await testing.queue(address="ada@example.com")

    await testing.send()

    assert (await testing.message()).status is MessageStatus.WITHHELD
    assert box.arrived == []


async def test_in_live_mode_everybody_is_written_to(post: Post, box: PostBox) -> None:
    await post.queue(address="real@customer.example")

    await post.send()

    assert box.to == [["real@customer.example"]]


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_whatsapp_that_is_busy_is_asked_again(
    post: Post, cloud: FakeCloud, status: int
) -> None:
    cloud.answers = [(status, refused(131016))]
    await post.queue(address="+2348012345678", amount="₦1.00")

    await post.send()
    row = await post.message()
    post.wait(minutes=1)
    await post.send()

    assert (row.status, row.attempts) == (MessageStatus.QUEUED, 1)
    sent = await post.message()
    assert (sent.status, sent.provider_id) == (MessageStatus.SENT, "wamid.2")
    first, second = cloud.asked
    assert first["biz_opaque_callback_data"] == second["biz_opaque_callback_data"] == row.id


async def test_whatsapp_that_refuses_for_good_is_not_asked_again(
    post: Post, cloud: FakeCloud
) -> None:
    cloud.answers = [(400, refused(131026, "Message undeliverable"))]
    await post.queue(address="+2348012345678", amount="₦1.00")

    await post.send()

    row = await post.message()
    assert row.status is MessageStatus.FAILED
    assert row.last_error == "HTTP 400, 131026: Message undeliverable"
