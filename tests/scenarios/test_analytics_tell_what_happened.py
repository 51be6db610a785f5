"""The numbers of a merchant follow its story: earned, lost, at risk and recovered."""

from typing import Any

import pytest

from duro.kit.modes import Mode
from tests.support.api import Server
from tests.support.system import Merchant

OVERVIEW = "/v1/analytics/overview"
FAILURES = "/v1/analytics/failures"
LEDGER = "/v1/analytics/ledger"
NOTHING = {"subscriptions": 0, "amount": 0}


async def overview(merchant: Merchant, query: str = "") -> dict[str, Any]:
    (item,) = (await merchant.get(f"{OVERVIEW}{query}"))["items"]
    found: dict[str, Any] = item
    return found


async def act(merchant: Merchant, subscription: dict[str, Any], what: str, **body: object) -> None:
    answer = await merchant.client.post(f"/v1/subscriptions/{subscription['id']}/{what}", body)
    assert answer.status == 200, answer.body


async def test_a_merchant_without_history_has_zeros_in_its_currency(merchant: Merchant) -> None:
    await merchant.advance(to="2027-02-10T08:00:00Z")

    shown = await merchant.get(OVERVIEW)
    assert (shown["from"], shown["to"]) == ("2027-01-31T23:00:00.000Z", "2027-02-28T23:00:00.000Z")
    assert shown["items"] == [
        {
            "currency": "NGN",
            "mrr": 0,
            "mrrOpening": 0,
            "movements": dict.fromkeys(
                ["new", "reactivation", "expansion", "contraction", "churn"], 0
            ),
            "active": 0,
            "churn": {"voluntary": NOTHING, "involuntary": NOTHING},
            "churnRate": 0.0,
            "atRisk": 0,
            "recovered": 0,
            "recoveryRate": 0.0,
        }
    ]
    failures = await merchant.get(FAILURES)
    assert failures == {
        "inFlight": 0,
        "recovered": 0,
        "exhausted": 0,
        "recoveryRate": 0.0,
        "byFailureCode": {},
        "byCategory": {},
        "currency": "NGN",
        "from": "2027-01-31T23:00:00.000Z",
        "to": "2027-02-28T23:00:00.000Z",
    }
    (ledger,) = (await merchant.get(LEDGER))["items"]
    assert ledger["byReason"] == {"entered": {}, "recovered": {}, "lost": {}, "cancelled": {}}
    assert [ledger[name] for name in ("opening", "entered", "closing")] == [0, 0, 0]


async def test_revenue_moves_with_each_subscription(merchant: Merchant) -> None:
    await merchant.advance(to="2027-02-01T08:00:00Z")
    monthly = await merchant.plan(amount=500_000)
    yearly = await merchant.plan(amount=5_000_000, interval="year")
    first = await merchant.subscribe(planId=monthly, paymentMethodId="pm_test_ok")
    await merchant.subscribe(planId=yearly, paymentMethodId="pm_test_ok")
    trial = await merchant.subscribe(planId=monthly, paymentMethodId="pm_test_ok", trialDays=7)
    await merchant.subscribe(planId=monthly, paymentMethodId="pm_test_expired")
    # A trial and a first charge that was declined earn nothing; a year comes to a twelfth.
    begun = await overview(merchant)
    assert (begun["mrr"], begun["active"], begun["movements"]["new"]) == (916_667, 2, 916_667)

    await merchant.advance(to="2027-02-10T08:00:00Z")
    assert (await overview(merchant))["mrr"] == 1_416_667
    await act(merchant, first, "pause")
    await act(merchant, trial, "cancel")
    paused = await overview(merchant)
    assert (paused["mrr"], paused["active"]) == (416_667, 1)
    assert paused["churn"]["voluntary"] == {"subscriptions": 2, "amount": 1_000_000}
    assert paused["churn"]["involuntary"] == NOTHING
    # Three came in the month, and two of these went.
    assert paused["churnRate"] == 0.6667
    await act(merchant, first, "resume")
    resumed = await overview(merchant)
    assert (resumed["mrr"], resumed["movements"]["reactivation"]) == (916_667, 500_000)

    await merchant.client.patch(f"/v1/plans/{monthly}", {"amount": 700_000})
    assert (await overview(merchant))["mrr"] == 916_667
    await merchant.advance(to="2027-03-05T08:00:00Z")
    # The new price counts from the first payment at it.
    march = await overview(merchant)
    assert (march["mrrOpening"], march["mrr"]) == (916_667, 1_116_667)
    assert march["movements"]["expansion"] == 200_000
    february = await overview(merchant, "?from=2027-02-01&to=2027-03-01")
    assert (february["mrrOpening"], february["mrr"], february["active"]) == (0, 916_667, 2)
    assert february["movements"] == {
        "new": 1_416_667,
        "reactivation": 500_000,
        "expansion": 0,
        "contraction": 0,
        "churn": 1_000_000,
    }


async def test_what_fails_is_at_risk_and_then_recovered_or_lost(merchant: Merchant) -> None:
    await merchant.advance(to="2027-02-10T08:00:00Z")
    plan = await merchant.plan(amount=300_000)
    instrument = "pm_test_ok_then_insufficient_funds"
    await merchant.subscribe(planId=plan, paymentMethodId=instrument)
    lost = await merchant.subscribe(paymentMethodId="pm_test_ok")
    path = f"/v1/subscriptions/{lost['id']}"
    await merchant.client.patch(path, {"paymentMethodId": "pm_test_expired"})

    await merchant.advance(to="2027-03-11T08:00:00Z")
    at_risk = await overview(merchant)
    assert (at_risk["mrr"], at_risk["atRisk"], at_risk["recoveryRate"]) == (800_000, 800_000, 0.0)
    failures = await merchant.get(FAILURES)
    assert (failures["inFlight"], failures["recovered"], failures["exhausted"]) == (800_000, 0, 0)
    assert failures["byFailureCode"] == {"51": 1, "54": 1}
    assert failures["byCategory"] == {"insufficient_funds": 1, "expired_card": 1}

    await merchant.advance(to="2027-03-31T08:00:00Z")
    march = await overview(merchant)
    assert (march["mrr"], march["active"], march["atRisk"]) == (300_000, 1, 0)
    assert march["churn"]["involuntary"] == {"subscriptions": 1, "amount": 500_000}
    assert (march["recovered"], march["recoveryRate"]) == (300_000, 0.375)
    (ledger,) = (await merchant.get(LEDGER))["items"]
    assert ledger == {
        "currency": "NGN",
        "from": "2027-02-28T23:00:00.000Z",
        "to": "2027-03-31T23:00:00.000Z",
        "opening": 0,
        "entered": 800_000,
        "recovered": 300_000,
        "lost": 500_000,
        "cancelled": 0,
        "closing": 0,
        "byReason": {
            "entered": {"expired_card": 500_000, "insufficient_funds": 300_000},
            "recovered": {"payday_retry": 300_000},
            "lost": {"expired_card": 500_000},
            "cancelled": {},
        },
    }
    halves = [
        (await merchant.get(f"{LEDGER}?from={begin}&to={end}"))["items"][0]
        for begin, end in (("2027-03-01", "2027-03-15"), ("2027-03-15", "2027-04-01"))
    ]
    assert [(half["opening"], half["closing"]) for half in halves] == [(0, 800_000), (800_000, 0)]
    # The rate belongs to the month that was billed: April billed nothing that failed.
    await merchant.advance(to="2027-04-05T08:00:00Z")
    assert (await overview(merchant))["recoveryRate"] == 0.0
    assert (await overview(merchant, "?from=2027-03-01&to=2027-04-01"))["recoveryRate"] == 0.375


async def test_a_refunded_recovery_moves_to_cancelled_when_it_is_refunded(
    merchant: Merchant,
) -> None:
    await merchant.advance(to="2027-02-10T08:00:00Z")
    await merchant.subscribe(paymentMethodId="pm_test_ok_then_insufficient_funds")
    await merchant.advance(to="2027-04-02T08:00:00Z")
    (case,) = await merchant.items("/v1/recovery")
    answer = await merchant.client.post(f"/v1/invoices/{case['invoiceId']}/refund", {})
    assert answer.status in {200, 201}, answer.body

    (march,) = (await merchant.get(f"{LEDGER}?from=2027-03-01&to=2027-04-01"))["items"]
    (april,) = (await merchant.get(f"{LEDGER}?from=2027-04-01&to=2027-05-01"))["items"]

    assert (march["recovered"], march["cancelled"], march["closing"]) == (500_000, 0, 0)
    assert (april["recovered"], april["cancelled"], april["closing"]) == (-500_000, 500_000, 0)
    shown = await merchant.get(f"{FAILURES}?from=2027-03-01&to=2027-04-01")
    assert (shown["recovered"], shown["recoveryRate"]) == (0, 0.0)


async def test_each_currency_has_its_own_numbers(merchant: Merchant) -> None:
    await merchant.advance(to="2027-02-10T08:00:00Z")
    dollars = await merchant.plan(amount=900, currency="USD")
    await merchant.subscribe(planId=dollars, paymentMethodId="pm_test_ok_then_insufficient_funds")
    await merchant.subscribe(paymentMethodId="pm_test_ok")
    await merchant.advance(to="2027-03-11T08:00:00Z")

    items = (await merchant.get(OVERVIEW))["items"]

    assert [(item["currency"], item["mrr"], item["atRisk"]) for item in items] == [
        ("NGN", 500_000, 0),
        ("USD", 900, 900),
    ]
    assert (await merchant.get(FAILURES))["inFlight"] == 0
    assert (await merchant.get(f"{FAILURES}?currency=USD"))["inFlight"] == 900


@pytest.mark.parametrize("path", [OVERVIEW, FAILURES, LEDGER])
@pytest.mark.parametrize(
    ("query", "paths"),
    [
        ("from=2027-02-30", ["from"]),
        ("from=yesterday&to=1", ["from", "to"]),
        ("from=2027-02-01T00:00:00", ["from"]),
        ("from=0001-01-01&to=0001-02-01", ["from", "to"]),
        ("from=2027-02-02&to=2027-02-01", ["to"]),
        ("from=2027-02-01&to=2027-02-01", ["to"]),
        ("from=2026-01-01&to=2027-02-06", ["to"]),
        ("since=2027-02-01", ["since"]),
        ("from=2027-02-01&from=2027-02-02", ["from"]),
    ],
)
async def test_a_period_that_cannot_be_is_refused(
    merchant: Merchant, path: str, query: str, paths: list[str]
) -> None:
    answer = await merchant.client.get(f"{path}?{query}")

    assert answer.status == 422, answer.body
    assert sorted(answer.paths) == paths


async def test_the_longest_period_is_400_days(merchant: Merchant) -> None:
    shown = await merchant.get(f"{OVERVIEW}?from=2026-01-01&to=2027-02-05")

    assert (shown["from"], shown["to"]) == ("2025-12-31T23:00:00.000Z", "2027-02-04T23:00:00.000Z")


async def test_an_end_alone_means_the_month_it_ends_in(merchant: Merchant) -> None:
    shown = await merchant.get(f"{OVERVIEW}?to=2027-02-15T12:00:00Z")

    assert (shown["from"], shown["to"]) == ("2027-01-31T23:00:00.000Z", "2027-02-15T12:00:00.000Z")


async def test_other_tenants_and_the_other_mode_have_numbers_of_their_own(
    merchant: Merchant, tenant_b: str
) -> None:
    await merchant.advance(to="2027-02-10T08:00:00Z")
    await merchant.subscribe(paymentMethodId="pm_test_ok_then_insufficient_funds")
    await merchant.advance(to="2027-03-11T08:00:00Z")
    period = "?from=2027-02-01&to=2027-04-01"
    assert (await overview(merchant, period))["mrr"] == 500_000
    server = Server(merchant.client.base, merchant.client.session, merchant.app.ground.db)

    for stranger in (
        await server.client(tenant_b, Mode.TEST),
        await server.client(tenant_b, Mode.LIVE),
        await server.client(merchant.tenant_id, Mode.LIVE),
    ):
        shown = (await stranger.get(f"{OVERVIEW}{period}")).json["items"]
        assert [(item["mrr"], item["atRisk"]) for item in shown] == [(0, 0)]
        assert (await stranger.get(f"{FAILURES}{period}")).json["byFailureCode"] == {}
        assert (await stranger.get(f"{LEDGER}{period}")).json["items"][0]["entered"] == 0
        settings = await stranger.patch("/v1/settings/recovery", {"maxAttempts": 3})
        assert settings.json["version"] == 2

    assert (await merchant.get("/v1/settings/recovery"))["version"] == 1


async def test_a_reset_erases_the_numbers_and_keeps_the_settings(merchant: Merchant) -> None:
    await merchant.client.patch("/v1/settings/recovery", {"maxAttempts": 3})
    await merchant.subscribe(paymentMethodId="pm_test_ok")

    answer = await merchant.client.post("/v1/test-clock/reset")

    assert answer.status == 200, answer.body
    assert (await overview(merchant))["mrr"] == 0
    assert (await merchant.get("/v1/settings/recovery"))["maxAttempts"] == 3
