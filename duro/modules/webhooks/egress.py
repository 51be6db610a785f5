"""The port through which deliveries leave, and what can come back."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, TypeAlias


@dataclass(frozen=True, slots=True)
class Answered:
    """The receiver answered. `excerpt` is the beginning of its answer, at most 2 kB."""

    status: int
    excerpt: str
    retry_after: str | None = None

    @property
    def is_success(self) -> bool:
        return self.status // 100 == 2  # noqa: PLR2004 - the class of success in HTTP


@dataclass(frozen=True, slots=True)
class Unreachable:
    """No answer: no address, no connection, no time left, or not HTTP. `reason` may be shown to the merchant."""

    reason: str


@dataclass(frozen=True, slots=True)
class Blocked:
    """The guard refused the destination; nothing was sent to it."""

    reason: str


Answer: TypeAlias = Answered | Unreachable | Blocked


class Egress(Protocol):
    """Sends to addresses that merchants gave. Never raises for what a receiver does, only for faults of ours."""

    async def refusal(self, url: str) -> str | None:
        """Why nothing may ever be sent to this address; null when it is acceptable as far as can be told now."""
        ...

    async def post(self, url: str, *, body: bytes, headers: Mapping[str, str]) -> Answer:
        """One attempt, 15 s at most; checks the address that it connects to; follows no redirect."""
        ...
