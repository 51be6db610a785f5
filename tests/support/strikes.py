"""Owns deaths inside one test process: work that runs as a process of its own and is struck at its n-th await.

Much cheaper than processes that are really killed, so that thousands of schedules can be tried. Whatever such a process
began dies with it: its next statement, of whichever of its tasks, raises what no boundary of ours catches.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

import asyncpg
import pytest

from duro.adapters.gateways.simulated import SimulatedGateway


class DeathError(BaseException):
    """The process is gone. Not an `Exception`, because nothing runs any more that could catch it."""


class Kind(StrEnum):
    """What happens at the point."""

    DIE = "died"
    CUT = "cut off"


@dataclass(frozen=True)
class Strike:
    """The first await point is 1."""

    kind: Kind
    at: int


@dataclass
class Process:
    """One process: its points are counted over all its tasks."""

    strike: Strike | None
    passed: int = 0
    is_struck: bool = False

    @property
    def is_dead(self) -> bool:
        return self.is_struck and self.strike is not None and self.strike.kind is Kind.DIE

    def cuts(self) -> bool:
        """Whether the connection is lost at this point; a death does not return."""
        if self.is_dead:
            raise DeathError
        self.passed += 1
        if self.strike is None or self.passed != self.strike.at:
            return False
        self.is_struck = True
        if self.strike.kind is Kind.DIE:
            raise DeathError
        return True


_PRESENT: Final[ContextVar[Process | None]] = ContextVar("present", default=None)
# What PostgreSQL does by itself for a client that is gone, and the pool between two uses.
_UNCOUNTED: Final = ("ROLLBACK", "DISCARD PLANS")
_GATEWAY: Final = (
    *("charge", "look_up", "refund", "look_up_refund"),
    *("request_payment", "find_credits", "open_account", "cancel_request"),
)


@dataclass
class Deaths:
    """Runs work as processes, and counts what became of them."""

    counts: Counter[str] = field(default_factory=Counter)

    async def run(
        self,
        work: Callable[[], Awaitable[Any]],
        strike: Strike | None,
        *,
        expected: tuple[type[Exception], ...],
    ) -> None:
        """Once it has ended or died; `expected` are refusals and outages, which end it as well."""
        process = Process(strike)
        _PRESENT.set(process)
        try:
            await work()
        except DeathError:
            pass
        except Exception as error:
            if not isinstance(error, expected):
                raise
            self.counts[type(error).__name__] += 1
        finally:
            self.counts["processes"] += 1
            if process.strike is not None and process.is_struck:
                self.counts[process.strike.kind.value] += 1

    async def together(self, *runs: Awaitable[None]) -> None:
        """All at the same moment, until also the last task of the dead has noticed."""
        before = asyncio.all_tasks()
        tasks = [asyncio.ensure_future(run) for run in runs]
        await asyncio.gather(*tasks)
        while strays := asyncio.all_tasks() - before:
            await asyncio.wait(strays)


@asynccontextmanager
async def deaths(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Deaths]:
    """While it lasts, every statement and every call of the gateway has a point before it and one after it."""
    with monkeypatch.context() as patch:
        for name in ("execute", "fetch", "fetchrow", "fetchval"):
            patch.setattr(asyncpg.Connection, name, _statement(getattr(asyncpg.Connection, name)))
        for name in _GATEWAY:
            patch.setattr(SimulatedGateway, name, _call(getattr(SimulatedGateway, name)))
        yield Deaths()


def _statement(call: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    async def watching(
        connection: Any,  # noqa: ANN401 - asyncpg ships no types
        text: str,
        *args: object,
        **options: object,
    ) -> object:
        process = _PRESENT.get()
        if process is None or text in _UNCOUNTED:
            return await call(connection, text, *args, **options)
        if process.cuts():
            connection.terminate()
        answer = await call(connection, text, *args, **options)
        if process.cuts():
            connection.terminate()
            raise asyncpg.ConnectionDoesNotExistError("the answer was lost")
        return answer

    return watching


def _call(call: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    async def watching(gateway: SimulatedGateway, *args: object) -> object:
        process = _PRESENT.get()
        if process is not None and process.cuts():
            raise ConnectionResetError("the request was lost")
        answer = await call(gateway, *args)
        if process is not None and process.cuts():
            raise ConnectionResetError("the answer was lost")
        return answer

    return watching
