"""Subscriptions over HTTP: who may start, what each action needs, and what a repeat or a race gets."""

from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest

from duro.kit import idempotency
from duro.kit.modes import Mode
from duro.modules.charging.engine import Charging
from duro.modules.payments.gateway import Gateways
from duro.modules.subscriptions.schemas import SubscriptionCreate
from tests.support.api import Answer, Server
from tests.support.billing import LINKS, begin_one
from tests.support.stories import Story
from tests.support.system import Merchant, running_merchant, settings_for

PATH = "/v1/subscriptions"


@pytest.fixture
async def story(database_url: str, redis_url: str, tenant: str) -> AsyncIterator[Story]:
    async with running_merchant(settings_for(database_url, redis_url), tenant) as merchant:
        yield Story(merchant, database_url)


async def start(merchant: Merchant, **fields: object) -> Answer:
    return await merchant.client.post(PATH, fields)


async def test_a_paid_start_is_active_and_shows_every_field(story: Story) -> None:
    await story.begin()
    plan_id, customer_id = await story.merchant.plan(), await story.merchant.customer()

    made = await story.merchant.made(
        PATH,
        {
            "customerId": customer_id,
            "planId": plan_id,
            "paymentMethodId": "pm_test_ok",
            "metadata": {"seat": "7"},
        },
    )

    assert list(made)[:17] == [
        *("id", "status", "customerId", "planId", "paymentMethodId", "currentPeriodStart"),
        *("currentPeriodEnd", "trialEnd", "cyclesCompleted", "cancelAtPeriodEnd", "balance"),
        *("scheduledPlanId", "payUrl", "lastPaymentError", "latestInvoiceId", "metadata"),
        "createdAt",
    ]
    assert made["status"] == "active"
    assert made["currentPeriodStart"] == made["createdAt"] == "2027-01-05T09:00:00.000Z"
    assert made["currentPeriodEnd"] == "2027-02-05T09:00:00.000Z"
    assert (made["cyclesCompleted"], made["balance"], made["payUrl"]) == (1, 0, None)
    assert made["paymentMethodId"].startswith("pm_")
    assert made["metadata"] == {"seat": "7"}
    assert await story.merchant.subscription(made["id"]) == made
    assert await story.types() == [
        *("subscription_created", "invoice_created"),
        *("subscription_activated", "subscription_payment_success"),
    ]
    assert await story.messages() == ["receipt"]


BAD_STARTS: list[tuple[dict[str, Any], int, list[str]]] = [
    ({"customerId": None}, 422, ["customerId"]),
    ({"customerId": 7, "planId": None}, 422, ["customerId", "planId"]),
    ({"paymentMethodId": "pm_test_gold"}, 422, ["paymentMethodId"]),
    ({"paymentMethodId": "4111111111111111"}, 422, ["paymentMethodId"]),
    ({"trialDays": -1}, 422, ["trialDays"]),
    ({"trialDays": 731}, 422, ["trialDays"]),
    ({"trialDays": 1.5}, 422, ["trialDays"]),
    ({"trialDays": True}, 422, ["trialDays"]),
    ({"metadata": {"a": 1}}, 422, ["metadata.a"]),
    ({"amount": 1}, 422, ["amount"]),
    ({"customerId": "cus_01JD0G4Y8Z7V6T5S4R3Q2P1N0M"}, 404, []),
    ({"planId": "plan_01JD0G4Y8Z7V6T5S4R3Q2P1N0M"}, 404, []),
    ({"customerId": "ada"}, 404, []),
    ({"paymentMethodId": "pm_01JD0G4Y8Z7V6T5S4R3Q2P1N0M"}, 404, []),
]


async def test_a_bad_start_is_refused_and_leaves_nothing(story: Story) -> None:
    body = {
        "customerId": await story.merchant.customer(),
        "planId": await story.merchant.plan(),
        "paymentMethodId": "pm_test_ok",
    }

    answers = [await story.merchant.client.post(PATH, body | change) for change, _, _ in BAD_STARTS]

    # One running system for all of them: starting it takes longer than the whole table.
    assert [(each.status, sorted(each.paths)) for each in answers] == [
        (status, paths) for _, status, paths in BAD_STARTS
    ]
    assert await story.merchant.items(PATH) == []
    assert await story.merchant.items("/v1/invoices") == []
    assert await story.types() == []


async def test_who_may_not_start_is_told_why(story: Story) -> None:
    merchant = story.merchant
    plan_id, customer_id = await merchant.plan(), await merchant.customer()
    archived, blocked = await merchant.plan(), await merchant.customer()
    assert (await merchant.client.delete(f"/v1/plans/{archived}")).status == 200
    assert (await merchant.client.post(f"/v1/customers/{blocked}/blacklist", {})).status == 200
    ok = {"paymentMethodId": "pm_test_ok"}
    first = await start(merchant, customerId=customer_id, planId=plan_id, **ok)

    refusals = [
        await start(merchant, customerId=customer_id, planId=plan_id, **ok),
        await start(merchant, customerId=customer_id, planId=archived, **ok),
        await start(merchant, customerId=blocked, planId=plan_id, **ok),
    ]

    assert first.status == 201
    assert [(each.status, each.code) for each in refusals] == [(409, "conflict")] * 3
    assert first.id in refusals[0].error["message"]
    assert await story.settled() == 1


async def test_a_live_subscription_of_any_kind_keeps_its_customer_from_a_second(
    story: Story,
) -> None:
    await story.begin()
    merchant = story.merchant
    plan_id, on_trial = await merchant.plan(), await merchant.plan(trialDays=60)
    live = [
        await merchant.subscribe(planId=plan, paymentMethodId=f"pm_test_{method}")
        for plan, method in (
            *((plan_id, "ok"), (on_trial, "ok"), (plan_id, "ok_then_insufficient_funds")),
        )
    ]
    await story.act(live[0]["id"], "pause")
    await merchant.advance(by="P1M")

    statuses = [(await merchant.subscription(each["id"]))["status"] for each in live]
    seconds = [
        await start(merchant, customerId=each["customerId"], planId=each["planId"]) for each in live
    ]

    assert statuses == ["paused", "trialing", "past_due"]
    assert [(each.status, each.code) for each in seconds] == [(409, "conflict")] * 3


async def test_a_plan_that_allows_it_and_a_start_that_failed_leave_room_for_another(
    story: Story,
) -> None:
    merchant = story.merchant
    open_plan, plan_id = await merchant.plan(allowMultiple=True), await merchant.plan()
    customer_id = await merchant.customer()
    asked = [
        (open_plan, "pm_test_ok"),
        (open_plan, "pm_test_ok"),
        (plan_id, "pm_test_insufficient_funds"),
        (plan_id, "pm_test_ok"),
    ]

    made = [
        await start(merchant, customerId=customer_id, planId=plan, paymentMethodId=method)
        for plan, method in asked
    ]

    assert [(each.status, each.json["status"]) for each in made] == [
        *((201, "active"), (201, "active"), (201, "incomplete"), (201, "active"))
    ]
    assert await story.broken() == []


async def test_a_start_whose_process_died_before_the_charge_is_finished_by_the_repeat(
    story: Story,
) -> None:
    merchant = story.merchant
    body = {
        "customerId": await merchant.customer(),
        "planId": await merchant.plan(),
        "paymentMethodId": "pm_test_ok",
    }
    raw = orjson.dumps(body)
    keyed = idempotency.read_key(["start-1"], (b"POST", PATH.encode(), b"", raw))
    assert keyed is not None
    async with merchant.scope.begin() as tx:
        charging = Charging(Gateways({}), LINKS)
        asked = SubscriptionCreate.model_validate(body)
        begun = await begin_one(tx, asked, charging, keyed=keyed)
    dead = "UPDATE idempotency_keys SET locked_until = now() - interval '1 second'"
    await story.query(dead)

    answer = await merchant.client.post(PATH, body, key="start-1")
    again = await merchant.client.post(PATH, body, key="start-1")

    assert (answer.status, answer.json["status"]) == (201, "active")
    assert answer.id == begun.subscription.id
    assert (again.body, again.is_replay) == (answer.body, True)
    assert await story.settled() == 1
    assert await story.broken() == []


async def test_lists_are_filtered_and_newest_first(story: Story) -> None:
    merchant = story.merchant
    plan_id = await merchant.plan()
    made = [
        await merchant.subscribe(planId=plan_id, paymentMethodId=f"pm_test_{method}")
        for method in ("ok", "insufficient_funds", "ok")
    ]
    ids = [each["id"] for each in made]

    async def listed(query: str) -> list[str]:
        return [each["id"] for each in (await merchant.get(f"{PATH}?{query}"))["items"]]

    assert await listed("limit=100") == ids[::-1]
    assert await listed("status=active") == [ids[2], ids[0]]
    assert await listed(f"customerId={made[1]['customerId']}") == [ids[1]]
    assert await listed(f"planId={plan_id}&status=incomplete") == [ids[1]]
    page = await merchant.get(f"{PATH}?limit=2")
    rest = await merchant.get(f"{PATH}?limit=2&cursor={page['nextCursor']}")
    assert [each["id"] for each in page["items"] + rest["items"]] == ids[::-1]
    assert (page["hasMore"], rest["hasMore"], rest["nextCursor"]) == (True, False, None)
    assert (await merchant.client.get(f"{PATH}?status=sleeping")).status == 422


ILLEGAL: list[tuple[str, str, dict[str, Any] | None]] = [
    ("active", "resume", None),
    ("trialing", "pause", None),
    ("trialing", "resume", None),
    ("incomplete", "pause", None),
    ("incomplete", "resume", None),
    ("incomplete", "cancel", {"atPeriodEnd": True}),
    ("paused", "pause", None),
    ("paused", "cancel", {"atPeriodEnd": True}),
    ("past_due", "pause", None),
    ("past_due", "resume", None),
    ("canceled", "cancel", None),
    ("canceled", "cancel", {"atPeriodEnd": True}),
    ("canceled", "pause", None),
    ("canceled", "resume", None),
]


async def test_an_action_that_the_table_does_not_have_is_refused_and_changes_nothing(
    story: Story,
) -> None:
    await story.begin()
    ids = {"past_due": (await story.active("pm_test_insufficient_funds"))["id"]}
    await story.merchant.advance(by="P1M")
    ids |= {name: (await story.active())["id"] for name in ("active", "paused", "canceled")}
    ids["trialing"] = (
        await story.merchant.subscribe(planId=await story.merchant.plan(trialDays=7))
    )["id"]
    ids["incomplete"] = (await story.merchant.subscribe())["id"]
    await story.act(ids["paused"], "pause")
    await story.act(ids["canceled"], "cancel")
    before = {name: await story.merchant.subscription(ids[name]) for name in ids}
    assert {name: row["status"] for name, row in before.items()} == {name: name for name in ids}
    events = await story.types()

    refused = [
        await story.merchant.client.post(f"{PATH}/{ids[state]}/{action}", body)
        for state, action, body in ILLEGAL
    ]

    assert [(each.status, each.code) for each in refused] == [(409, "conflict")] * len(ILLEGAL)
    assert {name: await story.merchant.subscription(ids[name]) for name in ids} == before
    assert await story.types() == events


async def test_a_stopped_subscription_takes_no_other_method(story: Story) -> None:
    made = await story.active()
    await story.act(made["id"], "cancel")

    refused = await story.merchant.client.patch(
        f"{PATH}/{made['id']}", {"paymentMethodId": "pm_test_ok"}
    )

    assert (refused.status, refused.code) == (409, "conflict")


async def test_metadata_is_replaced_and_told(story: Story) -> None:
    made = await story.active()

    changed = await story.change(made["id"], metadata={"seat": "8"})

    assert changed == made | {"metadata": {"seat": "8"}}
    assert (await story.types())[-1] == "subscription_updated"


async def test_another_customers_card_cannot_be_used(story: Story) -> None:
    mine, theirs = await story.active(), await story.active()

    refused = await story.merchant.client.patch(
        f"{PATH}/{mine['id']}", {"paymentMethodId": theirs["paymentMethodId"]}
    )

    assert (refused.status, refused.code) == (404, "not_found")


async def test_a_cancellation_says_why_in_its_event(story: Story) -> None:
    made = await story.active()

    canceled = await story.act(made["id"], "cancel", reason="Moved away")

    assert (canceled["status"], canceled["payUrl"]) == ("canceled", None)
    assert (await story.types())[-1] == "subscription_cancelled"
    assert (await story.messages())[-1] == "subscription_cancelled"
    assert await story.broken() == []


async def test_live_mode_has_no_gateway_yet_and_knows_no_test_data(story: Story) -> None:
    merchant = story.merchant
    made = await story.active()
    server = Server(merchant.client.base, merchant.client.session, merchant.app.ground.db)
    live = await server.client(merchant.tenant_id, Mode.LIVE)

    start_live = await live.post(PATH, {"customerId": made["customerId"], "planId": made["planId"]})
    foreign = [
        await live.get(f"{PATH}/{made['id']}"),
        await live.patch(f"{PATH}/{made['id']}", {"metadata": {}}),
        *[await live.post(f"{PATH}/{made['id']}/{each}") for each in ("cancel", "pause", "resume")],
    ]

    assert (start_live.status, start_live.code) == (503, "gateway_not_configured")
    assert {(each.status, each.code) for each in foreign} == {(404, "not_found")}
