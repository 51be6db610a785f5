"""The rate algorithm in Redis is the one on paper: compared, step by step, with a token bucket of whole numbers."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from duro.kit.gcra import Bucket, Rate, spend
from duro.kit.jobs import open_redis

START_US = 1_800_000_000_000_000
OWNERS = count()

# Redis forgets full buckets in real time: intervals longer than a test keep it from doing so in time that is made up.
rates = st.builds(Rate, st.just("key"), st.integers(1, 20), st.integers(60_000_000, 3_000_000_000))
pauses = st.lists(st.integers(0, 5_000_000_000), min_size=1, max_size=40)
lawful = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@dataclass
class Paper:
    """A bucket of tokens: each is worth one interval, time fills it, a request takes one out or leaves it alone."""

    rate: Rate
    level_us: int = field(init=False)

    def __post_init__(self) -> None:
        self.level_us = self.full_us

    @property
    def full_us(self) -> int:
        return self.rate.burst * self.rate.interval_us

    def pass_time(self, by_us: int) -> None:
        self.level_us = min(self.full_us, self.level_us + by_us)

    @property
    def wait_us(self) -> int:
        return max(0, self.rate.interval_us - self.level_us)

    def take(self) -> None:
        self.level_us -= self.rate.interval_us

    @property
    def state(self) -> tuple[int, int, int]:
        return self.full_us - self.level_us, self.level_us // self.rate.interval_us, self.wait_us


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    client = open_redis(redis_url)
    yield client
    await client.aclose()


def owned(rates: Sequence[Rate]) -> list[Bucket]:
    """Buckets that nothing was taken from."""
    owner = f"key_{next(OWNERS)}"
    return [Bucket(rate, owner) for rate in rates]


@lawful
@given(rate=rates, pauses=pauses)
async def test_one_bucket_is_the_one_on_paper(redis: Redis, rate: Rate, pauses: list[int]) -> None:
    buckets, paper, now_us = owned([rate]), Paper(rate), START_US

    for pause_us in pauses:
        now_us += pause_us
        paper.pass_time(pause_us)
        ((said,),) = await spend(redis, [buckets], now_us=now_us)

        wait_us = paper.wait_us
        if not wait_us:
            paper.take()
        debt_us, remaining, _ = paper.state
        assert (said.debt_us, said.remaining, said.wait_us) == (debt_us, remaining, wait_us)


@lawful
@given(first=rates, second=rates, pauses=pauses)
async def test_two_buckets_admit_together_or_are_both_left_alone(
    redis: Redis, first: Rate, second: Rate, pauses: list[int]
) -> None:
    second = Rate("money", second.burst, second.interval_us)
    buckets, papers, now_us = owned([first, second]), [Paper(first), Paper(second)], START_US

    for pause_us in pauses:
        now_us += pause_us
        for paper in papers:
            paper.pass_time(pause_us)
        (said,) = await spend(redis, [buckets], now_us=now_us)

        waits = [paper.wait_us for paper in papers]
        if not any(waits):
            for paper in papers:
                paper.take()
        assert [each.wait_us for each in said] == waits
        assert [each.debt_us for each in said] == [paper.state[0] for paper in papers]


@lawful
@given(rate=rates, pauses=pauses, data=st.data())
async def test_no_window_admits_more_than_the_burst_and_what_time_adds(
    redis: Redis, rate: Rate, pauses: list[int], data: st.DataObject
) -> None:
    buckets, now_us, admitted = owned([rate]), START_US, []
    for pause_us in pauses:
        now_us += pause_us
        ((said,),) = await spend(redis, [buckets], now_us=now_us)
        if not said.wait_us:
            admitted.append(now_us)

    begin = data.draw(st.integers(0, max(0, len(admitted) - 1)))
    for index, end_us in enumerate(admitted[begin:], start=1):
        window_us = end_us - admitted[begin]
        assert index <= rate.burst + window_us // rate.interval_us


@lawful
@given(rate=rates)
async def test_whoever_waits_as_long_as_told_is_let_in_and_not_a_moment_sooner(
    redis: Redis, rate: Rate
) -> None:
    buckets = owned([rate])
    for _ in range(rate.burst):
        await spend(redis, [buckets], now_us=START_US)
    ((refused,),) = await spend(redis, [buckets], now_us=START_US)

    ((early,),) = await spend(redis, [buckets], now_us=START_US + refused.wait_us - 1)
    ((late,),) = await spend(redis, [buckets], now_us=START_US + refused.wait_us)

    assert (refused.remaining, refused.wait_us) == (0, rate.interval_us)
    assert (early.wait_us, late.wait_us) == (1, 0)


async def test_a_clock_that_is_set_back_blocks_nobody_for_longer_than_a_full_bucket(
    redis: Redis,
) -> None:
    rate = Rate("key", 5, 60_000_000)
    buckets = owned([rate])
    for _ in range(5):
        await spend(redis, [buckets], now_us=START_US)

    ((said,),) = await spend(redis, [buckets], now_us=START_US - 3_600_000_000)

    assert said.wait_us == rate.interval_us


async def test_groups_asked_together_do_not_know_of_each_other(redis: Redis) -> None:
    rate = Rate("key", 1, 60_000_000)
    mine, theirs = owned([rate]), owned([rate])

    said = await spend(redis, [mine, theirs, mine], now_us=START_US)

    assert [standing.wait_us for (standing,) in said] == [0, 0, 60_000_000]


async def test_a_redis_that_forgot_the_script_is_taught_it_and_counts_once(redis: Redis) -> None:
    rate = Rate("key", 10, 60_000_000)
    buckets = owned([rate])
    await spend(redis, [buckets], now_us=START_US)
    await redis.script_flush()

    said = await spend(redis, [buckets, buckets], now_us=START_US)

    assert [standing.remaining for (standing,) in said] == [8, 7]


async def test_a_bucket_is_gone_once_it_is_full(redis: Redis) -> None:
    (bucket,) = owned([Rate.per_second("key", 1000, 5)])
    await spend(redis, [[bucket]])

    lives_ms = await redis.pttl(bucket.key)

    # Redis answers -2 for a key that has gone already.
    assert lives_ms in (-2, 0, 1)


@pytest.mark.parametrize(
    ("per_s", "interval_us"), [(200, 5_000), (3, 333_334), (1, 1_000_000), (100_000, 10)]
)
def test_an_interval_rounds_up_so_that_the_rate_is_never_passed(
    per_s: int, interval_us: int
) -> None:
    assert Rate.per_second("key", per_s, 1).interval_us == interval_us
