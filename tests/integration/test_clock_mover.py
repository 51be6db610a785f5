"""Moving a clock with work that fails, that nobody can do, or that outlasts the lease."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

import pytest
import structlog

from duro.errors import UnavailableError
from duro.kit.clock import FixedClock
from duro.kit.db import Database
from duro.kit.work import DueWork, Ran, Run, WorkScope
from duro.modules.subscriptions.repository import statement
from duro.modules.testclock import service
from duro.modules.testclock.mover import Mover
from duro.modules.testclock.repository import ClockRepository
from tests.support.billing import Shop


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with structlog.testing.capture_logs():
        yield


@pytest.fixture
async def shop(db: Database, clock: FixedClock, database_url: str, tenant: str) -> Shop:
    """With a subscription that expires in a day, which the work of these tests is about."""
    opened = Shop.open(db, clock, database_url, tenant)
    await opened.subscribe(await opened.plan(), None)
    return opened


def expiring(run: Run) -> DueWork:
    return DueWork(
        name="billing.expire",
        every_s=60,
        list_due=statement("list_tenants_with_due_expiries"),
        next_due=statement("next_expiry"),
        run=run,
    )


async def requested(shop: Shop) -> str:
    async with shop.scope.begin() as tx:
        advance_id = await service.request_advance(tx, to=None, by="P2D")
    assert advance_id is not None
    return advance_id


async def test_work_that_fails_ends_the_advance_with_its_name(shop: Shop) -> None:
    async def fail(_scope: WorkScope, _limit: int) -> Ran:
        raise ValueError

    advance_id = await requested(shop)
    ran = await Mover([expiring(fail)]).run(shop.scope, 100)

    assert ran.done == 0
    with pytest.raises(UnavailableError, match=r"billing\.expire"):
        await service.wait_for(shop.scope, advance_id)
    # It stands at the instant that it could not get past; nothing after it was skipped.
    stood_at = await shop.value("SELECT now FROM test_clocks")
    assert stood_at == await shop.value("SELECT expires_at FROM subscriptions")


async def test_an_unreachable_database_leaves_the_advance_for_later(shop: Shop) -> None:
    async def lose(_scope: WorkScope, _limit: int) -> Ran:
        raise UnavailableError("The database cannot be reached; try again.")

    await requested(shop)
    with pytest.raises(UnavailableError):
        await Mover([expiring(lose)]).run(shop.scope, 100)

    assert await service.is_advancing(shop.scope)
    assert await shop.value("SELECT lease_until FROM test_clocks") is None


async def test_whoever_lost_the_clock_to_another_mover_leaves_it_alone(shop: Shop) -> None:
    taken = shop.clock.wall() + timedelta(minutes=5)

    async def be_overtaken(scope: WorkScope, _limit: int) -> Ran:
        async with scope.begin() as tx:
            held = await shop.value("SELECT lease_until FROM test_clocks")
            assert await ClockRepository(tx).extend(held=held, lease_until=taken)
        return Ran(1, Counter(expired=1))

    await requested(shop)
    ran = await Mover([expiring(be_overtaken)]).run(shop.scope, 100)

    assert ran.done == 0
    assert await service.is_advancing(shop.scope)
    assert await shop.value("SELECT lease_until FROM test_clocks") == taken


async def test_a_second_mover_finds_the_clock_taken(shop: Shop) -> None:
    ran_inside = []

    async def look(scope: WorkScope, limit: int) -> Ran:
        ran_inside.append(await Mover([]).run(scope, limit))
        return await shop.run("billing.expire", limit)

    advance_id = await requested(shop)
    await Mover([expiring(look)]).run(shop.scope, 100)

    assert {each.done for each in ran_inside} == {0}
    outcome = await service.wait_for(shop.scope, advance_id)
    assert (outcome.counts["expired"], outcome.now) == (1, shop.clock.wall() + timedelta(days=2))


async def test_a_dead_charge_holds_the_clock_for_a_moment_only(shop: Shop) -> None:
    await shop.subscribe(await shop.plan())
    await shop.query(
        "UPDATE payment_attempts SET status = 'pending', settled_at = NULL, check_at = $1,"
        " lease_until = $1",
        shop.clock.wall() + timedelta(minutes=1),
    )
    advance_id = await requested(shop)

    await Mover([expiring(lambda _, limit: shop.run("billing.expire", limit))]).run(shop.scope, 100)

    outcome = await service.wait_for(shop.scope, advance_id)
    assert outcome.counts["expired"] == 1
    # Its lease is over, so that the reconcile work may ask the gateway.
    assert await shop.value("SELECT lease_until FROM payment_attempts") == shop.clock.wall()
