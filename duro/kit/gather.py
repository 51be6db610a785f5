"""Gathers calls that come at once: what comes while a round is under way is done together in the next.

A call that finds nobody under way starts at once, so only those wait who would have competed with one another.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from contextvars import Context
from dataclasses import dataclass
from typing import Final, Generic, TypeAlias, TypeVar

import structlog

from duro.errors import BusyError, UnavailableError

log: Final = structlog.get_logger()

K = TypeVar("K", bound=Hashable)
A = TypeVar("A")
R = TypeVar("R")

# For each item, in their order: what its caller gets, or the error that its caller meets.
Do: TypeAlias = Callable[[K, Sequence[A]], Awaitable[Sequence[R | Exception]]]

_MOST: Final = 100
# A round that waits for a lock which somebody else holds makes the others wait no longer than this.
_PATIENCE_S: Final = 0.01


@dataclass(frozen=True, slots=True, eq=False)
class _Place(Generic[A, R]):
    item: A
    answer: "asyncio.Future[R]"

    def settle(self, answer: R | Exception) -> None:
        if self.answer.done():
            return
        if isinstance(answer, Exception):
            self.answer.set_exception(answer)
        else:
            self.answer.set_result(answer)


@dataclass(frozen=True, slots=True, eq=False)
class _Turn(Generic[A, R]):
    """The round that is under way, and who waits for its end."""

    waiting: list[_Place[A, R]]


class Gathered(Generic[K, A, R]):
    """Calls of one kind, gathered by key.

    `apart` says of an item what no two of one round may have in common. A round of several that fails as a whole is
    done again one by one, so that a bad item takes no neighbour down; not so if it was cut off, because then nobody
    knows what was done.
    """

    def __init__(self, do: Do[K, A, R], *, apart: Callable[[A], Hashable] = id) -> None:
        self._do = do
        self._apart = apart
        self._turns: dict[K, _Turn[A, R]] = {}
        # The loop keeps no task alive by itself.
        self._rounds: set[asyncio.Task[None]] = set()

    async def __call__(self, key: K, item: A) -> R:
        """What became of the item, which is done to the end even if its caller is cancelled."""
        place: _Place[A, R] = _Place(item, asyncio.get_running_loop().create_future())
        turn = self._turns.get(key)
        if turn is None:
            self._begin(key, [place])
        else:
            turn.waiting.append(place)
        return await place.answer

    def _begin(self, key: K, waiting: list[_Place[A, R]]) -> None:
        turn: _Turn[A, R] = _Turn(waiting)
        self._turns[key] = turn
        # In a context of its own: what one caller bound to its log lines is not true of the others.
        task = asyncio.get_running_loop().create_task(self._round(key, turn), context=Context())
        self._rounds.add(task)
        task.add_done_callback(self._rounds.discard)

    async def _round(self, key: K, turn: _Turn[A, R]) -> None:
        """One round of what has come until it runs, as far as it goes together; the others wait for its end."""
        places = self._take(turn)
        patience = asyncio.get_running_loop().call_later(_PATIENCE_S, self._pass_on, key, turn)
        try:
            answers = await self._answers(key, [place.item for place in places])
            for place, answer in zip(places, answers, strict=True):
                place.settle(answer)
        finally:
            patience.cancel()
            self._pass_on(key, turn)
            for place in places:
                # Nothing, unless the loop is being stopped.
                place.answer.cancel()

    def _take(self, turn: _Turn[A, R]) -> Sequence[_Place[A, R]]:
        taken: dict[Hashable, _Place[A, R]] = {}
        left = []
        for place in turn.waiting:
            mark = self._apart(place.item)
            if mark in taken or len(taken) == _MOST:
                left.append(place)
            else:
                taken[mark] = place
        turn.waiting[:] = left
        return list(taken.values())

    def _pass_on(self, key: K, turn: _Turn[A, R]) -> None:
        if self._turns.get(key) is not turn:
            # It has been passed on already.
            return
        del self._turns[key]
        if turn.waiting:
            self._begin(key, turn.waiting)

    async def _answers(self, key: K, items: Sequence[A]) -> Sequence[R | Exception]:
        if len(items) > 1:
            try:
                return await self._do(key, items)
            except BusyError:
                log.info("round_split", items=len(items), error="busy")
            except UnavailableError as error:
                return [UnavailableError(str(error)) for _ in items]
            except Exception as error:  # noqa: BLE001 - which item is at fault shows one by one
                log.info("round_split", items=len(items), error=type(error).__name__)
        answers: list[R | Exception] = []
        for item in items:
            try:
                answers += await self._do(key, [item])
            except Exception as error:  # noqa: BLE001 - raised again, to the item's caller
                answers.append(error)
        return answers
