"""A card is dead, so the customer is asked by one rail after the other, and pays when and how it suits them."""

from typing import Any

from tests.support.stories import Story

# One charge of January and one sum of February: so much came in, and it is the merchant's.
TWO_MONTHS = {"gatewayClearing": 1_000_000, "merchantPayable": -1_000_000}
RENEWED = ("active", "2027-02-05T09:00:00.000Z", "2027-03-05T09:00:00.000Z")
DECLINED = "Payment failed: the bank does not allow another charge"
RELAY = [
    f"{DECLINED}, so payment by USSD is requested on Fri 5 Feb 2027 at 10:00.",
    "The customer was asked for ₦5,000.00 by USSD; it can be paid until Sat 6 Feb 2027 at 10:00.",
    (
        "Payment failed: the request by USSD was not paid in time, so payment by bank transfer is "
        "requested on Sat 6 Feb 2027 at 10:00."
    ),
    (
        "The customer was asked for ₦5,000.00 by bank transfer; it can be paid until "
        "Sun 7 Feb 2027 at 10:00."
    ),
    (
        "Payment failed: the request by bank transfer was not paid in time, so payment by virtual "
        "account is requested on Sun 7 Feb 2027 at 10:00."
    ),
    (
        "The customer was asked for ₦5,000.00 by virtual account; it can be paid until "
        "Mon 8 Feb 2027 at 10:00."
    ),
]


async def stolen(story: Story) -> str:
    """A subscription whose card was stolen before its renewal of 5 February, a Friday, 10:00 in Lagos."""
    return str((await story.active("pm_test_stolen"))["id"])


async def open_account(story: Story, subscription_id: str) -> dict[str, Any]:
    """An account number of the customer's own."""
    customer_id = (await story.merchant.subscription(subscription_id))["customerId"]
    return await story.merchant.made(f"/v1/customers/{customer_id}/virtual-account", None)


async def renewed(story: Story, subscription_id: str) -> tuple[str, str, str]:
    row = await story.merchant.subscription(subscription_id)
    return row["status"], row["currentPeriodStart"], row["currentPeriodEnd"]


async def asked(story: Story, subscription_id: str) -> list[tuple[str, str]]:
    return [(row["rail"], row["status"]) for row in await story.requests(subscription_id)]


async def test_ussd_expires_and_the_transfer_is_paid_after_it_expired_too(story: Story) -> None:
    subscription_id = await stolen(story)
    await open_account(story, subscription_id)
    before = len(await story.types())

    await story.merchant.advance(to="2027-02-07T12:00:00Z")
    waiting = await story.case(subscription_id)
    transfer = (await story.requests(subscription_id))[1]
    paid = await story.pay(transfer["id"])

    assert (waiting["nextAction"], waiting["rail"]) == ("await_payment", "virtual_account")
    assert (waiting["attemptsMade"], waiting["nextAttemptAt"]) == (3, "2027-02-08T09:00:00.000Z")
    assert (transfer["status"], paid["status"], paid["amountReceived"]) == (
        *("expired", "paid"),
        500_000,
    )
    assert await asked(story, subscription_id) == [
        ("ussd", "expired"),
        ("transfer", "paid"),
        ("virtual_account", "void"),
    ]
    assert await renewed(story, subscription_id) == RENEWED
    case = await story.case(subscription_id)
    assert (case["state"], case["recoveredBy"]) == ("recovered", "other_rail")
    assert await story.reasons(subscription_id) == RELAY
    assert await story.types(after=before) == [
        *("invoice_created", "subscription_payment_failed", "subscription_past_due"),
        "subscription_payment_action_required",
        *("subscription_payment_failed", "subscription_payment_action_required") * 2,
        *("subscription_payment_recovered", "subscription_recovered"),
    ]
    assert await story.outbox("payment_action_required", "payment_recovered") == [
        ("payment_action_required", "queued", "2027-02-05T09:00"),
        ("payment_action_required", "queued", "2027-02-06T09:00"),
        ("payment_action_required", "queued", "2027-02-07T09:00"),
        ("payment_recovered", "queued", "2027-02-07T12:00"),
    ]
    assert await story.at_risk() == {"entered": 500_000, "recovered": 500_000}
    assert await story.accounts() == TWO_MONTHS
    assert await story.broken() == []


async def test_a_card_that_fails_at_night_is_followed_by_a_request_in_the_morning(
    story: Story,
) -> None:
    await story.begin("2027-01-05T21:30:00.000Z")
    subscription_id = await stolen(story)

    await story.merchant.advance(to="2027-02-06T05:59:00Z")
    at_night = await story.requests(subscription_id)
    await story.merchant.advance(to="2027-02-06T06:00:00Z")

    assert at_night == []
    assert await asked(story, subscription_id) == [("ussd", "open")]
    assert await story.reasons(subscription_id) == [
        (
            f"{DECLINED}, so payment by USSD is requested on Sat 6 Feb 2027 at 07:00; "
            "nobody is disturbed at night."
        ),
        "The customer was asked for ₦5,000.00 by USSD; it can be paid until Sun 7 Feb 2027 at 07:00.",
    ]
    assert await story.outbox("payment_action_required") == [
        ("payment_action_required", "queued", "2027-02-06T06:00")
    ]
    assert await story.broken() == []


async def test_the_transfer_is_paid_after_the_case_was_given_up(story: Story) -> None:
    subscription_id = await stolen(story)
    await story.merchant.advance(to="2027-03-02T12:00:00Z")
    lost = await story.at_risk()
    given_up = await story.merchant.subscription(subscription_id)
    before = len(await story.types())

    transfer = (await story.requests(subscription_id))[1]
    await story.pay(transfer["id"])

    # Nobody looks for money any more after a week, but the gateway tells of it.
    assert transfer["expiresAt"] == "2027-02-07T09:00:00.000Z"
    assert (given_up["status"], lost) == ("unpaid", {"entered": 500_000, "lost": 500_000})
    assert await renewed(story, subscription_id) == RENEWED
    assert (await story.invoice(subscription_id))["status"] == "paid"
    case = await story.case(subscription_id)
    assert (case["state"], case["recoveredBy"]) == ("recovered", "other_rail")
    assert case["reason"] == "Paid after it was given up."
    assert await story.types(after=before) == [
        *("subscription_payment_recovered", "subscription_recovered")
    ]
    assert await story.at_risk() == {"entered": 500_000, "recovered": 500_000}
    assert await story.accounts() == TWO_MONTHS
    assert await story.broken() == []


async def test_two_rails_are_paid_and_the_second_pays_the_next_month(story: Story) -> None:
    subscription_id = await stolen(story)
    await story.merchant.advance(to="2027-02-06T12:00:00Z")
    ussd, transfer = await story.requests(subscription_id)

    await story.pay(transfer["id"])
    await story.merchant.advance(to="2027-02-06T13:00:00Z")
    await story.pay(ussd["id"])
    twice = await story.merchant.subscription(subscription_id)
    between = await story.accounts()
    await story.merchant.advance(to="2027-03-06T00:00:00Z")

    assert await asked(story, subscription_id) == [("ussd", "expired"), ("transfer", "paid")]
    assert (twice["status"], twice["balance"]) == ("active", 500_000)
    assert between == {
        "gatewayClearing": 1_500_000,
        "merchantPayable": -1_000_000,
        "customerCredit": -500_000,
    }
    # The stolen card is not even asked: March costs nothing any more.
    march = await story.invoice(subscription_id)
    assert (march["amount"], march["status"], march["rail"]) == (0, "paid", None)
    now = await story.merchant.subscription(subscription_id)
    assert (now["status"], now["balance"], now["cyclesCompleted"]) == ("active", 0, 3)
    assert await story.at_risk() == {"entered": 500_000, "recovered": 500_000}
    assert await story.accounts() == {"gatewayClearing": 1_500_000, "merchantPayable": -1_500_000}
    assert await story.suspense() == []
    assert await story.broken() == []


async def test_a_new_card_is_charged_at_once_and_what_was_asked_for_is_void(story: Story) -> None:
    subscription_id = await stolen(story)
    await story.merchant.advance(to="2027-02-05T15:00:00Z")
    open_ = await asked(story, subscription_id)
    before = len(await story.types())

    await story.change(subscription_id, paymentMethodId="pm_test_ok")
    await story.merchant.advance(by="PT0S")

    assert open_ == [("ussd", "open")]
    assert await asked(story, subscription_id) == [("ussd", "void")]
    assert await story.tries(subscription_id) == [
        ("2027-02-05T09:00", "43", "failed"),
        ("2027-02-05T09:00", "superseded", "failed"),
        ("2027-02-05T15:00", None, "succeeded"),
    ]
    assert await renewed(story, subscription_id) == RENEWED
    case = await story.case(subscription_id)
    assert (case["state"], case["recoveredBy"]) == ("recovered", "new_card")
    assert (await story.reasons(subscription_id))[-1] == (
        "The payment method was changed, so it is charged now."
    )
    assert await story.types(after=before) == [
        *("subscription_updated", "subscription_payment_recovered", "subscription_recovered")
    ]
    assert await story.at_risk() == {"entered": 500_000, "recovered": 500_000}
    assert await story.accounts() == TWO_MONTHS
    assert await story.broken() == []


async def test_a_card_that_is_no_better_leaves_the_request_that_can_still_be_paid(
    story: Story,
) -> None:
    subscription_id = await stolen(story)
    await story.merchant.advance(to="2027-02-05T15:00:00Z")

    await story.change(subscription_id, paymentMethodId="pm_test_insufficient_funds")
    await story.merchant.advance(to="2027-02-05T16:00:00Z")
    waiting = await story.case(subscription_id)
    (ussd,) = await story.requests(subscription_id)
    await story.pay(ussd["id"])

    assert (waiting["state"], waiting["nextAction"]) == ("scheduled", "retry_payday")
    assert waiting["reason"] == (
        "Payment failed: insufficient funds, waiting for the 28th; next try on "
        "Sun 28 Feb 2027 at 10:00."
    )
    assert ussd["status"] == "open"
    assert await renewed(story, subscription_id) == RENEWED
    case = await story.case(subscription_id)
    assert (case["state"], case["recoveredBy"]) == ("recovered", "other_rail")
    assert await story.at_risk() == {"entered": 500_000, "recovered": 500_000}
    assert await story.accounts() == TWO_MONTHS
    assert await story.broken() == []


async def test_a_request_that_the_case_asked_for_before_counts_for_nothing_when_it_ends(
    story: Story,
) -> None:
    subscription_id = (await story.active("pm_test_do_not_honor"))["id"]
    await story.merchant.advance(to="2027-02-06T10:00:00Z")
    invoice_id = (await story.merchant.subscription(subscription_id))["latestInvoiceId"]

    by_hand = await story.merchant.client.post(f"/v1/invoices/{invoice_id}/pay")
    await story.merchant.advance(to="2027-02-07T09:30:00Z")
    waiting = await story.case(subscription_id)
    await story.merchant.advance(to="2027-02-07T10:30:00Z")

    # The third refusal of the card asked by USSD once more; the first request ended an hour before the second.
    assert (by_hand.status, by_hand.code) == (409, "payment_failed")
    assert (waiting["attemptsMade"], waiting["nextAction"]) == (3, "await_payment")
    assert waiting["nextAttemptAt"] == "2027-02-07T10:00:00.000Z"
    assert (await story.case(subscription_id))["attemptsMade"] == 4
    assert await asked(story, subscription_id) == [
        ("ussd", "expired"),
        ("ussd", "expired"),
        ("transfer", "open"),
    ]
    assert await story.broken() == []
