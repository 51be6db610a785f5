"""Hundreds of renewals while processes die, PostgreSQL restarts and Redis forgets: each is charged once."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest

from tests.support.cluster import Cluster
from tests.support.fault_child import Fault, Kind
from tests.support.fault_data import (
    add_due_renewals,
    add_endpoint,
    count_due,
    count_settled,
    count_unsettled,
    list_events,
    new_tenant,
)
from tests.support.faults import LATER, Ground, Relay, seeds
from tests.support.receiver import running_receiver

COUNT = 500
ALL = {"invoices": COUNT, "charges": COUNT}
WORK_S = 30.0
# Without any fault such a run passes about as many points as this.
POINTS = 1500
DEATHS = 3
TOLD = "subscription_payment_success"


@pytest.fixture
async def tenant_id(ground: Ground) -> str:
    """Of a tenant with 500 renewals that are due."""
    tenant_id = await new_tenant(ground.database_url)
    await add_due_renewals(ground.database_url, tenant_id, COUNT)
    return tenant_id


async def demand_all_renewed_once(ground: Ground, count: int = COUNT) -> None:
    assert await ground.contradictions() == []
    assert await count_settled(ground.database_url) == {"invoices": count, "charges": count}


@pytest.mark.parametrize("seed", seeds(short=2, long=20))
async def test_worker_that_is_killed_again_and_again_renews_each_once_and_tells_of_each(
    ground: Ground, tenant_id: str, seed: int, say: Callable[[str], None]
) -> None:
    dice, ahead, struck = Random(seed), timedelta(0), []
    async with running_receiver() as receiver:
        await add_endpoint(ground.database_url, ground.redis_url, tenant_id, receiver.url, TOLD)
        for _ in range(DEATHS):
            fault = Fault(Kind.KILL, dice.randint(1, POINTS))
            if dice.random() < 0.5:
                await ground.flush_redis()
            async with ground.serving(
                ahead=ahead, fault=fault, is_counted_from_start=True, latency_s=0.02
            ) as child:
                while child.is_alive and await count_due(ground.database_url, ahead):
                    await asyncio.sleep(0.02)
                child.kill()
                struck.append((fault.at, (await child.end()).struck))
            ahead += LATER
        await ground.recover(ahead=ahead)

        await demand_all_renewed_once(ground)
        told = await list_events(ground.database_url, TOLD)
        assert len(told) == COUNT
        assert set(receiver.event_ids) == set(told)
    say(f"{COUNT} renewals, seed {seed}: killed at {struck}")


@pytest.mark.usefixtures("tenant_id")
@pytest.mark.parametrize("seed", seeds(short=1, long=10))
async def test_redis_that_forgets_everything_loses_no_renewal(ground: Ground, seed: int) -> None:
    dice = Random(seed)
    async with ground.serving(drain_s=1, latency_s=0.1):
        for _ in range(10):
            await asyncio.sleep(dice.uniform(0, 0.2))
            await ground.flush_redis()
        await ground.until_done()

    await demand_all_renewed_once(ground)


@pytest.mark.usefixtures("tenant_id")
@pytest.mark.parametrize("seed", seeds(short=1, long=10))
async def test_redis_that_is_away_for_a_while_loses_no_renewal(
    ground: Ground, seed: int, tmp_path: Path
) -> None:
    dice = Random(seed)
    relay = Relay(ground.redis_url, tmp_path / "relay")
    await relay.come()
    async with ground.serving(redis_url=relay.url, latency_s=0.1) as child:
        await child.ready()
        await asyncio.sleep(dice.uniform(0, 0.6))
        await relay.go()
        await asyncio.sleep(2)
        await relay.come()
        await asyncio.sleep(1)

    await relay.go()
    await ground.recover()
    await demand_all_renewed_once(ground)


@pytest.mark.usefixtures("tenant_id")
@pytest.mark.parametrize("is_crash", [False, True], ids=["shutdown", "crash"])
@pytest.mark.parametrize("seed", seeds(short=1, long=10))
async def test_postgres_that_restarts_in_the_middle_loses_no_renewal(
    ground: Ground, cluster: Cluster, seed: int, *, is_crash: bool
) -> None:
    dice = Random(seed)
    async with ground.serving(latency_s=0.1) as child:
        await child.ready()
        await asyncio.sleep(dice.uniform(0, 0.6))
        await asyncio.to_thread(cluster.restart_postgres, is_crash=is_crash)
        await asyncio.sleep(1)

    await ground.recover()
    await demand_all_renewed_once(ground)


@pytest.mark.parametrize("processes", [1, 10])
async def test_same_job_ten_times_at_once_charges_each_once(ground: Ground, processes: int) -> None:
    tenant_id = await new_tenant(ground.database_url)
    await add_due_renewals(ground.database_url, tenant_id, 50)
    job = {
        "works": ("billing.renew",),
        "tenant_ids": (tenant_id,),
        "times_at_once": 10 // processes,
    }

    await asyncio.gather(*(ground.run(**job) for _ in range(processes)))

    await ground.recover()
    await demand_all_renewed_once(ground, 50)


@pytest.mark.usefixtures("tenant_id")
@pytest.mark.parametrize("ahead", [timedelta(0), timedelta(hours=1)], ids=["same", "hour-ahead"])
async def test_two_workers_share_the_renewals_also_when_their_clocks_differ(
    ground: Ground, cluster: Cluster, ahead: timedelta
) -> None:
    url = ground.database_url
    async with ground.serving(latency_s=0.5):
        while not await count_unsettled(url):
            await asyncio.sleep(0.01)
        # To a worker whose clock is an hour ahead these charges look like those of a dead process. It has a Redis of
        # its own, so that nobody else looks for it.
        async with ground.serving(latency_s=0.5, ahead=ahead, redis_url=cluster.empty_redis()):
            async with asyncio.timeout(WORK_S):
                while await count_settled(url) != ALL:
                    await asyncio.sleep(0.05)

    await ground.recover(ahead=ahead + LATER)
    await demand_all_renewed_once(ground)


@pytest.mark.parametrize("seed", seeds(short=1, long=20))
async def test_any_work_struck_anywhere_in_any_order_leaves_the_books_right(
    ground: Ground, seed: int, say: Callable[[str], None]
) -> None:
    dice, ahead, struck = Random(seed), timedelta(0), 0
    tenant_ids = [await new_tenant(ground.database_url) for _ in range(6)]
    for tenant_id in tenant_ids:
        await add_due_renewals(ground.database_url, tenant_id, 3)
    for _ in range(40):
        end = await ground.run(
            works=(dice.choice(["billing.renew", "reconcile.attempts", "webhook.fanout"]),),
            tenant_ids=(dice.choice(tenant_ids),),
            times_at_once=dice.choice([1, 1, 3]),
            ahead=ahead,
            fault=Fault(
                dice.choice(list(Kind)), dice.randint(1, 110), every=dice.choice([0, 7, 40])
            ),
        )
        struck += end.struck is not None
        ahead += timedelta(seconds=dice.randint(0, 90))

    # The longer an outcome is unknown, the less often it is asked for: once an hour in the end.
    await ground.recover(ahead=ahead + LATER, step=timedelta(hours=1))
    await demand_all_renewed_once(ground, 18)
    say(f"any work in any order, seed {seed}: struck {struck} times")
