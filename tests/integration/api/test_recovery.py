"""Recovery cases over HTTP: every decision with what was known, so that it can be made again."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import pytest

from duro.billing.case import Context
from duro.billing.dunning import Decision, decide, decide_waiting
from tests.support.stories import Story
from tests.support.system import running_merchant, settings_for


@pytest.fixture
async def story(database_url: str, redis_url: str, tenant: str) -> AsyncIterator[Story]:
    async with running_merchant(settings_for(database_url, redis_url), tenant) as merchant:
        begun = Story(merchant, database_url)
        await begun.begin()
        yield begun


async def test_a_case_shows_what_happens_next_when_and_why(story: Story) -> None:
    made = await story.active("pm_test_insufficient_funds")
    await story.merchant.advance(to="2027-02-06T00:00:00Z")

    (listed,) = await story.merchant.items("/v1/recovery")
    detail = await story.merchant.get(f"/v1/recovery/{listed['id']}")

    assert listed["subscriptionId"] == made["id"]
    assert (listed["state"], listed["amount"], listed["currency"]) == ("scheduled", 500_000, "NGN")
    assert (listed["failureCode"], listed["failureCategory"]) == ("51", "insufficient_funds")
    assert (listed["attemptsMade"], listed["maxAttempts"]) == (1, 5)
    assert (listed["nextAction"], listed["rail"]) == ("retry_payday", "card")
    assert listed["nextAttemptAt"] == "2027-02-28T09:00:00.000Z"
    assert listed["openedAt"] == "2027-02-05T09:00:00.000Z"
    assert (listed["closedAt"], listed["recoveredBy"]) == (None, None)
    (decision,) = detail["decisions"]
    assert decision["reason"] == listed["reason"]
    assert decision["at"] == "2027-02-05T09:00:00.000Z"
    assert decision["settingsVersion"] == 1


async def test_every_decision_can_be_made_again_from_its_inputs(story: Story) -> None:
    for method in ("insufficient_funds", "do_not_honor", "stolen", "expired", "issuer_down_48h"):
        await story.active(f"pm_test_{method}")
    await story.merchant.advance(by="P4M")
    cases = await story.merchant.items("/v1/recovery")

    for case in cases:
        for row in (await story.merchant.get(f"/v1/recovery/{case['id']}"))["decisions"]:
            if row["rule"] == "request_sent":
                # What the gateway answered to the decision before it; nothing was decided.
                continue
            again = decided_again(row["inputs"])
            at = again.next_attempt_at
            assert (again.move, again.rail, again.reason) == (
                *(row["action"], row["rail"], row["reason"]),
            )
            assert at == (row["nextAttemptAt"] and datetime.fromisoformat(row["nextAttemptAt"]))

    assert len(cases) > 4


def decided_again(inputs: dict[str, Any]) -> Decision:
    context = Context.from_dict(inputs)
    if "deadline_at" not in inputs:
        return decide(context)
    deadline_at = datetime.fromisoformat(inputs["deadline_at"])
    return decide_waiting(context=context, deadline_at=deadline_at)


async def test_lists_are_filtered_by_state_and_by_whom(story: Story) -> None:
    lost = await story.active("pm_test_do_not_honor")
    open_ = await story.active("pm_test_insufficient_funds")
    await story.merchant.advance(to="2027-02-13T00:00:00Z")

    async def listed(query: str) -> list[str]:
        rows = await story.merchant.items(f"/v1/recovery?{query}")
        return [row["subscriptionId"] for row in rows]

    assert await listed("state=exhausted") == [lost["id"]]
    assert await listed("state=scheduled") == [open_["id"]]
    assert await listed(f"customerId={open_['customerId']}") == [open_["id"]]
    assert (await story.merchant.client.get("/v1/recovery?state=lost")).status == 422
    for wrong in ("dun_01JD0G4Y8Z7V6T5S4R3Q2P1N0M", "nothing", lost["id"]):
        assert (await story.merchant.client.get(f"/v1/recovery/{wrong}")).status == 404
