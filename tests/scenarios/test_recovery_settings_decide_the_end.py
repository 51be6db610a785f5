"""The recovery settings in force when a case opens decide how it is worked and how it ends."""

import asyncio
from typing import Any

import pytest

from tests.support.system import Merchant

START = "2027-01-28T09:00:00Z"
SETTINGS = "/v1/settings/recovery"
DEFAULTS = {
    "version": 1,
    "autoRecovery": True,
    "renewalReminders": True,
    "renewalReminderDays": 3,
    "abandonedCart": False,
    "dunningEnabled": True,
    "dunningEscalationDays": None,
    "dunningEscalation": "mark_unpaid",
    "paydayAware": True,
    "paydayAnchorDay": 28,
    "retryOffsetsHours": [0, 24, 72, 120, 168],
    "maxAttempts": 5,
    "rails": ["card", "ussd", "transfer", "virtual_account", "direct_debit"],
    "learnPayday": True,
    "quietFirst": False,
    "changedAt": None,
}


async def change(merchant: Merchant, **settings: object) -> dict[str, Any]:
    answer = await merchant.client.patch(SETTINGS, settings)
    assert answer.status == 200, answer.body
    return answer.json


async def failing(merchant: Merchant) -> str:
    """A subscription that begins on 10 February and fails to renew on 10 March."""
    await merchant.advance(to="2027-02-10T08:00:00Z")
    subscription = await merchant.subscribe(paymentMethodId="pm_test_ok_then_insufficient_funds")
    assert subscription["status"] == "active"
    await merchant.advance(to="2027-03-10T09:00:00Z")
    return str(subscription["id"])


async def case_of(merchant: Merchant, subscription_id: str) -> dict[str, Any]:
    (listed,) = await merchant.items(f"/v1/recovery?subscriptionId={subscription_id}")
    return await merchant.get(f"/v1/recovery/{listed['id']}")


async def test_everybody_begins_with_the_defaults(merchant: Merchant) -> None:
    assert await merchant.get(SETTINGS) == DEFAULTS


async def test_each_change_is_a_version_and_the_same_again_is_none(merchant: Merchant) -> None:
    await merchant.advance(to=START)

    second = await change(merchant, paydayAnchorDay=25, rails=["card", "transfer"])
    again = await change(merchant, paydayAnchorDay=25)
    third = await change(merchant, dunningEscalationDays=10)
    fourth = await change(merchant, dunningEscalationDays=None)

    assert second == {
        **DEFAULTS,
        "version": 2,
        "paydayAnchorDay": 25,
        "rails": ["card", "transfer"],
        "changedAt": "2027-01-28T09:00:00.000Z",
    }
    assert again == second
    assert (third["version"], third["dunningEscalationDays"]) == (3, 10)
    assert (fourth["version"], fourth["dunningEscalationDays"]) == (4, None)
    assert await merchant.get(SETTINGS) == fourth


async def test_changes_at_the_same_time_are_all_kept(merchant: Merchant) -> None:
    answers = await asyncio.gather(
        change(merchant, maxAttempts=2),
        change(merchant, paydayAnchorDay=20),
        change(merchant, renewalReminderDays=7),
        change(merchant, autoRecovery=False),
        change(merchant, abandonedCart=True),
    )

    assert sorted(answer["version"] for answer in answers) == [2, 3, 4, 5, 6]
    now = await merchant.get(SETTINGS)
    assert (now["maxAttempts"], now["paydayAnchorDay"], now["renewalReminderDays"]) == (2, 20, 7)
    assert (now["autoRecovery"], now["abandonedCart"], now["version"]) == (False, True, 6)


@pytest.mark.parametrize(
    ("body", "paths"),
    [
        ({"paydayAnchorDay": 0}, ["paydayAnchorDay"]),
        ({"paydayAnchorDay": 32, "maxAttempts": 0}, ["paydayAnchorDay", "maxAttempts"]),
        ({"paydayAnchorDay": None}, ["paydayAnchorDay"]),
        ({"maxAttempts": 6}, ["maxAttempts"]),
        ({"retryOffsetsHours": [0, 24]}, ["retryOffsetsHours"]),
        ({"retryOffsetsHours": [1, 2, 3, 4, 5]}, ["retryOffsetsHours"]),
        ({"retryOffsetsHours": [0, 24, 24, 30, 40]}, ["retryOffsetsHours"]),
        ({"retryOffsetsHours": [0, 1, 2, 3, 1081]}, ["retryOffsetsHours.4"]),
        ({"retryOffsetsHours": [0, 1.0]}, ["retryOffsetsHours.1"]),
        ({"retryOffsetsHours": []}, ["retryOffsetsHours"]),
        ({"rails": ["card", "card"]}, ["rails"]),
        ({"rails": ["wallet"]}, ["rails.0"]),
        ({"rails": []}, ["rails"]),
        ({"rails": ["card", "card"], "maxAttempts": 9}, ["maxAttempts", "rails"]),
        ({"dunningEscalation": "forgive"}, ["dunningEscalation"]),
        ({"dunningEscalation": None}, ["dunningEscalation"]),
        ({"dunningEscalationDays": 0}, ["dunningEscalationDays"]),
        ({"dunningEscalationDays": 91}, ["dunningEscalationDays"]),
        ({"renewalReminderDays": 0}, ["renewalReminderDays"]),
        ({"autoRecovery": "yes"}, ["autoRecovery"]),
        ({"version": 7}, ["version"]),
    ],
)
async def test_what_does_not_fit_is_refused_with_its_path(
    merchant: Merchant, body: dict[str, object], paths: list[str]
) -> None:
    answer = await merchant.client.patch(SETTINGS, body)

    assert answer.status == 422
    assert sorted(answer.paths) == sorted(paths)
    assert await merchant.get(SETTINGS) == DEFAULTS


async def test_a_case_keeps_the_settings_it_was_opened_under(merchant: Merchant) -> None:
    await change(merchant, maxAttempts=2, paydayAware=False)
    subscription_id = await failing(merchant)
    await change(merchant, maxAttempts=5, paydayAware=True)

    await merchant.advance(by="P2D")

    case = await case_of(merchant, subscription_id)
    assert (case["state"], case["attemptsMade"], case["maxAttempts"]) == ("exhausted", 2, 2)
    assert {decision["settingsVersion"] for decision in case["decisions"]} == {2}


async def test_without_automatic_recovery_nothing_is_charged_that_nobody_asked_for(
    merchant: Merchant,
) -> None:
    await change(merchant, autoRecovery=False)
    subscription_id = await failing(merchant)

    case = await case_of(merchant, subscription_id)
    assert (case["state"], case["nextAction"]) == ("awaiting_customer", "request_card_update")
    assert [decision["rule"] for decision in case["decisions"]] == ["auto_recovery_off"]
    assert "automatic tries are off" in case["reason"]

    await merchant.advance(by="P30D")

    case = await case_of(merchant, subscription_id)
    assert (case["state"], case["attemptsMade"]) == ("exhausted", 1)
    assert (await merchant.subscription(subscription_id))["status"] == "unpaid"
    assert len(await merchant.items(f"/v1/transactions?subscriptionId={subscription_id}")) == 2


async def test_without_automatic_recovery_another_card_is_still_charged_at_once(
    merchant: Merchant,
) -> None:
    await change(merchant, autoRecovery=False)
    subscription_id = await failing(merchant)

    path = f"/v1/subscriptions/{subscription_id}"
    await merchant.client.patch(path, {"paymentMethodId": "pm_test_ok"})
    await merchant.advance(by="PT1M")

    assert (await merchant.subscription(subscription_id))["status"] == "active"
    assert (await case_of(merchant, subscription_id))["recoveredBy"] == "new_card"


async def test_without_dunning_retries_go_on_and_the_customer_hears_nothing(
    merchant: Merchant,
) -> None:
    await change(merchant, dunningEnabled=False, dunningEscalation="cancel", paydayAware=False)
    subscription_id = await failing(merchant)

    told = await merchant.advance(by="P10D")

    assert told["counts"]["retries"] == 4
    assert told["counts"].get("messages", 0) == 0
    case = await case_of(merchant, subscription_id)
    assert (case["state"], case["attemptsMade"]) == ("exhausted", 5)
    # Escalation is part of dunning: without it the subscription is unpaid.
    assert (await merchant.subscription(subscription_id))["status"] == "unpaid"


async def test_a_case_can_end_with_a_canceled_subscription(merchant: Merchant) -> None:
    await change(merchant, dunningEscalation="cancel", paydayAware=False)
    subscription_id = await failing(merchant)

    await merchant.advance(by="P10D")

    assert (await merchant.subscription(subscription_id))["status"] == "canceled"
    case = await case_of(merchant, subscription_id)
    assert case["state"] == "exhausted"
    assert (await merchant.get(f"/v1/invoices/{case['invoiceId']}"))["status"] == "uncollectible"
    events = await merchant.items("/v1/events")
    assert "subscription_cancelled" in [event["type"] for event in events]
    assert "subscription_unpaid" not in [event["type"] for event in events]


async def test_a_subscription_kept_past_due_is_reminded_each_payday_and_can_still_pay(
    merchant: Merchant,
) -> None:
    await change(merchant, dunningEscalation="keep_past_due", paydayAware=False)
    subscription_id = await failing(merchant)

    await merchant.advance(by="P10D")
    case = await case_of(merchant, subscription_id)
    assert (case["state"], case["nextAction"]) == ("awaiting_customer", "remind")
    assert case["nextAttemptAt"] == "2027-03-28T09:00:00.000Z"
    assert (await merchant.subscription(subscription_id))["status"] == "past_due"
    advanced = await merchant.advance(to="2027-07-01T00:00:00Z")
    assert advanced["counts"]["reminders"] == 4
    assert (await case_of(merchant, subscription_id))["nextAttemptAt"][:10] == "2027-07-28"

    path = f"/v1/subscriptions/{subscription_id}"
    await merchant.client.patch(path, {"paymentMethodId": "pm_test_ok"})
    await merchant.advance(by="PT1M")

    assert (await merchant.subscription(subscription_id))["status"] == "active"


async def test_escalation_days_end_a_case_before_its_tries_are_used_up(merchant: Merchant) -> None:
    await change(merchant, dunningEscalationDays=4, paydayAware=False)
    subscription_id = await failing(merchant)

    await merchant.advance(to="2027-03-13T12:00:00Z")
    case = await case_of(merchant, subscription_id)
    # The try of the fifth day would come too late.
    assert (case["state"], case["nextAction"]) == ("awaiting_customer", "escalate")
    assert case["nextAttemptAt"] == "2027-03-14T08:00:00.000Z"
    assert case["attemptsMade"] == 3

    await merchant.advance(to="2027-03-14T12:00:00Z")
    case = await case_of(merchant, subscription_id)
    assert (case["state"], case["closedAt"]) == ("exhausted", "2027-03-14T08:00:00.000Z")


async def test_escalation_days_never_come_before_a_planned_payday_try(merchant: Merchant) -> None:
    await change(merchant, dunningEscalationDays=4)
    subscription_id = await failing(merchant)

    await merchant.advance(to="2027-03-27T12:00:00Z")
    case = await case_of(merchant, subscription_id)
    assert (case["state"], case["nextAction"]) == ("scheduled", "retry_payday")

    await merchant.advance(to="2027-03-28T12:00:00Z")
    assert (await merchant.subscription(subscription_id))["status"] == "active"


async def test_escalation_days_let_a_case_wait_after_its_last_try(merchant: Merchant) -> None:
    await change(merchant, dunningEscalationDays=20, paydayAware=False)
    subscription_id = await failing(merchant)

    await merchant.advance(to="2027-03-20T12:00:00Z")
    case = await case_of(merchant, subscription_id)
    assert (case["nextAction"], case["attemptsMade"]) == ("escalate", 5)
    assert (await merchant.subscription(subscription_id))["status"] == "past_due"

    await merchant.advance(to="2027-03-30T12:00:00Z")
    assert (await merchant.subscription(subscription_id))["status"] == "unpaid"


async def test_reminders_follow_the_settings(merchant: Merchant) -> None:
    await change(merchant, renewalReminderDays=10)
    await merchant.advance(to="2027-01-01T08:00:00Z")
    await merchant.subscribe(paymentMethodId="pm_test_ok")

    early = await merchant.advance(to="2027-01-22T08:00:00Z")
    assert early["counts"]["reminders"] == 1

    await change(merchant, renewalReminders=False)
    silent = await merchant.advance(to="2027-02-26T08:00:00Z")
    assert silent["counts"].get("reminders", 0) == 0
    assert silent["counts"]["renewals"] == 1
