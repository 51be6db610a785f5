"""What becomes of a renewal that is declined, cause by cause, until it is paid or given up."""

import pytest

from tests.support.stories import Story

# Renewals of these stories fall on 5 February 2027 at 09:00, far from any payday.
FAILED = "failed"


async def test_no_reason_is_tried_once_more_then_by_back_off_until_five_tries_are_made(
    story: Story,
) -> None:
    await story.settle_on(rails=["card"])
    subscription_id = (await story.active("pm_test_do_not_honor"))["id"]

    advanced = await story.merchant.advance(to="2027-03-01T00:00:00Z")

    # The offsets are 0, 24, 72, 120 and 168 hours after the first failure.
    assert await story.tries(subscription_id) == [
        ("2027-02-05T09:00", "05", FAILED),
        ("2027-02-06T09:00", "05", FAILED),
        ("2027-02-08T09:00", "05", FAILED),
        ("2027-02-10T09:00", "05", FAILED),
        ("2027-02-12T09:00", "05", FAILED),
    ]
    assert (await story.merchant.subscription(subscription_id))["status"] == "unpaid"
    assert (await story.invoice(subscription_id))["status"] == "uncollectible"
    case = await story.case(subscription_id)
    assert (case["state"], case["attemptsMade"], case["nextAttemptAt"]) == ("exhausted", 5, None)
    assert case["failureCategory"] == "do_not_honor"
    assert [row["action"] for row in case["decisions"]] == [*["retry"] * 4, "exhaust"]
    assert (advanced["counts"]["retries"], advanced["counts"]["exhausted"]) == (4, 1)
    assert await story.broken() == []


async def test_no_reason_twice_goes_down_the_rails_and_comes_back_to_the_card(
    story: Story,
) -> None:
    subscription_id = (await story.active("pm_test_do_not_honor"))["id"]

    await story.merchant.advance(to="2027-03-01T00:00:00Z")

    # Each request can be paid for a day, and one that is not counts as a try. The chain ends with the transfer, as this
    # customer has neither an account number nor a mandate: so the card has the fifth try, at the last offset.
    assert await story.tries(subscription_id) == [
        ("2027-02-05T09:00", "05", FAILED),
        ("2027-02-06T09:00", "05", FAILED),
        ("2027-02-06T09:00", "request_expired", FAILED),
        ("2027-02-07T09:00", "request_expired", FAILED),
        ("2027-02-12T09:00", "05", FAILED),
    ]
    asked = await story.requests(subscription_id)
    assert [(row["rail"], row["status"], row["expiresAt"][:16]) for row in asked] == [
        ("ussd", "expired", "2027-02-07T09:00"),
        ("transfer", "expired", "2027-02-08T09:00"),
    ]
    assert (await story.merchant.subscription(subscription_id))["status"] == "unpaid"
    case = await story.case(subscription_id)
    assert (case["state"], case["attemptsMade"]) == ("exhausted", 5)
    assert [row["action"] for row in case["decisions"]] == [
        *("retry", "switch_rail", "await_payment", "switch_rail", "await_payment"),
        *("retry", "exhaust"),
    ]
    assert await story.broken() == []


async def test_no_reason_once_is_recovered_by_the_retry_of_the_next_day(story: Story) -> None:
    subscription_id = (await story.active("pm_test_do_not_honor_once"))["id"]

    advanced = await story.merchant.advance(to="2027-02-07T00:00:00Z")

    assert await story.tries(subscription_id) == [
        ("2027-02-05T09:00", "05", FAILED),
        ("2027-02-06T09:00", None, "succeeded"),
    ]
    now = await story.merchant.subscription(subscription_id)
    assert (now["status"], now["cyclesCompleted"]) == ("active", 2)
    assert now["currentPeriodStart"] == "2027-02-05T09:00:00.000Z"
    assert now["currentPeriodEnd"] == "2027-03-05T09:00:00.000Z"
    assert now["lastPaymentError"] is None
    case = await story.case(subscription_id)
    assert (case["state"], case["recoveredBy"]) == ("recovered", "retry")
    assert (advanced["counts"]["retries"], advanced["counts"]["recovered"]) == (1, 1)
    assert await story.broken() == []


async def test_a_stolen_card_is_never_charged_again_and_the_wait_ends_on_payday(
    story: Story,
) -> None:
    await story.settle_on(rails=["card"])
    subscription_id = (await story.active("pm_test_stolen"))["id"]

    await story.merchant.advance(to="2027-02-05T10:00:00Z")
    case = await story.case(subscription_id)
    await story.merchant.advance(to="2027-03-31T00:00:00Z")

    assert case["state"] == "awaiting_customer"
    assert case["nextAction"] == "request_card_update"
    # The first reminder is due at the first offset, a day later.
    assert case["nextAttemptAt"] == "2027-02-06T09:00:00.000Z"
    assert await story.tries(subscription_id) == [("2027-02-05T09:00", "43", FAILED)]
    assert (await story.merchant.subscription(subscription_id))["status"] == "unpaid"
    ended = await story.case(subscription_id)
    assert ended["state"] == "exhausted"
    # The later of the last offset, 12 February, and the next payday.
    assert ended["closedAt"] == "2027-02-28T09:00:00.000Z"
    reminded = [row["at"][:10] for row in ended["decisions"] if row["action"] == "remind"]
    assert reminded == ["2027-02-06", "2027-02-08", "2027-02-10", "2027-02-12"]
    assert await story.broken() == []


async def test_a_stolen_card_is_followed_by_requests_and_then_by_the_wait_for_another(
    story: Story,
) -> None:
    subscription_id = (await story.active("pm_test_stolen"))["id"]

    await story.merchant.advance(to="2027-02-05T10:00:00Z")
    case = await story.case(subscription_id)
    await story.merchant.advance(to="2027-03-31T00:00:00Z")

    assert (case["state"], case["nextAction"]) == ("awaiting_customer", "await_payment")
    assert case["nextAttemptAt"] == "2027-02-06T09:00:00.000Z"
    assert await story.tries(subscription_id) == [
        ("2027-02-05T09:00", "43", FAILED),
        ("2027-02-05T09:00", "request_expired", FAILED),
        ("2027-02-06T09:00", "request_expired", FAILED),
    ]
    ended = await story.case(subscription_id)
    assert (ended["state"], ended["closedAt"]) == ("exhausted", "2027-02-28T09:00:00.000Z")
    # On the 7th nothing is left to ask by; the offsets that are still ahead are those of the 8th, 10th and 12th.
    asked = [row["at"][:10] for row in ended["decisions"] if row["action"] == "request_card_update"]
    reminded = [row["at"][:10] for row in ended["decisions"] if row["action"] == "remind"]
    assert asked == ["2027-02-07"]
    assert reminded == ["2027-02-08", "2027-02-10", "2027-02-12"]
    assert await story.broken() == []


@pytest.mark.parametrize(
    ("method", "category"),
    [("pm_test_expired", "expired_card"), ("pm_test_not_supported", "card_not_supported")],
)
async def test_a_new_card_is_asked_for_and_charged_at_once(
    story: Story, method: str, category: str
) -> None:
    subscription_id = (await story.active(method))["id"]
    before = len(await story.types())
    await story.merchant.advance(to="2027-02-07T12:00:00Z")
    asked = await story.case(subscription_id)
    failed = await story.types(after=before)

    await story.change(subscription_id, paymentMethodId="pm_test_ok")
    await story.merchant.advance(by="PT0S")

    assert (asked["state"], asked["failureCategory"]) == ("awaiting_customer", category)
    assert failed == [
        *("invoice_created", "subscription_payment_failed", "subscription_past_due"),
        "subscription_payment_action_required",
    ]
    assert [row[0] for row in await story.tries(subscription_id)] == [
        *("2027-02-05T09:00", "2027-02-07T12:00")
    ]
    now = await story.merchant.subscription(subscription_id)
    assert (now["status"], now["currentPeriodStart"]) == ("active", "2027-02-05T09:00:00.000Z")
    case = await story.case(subscription_id)
    assert (case["state"], case["recoveredBy"]) == ("recovered", "new_card")
    assert (await story.types())[-2:] == [
        "subscription_payment_recovered",
        "subscription_recovered",
    ]
    assert await story.broken() == []


async def test_two_processor_errors_are_followed_by_success_at_the_third_offset(
    story: Story,
) -> None:
    subscription_id = (await story.active("pm_test_processor_error_twice"))["id"]

    await story.merchant.advance(to="2027-02-09T00:00:00Z")

    assert await story.tries(subscription_id) == [
        ("2027-02-05T09:00", "96", FAILED),
        ("2027-02-06T09:00", "96", FAILED),
        ("2027-02-08T09:00", None, "succeeded"),
    ]
    assert (await story.merchant.subscription(subscription_id))["status"] == "active"
    assert await story.broken() == []


async def test_an_issuer_that_is_down_for_two_days_is_paid_on_the_third(story: Story) -> None:
    subscription_id = (await story.active("pm_test_issuer_down_48h"))["id"]

    await story.merchant.advance(to="2027-02-09T00:00:00Z")

    assert await story.tries(subscription_id) == [
        ("2027-02-05T09:00", "91", FAILED),
        ("2027-02-06T09:00", "91", FAILED),
        ("2027-02-08T09:00", None, "succeeded"),
    ]
    assert (await story.case(subscription_id))["recoveredBy"] == "retry"
    assert await story.broken() == []


async def test_money_that_never_comes_is_tried_around_paydays_and_then_written_off(
    story: Story,
) -> None:
    subscription_id = (await story.active("pm_test_insufficient_funds"))["id"]

    advanced = await story.merchant.advance(to="2027-04-30T00:00:00Z")

    # 28 February is a payday: then the gaps of the back-off count from the last try, 48 hours each, as long as it is
    # payday; on 4 March it is not, so the next is 28 March, the fifth and last.
    assert await story.tries(subscription_id) == [
        ("2027-02-05T09:00", "51", FAILED),
        ("2027-02-28T09:00", "51", FAILED),
        ("2027-03-02T09:00", "51", FAILED),
        ("2027-03-04T09:00", "51", FAILED),
        ("2027-03-28T09:00", "51", FAILED),
    ]
    assert (await story.merchant.subscription(subscription_id))["status"] == "unpaid"
    assert (await story.invoice(subscription_id))["status"] == "uncollectible"
    rows = await story.query(
        "SELECT movement, amount_minor, moved_at FROM recovery_ledger ORDER BY moved_at"
    )
    assert [(row["movement"], row["amount_minor"], str(row["moved_at"])[:10]) for row in rows] == [
        ("entered", 500_000, "2027-02-05"),
        ("lost", 500_000, "2027-03-28"),
    ]
    assert advanced["counts"]["exhausted"] == 1
    assert (await story.types())[-1] == "subscription_unpaid"
    assert await story.broken() == []


async def test_a_card_with_money_on_payday_is_late_each_month_and_keeps_its_anchor(
    story: Story,
) -> None:
    subscription_id = (await story.active("pm_test_payday"))["id"]

    advanced = await story.merchant.advance(to="2027-04-01T00:00:00Z")

    invoices = await story.invoices(subscription_id)
    assert [row["periodStart"] for row in invoices] == [
        "2027-01-05T09:00:00.000Z",
        "2027-02-05T09:00:00.000Z",
        "2027-03-05T09:00:00.000Z",
    ]
    assert [row["paidAt"] for row in invoices] == [
        "2027-01-05T09:00:00.000Z",
        "2027-02-28T09:00:00.000Z",
        "2027-03-28T09:00:00.000Z",
    ]
    assert advanced["counts"]["recovered"] == 2
    cases = await story.merchant.items(f"/v1/recovery?subscriptionId={subscription_id}")
    assert {case["recoveredBy"] for case in cases} == {"payday_retry"}
    assert await story.broken() == []
