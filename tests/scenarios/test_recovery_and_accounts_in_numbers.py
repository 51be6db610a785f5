"""What came back, how soon and by which try; and where the money is: the numbers follow the story."""

from typing import Any

from tests.support.system import Merchant

RECOVERY = "/v1/analytics/recovery"
ACCOUNTS = "/v1/analytics/accounts"
ZEROS = {
    "gatewayClearing": 0,
    "customerCredit": 0,
    "wallet": 0,
    "merchantPayable": 0,
    "suspense": 0,
}


def tally(count: int, amount: int) -> dict[str, int]:
    return {"count": count, "amount": amount}


async def accounts(merchant: Merchant) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await merchant.get(ACCOUNTS))["items"]
    for item in items:
        assert sum(amount for name, amount in item.items() if name != "currency") == 0
    return items


async def test_without_history_there_are_zeros_and_no_times(merchant: Merchant) -> None:
    shown = await merchant.get(RECOVERY)

    assert shown["all"] == shown["recovered"] == tally(0, 0)
    assert (shown["recoveryRate"], shown["caseRate"]) == (0.0, 0.0)
    assert shown["timeToRecover"] == {"medianSeconds": None, "p90Seconds": None}
    lists = ("byFailureCode", "byCategory", "byRail", "byAttempt", "byWeekday", "byDayOfMonth")
    assert [shown[name] for name in (*lists, "settingsChanges")] == [[]] * 7
    assert await accounts(merchant) == [{"currency": "NGN", **ZEROS}]


async def test_a_payday_recovery_beside_a_loss(merchant: Merchant) -> None:
    await merchant.advance(to="2027-02-10T08:00:00Z")
    plan = await merchant.plan(amount=300_000)
    instrument = "pm_test_ok_then_insufficient_funds"
    await merchant.subscribe(planId=plan, paymentMethodId=instrument)
    lost = await merchant.subscribe(paymentMethodId="pm_test_ok")
    path = f"/v1/subscriptions/{lost['id']}"
    await merchant.client.patch(path, {"paymentMethodId": "pm_test_expired"})
    await merchant.advance(to="2027-03-05T08:00:00Z")
    await merchant.client.patch("/v1/settings/recovery", {"maxAttempts": 4})
    await merchant.advance(to="2027-04-02T08:00:00Z")

    shown = await merchant.get(f"{RECOVERY}?from=2027-03-01&to=2027-04-01")

    assert (shown["all"], shown["inFlight"]) == (tally(2, 800_000), tally(0, 0))
    assert (shown["recovered"], shown["exhausted"]) == (tally(1, 300_000), tally(1, 500_000))
    assert (shown["recoveryRate"], shown["caseRate"]) == (0.375, 0.5)
    # From 10 March 08:00 to the 28th, 09:00.
    took_s = 18 * 86_400 + 3_600
    assert shown["timeToRecover"] == {"medianSeconds": took_s, "p90Seconds": took_s}
    assert [(row["key"], row["all"], row["caseRate"]) for row in shown["byFailureCode"]] == [
        ("51", tally(1, 300_000), 1.0),
        ("54", tally(1, 500_000), 0.0),
    ]
    assert [row["key"] for row in shown["byCategory"]] == ["expired_card", "insufficient_funds"]
    won = {
        "tried": tally(1, 300_000),
        "succeeded": tally(1, 300_000),
        "successRate": 1.0,
        "tryRate": 1.0,
    }
    # A Sunday; the renewal itself was the first attempt.
    assert shown["byRail"] == [{"key": "card", **won}]
    assert shown["byAttempt"] == [{"key": "2", **won}]
    assert shown["byWeekday"] == [{"key": "7", **won}]
    assert shown["byDayOfMonth"] == [{"key": "28", **won}]
    assert shown["settingsChanges"] == [{"version": 2, "changedAt": "2027-03-05T08:00:00.000Z"}]


async def test_charges_credit_and_refunds_move_between_the_accounts(merchant: Merchant) -> None:
    await merchant.advance(to="2027-02-10T08:00:00Z")
    cheap = await merchant.plan(amount=300_000)
    made = await merchant.subscribe(paymentMethodId="pm_test_ok")
    (charged,) = await accounts(merchant)
    assert charged == {
        "currency": "NGN",
        **ZEROS,
        "gatewayClearing": 500_000,
        "merchantPayable": -500_000,
    }

    changed = await merchant.client.post(
        f"/v1/subscriptions/{made['id']}/change-plan", {"planId": cheap}
    )
    assert changed.status == 200, changed.body
    (credited,) = await accounts(merchant)
    # Nothing of the period was used: the difference is the customer's, and is owed to the merchant no more.
    assert credited["customerCredit"] == -200_000
    assert (credited["gatewayClearing"], credited["merchantPayable"]) == (500_000, -300_000)

    path = f"/v1/invoices/{made['latestInvoiceId']}/refund"
    refunded = await merchant.client.post(path, {"amount": 100_000})
    assert refunded.status in {200, 201}, refunded.body
    (after,) = await accounts(merchant)
    assert (after["gatewayClearing"], after["merchantPayable"]) == (400_000, -200_000)

    dollars = await merchant.plan(amount=900, currency="USD")
    await merchant.subscribe(planId=dollars, paymentMethodId="pm_test_ok")
    naira, dollar = await accounts(merchant)
    assert (naira, dollar["currency"], dollar["gatewayClearing"]) == (after, "USD", 900)
