"""A promo code makes as many charged periods cheaper as it says, whatever happens on the way."""

from typing import Any

import pytest

from tests.support.system import Merchant

_CASES = [
    ({"duration": "once"}, [400_000, 500_000, 500_000, 500_000]),
    ({"duration": "repeating", "durationCycles": 3}, [400_000, 400_000, 400_000, 500_000]),
    ({"duration": "forever"}, [400_000, 400_000, 400_000, 400_000]),
]


async def promo(merchant: Merchant, **fields: object) -> dict[str, Any]:
    """20 % off the first period, unless given."""
    body = {"code": "SAVE", "discountType": "percentage", "discountValue": 20, **fields}
    return await merchant.made("/v1/promo-codes", body)


async def invoices(merchant: Merchant, subscription_id: str) -> list[dict[str, Any]]:
    return await merchant.items(f"/v1/invoices?subscriptionId={subscription_id}")


@pytest.mark.parametrize(("duration", "amounts"), _CASES, ids=lambda case: str(case)[:30])
async def test_so_many_periods_are_cheaper_and_the_gateway_is_asked_for_that(
    merchant: Merchant, duration: dict[str, object], amounts: list[int]
) -> None:
    await promo(merchant, **duration)
    subscription = await merchant.subscribe(paymentMethodId="pm_test_ok", promoCode="save")
    await merchant.advance(by="P3M")

    billed = await invoices(merchant, subscription["id"])
    charged = await merchant.items("/v1/test/gateway/charges")

    assert [invoice["amount"] for invoice in billed] == amounts
    assert [charge["amount"] for charge in charged] == amounts
    assert billed[0]["lines"] == [
        {"kind": "plan", "description": "Gold", "amount": 500_000},
        {"kind": "discount", "description": "Promo code SAVE", "amount": -100_000},
    ]
    assert {invoice["status"] for invoice in billed} == {"paid"}


@pytest.mark.parametrize(("duration", "amounts"), _CASES, ids=lambda case: str(case)[:30])
async def test_a_trial_is_no_cycle_of_it(
    merchant: Merchant, duration: dict[str, object], amounts: list[int]
) -> None:
    made = await promo(merchant, **duration)
    subscription = await merchant.subscribe(
        paymentMethodId="pm_test_ok", promoCode="SAVE", trialDays=14
    )
    assert (subscription["promoCodeId"], subscription["status"]) == (made["id"], "trialing")
    await merchant.advance(by="P14D")
    await merchant.advance(by="P3M")

    billed = await invoices(merchant, subscription["id"])

    assert [invoice["amount"] for invoice in billed] == amounts


async def test_the_subscription_tells_what_is_left_and_keeps_the_code(merchant: Merchant) -> None:
    made = await promo(merchant, duration="repeating", durationCycles=2)
    subscription = await merchant.subscribe(paymentMethodId="pm_test_ok", promoCode="SAVE")
    seen = [subscription["promoCyclesLeft"]]
    for _ in range(3):
        await merchant.advance(by="P1M")
        seen.append((await merchant.subscription(subscription["id"]))["promoCyclesLeft"])

    assert seen == [1, 0, 0, 0]
    after = await merchant.subscription(subscription["id"])
    assert after["promoCodeId"] == made["id"]


async def test_the_whole_price_off_is_paid_without_asking_the_gateway(merchant: Merchant) -> None:
    await promo(merchant, discountValue=100, duration="repeating", durationCycles=2)
    subscription = await merchant.subscribe(paymentMethodId="pm_test_ok", promoCode="SAVE")
    assert (subscription["status"], subscription["payUrl"]) == ("active", None)
    await merchant.advance(by="P2M")

    billed = await invoices(merchant, subscription["id"])
    transactions = await merchant.items("/v1/transactions")

    assert [(row["amount"], row["status"], row["rail"]) for row in billed] == [
        (0, "paid", None),
        (0, "paid", None),
        (500_000, "paid", "card"),
    ]
    assert [row["amount"] for row in transactions] == [500_000]
    kinds = [event["type"] for event in await merchant.items("/v1/events")]
    assert kinds[:4] == [
        "subscription_created",
        "invoice_created",
        "subscription_activated",
        "subscription_payment_success",
    ]


async def test_the_whole_price_off_needs_no_payment_method_until_it_ends(
    merchant: Merchant,
) -> None:
    await promo(merchant, discountType="fixed", discountValue=900_000)
    subscription = await merchant.subscribe(promoCode="SAVE")
    assert subscription["status"] == "active"

    await merchant.advance(by="P1M")

    after = await merchant.subscription(subscription["id"])
    assert (after["status"], after["lastPaymentError"]["code"]) == (
        "past_due",
        "no_payment_method",
    )


async def test_recovery_works_the_discounted_amount_and_its_success_uses_the_cycle(
    merchant: Merchant,
) -> None:
    await merchant.advance(to="2027-02-10T09:00:00Z")
    await promo(merchant, duration="repeating", durationCycles=2)
    subscription = await merchant.subscribe(
        paymentMethodId="pm_test_ok_then_insufficient_funds", promoCode="SAVE"
    )
    await merchant.advance(by="P1M")
    (case,) = await merchant.items("/v1/recovery")
    during = await merchant.subscription(subscription["id"])
    assert (case["amount"], during["promoCyclesLeft"]) == (400_000, 1)

    await merchant.advance(to="2027-03-28T12:00:00Z")

    after = await merchant.subscription(subscription["id"])
    assert (after["status"], after["promoCyclesLeft"]) == ("active", 0)
    charged = await merchant.items("/v1/test/gateway/charges")
    paid = [row["amount"] for row in charged if row["status"] == "succeeded"]
    assert paid == [400_000, 400_000]


async def test_a_new_price_is_discounted_anew_from_the_next_invoice_on(merchant: Merchant) -> None:
    plan = await merchant.plan()
    await promo(merchant, discountValue=15, duration="forever")
    subscription = await merchant.subscribe(
        planId=plan, paymentMethodId="pm_test_ok", promoCode="SAVE"
    )
    answer = await merchant.client.patch(f"/v1/plans/{plan}", {"amount": 90})
    assert answer.status == 200
    await merchant.advance(by="P1M")

    billed = await invoices(merchant, subscription["id"])

    # 15 % of 90 kobo is 13.5: 14 off.
    assert [row["amount"] for row in billed] == [425_000, 76]
