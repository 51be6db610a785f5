"""What a case waits for: the 28th, the customer's own payday, a mandate that is too new, the merchant's last day."""

import pytest

from tests.support.stories import Story

RECOVERED = {"entered": 500_000, "recovered": 500_000}


async def test_payday_is_waited_for_and_brings_the_money(story: Story) -> None:
    subscription_id = (await story.active("pm_test_payday"))["id"]
    before = len(await story.types())

    await story.merchant.advance(to="2027-02-27T00:00:00Z")
    waiting, at_risk = await story.merchant.subscription(subscription_id), await story.at_risk()
    await story.merchant.advance(to="2027-03-01T00:00:00Z")

    assert waiting["status"] == "past_due"
    assert at_risk == {"entered": 500_000, "closing": 500_000}
    assert await story.tries(subscription_id) == [
        ("2027-02-05T09:00", "51", "failed"),
        ("2027-02-28T09:00", None, "succeeded"),
    ]
    assert await story.reasons(subscription_id) == [
        (
            "Payment failed: insufficient funds, waiting for the 28th; next try on "
            "Sun 28 Feb 2027 at 10:00."
        )
    ]
    case = await story.case(subscription_id)
    assert (case["recoveredBy"], case["reason"]) == ("payday_retry", "Recovered by payday retry.")
    assert await story.types(after=before) == [
        *("invoice_created", "subscription_payment_failed", "subscription_past_due"),
        *("subscription_payment_recovered", "subscription_recovered"),
    ]
    assert await story.at_risk() == RECOVERED
    assert await story.accounts() == {"gatewayClearing": 1_000_000, "merchantPayable": -1_000_000}
    assert await story.broken() == []


# The merchant believes in the 26th, and tries once a day from then on.
BELIEF = {"paydayAnchorDay": 26, "retryOffsetsHours": [0, 24, 48, 72, 96]}
# From here on the 28th is a working day for four renewals.
SPRING = "2027-03-05T09:00:00Z"
AUGUST = "2027-08-01T00:00:00Z"


async def test_a_payday_that_came_three_times_is_known_the_fourth_time(story: Story) -> None:
    settings = await story.settle_on(**BELIEF)
    await story.merchant.advance(to=SPRING)
    subscription_id = (await story.active("pm_test_payday"))["id"]

    await story.merchant.advance(to=AUGUST)

    assert settings["learnPayday"] is True
    cases = await story.merchant.items(f"/v1/recovery?subscriptionId={subscription_id}")
    tries, rules = [], []
    for each in cases:
        case = await story.merchant.get(f"/v1/recovery/{each['id']}")
        invoice = await story.merchant.get(f"/v1/invoices/{case['invoiceId']}")
        tries.append([row["createdAt"][5:10] for row in invoice["attempts"]])
        rules.append([row["rule"] for row in case["decisions"]])
    assert tries == [
        ["04-05", "04-26", "04-27", "04-28"],
        ["05-05", "05-26", "05-27", "05-28"],
        ["06-05", "06-26", "06-27", "06-28"],
        ["07-05", "07-28"],
    ]
    assert rules == [*[["payday", "back_off", "back_off"]] * 3, ["payday_learnt"]]
    last = await story.merchant.get(f"/v1/recovery/{cases[-1]['id']}")
    assert last["decisions"][0]["reason"] == (
        "Payment failed: insufficient funds, this customer is usually paid around the 28th; "
        "next try on Wed 28 Jul 2027 at 09:00."
    )
    assert {case["recoveredBy"] for case in cases[:3]} == {"retry"}
    assert cases[-1]["recoveredBy"] == "payday_retry"
    assert await story.at_risk() == {"entered": 2_000_000, "recovered": 2_000_000}
    assert await story.accounts() == {"gatewayClearing": 2_500_000, "merchantPayable": -2_500_000}
    assert await story.broken() == []


async def test_where_nobody_wants_it_learnt_the_merchants_payday_is_waited_for(
    story: Story,
) -> None:
    await story.settle_on(**BELIEF, learnPayday=False)
    await story.merchant.advance(to=SPRING)
    subscription_id = (await story.active("pm_test_payday"))["id"]

    await story.merchant.advance(to=AUGUST)

    tries = [row[0][5:10] for row in await story.tries(subscription_id)]
    assert tries == ["07-05", "07-26", "07-27", "07-28"]
    assert await story.at_risk() == {"entered": 2_000_000, "recovered": 2_000_000}
    assert await story.broken() == []


async def test_a_mandate_of_yesterday_is_refused_and_that_counts_as_no_try(story: Story) -> None:
    made = await story.active()
    await story.merchant.advance(to="2027-02-04T12:00:00Z")
    given = {"paymentMethodId": "pm_test_mandate_early"}
    mandate = await story.merchant.made(f"/v1/customers/{made['customerId']}/mandates", given)
    await story.change(made["id"], **given)

    await story.merchant.advance(to="2027-02-05T12:00:00Z")
    waiting = await story.case(made["id"])
    await story.merchant.advance(to="2027-02-07T00:00:00Z")

    # The bank knows it a day after the 4th, 12:00; but two debits are 20 hours apart.
    assert mandate["status"] == "active"
    assert (waiting["attemptsMade"], waiting["nextAction"]) == (0, "retry")
    assert waiting["nextAttemptAt"] == "2027-02-06T05:00:00.000Z"
    assert await story.tries(made["id"]) == [
        ("2027-02-05T09:00", "05", "failed"),
        ("2027-02-06T05:00", None, "succeeded"),
    ]
    assert await story.reasons(made["id"]) == [
        (
            "Payment failed: the bank does not know the new mandate yet, which counts as no try; "
            "next try on Sat 6 Feb 2027 at 06:00."
        )
    ]
    assert (await story.merchant.subscription(made["id"]))["status"] == "active"
    assert await story.at_risk() == RECOVERED
    assert await story.accounts() == {"gatewayClearing": 1_000_000, "merchantPayable": -1_000_000}
    assert await story.broken() == []


async def test_a_mandate_that_does_not_stand_yet_is_not_debited(story: Story) -> None:
    made = await story.active()
    await story.merchant.advance(to="2027-02-04T12:00:00Z")
    given = {"paymentMethodId": "pm_test_mandate"}
    mandate = await story.merchant.made(f"/v1/customers/{made['customerId']}/mandates", given)
    await story.change(made["id"], **given)

    await story.merchant.advance(to="2027-02-05T09:30:00Z")

    assert mandate["status"] == "pending"
    assert len(await story.charges()) == 1
    case = await story.case(made["id"])
    assert (case["failureCategory"], case["nextAction"]) == ("no_payment_method", "await_payment")
    assert (await story.reasons(made["id"]))[0] == (
        "Payment failed: there is no saved card or account to charge, so payment by USSD is "
        "requested on Fri 5 Feb 2027 at 10:00."
    )
    assert await story.at_risk() == {"entered": 500_000, "closing": 500_000}
    assert await story.broken() == []


@pytest.mark.parametrize(
    ("escalation", "status", "ending"),
    [
        ("cancel", "canceled", {"entered": 500_000, "lost": 500_000}),
        ("mark_unpaid", "unpaid", {"entered": 500_000, "lost": 500_000}),
        ("keep_past_due", "past_due", {"entered": 500_000, "closing": 500_000}),
    ],
)
async def test_a_case_that_nobody_paid_ends_on_the_merchants_last_day(
    story: Story, escalation: str, status: str, ending: dict[str, int]
) -> None:
    await story.settle_on(dunningEscalation=escalation, dunningEscalationDays=3)
    subscription_id = (await story.active("pm_test_stolen"))["id"]

    await story.merchant.advance(to="2027-02-08T08:00:00Z")
    still = await story.merchant.subscription(subscription_id)
    await story.merchant.advance(to="2027-02-20T00:00:00Z")

    # Both requests had expired by the 7th; three days after the first failure is the 8th, 10:00 in Lagos.
    assert still["status"] == "past_due"
    assert (await story.merchant.subscription(subscription_id))["status"] == status
    case = await story.case(subscription_id)
    over = (
        "Payment failed: the request was not paid in time. Nothing was paid by "
        "Mon 8 Feb 2027 at 10:00, so no more tries are planned."
    )
    types = await story.types()
    if escalation == "keep_past_due":
        kept = (
            "The subscription is kept past due; the next reminder is on Sun 28 Feb 2027 at 10:00."
        )
        assert case["decisions"][-1]["reason"] == f"{over} {kept}"
        assert (case["state"], case["nextAction"]) == ("awaiting_customer", "remind")
        assert case["nextAttemptAt"] == "2027-02-28T09:00:00.000Z"
        assert types[-1] == "subscription_payment_action_required"
    else:
        assert case["decisions"][-1]["reason"] == over
        assert (case["state"], case["closedAt"]) == ("exhausted", "2027-02-08T09:00:00.000Z")
        assert (await story.invoice(subscription_id))["status"] == "uncollectible"
        assert types[-1] == f"subscription_{'cancelled' if status == 'canceled' else status}"
    assert await story.at_risk() == ending
    assert await story.accounts() == {"gatewayClearing": 500_000, "merchantPayable": -500_000}
    assert await story.broken() == []
