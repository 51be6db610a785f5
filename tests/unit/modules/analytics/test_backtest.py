"""A backtest's thread: it is ended in time, and as soon as nobody waits for it."""

import asyncio
import threading
import time

import pytest

from duro.billing.simulation import OnStep
from duro.errors import InvalidError, RateLimitedError
from duro.modules.analytics.backtest import Backtests


class Endless:
    """Work that would go on for ever, and remembers whether it was ended."""

    def __init__(self) -> None:
        self.is_begun = threading.Event()
        self.is_ended = threading.Event()

    def __call__(self, on_step: OnStep) -> None:
        self.is_begun.set()
        try:
            while True:
                time.sleep(0.001)
                on_step(1)
        finally:
            self.is_ended.set()


async def seen(event: threading.Event) -> bool:
    return await asyncio.to_thread(event.wait, 5)


async def test_work_is_ended_when_its_time_is_over() -> None:
    work = Endless()

    with pytest.raises(InvalidError, match="too long"):
        await Backtests(limit_s=0.02).run(work)

    assert await seen(work.is_ended)


async def test_work_that_nobody_waits_for_is_ended() -> None:
    work = Endless()
    asked = asyncio.create_task(Backtests(limit_s=60).run(work))
    assert await seen(work.is_begun)

    asked.cancel()

    with pytest.raises(asyncio.CancelledError):
        await asked
    assert await seen(work.is_ended)


async def test_who_waited_too_long_for_another_is_refused_without_a_start() -> None:
    def deaf(_: OnStep) -> None:
        time.sleep(0.2)

    backtests, second = Backtests(limit_s=0.05), Endless()
    first = asyncio.create_task(backtests.run(deaf))
    await asyncio.sleep(0)

    with pytest.raises(RateLimitedError):
        await backtests.run(second)

    assert not second.is_begun.is_set()
    await first


async def test_what_the_work_answers_is_answered() -> None:
    def work(on_step: OnStep) -> str:
        on_step(1)
        return "done"

    assert await Backtests().run(work) == "done"
