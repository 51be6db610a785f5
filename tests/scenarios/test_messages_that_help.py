"""What a customer finds in the mail: each failure told once, with the way to mend it, and nothing that is over."""

from collections.abc import AsyncIterator
from email.message import EmailMessage

import aiohttp
import pytest

from duro.modules.members.model import Role
from duro.modules.members.service import add_member
from duro.settings import MailSettings
from tests.support.mail import PostBox, parts, post_box
from tests.support.stories import Story
from tests.support.system import Merchant, running_merchant, settings_for


@pytest.fixture
async def box() -> AsyncIterator[PostBox]:
    async with post_box() as running:
        yield running


@pytest.fixture
async def merchant(
    database_url: str, redis_url: str, tenant: str, box: PostBox
) -> AsyncIterator[Merchant]:
    """A whole running system that has a mail server."""
    settings = settings_for(database_url, redis_url)
    mail = MailSettings.model_validate(
        {"url": f"smtp://127.0.0.1:{box.port}", "sender": "billing@pay.example"}
    )
    async with running_merchant(settings.model_copy(update={"mail": mail}), tenant) as started:
        # Who tries it out plays the customer.
        async with started.app.ground.db.core() as tx:
            await add_member(tx, tenant_id=tenant, email="ada@example.com", role=Role.OWNER)
        yield started


def _subjects(box: PostBox) -> list[str]:
    return [str(each["Subject"]).removeprefix("[Test] ") for each in box.messages]


def _links(message: EmailMessage) -> list[str]:
    return [word for word in parts(message)[0].split() if "/pay/i/" in word]


async def test_a_failed_renewal_is_told_with_the_way_to_pay_and_its_recovery_too(
    story: Story, box: PostBox
) -> None:
    made = await story.active("pm_test_payday")

    await story.merchant.advance(to="2027-03-04T09:00:00.000Z")

    subjects = _subjects(box)
    first = subjects.index("Your payment for Gold did not go through")
    dunned = box.messages[first]
    text, _ = parts(dunned)
    assert dunned["To"] == "ada@example.com"
    assert (
        "We tried to charge ₦5,000.00 for Gold, and your bank said there is not enough money"
        in text
    )
    assert "We will try again on" in text
    assert len(_links(dunned)) == 1
    assert "Paid: ₦5,000.00 for Gold" in subjects[first:]
    assert (await story.merchant.subscription(made["id"]))["status"] == "active"
    assert len({each["Message-ID"] for each in box.messages}) == len(box.arrived)
    assert await story.broken() == []


async def test_who_pays_by_night_is_not_dunned_in_the_morning(story: Story, box: PostBox) -> None:
    await story.merchant.advance(to="2027-01-05T21:30:00.000Z")
    made = await story.active("pm_test_insufficient_funds")
    await story.merchant.advance(to="2027-02-05T21:40:00.000Z")
    await story.change(made["id"], paymentMethodId="pm_test_ok")

    await story.merchant.advance(by="P1D")

    outdated = await story.query(
        "SELECT template, last_error FROM outbox WHERE status = 'outdated'"
    )
    assert [tuple(row) for row in outdated] == [("dunning_1", "the invoice is paid")]
    assert "Your payment for Gold did not go through" not in _subjects(box)
    assert "Paid: ₦5,000.00 for Gold" in _subjects(box)


async def test_quiet_first_tells_nobody_what_the_next_try_cures(story: Story, box: PostBox) -> None:
    await story.settle_on(quietFirst=True)
    await story.active("pm_test_payday")

    await story.merchant.advance(by="P2M")

    assert not [subject for subject in _subjects(box) if "did not go through" in subject]
    assert "Paid: ₦5,000.00 for Gold" in _subjects(box)


async def test_quiet_first_speaks_up_at_the_second_failure_and_of_what_waiting_does_not_cure(
    story: Story, box: PostBox
) -> None:
    await story.settle_on(quietFirst=True)
    await story.active("pm_test_insufficient_funds")
    await story.active("pm_test_expired")

    await story.merchant.advance(by="P2M")

    subjects = _subjects(box)
    assert "Your payment for Gold did not go through" not in subjects
    assert "We could not charge you for Gold" in subjects
    assert "Adunni Gyms needs you to pay ₦5,000.00" in subjects


async def test_a_reminder_says_when_and_how_much_and_ends_with_one_click(
    story: Story, box: PostBox
) -> None:
    await story.active()

    await story.merchant.advance(to="2027-02-03T12:00:00.000Z")
    reminder = box.messages[-1]
    async with aiohttp.ClientSession() as reader:
        link = reminder["List-Unsubscribe"].strip("<>")
        answer = await reader.post(link, data={"List-Unsubscribe": "One-Click"})
        assert answer.status == 200
    await story.merchant.advance(by="P2M")

    assert _subjects(box).count("Gold renews on 5 Feb 2027") == 1
    assert "₦5,000.00 will be charged that day" in parts(reminder)[0]
    assert [subject for subject in _subjects(box) if "renews on" in subject] == [
        "Gold renews on 5 Feb 2027"
    ]
    assert _subjects(box).count("Receipt from Adunni Gyms: ₦5,000.00") == 3


async def test_without_any_channel_messages_wait_and_no_clock_stands_still(
    database_url: str, redis_url: str, tenant_b: str
) -> None:
    async with running_merchant(settings_for(database_url, redis_url), tenant_b) as merchant:
        story = Story(merchant, database_url)
        await story.begin()
        await story.active()

        await merchant.advance(by="P2M")

        assert {status for _, status, _ in await story.outbox("receipt")} == {"queued"}
