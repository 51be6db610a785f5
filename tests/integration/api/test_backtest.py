"""The backtest over HTTP: real renewals under two strategies, made customers, and a loop that stays free."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.support.stories import Story
from tests.support.system import running_merchant, settings_for

PATH = "/v1/recovery/backtest"
YEAR = {"from": "2027-01-01", "to": "2027-12-31"}


@pytest.fixture
async def story(database_url: str, redis_url: str, tenant: str) -> AsyncIterator[Story]:
    async with running_merchant(settings_for(database_url, redis_url), tenant) as merchant:
        begun = Story(merchant, database_url)
        await begun.begin()
        yield begun


async def backtest(story: Story, **body: object) -> dict[str, Any]:
    answer = await story.merchant.client.post(PATH, body)
    assert answer.status == 200, answer.body
    return answer.json


async def test_the_settings_in_force_replayed_come_to_what_really_happened(story: Story) -> None:
    for method in (
        "payday",
        "insufficient_funds",
        "expired",
        "stolen",
        "issuer_down_48h",
        "do_not_honor",
    ):
        await story.active(f"pm_test_{method}")
    await story.merchant.advance(by="P3M")
    cases = await story.merchant.items("/v1/recovery")
    closed = Counter(case["state"] for case in cases if case["closedAt"])

    found = await backtest(story, a="current", b="current", **YEAR)

    assert found["source"] == "invoices"
    assert found["cases"] == len(cases) > 4
    assert found["a"]["recoveredCases"] == closed["recovered"] > 0
    assert found["a"]["recovered"] == sum(
        case["amount"] for case in cases if case["state"] == "recovered"
    )
    assert found["a"]["lostCases"] == closed["exhausted"] > 0
    assert found["a"]["unknownCases"] == found["unknown"] == len(cases) - closed.total()
    assert set(found["difference"].values()) == {0}
    assert sum(month["a"]["cases"] for month in found["byMonth"]) == len(cases)


async def test_a_request_that_was_really_paid_is_paid_in_the_replay(story: Story) -> None:
    made = await story.active("pm_test_stolen")
    await story.merchant.advance(to="2027-02-05T10:00:00Z")
    (request,) = await story.merchant.items("/v1/payment-requests")
    paid = await story.merchant.client.post(f"/v1/test/payment-requests/{request['id']}/pay")
    assert paid.status == 200, paid.body
    await story.merchant.advance(by="P2D")
    assert (await story.case(made["id"]))["state"] == "recovered"

    found = await backtest(story, a="current", b="fixed", **YEAR)

    assert (found["a"]["recoveredCases"], found["a"]["paymentRequests"]) == (1, 1)
    # Nobody knows whether the bank would have taken the stolen card once more.
    assert (found["b"]["recoveredCases"], found["b"]["unknownCases"]) == (0, 1)


async def test_what_nobody_tried_is_unknown_and_not_made_up(story: Story) -> None:
    await story.active("pm_test_payday")
    await story.merchant.advance(by="P2M")

    found = await backtest(story, a="current", b="fixed", **YEAR)

    # The real case waited for the 28th; a day after the failure nobody asked the bank.
    assert found["a"]["unknownCases"] < found["b"]["unknownCases"]
    assert found["b"]["recoveredCases"] + found["b"]["unknownCases"] == found["cases"]
    assert found["optimum"] is None


async def test_made_customers_are_compared_the_same_for_one_seed(story: Story) -> None:
    ask = {"a": "fixed", "b": "documented", "population": {"customers": 30, "months": 3}}

    one, again = await backtest(story, **ask, seed=4), await backtest(story, **ask, seed=4)
    other = await backtest(story, **ask, seed=5)

    assert one == again
    assert one["a"] != other["a"]
    assert (one["source"], one["seed"], one["from"]) == ("population", 4, None)
    assert one["unknown"] == 0
    for side in ("a", "b"):
        assert one[side]["recovered"] <= one["optimum"]["recovered"]
        assert one[side]["recoveredCases"] + one[side]["lostCases"] == one["cases"]
    assert one["difference"]["recovered"] == one["b"]["recovered"] - one["a"]["recovered"]


async def test_settings_are_taken_as_far_as_they_differ_from_those_in_force(story: Story) -> None:
    same = {"paydayAnchorDay": 28, "maxAttempts": 5}
    population = {"customers": 20, "months": 2}

    found = await backtest(story, a="current", b=same, population=population)
    moved = await backtest(story, a="current", b={"maxAttempts": 1}, population=population)

    assert set(found["difference"].values()) == {0}
    assert moved["b"]["strategy"] == "settings"
    assert moved["b"]["attempts"] < moved["a"]["attempts"]


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"a": "best", "b": "fixed"}, "a.name"),
        ({"a": "fixed"}, "b"),
        ({"a": "fixed", "b": {"maxAttempts": 9}}, "b.maxAttempts"),
        ({"a": "fixed", "b": {"maxAttempts": 0}}, "b.settings.maxAttempts"),
        ({"a": "fixed", "b": "learnt", "population": {"customers": 2001}}, "population.customers"),
        (
            {"a": "fixed", "b": "learnt", "population": {"customers": 1, "months": 13}},
            "population.months",
        ),
        ({"a": "fixed", "b": "learnt", "from": "2025-01-01", "to": "2026-12-31"}, "to"),
    ],
)
async def test_what_is_unknown_or_too_large_is_refused(
    story: Story, body: dict[str, Any], path: str
) -> None:
    answer = await story.merchant.client.post(PATH, body)

    assert answer.status == 422, answer.body
    assert [detail["path"] for detail in answer.json["error"]["details"]] == [path]


async def test_its_path_is_no_case_and_takes_no_other_method(story: Story) -> None:
    client = story.merchant.client

    answers = [await client.get(PATH), await client.get("/v1/recovery/backtest2")]

    assert [answer.status for answer in answers] == [405, 404]
    assert answers[0].headers["Allow"] == "POST"


async def test_one_key_is_answered_once_and_at_once(story: Story) -> None:
    ask = {
        "a": "fixed",
        "b": {"maxAttempts": 2},
        "from": "2026-06-01",
        "to": "2026-07-01T00:00:00Z",
    }

    first = await story.merchant.client.post(PATH, ask, key="one")
    again = await story.merchant.client.post(PATH, ask, key="one")

    assert first.status == again.status == 200
    assert again.body == first.body
    assert again.headers["Idempotent-Replayed"] == "true"


async def test_a_backtest_does_not_hold_up_the_loop(story: Story) -> None:
    ask = {"a": "fixed", "b": "learnt", "population": {"customers": 150, "months": 12}}
    asked = asyncio.create_task(backtest(story, **ask))
    longest_s, began_s = 0.0, time.monotonic()

    while not asked.done():
        before_s = time.monotonic()
        await asyncio.sleep(0.001)
        longest_s = max(longest_s, time.monotonic() - before_s)
    took_s = time.monotonic() - began_s

    assert (await asked)["cases"] > 100
    # The bound is for a busy machine: work on the loop itself would hold it up for all of the run.
    assert longest_s < took_s / 3
