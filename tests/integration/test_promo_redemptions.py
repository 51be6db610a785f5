"""The limit of a promo code holds however many ask at once, and a refusal leaves nothing behind."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.support.api import Answer
from tests.support.invariants import violations
from tests.support.system import Merchant, running_merchant, settings_for

_PARALLEL = 50
_LIMIT = 7


@pytest.fixture
async def merchant(database_url: str, redis_url: str, tenant: str) -> AsyncIterator[Merchant]:
    async with running_merchant(settings_for(database_url, redis_url), tenant) as started:
        yield started
        assert await violations(database_url, tenant) == []


async def promo(merchant: Merchant, **fields: object) -> dict[str, Any]:
    body = {"code": "SAVE", "discountType": "percentage", "discountValue": 20, **fields}
    return await merchant.made("/v1/promo-codes", body)


async def subscribe_at_once(merchant: Merchant, count: int, **fields: object) -> list[Answer]:
    """Each with a customer of its own, so that nothing but the code makes them wait."""
    plan = await merchant.plan()
    customers = [await merchant.customer() for _ in range(count)]
    body = {"planId": plan, "paymentMethodId": "pm_test_ok", "promoCode": "save", **fields}
    return await asyncio.gather(
        *(
            merchant.client.post("/v1/subscriptions", {**body, "customerId": customer})
            for customer in customers
        )
    )


async def test_of_fifty_at_once_as_many_get_the_discount_as_may(merchant: Merchant) -> None:
    made = await promo(merchant, maxRedemptions=_LIMIT)

    answers = await subscribe_at_once(merchant, _PARALLEL)

    assert Counter(answer.status for answer in answers) == {201: _LIMIT, 409: _PARALLEL - _LIMIT}
    refusals = {answer.error["message"] for answer in answers if answer.status == 409}
    assert refusals == {
        "The promo code cannot be redeemed. It has been redeemed as often as it may be."
    }
    shown = await merchant.get(f"/v1/promo-codes/{made['id']}")
    assert (shown["redeemedCount"], shown["remaining"], shown["active"]) == (_LIMIT, 0, False)
    subscriptions = await merchant.items("/v1/subscriptions")
    assert [row["promoCodeId"] for row in subscriptions] == [made["id"]] * _LIMIT
    charges = await merchant.items("/v1/test/gateway/charges")
    assert [charge["amount"] for charge in charges] == [400_000] * _LIMIT


async def test_the_limit_holds_while_it_is_being_changed(merchant: Merchant) -> None:
    made = await promo(merchant, maxRedemptions=_PARALLEL)
    path = f"/v1/promo-codes/{made['id']}"

    async def lower() -> list[int]:
        statuses = []
        for most in range(_PARALLEL, 0, -5):
            answer = await merchant.client.patch(path, {"maxRedemptions": most})
            statuses.append(answer.status)
        return statuses

    answers, changes = await asyncio.gather(subscribe_at_once(merchant, 30), lower())

    shown = await merchant.get(path)
    assert set(changes) <= {200, 409}
    assert {answer.status for answer in answers} <= {201, 409}
    assert shown["redeemedCount"] == [answer.status for answer in answers].count(201)
    assert shown["remaining"] >= 0


async def test_a_limit_cannot_fall_below_what_was_redeemed(merchant: Merchant) -> None:
    made = await promo(merchant, maxRedemptions=5)
    await subscribe_at_once(merchant, 3)
    path = f"/v1/promo-codes/{made['id']}"

    below = await merchant.client.patch(path, {"maxRedemptions": 2})
    exact = await merchant.client.patch(path, {"maxRedemptions": 3})
    opened = await merchant.client.patch(path, {"active": True})

    assert (below.status, below.code) == (409, "conflict")
    assert (exact.status, exact.json["remaining"], exact.json["active"]) == (200, 0, False)
    assert (opened.status, opened.code) == (409, "conflict")


async def test_one_idempotency_key_redeems_once(merchant: Merchant) -> None:
    made = await promo(merchant)
    body = {
        "customerId": await merchant.customer(),
        "planId": await merchant.plan(),
        "promoCode": "SAVE",
        "paymentMethodId": "pm_test_ok",
    }

    answers = await asyncio.gather(
        *(merchant.client.post("/v1/subscriptions", body, key="k") for _ in range(20))
    )

    assert {answer.status for answer in answers} <= {201, 409}
    assert (await merchant.get(f"/v1/promo-codes/{made['id']}"))["redeemedCount"] == 1


@pytest.mark.parametrize(
    ("code", "status", "word"),
    [
        ("UNKNOWN", 422, "no such"),
        ("no such code \u20a6", 422, "no such"),
        ("", 422, "no such"),
        ("OTHER", 422, "another plan"),
        ("CEDI", 422, "GHS"),
        ("CLOSED", 409, "disabled"),
    ],
)
async def test_a_code_that_cannot_be_had_is_refused_and_nothing_is_made(
    merchant: Merchant, code: str, status: int, word: str
) -> None:
    await promo(merchant, code="OTHER", planId=await merchant.plan())
    await promo(merchant, code="CEDI", discountType="fixed", currency="GHS")
    closed = await promo(merchant, code="CLOSED")
    await merchant.client.patch(f"/v1/promo-codes/{closed['id']}", {"active": False})
    body = {
        "customerId": await merchant.customer(),
        "planId": await merchant.plan(),
        "paymentMethodId": "pm_test_ok",
        "promoCode": code,
    }

    answer = await merchant.client.post("/v1/subscriptions", body)

    assert answer.status == status
    assert word in str(answer.error)
    assert answer.paths == (["promoCode"] if status == 422 else [])
    for path in ("subscriptions", "invoices", "transactions", "events"):
        assert await merchant.items(f"/v1/{path}") == []


async def test_a_declined_start_after_a_refused_one_still_finds_the_code(
    merchant: Merchant,
) -> None:
    made = await promo(merchant, maxRedemptions=1)
    customer = await merchant.customer()
    plan = await merchant.plan()
    await merchant.subscribe(customerId=customer, planId=plan, paymentMethodId="pm_test_ok")

    rival = await merchant.client.post(
        "/v1/subscriptions", {"customerId": customer, "planId": plan, "promoCode": "SAVE"}
    )

    assert rival.status == 409
    assert (await merchant.get(f"/v1/promo-codes/{made['id']}"))["redeemedCount"] == 0
