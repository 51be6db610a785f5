"""The test clock over HTTP: forward only, bounded, alone for its tenant, the same each time, finished after a crash."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from duro.kit.ids import new_id
from duro.kit.modes import Mode
from duro.modules.testclock.repository import ClockRepository
from duro.modules.testclock.service import reset
from duro.runtime.serve import Role
from tests.support.api import Client, Server
from tests.support.stories import Story
from tests.support.system import Merchant, instant, running_merchant, settings_for


@pytest.fixture
async def merchant(database_url: str, redis_url: str, tenant: str) -> AsyncIterator[Merchant]:
    async with running_merchant(settings_for(database_url, redis_url), tenant) as started:
        yield started


@pytest.fixture
def story(merchant: Merchant, database_url: str) -> Story:
    return Story(merchant, database_url)


async def client_of(merchant: Merchant, tenant_id: str, mode: Mode = Mode.TEST) -> Client:
    server = Server(merchant.client.base, merchant.client.session, merchant.app.ground.db)
    return await server.client(tenant_id, mode)


async def test_it_runs_in_real_time_until_it_is_advanced_and_stands_then(
    merchant: Merchant,
) -> None:
    before = await merchant.get("/v1/test-clock")
    advanced = await merchant.advance(by="P1D")
    after = await merchant.get("/v1/test-clock")
    again = await merchant.get("/v1/test-clock")

    assert before["frozen"] is False
    assert advanced["counts"]["renewals"] == 0
    assert advanced["events"] == []
    assert after == again == {"now": advanced["now"], "frozen": True}
    gone = instant(after["now"]) - instant(before["now"])
    assert timedelta(days=1) <= gone < timedelta(days=1, seconds=5)


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({}, "to"),
        ({"to": "2027-01-01T00:00:00Z", "by": "P1D"}, "to"),
        ({"to": "2020-01-01T00:00:00Z"}, "to"),
        ({"to": "tomorrow"}, "to"),
        ({"to": "2027-01-01T00:00:00"}, "to"),
        ({"to": "2027-02-30T00:00:00Z"}, "to"),
        ({"by": "P3Y"}, "by"),
        ({"by": "P"}, "by"),
        ({"by": "PT"}, "by"),
        ({"by": "P1DT"}, "by"),
        ({"by": "-P1D"}, "by"),
        ({"by": "P1.5D"}, "by"),
        ({"by": "1 day"}, "by"),
        ({"by": "P9999Y"}, "by"),
        ({"by": 1}, "by"),
        ({"by": "P1D", "speed": 2}, "speed"),
    ],
)
async def test_what_is_no_way_forward_is_refused(
    merchant: Merchant, body: dict[str, Any], path: str
) -> None:
    refused = await merchant.client.post("/v1/test-clock/advance", body)

    assert (refused.status, refused.code) == (422, "validation_error")
    assert path in refused.paths
    assert (await merchant.get("/v1/test-clock"))["frozen"] is False


async def test_more_renewals_than_one_call_may_do_are_refused(story: Story) -> None:
    await story.begin()
    await story.active(interval="hour")
    # Twenty hourly subscriptions make 350,400 renewals in two years.
    plan_id = await story.merchant.plan(interval="hour")
    for _ in range(19):
        await story.merchant.subscribe(planId=plan_id, paymentMethodId="pm_test_ok")

    refused = await story.merchant.client.post("/v1/test-clock/advance", {"by": "P2Y"})

    assert (refused.status, refused.paths) == (422, ["by"])
    assert "200000" in refused.error["details"][0]["issue"]


async def test_it_never_goes_back(merchant: Merchant) -> None:
    await merchant.advance(to="2027-06-01T00:00:00Z")

    refused = await merchant.client.post("/v1/test-clock/advance", {"to": "2027-05-31T23:59:59Z"})
    still = await merchant.advance(to="2027-06-01T00:00:00Z")

    assert refused.status == 422
    assert still["now"] == "2027-06-01T00:00:00.000Z"


async def tell(client: Client) -> dict[str, Any]:
    """A story with something of everything; what the clock says of it."""

    async def made(path: str, body: object) -> str:
        answer = await client.post(path, body)
        assert answer.status == 201, answer.body
        return answer.id

    assert (
        await client.post("/v1/test-clock/advance", {"to": "2027-01-05T09:00:00Z"})
    ).status == 200
    plans = [
        await made("/v1/plans", {"name": "Gold", "amount": 500_000, "interval": interval, **more})
        for interval, more in (("month", {}), ("day", {"maxCycles": 5, "trialDays": 3}))
    ]
    for method in (
        *("ok", "payday", "do_not_honor_once", "stolen", "processor_error_twice"),
        *("timeout_charged", "timeout_not_charged", "ok_then_insufficient_funds"),
    ):
        customer = await made("/v1/customers", {"email": "ada@example.com"})
        for plan_id in plans:
            body = {
                "customerId": customer,
                "planId": plan_id,
                "paymentMethodId": f"pm_test_{method}",
            }
            assert (await client.post("/v1/subscriptions", body)).status == 201
    answer = await client.post("/v1/test-clock/advance", {"by": "P2M"})
    assert answer.status == 200, answer.body
    return answer.json


async def test_the_same_story_is_the_same_for_two_tenants(
    merchant: Merchant, tenant_b: str
) -> None:
    stories = [await tell(each) for each in (merchant.client, await client_of(merchant, tenant_b))]

    told = [
        (story["counts"], [(event["type"], event["createdAt"]) for event in story["events"]])
        for story in stories
    ]
    assert told[0] == told[1]
    assert told[0][0]["renewals"] > 20
    assert told[0][0]["recovered"] > 3
    instants = [at for _, at in told[0][1]]
    assert instants == sorted(instants)


async def test_other_tenants_are_untouched(merchant: Merchant, story: Story, tenant_b: str) -> None:
    other = await client_of(merchant, tenant_b)
    plan = await other.post("/v1/plans", {"name": "Gold", "amount": 1000, "interval": "hour"})
    customer = await other.post("/v1/customers", {"email": "bello@example.com"})
    body = {"customerId": customer.id, "planId": plan.id, "paymentMethodId": "pm_test_ok"}
    before = (await other.post("/v1/subscriptions", body)).json

    await story.active(interval="hour")
    await merchant.advance(by="P1D")

    after = (await other.get(f"/v1/subscriptions/{before['id']}")).json
    assert after == before
    assert (await other.get("/v1/test-clock")).json["frozen"] is False


async def test_advances_at_once_follow_each_other(story: Story) -> None:
    await story.begin()
    subscription_id = (await story.active(interval="day"))["id"]

    answers = await asyncio.gather(*(story.merchant.advance(by="P1D") for _ in range(4)))

    assert sorted(answer["now"][:10] for answer in answers) == [
        *("2027-01-06", "2027-01-07", "2027-01-08", "2027-01-09")
    ]
    assert [answer["counts"]["renewals"] for answer in answers] == [1, 1, 1, 1]
    assert len(await story.invoices(subscription_id)) == 5
    assert await story.broken() == []


async def test_a_repeat_under_the_same_key_advances_once(story: Story) -> None:
    await story.begin()
    path, body = "/v1/test-clock/advance", {"by": "P1D"}

    first = await story.merchant.client.post(path, body, key="advance-1")
    again = await story.merchant.client.post(path, body, key="advance-1")

    assert (again.body, again.is_replay) == (first.body, True)
    assert (await story.merchant.get("/v1/test-clock"))["now"] == "2027-01-06T09:00:00.000Z"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/test-clock"),
        ("POST", "/v1/test-clock/advance"),
        ("POST", "/v1/test-clock/reset"),
    ],
)
async def test_there_is_no_clock_in_live_mode(merchant: Merchant, method: str, path: str) -> None:
    live = await client_of(merchant, merchant.tenant_id, Mode.LIVE)

    answer = await live.send(method, path, raw=None if method == "GET" else b'{"by": "P1D"}')

    assert (answer.status, answer.code) == (404, "not_found")


async def test_a_reset_erases_the_test_objects_and_returns_to_real_time(story: Story) -> None:
    merchant = story.merchant
    endpoints = merchant.app.system.endpoints
    await endpoints.add(Mode.TEST, merchant.tenant_id, url="http://127.0.0.1:9/", types=())
    await story.begin()
    await story.active("pm_test_stolen")
    await merchant.advance(by="P2M")

    answer = await merchant.client.post("/v1/test-clock/reset", key="reset-1")

    assert answer.status == 200, answer.body
    assert answer.json["frozen"] is False
    for path in ("plans", "customers", "subscriptions", "invoices", "recovery", "events"):
        assert await merchant.items(f"/v1/{path}") == [], path
    assert await story.charges() == []
    assert (await merchant.get("/v1/test-clock"))["frozen"] is False
    # The key of the request and the endpoint are still there, and life goes on.
    assert len(await story.query("SELECT id FROM webhook_endpoints")) == 1
    assert (await merchant.subscribe(paymentMethodId="pm_test_ok"))["status"] == "active"


async def test_a_reset_waits_for_a_charge_that_is_under_way(story: Story) -> None:
    await story.begin()
    made = await story.active()
    await story.query(
        "UPDATE payment_attempts SET status = 'pending', settled_at = NULL, check_at = $1,"
        " lease_until = now() + interval '1 minute'",
        instant("2027-01-05T09:01:00Z"),
    )

    refused = await story.merchant.client.post("/v1/test-clock/reset")

    assert (refused.status, refused.code) == (409, "conflict")
    assert (await story.merchant.subscription(made["id"]))["status"] == "active"


async def test_a_worker_that_dies_during_an_advance_is_followed_by_one_that_finishes_it(
    database_url: str, redis_url: str, tenant: str
) -> None:
    settings = settings_for(database_url, redis_url)
    async with running_merchant(settings, tenant) as merchant:
        story = Story(merchant, database_url)
        await story.begin()
        subscription_id = (await story.active(interval="day"))["id"]
    # What a killed process leaves: a target, a lease that nobody extends, and a clock half way.
    await story.query(
        "INSERT INTO clock_advances (tenant_id, id, target_at, after_event, counts, requested_at)"
        " VALUES ($1, $2, $3, 0, '{}', now())",
        *(
            tenant,
            new_id("clk", wall=instant("2027-01-05T09:00:00Z")),
            instant("2027-01-25T09:00:00Z"),
        ),
    )
    await story.query("UPDATE test_clocks SET lease_until = now() - interval '1 second'")

    async with running_merchant(settings, tenant) as merchant:
        # The next advance waits for the stored one and goes on from its target.
        advanced = await merchant.advance(by="P1D")
        story = Story(merchant, database_url)

        assert advanced["now"] == "2027-01-26T09:00:00.000Z"
        assert advanced["counts"]["renewals"] == 1
        assert len(await story.invoices(subscription_id)) == 22
        assert await story.broken() == []


async def test_two_workers_move_a_clock_one_at_a_time(
    database_url: str, redis_url: str, tenant: str
) -> None:
    settings = settings_for(database_url, redis_url)
    async with (
        running_merchant(settings, tenant) as merchant,
        running_merchant(settings, tenant, roles=frozenset({Role.WORKER, Role.PUBLIC})),
    ):
        story = Story(merchant, database_url)
        await story.begin()
        subscription_id = (await story.active(interval="day"))["id"]

        advanced = await merchant.advance(by="P30D")

        assert advanced["counts"]["renewals"] == 30
        assert len(await story.invoices(subscription_id)) == 31
        assert await story.broken() == []


async def test_an_advance_whose_end_was_erased_by_a_reset_says_so(
    database_url: str, redis_url: str, tenant: str
) -> None:
    settings = settings_for(database_url, redis_url)
    async with running_merchant(settings, tenant, roles=frozenset({Role.PUBLIC})) as merchant:
        asked = asyncio.create_task(merchant.client.post("/v1/test-clock/advance", {"by": "P1D"}))
        while True:
            async with merchant.scope.begin() as tx:
                clocks = ClockRepository(tx)
                advance = await clocks.find_open_advance()
                if advance is not None:
                    await clocks.save_advance(advance.id, {}, is_done=True, failure=None)
                    await reset(tx)
                    break
            await asyncio.sleep(0.01)

        answer = await asked

    assert (answer.status, answer.code) == (409, "conflict")
