"""Customers pay a part, too much, in another currency, or without being asked: all of it is found again."""

from typing import Any

import pytest

from tests.support.stories import Story

PAID = {"gatewayClearing": 1_000_000, "merchantPayable": -1_000_000}
RECOVERED = {"entered": 500_000, "recovered": 500_000}


async def asked(story: Story) -> tuple[str, dict[str, Any]]:
    """A subscription whose card was stolen, and what its customer was asked to pay by USSD an hour ago."""
    subscription_id = str((await story.active("pm_test_stolen"))["id"])
    await story.merchant.advance(to="2027-02-05T10:00:00Z")
    (ussd,) = await story.requests(subscription_id)
    assert (ussd["rail"], ussd["amount"]) == ("ussd", 500_000)
    return subscription_id, ussd


async def open_account(story: Story, customer_id: str) -> str:
    path = f"/v1/customers/{customer_id}/virtual-account"
    return str((await story.merchant.made(path, None))["id"])


async def pay_account(story: Story, account_id: str, amount: int) -> None:
    path = f"/v1/test/virtual-accounts/{account_id}/pay"
    answer = await story.merchant.client.post(path, {"amount": amount})
    assert answer.status == 200, answer.body


async def pay_part(story: Story, request_id: str) -> None:
    """₦2,000 of ₦5,000: it counts, and is held for its invoice until the rest comes."""
    part = await story.pay(request_id, amount=200_000)
    assert (part["status"], part["amountReceived"]) == ("open", 200_000)
    (short,) = await story.suspense()
    assert (short["reason"], short["amount"]) == ("short", 200_000)
    assert await story.accounts() == {
        "gatewayClearing": 700_000,
        "merchantPayable": -500_000,
        "suspense": -200_000,
    }


async def demand_paid(story: Story, subscription_id: str) -> None:
    """February is paid whole, and nothing is left over."""
    row = await story.merchant.subscription(subscription_id)
    assert (row["status"], row["cyclesCompleted"], row["balance"]) == ("active", 2, 0)
    assert (await story.invoice(subscription_id))["status"] == "paid"
    assert await story.suspense() == []
    assert await story.at_risk() == RECOVERED
    assert await story.accounts() == PAID
    assert await story.broken() == []


async def test_a_part_and_then_the_rest_by_the_same_request(story: Story) -> None:
    subscription_id, ussd = await asked(story)
    await pay_part(story, ussd["id"])
    between = await story.merchant.subscription(subscription_id)

    rest = await story.pay(ussd["id"])

    assert between["status"] == "past_due"
    assert (rest["status"], rest["amountReceived"]) == ("paid", 500_000)
    assert (await story.case(subscription_id))["recoveredBy"] == "other_rail"
    assert (await story.types())[-2:] == [
        *("subscription_payment_recovered", "subscription_recovered")
    ]
    await demand_paid(story, subscription_id)


async def test_a_part_and_then_the_rest_by_the_next_request(story: Story) -> None:
    subscription_id, ussd = await asked(story)
    await pay_part(story, ussd["id"])

    await story.merchant.advance(to="2027-02-06T10:00:00Z")
    _, transfer = await story.requests(subscription_id)
    rest = await story.pay(transfer["id"])

    assert (transfer["rail"], rest["amount"], rest["status"]) == ("transfer", 300_000, "paid")
    assert (await story.reasons(subscription_id))[2:] == [
        (
            "Payment failed: the request by USSD came to nothing (less than the full amount was paid), "
            "so payment by bank transfer is requested on Sat 6 Feb 2027 at 10:00."
        ),
        (
            "The customer was asked for ₦3,000.00 by bank transfer; it can be paid until "
            "Sun 7 Feb 2027 at 10:00."
        ),
    ]
    await demand_paid(story, subscription_id)


async def test_a_part_and_then_the_rest_by_a_new_card(story: Story) -> None:
    subscription_id, ussd = await asked(story)
    await pay_part(story, ussd["id"])

    await story.change(subscription_id, paymentMethodId="pm_test_ok")
    await story.merchant.advance(by="PT0S")

    moved = [row["amount"] for row in await story.charges() if row["status"] == "succeeded"]
    assert moved == [500_000, 300_000]
    assert [row["status"] for row in await story.requests(subscription_id)] == ["void"]
    assert (await story.case(subscription_id))["recoveredBy"] == "new_card"
    await demand_paid(story, subscription_id)


async def test_what_is_too_much_makes_the_next_month_cheaper(story: Story) -> None:
    subscription_id, ussd = await asked(story)

    paid = await story.pay(ussd["id"], amount=620_000)
    row = await story.merchant.subscription(subscription_id)
    between = await story.accounts()
    await story.change(subscription_id, paymentMethodId="pm_test_ok")
    await story.merchant.advance(to="2027-03-06T00:00:00Z")

    assert (paid["status"], paid["amountReceived"]) == ("paid", 620_000)
    assert (row["status"], row["balance"]) == ("active", 120_000)
    assert between == {
        "gatewayClearing": 1_120_000,
        "merchantPayable": -1_000_000,
        "customerCredit": -120_000,
    }
    march = await story.invoice(subscription_id)
    assert (march["amount"], march["status"], march["rail"]) == (380_000, "paid", "card")
    assert (await story.charges())[-1]["amount"] == 380_000
    assert await story.at_risk() == RECOVERED
    assert await story.accounts() == {"gatewayClearing": 1_500_000, "merchantPayable": -1_500_000}
    assert await story.broken() == []


async def test_another_currency_is_held_and_the_request_stays_open(story: Story) -> None:
    subscription_id, ussd = await asked(story)

    after = await story.pay(ussd["id"], amount=400, currency="USD")
    held = await story.suspense()
    waiting = await story.merchant.subscription(subscription_id)
    naira, dollars = await story.accounts(), await story.accounts("USD")
    await story.pay(ussd["id"])

    assert (after["status"], after["amountReceived"]) == ("open", 0)
    assert [(row["reason"], row["amount"], row["currency"]) for row in held] == [
        ("wrong_currency", 400, "USD")
    ]
    assert waiting["status"] == "past_due"
    assert naira == {"gatewayClearing": 500_000, "merchantPayable": -500_000}
    assert dollars == {"gatewayClearing": 400, "suspense": -400}
    assert (await story.merchant.subscription(subscription_id))["status"] == "active"
    assert await story.accounts() == PAID
    assert await story.accounts("USD") == dollars
    assert await story.broken() == []


async def test_money_that_nobody_asked_for_pays_what_is_owed(story: Story) -> None:
    made = await story.active("pm_test_insufficient_funds")
    account_id = await open_account(story, made["customerId"])
    await story.merchant.advance(to="2027-02-10T12:00:00Z")
    waiting = await story.case(made["id"])

    await pay_account(story, account_id, 500_000)

    assert (waiting["state"], waiting["nextAction"]) == ("scheduled", "retry_payday")
    (request,) = await story.requests(made["id"])
    assert (request["rail"], request["status"]) == ("virtual_account", "paid")
    assert (await story.case(made["id"]))["recoveredBy"] == "pay_link"
    await demand_paid(story, made["id"])


@pytest.mark.parametrize("is_live", [True, False])
async def test_money_that_is_owed_by_nobody_is_credit_or_waits_for_a_person(
    story: Story, *, is_live: bool
) -> None:
    made = await story.active()
    account_id = await open_account(story, made["customerId"])
    if not is_live:
        await story.act(made["id"], "cancel")

    await pay_account(story, account_id, 300_000)
    held, accounts = await story.suspense(), await story.accounts()
    await story.merchant.advance(to="2027-02-06T00:00:00Z")

    kept = "customerCredit" if is_live else "suspense"
    assert accounts == {"gatewayClearing": 800_000, "merchantPayable": -500_000, kept: -300_000}
    reasons = [(row["reason"], row["amount"], row["customerId"]) for row in held]
    assert reasons == ([] if is_live else [("unmatched", 300_000, made["customerId"])])
    charged = [row["amount"] for row in await story.charges()]
    assert charged == ([500_000, 200_000] if is_live else [500_000])
    assert await story.broken() == []
