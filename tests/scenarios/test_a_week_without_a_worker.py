"""The worker stands still for seven days: once it is back it catches up, and nobody is charged or asked in a burst."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest

from duro.kit.clock import FixedClock
from duro.runtime.serve import Role
from tests.support.billing import Shop
from tests.support.stories import Story
from tests.support.system import running_merchant, settings_for

_BEGIN: Final = datetime(2027, 1, 5, 9, tzinfo=UTC)
_RENEWAL: Final = datetime(2027, 2, 5, 9, tzinfo=UTC)
_BACK: Final = datetime(2027, 2, 12, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Outage:
    """A merchant whose calls are answered, and a worker that works only when it is let."""

    story: Story
    shop: Shop

    async def work_at(self, at: datetime) -> list[str]:
        """Whose money was asked of the gateway in all that was due then."""
        before = len(await self.story.charges())
        self.shop.clock.at = at
        await self.shop.catch_up()
        charges = (await self.story.charges())[before:]
        owner = "SELECT subscription_id FROM payment_attempts WHERE reference = $1"
        return [await self.shop.value(owner, charge["reference"]) for charge in charges]


@pytest.fixture
async def outage(database_url: str, redis_url: str, tenant: str) -> AsyncIterator[Outage]:
    clock = FixedClock(_BEGIN)
    settings = settings_for(database_url, redis_url)
    async with running_merchant(
        settings, tenant, roles=frozenset({Role.PUBLIC}), clock=clock
    ) as merchant:
        shop = Shop.open(merchant.app.ground.db, clock, database_url, tenant)
        yield Outage(Story(merchant, database_url), shop)


async def test_a_week_later_each_case_goes_one_step_and_each_plan_one_period(
    outage: Outage,
) -> None:
    story, clock = outage.story, outage.shop.clock
    retried = (await story.active("pm_test_processor_error_twice"))["id"]
    paid, unpaid = [(await story.active("pm_test_stolen"))["id"] for _ in range(2)]
    clock.at = _BEGIN + timedelta(days=3)
    monthly = (await story.active())["id"]
    clock.at = _RENEWAL - timedelta(days=1)
    daily = (await story.active(interval="day"))["id"]
    on_time = await outage.work_at(_RENEWAL)
    (ussd,) = await story.requests(paid)

    # Somebody pays by USSD in time, while nobody here is there to hear of it.
    clock.at = _RENEWAL + timedelta(hours=20)
    async with outage.shop.scope.begin() as tx:
        await outage.shop.gateway.inner.record_credit(
            tx, reference=ussd["reference"], amount_minor=500_000, currency="NGN"
        )
    back = await outage.work_at(_BACK)
    told = await story.query(
        "SELECT customer_id, count(*) FROM outbox WHERE created_at = $1 GROUP BY customer_id", _BACK
    )
    later = [await outage.work_at(_BACK + timedelta(hours=hours)) for hours in (6, 24, 48)]

    assert sorted(on_time) == sorted([retried, paid, unpaid, daily])
    assert sorted(back) == sorted([retried, monthly, daily])
    assert sorted(count for _, count in told) == [1] * 5
    # The retry that the outage held up keeps the distance of two days that the offsets give it.
    assert [sorted(each) for each in later] == [[], [daily], sorted([daily, retried])]
    assert [(row["rail"], row["status"]) for row in await story.requests(paid)] == [
        ("ussd", "paid")
    ]
    assert [(row["rail"], row["createdAt"][:16]) for row in await story.requests(unpaid)] == [
        ("ussd", "2027-02-05T09:00"),
        ("transfer", "2027-02-12T12:00"),
    ]
    now = await story.merchant.subscription(monthly)
    assert now["currentPeriodStart"] == "2027-02-08T09:00:00.000Z"
    assert (await story.merchant.subscription(retried))["status"] == "active"
    assert await story.at_risk() == {
        "entered": 1_500_000,
        "recovered": 1_000_000,
        "closing": 500_000,
    }
    assert await outage.shop.broken() == []
