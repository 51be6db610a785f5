"""The worker: scans and doorbells bring work, whatever becomes of Redis."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from redis.asyncio import Redis

from duro.kit.bells import Bell
from duro.kit.db import Database
from duro.kit.jobs import Queues, RedisDoorbell, build_queues, close_redis, enqueue_bell, open_redis
from duro.kit.modes import Mode
from duro.kit.worker import JobRunner, WorkerPlan
from tests.support.roles import connected
from tests.support.sample_work import (
    LIST_CLOCKS,
    NAME,
    Sample,
    add_items,
    count_left,
)

NOBODY = "redis://127.0.0.1:1/0"


async def until(is_so: Callable[[], bool], *, within_s: float = 10) -> None:
    async with asyncio.timeout(within_s):
        while not is_so():
            await asyncio.sleep(0.02)


async def until_nothing_is_left(url: str, *, mode: Mode = Mode.TEST, within_s: float = 10) -> None:
    async with asyncio.timeout(within_s):
        while await count_left(url, mode=mode):
            await asyncio.sleep(0.05)


@asynccontextmanager
async def queues_at(url: str) -> AsyncIterator[tuple[Redis, Queues]]:
    redis = open_redis(url)
    queues = build_queues(redis, ["billing"])
    try:
        yield redis, queues
    finally:
        await close_redis(redis, queues)


@asynccontextmanager
async def working(
    db: Database, queues: Queues, sample: Sample, *, turn: str = "start", turn_s: float = 5
) -> AsyncIterator[JobRunner]:
    runner = JobRunner(
        db=db,
        queues=queues,
        works=[sample.work()],
        clocks=LIST_CLOCKS,
        plan=WorkerPlan(concurrency=4, turn_s=turn_s),
    )
    runner.start(turn=turn)
    try:
        yield runner
    finally:
        await runner.stop()


async def test_start_finds_what_is_due_in_both_modes_without_waiting_for_a_cron(
    db: Database, database_url: str, redis_url: str, tenant: str, tenant_b: str
) -> None:
    await add_items(database_url, tenant, 25)
    await add_items(database_url, tenant_b, 3)
    await add_items(database_url, tenant, 7, mode=Mode.LIVE)
    sample = Sample()

    async with queues_at(redis_url) as (_, queues), working(db, queues, sample):
        await until(lambda: sum(sample.done.values()) == 35)

    assert sample.done == {
        (Mode.TEST, tenant): 25,
        (Mode.TEST, tenant_b): 3,
        (Mode.LIVE, tenant): 7,
    }


async def test_cron_finds_what_no_doorbell_told_of(
    db: Database, database_url: str, redis_url: str, tenant: str
) -> None:
    sample = Sample(every_s=1)

    async with queues_at(redis_url) as (_, queues), working(db, queues, sample):
        await asyncio.sleep(0.5)
        await add_items(database_url, tenant, 12)
        await until(lambda: sample.done[Mode.TEST, tenant] == 12)

    assert await count_left(database_url) == 0


async def test_flushed_redis_loses_no_work_and_the_crons_come_back(
    db: Database, database_url: str, redis_url: str, tenant: str
) -> None:
    sample = Sample(every_s=1)

    async with queues_at(redis_url) as (redis, queues), working(db, queues, sample):
        for round_ in range(5):
            await add_items(database_url, tenant, 20, tag=f"{round_}_")
            await enqueue_bell(queues, Bell(NAME, Mode.TEST, tenant))
            await redis.flushall()
        await until_nothing_is_left(database_url, within_s=70)

        await redis.flushall()
        await add_items(database_url, tenant, 5, tag="late")
        await until_nothing_is_left(database_url, within_s=70)

    assert sample.done[Mode.TEST, tenant] == 105


async def test_bell_is_answered_at_once(
    db: Database, database_url: str, redis_url: str, tenant: str
) -> None:
    sample = Sample(every_s=3600)
    async with queues_at(redis_url) as (_, queues), working(db, queues, sample):
        await asyncio.sleep(0.5)
        doorbell = RedisDoorbell(queues)
        doorbell.start()
        await add_items(database_url, tenant, 3)

        rung_s = time.monotonic()
        await doorbell.ring([Bell(NAME, Mode.TEST, tenant)])
        await until(lambda: sample.done[Mode.TEST, tenant] == 3)

        assert time.monotonic() - rung_s < 1
        await doorbell.close()


async def test_bell_that_rings_while_a_drain_ends_is_not_lost(
    db: Database, database_url: str, redis_url: str, tenant: str
) -> None:
    # Each run takes longer than the pause between bells, so bells meet every stage of a drain.
    sample = Sample(every_s=3600, takes_s=0.03)
    async with queues_at(redis_url) as (_, queues), working(db, queues, sample):
        await asyncio.sleep(0.5)
        for number in range(60):
            await add_items(database_url, tenant, 1, tag=f"{number}_")
            await enqueue_bell(queues, Bell(NAME, Mode.TEST, tenant))
            await asyncio.sleep(0.011)

        await until(lambda: sample.done[Mode.TEST, tenant] == 60, within_s=5)

    assert sample.at_once_max == 1


async def test_turn_ends_and_the_rest_is_asked_for_again(
    db: Database, database_url: str, redis_url: str, tenant: str
) -> None:
    sample = Sample(every_s=3600, takes_s=0.05, batch=5)
    await add_items(database_url, tenant, 100)

    async with queues_at(redis_url) as (_, queues), working(db, queues, sample, turn_s=0.1):
        await until(lambda: sample.done[Mode.TEST, tenant] == 100)

    assert await count_left(database_url) == 0


async def test_lanes_work_for_one_tenant_at_once(
    db: Database, database_url: str, redis_url: str, tenant: str
) -> None:
    sample = Sample(takes_s=0.05, batch=5, lanes=4)
    await add_items(database_url, tenant, 100)

    async with queues_at(redis_url) as (_, queues), working(db, queues, sample):
        await until(lambda: sample.done[Mode.TEST, tenant] == 100)

    assert sample.at_once_max == 4


async def test_failed_job_is_logged_and_a_later_one_does_the_work(
    db: Database,
    database_url: str,
    redis_url: str,
    tenant: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    sample = Sample(fails=1, every_s=1)
    await add_items(database_url, tenant, 10)

    async with queues_at(redis_url) as (_, queues), working(db, queues, sample):
        await until(lambda: sample.done[Mode.TEST, tenant] == 10, within_s=30)

    assert "Error processing job" not in caplog.text


async def test_two_workers_share_the_work_and_do_each_item_once(
    db: Database, database_url: str, redis_url: str, tenant: str, tenant_b: str
) -> None:
    await add_items(database_url, tenant, 300)
    await add_items(database_url, tenant_b, 300)
    first, second = Sample(takes_s=0.01), Sample(takes_s=0.01)

    async with (
        queues_at(redis_url) as (_, queues_a),
        queues_at(redis_url) as (_, queues_b),
        working(db, queues_a, first, turn="a"),
        working(db, queues_b, second, turn="b"),
    ):
        await until(lambda: sum((first.done + second.done).values()) >= 600)

    assert first.done + second.done == {(Mode.TEST, tenant): 300, (Mode.TEST, tenant_b): 300}


async def test_dead_job_of_another_process_does_not_keep_a_new_worker_from_its_tenant(
    db: Database, database_url: str, redis_url: str, tenant: str
) -> None:
    await add_items(database_url, tenant, 10)
    bell = Bell(NAME, Mode.TEST, tenant)
    async with queues_at(redis_url) as (_, dead):
        for _ in range(2):
            await enqueue_bell(dead, bell)
            assert await dead["billing"].dequeue(1) is not None
        assert not await enqueue_bell(dead, bell)
    sample = Sample(every_s=3600)

    async with queues_at(redis_url) as (_, queues), working(db, queues, sample, turn="new"):
        await until(lambda: sample.done[Mode.TEST, tenant] == 10, within_s=5)

    assert await count_left(database_url) == 0


async def test_tenant_whose_clock_is_being_advanced_is_left_alone(
    db: Database, database_url: str, redis_url: str, tenant: str, tenant_b: str
) -> None:
    await add_items(database_url, tenant, 5)
    await add_items(database_url, tenant_b, 5)
    async with connected(database_url) as connection:
        await connection.execute("SET ROLE duro_sandbox")
        await connection.execute("SELECT set_config('duro.tenant', $1, false)", tenant)
        await connection.execute(
            "INSERT INTO sandbox.test_clocks (tenant_id, now) VALUES ($1, '2026-06-01')", tenant
        )
    sample = Sample(every_s=1)

    async with queues_at(redis_url) as (_, queues), working(db, queues, sample):
        await until(lambda: sample.done[Mode.TEST, tenant_b] == 5)
        await asyncio.sleep(1.5)

    assert sample.done[Mode.TEST, tenant] == 0


async def test_stop_lets_a_running_round_end_and_starts_no_other(
    db: Database, database_url: str, redis_url: str, tenant: str
) -> None:
    sample = Sample(takes_s=0.5, batch=10)
    await add_items(database_url, tenant, 1000)

    async with queues_at(redis_url) as (_, queues), working(db, queues, sample):
        await until(lambda: sample.at_once > 0)
        began_s = time.monotonic()

    assert time.monotonic() - began_s < 2
    assert sum(sample.done.values()) == 1000 - await count_left(database_url)


async def test_stop_right_after_the_start_does_not_wait_for_a_reader(
    db: Database, redis_url: str
) -> None:
    took_s = []
    for turn in range(10):
        async with queues_at(redis_url) as (_, queues):
            async with working(db, queues, Sample(), turn=f"{turn}"):
                await asyncio.sleep(turn * 0.002)
                began_s = time.monotonic()
            took_s.append(time.monotonic() - began_s)

    assert max(took_s) < 2


async def test_restarted_redis_is_taken_up_again(
    db: Database, database_url: str, redis_url: str, tenant: str
) -> None:
    sample = Sample(every_s=1)
    async with queues_at(redis_url) as (redis, queues), working(db, queues, sample):
        await add_items(database_url, tenant, 5)
        await until(lambda: sample.done[Mode.TEST, tenant] == 5)

        # What a restart without persistence does: no keys, no scripts, no connections.
        await redis.flushall()
        await redis.script_flush()
        await redis.client_kill_filter(_type="normal", skipme=False)
        await add_items(database_url, tenant, 5, tag="b")

        await until(lambda: sample.done[Mode.TEST, tenant] == 10)


async def test_absent_redis_neither_ends_the_worker_nor_makes_it_spin(
    db: Database, tenant: str
) -> None:
    sample = Sample(every_s=1)
    async with queues_at(NOBODY) as (_, queues):
        used_s = time.process_time()
        async with working(db, queues, sample):
            doorbell = RedisDoorbell(queues)
            doorbell.start()
            await doorbell.ring([Bell(NAME, Mode.TEST, tenant)])
            await asyncio.sleep(3)
            await doorbell.close()
        used_s = time.process_time() - used_s

    assert used_s < 1.0
