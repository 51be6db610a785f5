"""Starts of subscriptions that come at once: of one customer, of many, and with one key."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import pytest

from tests.support.stories import Story
from tests.support.system import running_merchant, settings_for

PATH = "/v1/subscriptions"


@pytest.fixture
async def story(database_url: str, redis_url: str, tenant: str) -> AsyncIterator[Story]:
    async with running_merchant(settings_for(database_url, redis_url), tenant) as merchant:
        yield Story(merchant, database_url)


async def test_fifty_starts_at_once_make_one_subscription_and_one_charge(story: Story) -> None:
    merchant = story.merchant
    body = {
        "customerId": await merchant.customer(),
        "planId": await merchant.plan(),
        "paymentMethodId": "pm_test_ok",
    }

    answers = await asyncio.gather(*(merchant.client.post(PATH, body) for _ in range(50)))

    assert Counter(answer.status for answer in answers) == {201: 1, 409: 49}
    assert await story.settled() == 1
    assert len(await merchant.items(PATH)) == 1
    assert await story.broken() == []


async def test_starts_of_many_customers_at_once_are_each_answered_as_if_alone(story: Story) -> None:
    merchant = story.merchant
    plan_id, archived_id = await merchant.plan(), await merchant.plan()
    assert (await merchant.client.delete(f"/v1/plans/{archived_id}")).status == 200
    good = [await merchant.customer() for _ in range(12)]
    had, blocked, refused = [await merchant.customer() for _ in range(3)]
    await merchant.subscribe(planId=plan_id, customerId=had, paymentMethodId="pm_test_ok")
    await merchant.client.post(f"/v1/customers/{blocked}/blacklist", {"reason": "Fraud"})
    ok = {"planId": plan_id, "paymentMethodId": "pm_test_ok"}
    expected = [
        *((ok | {"customerId": one}, 201, "active") for one in good),
        (ok | {"customerId": refused, "paymentMethodId": "pm_test_stolen"}, 201, "incomplete"),
        (ok | {"customerId": had}, 409, None),
        (ok | {"customerId": blocked}, 409, None),
        (ok | {"customerId": "cus_00000000000000000000000000"}, 404, None),
        (ok | {"customerId": await merchant.customer(), "planId": archived_id}, 409, None),
        (ok | {"customerId": await merchant.customer(), "promoCode": "NONE"}, 422, None),
        (ok | {"customerId": await merchant.customer(), "paymentMethodId": "pm_x"}, 422, None),
    ]

    answers = await asyncio.gather(
        *(
            merchant.client.post(PATH, body, key=f"start-{number}")
            for number, (body, _, _) in enumerate(expected)
        )
    )
    again = await asyncio.gather(
        *(
            merchant.client.post(PATH, body, key=f"start-{number}")
            for number, (body, _, _) in enumerate(expected)
        )
    )

    shown = [(answer.status, answer.json.get("status")) for answer in answers]
    assert shown == [(status, state) for _, status, state in expected]
    assert [answer.body for answer in again if answer.is_replay] == [
        answer.body for answer in answers if answer.status != 422
    ]
    # One was there before.
    assert await story.settled() == len(good) + 1
    assert len(await merchant.items(PATH)) == len(good) + 2
    assert await story.broken() == []


async def test_one_key_for_two_customers_at_once_takes_nobody_else_down(story: Story) -> None:
    merchant = story.merchant
    body = {"planId": await merchant.plan(), "paymentMethodId": "pm_test_ok"}
    customers = [await merchant.customer() for _ in range(6)]
    keys = ["start-0", "start-0", *(f"start-{n}" for n in range(2, 6))]

    answers = await asyncio.gather(
        *(
            merchant.client.post(PATH, body | {"customerId": one}, key=key)
            for one, key in zip(customers, keys, strict=True)
        )
    )

    assert Counter(answer.status for answer in answers[:2]) == {201: 1, 422: 1}
    assert [answer.status for answer in answers[2:]] == [201] * 4
    assert await story.settled() == 5
    assert await story.broken() == []


async def test_twenty_starts_with_one_key_are_one_start(story: Story) -> None:
    merchant = story.merchant
    body = {
        "customerId": await merchant.customer(),
        "planId": await merchant.plan(),
        "paymentMethodId": "pm_test_ok",
    }

    answers = await asyncio.gather(
        *(merchant.client.post(PATH, body, key="start-1") for _ in range(20))
    )
    last = await merchant.client.post(PATH, body, key="start-1")
    other = await merchant.client.post(PATH, body | {"trialDays": 1}, key="start-1")

    # Whoever comes while the first one runs is told so; the others get its answer.
    assert {answer.status for answer in answers} <= {201, 409}
    assert {answer.body for answer in answers if answer.status == 201} == {last.body}
    assert (last.status, last.is_replay) == (201, True)
    assert other.status == 422
    assert await story.settled() == 1
