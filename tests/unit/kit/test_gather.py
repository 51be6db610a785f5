"""Owns the claims about what goes together: which calls share a round, and whom a bad or slow one touches."""

import asyncio
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duro.errors import BusyError, UnavailableError
from duro.kit.gather import Gathered


@dataclass(slots=True)
class Rounds:
    """Takes down each round. The word `bad` fails the whole round, `refused` only itself; both once and for all."""

    seen: list[list[str]] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    async def do(self, key: str, items: Sequence[str]) -> list[str | Exception]:
        self.seen.append(list(items))
        await self.gate.wait()
        if "bad" in items:
            raise ValueError("bad")
        return [LookupError(one) if one == "refused" else f"{key} {one}" for one in items]

    def gathered(self, apart: Callable[[str], Hashable] = id) -> Gathered[str, str, str]:
        return Gathered(self.do, apart=apart)


async def _started(
    gathered: Gathered[str, str, str], *items: str, key: str = "k"
) -> list[asyncio.Task[str]]:
    """The calls, each as far as it comes by itself."""
    tasks = [asyncio.create_task(gathered(key, item)) for item in items]
    for _ in range(3):
        await asyncio.sleep(0)
    return tasks


async def test_what_comes_during_a_round_is_done_together_in_the_next() -> None:
    rounds = Rounds()
    gathered = rounds.gathered()
    first = await _started(gathered, "a")
    others = await _started(gathered, "b", "c", "d")
    assert rounds.seen == [["a"]]

    rounds.gate.set()

    assert await asyncio.gather(*first, *others) == ["k a", "k b", "k c", "k d"]
    assert rounds.seen == [["a"], ["b", "c", "d"]]


async def test_keys_do_not_wait_for_one_another() -> None:
    rounds = Rounds()
    gathered = rounds.gathered()

    tasks = [*await _started(gathered, "a"), *await _started(gathered, "b", key="other")]

    assert rounds.seen == [["a"], ["b"]]
    rounds.gate.set()
    assert await asyncio.gather(*tasks) == ["k a", "other b"]


async def test_what_must_stay_apart_is_never_in_one_round() -> None:
    rounds = Rounds()
    rounds.gate.set()

    await asyncio.gather(
        *map(rounds.gathered(apart=lambda one: one[0]).__call__, "kkkk", ("a1", "a2", "b1", "a3"))
    )

    assert rounds.seen == [["a1", "b1"], ["a2"], ["a3"]]


async def test_a_bad_item_is_the_only_one_that_fails() -> None:
    rounds = Rounds()
    rounds.gate.set()

    answers = await asyncio.gather(
        *map(rounds.gathered().__call__, "kkk", ("a", "bad", "c")), return_exceptions=True
    )

    assert (answers[0], answers[2]) == ("k a", "k c")
    assert isinstance(answers[1], ValueError)
    assert rounds.seen == [["a", "bad", "c"], ["a"], ["bad"], ["c"]]


async def test_a_round_that_was_cut_off_is_not_done_again() -> None:
    asked: list[Sequence[str]] = []

    async def cut(_key: str, items: Sequence[str]) -> list[str | Exception]:
        asked.append(items)
        raise UnavailableError("The database cannot be reached.")

    gathered: Gathered[str, str, str] = Gathered(cut)
    answers = await asyncio.gather(gathered("k", "a"), gathered("k", "b"), return_exceptions=True)

    assert [type(answer) for answer in answers] == [UnavailableError, UnavailableError]
    assert asked == [["a", "b"]]


async def test_a_round_that_met_others_is_done_again_one_by_one() -> None:
    asked: list[Sequence[str]] = []

    async def busy_at_first(_key: str, items: Sequence[str]) -> list[str | Exception]:
        asked.append(items)
        if len(items) > 1:
            raise BusyError("The database is busy.")
        return [*items]

    gathered: Gathered[str, str, str] = Gathered(busy_at_first)
    answers = await asyncio.gather(gathered("k", "a"), gathered("k", "b"))

    assert [*answers] == ["a", "b"]
    assert asked == [["a", "b"], ["a"], ["b"]]


async def test_a_refusal_is_its_own_caller_s_and_nothing_is_done_twice() -> None:
    rounds = Rounds()
    rounds.gate.set()

    answers = await asyncio.gather(
        *map(rounds.gathered().__call__, "kk", ("a", "refused")), return_exceptions=True
    )

    assert answers[0] == "k a"
    assert isinstance(answers[1], LookupError)
    assert rounds.seen == [["a", "refused"]]


async def test_a_caller_who_gives_up_takes_nothing_back_and_holds_nobody_up() -> None:
    rounds = Rounds()
    gathered = rounds.gathered()
    (gone,) = await _started(gathered, "a")
    later = await _started(gathered, "b")

    gone.cancel()
    rounds.gate.set()

    assert await later[0] == "k b"
    with pytest.raises(asyncio.CancelledError):
        await gone
    assert rounds.seen == [["a"], ["b"]]


async def test_a_round_that_hangs_makes_the_others_wait_for_a_moment_only() -> None:
    rounds = Rounds()
    gathered = rounds.gathered()
    hanging = await _started(gathered, "a")
    others = await _started(gathered, "b", "c")

    async with asyncio.timeout(5):
        while len(rounds.seen) < 2:
            await asyncio.sleep(0.01)

    assert rounds.seen == [["a"], ["b", "c"]]
    rounds.gate.set()
    await asyncio.gather(*hanging, *others)


async def test_a_round_is_of_a_hundred_at_most() -> None:
    rounds = Rounds()
    rounds.gate.set()
    gathered = rounds.gathered()

    await asyncio.gather(*(gathered("k", f"{n}") for n in range(250)))

    assert [len(each) for each in rounds.seen] == [100, 100, 50]


@given(
    waves=st.lists(
        st.lists(st.tuples(st.sampled_from("kl"), st.sampled_from("abc")), max_size=6), max_size=5
    )
)
def test_each_item_is_done_once_and_answered_with_its_own(
    waves: list[list[tuple[str, str]]],
) -> None:
    async def play() -> tuple[list[str], Rounds]:
        rounds = Rounds()
        rounds.gate.set()
        gathered = rounds.gathered(apart=lambda one: one)
        tasks = []
        for wave in waves:
            tasks += [asyncio.create_task(gathered(key, item)) for key, item in wave]
            await asyncio.sleep(0)
        return await asyncio.gather(*tasks), rounds

    answers, rounds = asyncio.run(play())

    assert answers == [f"{key} {item}" for wave in waves for key, item in wave]
    done = Counter(item for each in rounds.seen for item in each)
    assert done == Counter(item for wave in waves for _, item in wave)
    assert all(len(set(each)) == len(each) for each in rounds.seen)
