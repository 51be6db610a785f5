"""A redemption counts for a subscription that begins; one that never does gives it back."""

from typing import Any

from tests.support.system import Merchant


async def promo(merchant: Merchant, **fields: object) -> str:
    body = {"code": "LAST1", "discountType": "percentage", "discountValue": 50, **fields}
    return str((await merchant.made("/v1/promo-codes", body))["id"])


async def counted(merchant: Merchant, promo_id: str) -> tuple[int, int | None, bool]:
    shown: dict[str, Any] = await merchant.get(f"/v1/promo-codes/{promo_id}")
    return shown["redeemedCount"], shown["remaining"], shown["active"]


async def test_a_declined_start_that_nobody_pays_gives_the_redemption_back_when_it_expires(
    merchant: Merchant,
) -> None:
    promo_id = await promo(merchant, maxRedemptions=1)
    declined = await merchant.subscribe(
        paymentMethodId="pm_test_insufficient_funds", promoCode="LAST1"
    )
    assert (declined["status"], declined["promoCodeId"]) == ("incomplete", promo_id)
    assert await counted(merchant, promo_id) == (1, 0, False)

    await merchant.advance(by="PT24H")

    expired = await merchant.subscription(declined["id"])
    assert (expired["status"], expired["promoCodeId"]) == ("incomplete_expired", None)
    assert await counted(merchant, promo_id) == (0, 1, True)
    second = await merchant.subscribe(paymentMethodId="pm_test_ok", promoCode="LAST1")
    assert (second["status"], second["promoCodeId"]) == ("active", promo_id)


async def test_a_start_that_is_cancelled_before_it_was_paid_gives_it_back_too(
    merchant: Merchant,
) -> None:
    promo_id = await promo(merchant, maxRedemptions=1)
    waiting = await merchant.subscribe(promoCode="LAST1")

    answer = await merchant.client.post(f"/v1/subscriptions/{waiting['id']}/cancel", {})

    assert (answer.status, answer.json["promoCodeId"]) == (200, None)
    assert await counted(merchant, promo_id) == (0, 1, True)


async def test_what_has_begun_keeps_it_whatever_comes_after(merchant: Merchant) -> None:
    promo_id = await promo(merchant, maxRedemptions=2)
    on_trial = await merchant.subscribe(trialDays=30, promoCode="LAST1")
    active = await merchant.subscribe(paymentMethodId="pm_test_ok", promoCode="LAST1")

    for row in (on_trial, active):
        answer = await merchant.client.post(f"/v1/subscriptions/{row['id']}/cancel", {})
        assert answer.status == 200

    assert await counted(merchant, promo_id) == (2, 0, False)


async def test_an_open_first_charge_keeps_it_until_the_gateway_is_heard(
    merchant: Merchant,
) -> None:
    promo_id = await promo(merchant, maxRedemptions=1)
    silent = await merchant.subscribe(paymentMethodId="pm_test_timeout_charged", promoCode="LAST1")
    assert silent["status"] == "incomplete"

    await merchant.advance(by="P2D")

    settled = await merchant.subscription(silent["id"])
    assert (settled["status"], settled["promoCodeId"]) == ("active", promo_id)
    assert await counted(merchant, promo_id) == (1, 0, False)


async def test_a_closed_or_expired_code_stays_with_those_who_have_it(merchant: Merchant) -> None:
    await merchant.advance(to="2027-01-10T09:00:00Z")
    promo_id = await promo(merchant, duration="forever", expiresAt="2027-01-20T00:00:00Z")
    subscription = await merchant.subscribe(paymentMethodId="pm_test_ok", promoCode="LAST1")

    await merchant.advance(by="P2M")

    billed = await merchant.items(f"/v1/invoices?subscriptionId={subscription['id']}")
    assert [row["amount"] for row in billed] == [250_000] * 3
    assert await counted(merchant, promo_id) == (1, None, False)
    refused = await merchant.client.post(
        "/v1/subscriptions",
        {
            "customerId": await merchant.customer(),
            "planId": await merchant.plan(),
            "promoCode": "LAST1",
        },
    )
    assert (refused.status, refused.code) == (409, "conflict")
    assert "expired" in refused.error["message"]


async def test_a_reset_frees_codes_and_slugs(merchant: Merchant) -> None:
    await promo(merchant)
    await merchant.subscribe(paymentMethodId="pm_test_ok", promoCode="LAST1")
    plan = await merchant.plan()
    await merchant.made("/v1/payment-links", {"planId": plan, "slug": "gold"})
    await merchant.made("/v1/checkout/sessions", {"planId": plan})

    answer = await merchant.client.post("/v1/test-clock/reset", {})

    assert answer.status == 200
    assert await merchant.items("/v1/promo-codes") == []
    await promo(merchant)
    plan = await merchant.plan()
    await merchant.made("/v1/payment-links", {"planId": plan, "slug": "gold"})
