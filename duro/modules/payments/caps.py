"""The only reader and writer of the caps: how often one card or account may be charged.

Card schemes limit how often a declined charge is tried again, and forbid it after some declines; the market's largest
gateway lets a card that failed ten times in a row be charged once a day. What succeeds does not count.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Final

from duro.kit.db import Tx
from duro.kit.rows import into, records
from duro.kit.sql import queries

# The strictest that card schemes have published: more than 15 tries in 30 days are fined.
TRIES_MAX: Final = 15
WINDOW: Final = timedelta(days=30)
FAILURES_IN_A_ROW: Final = 10
_ONE_A_DAY: Final = timedelta(hours=24)
_Q: Final = queries("caps")


@dataclass(frozen=True, slots=True)
class Pull:
    """The charge that an attempt is about to make; `at` is business time."""

    attempt_id: str
    fingerprint: str
    at: datetime


@dataclass(frozen=True, slots=True)
class PullOutcome:
    """What became of a charge that was allowed; what the gateway was never asked for was none."""

    attempt_id: str
    fingerprint: str
    at: datetime
    was_asked: bool
    has_failed: bool
    is_hard: bool
    known_at: datetime


@dataclass(frozen=True, slots=True)
class Cap:
    """How often a card was charged lately."""

    fingerprint: str
    pulled_at: Sequence[datetime]
    # The attempts among them whose outcome is not known.
    under_way: Sequence[str]
    consecutive_failures: int
    last_failed_at: datetime | None
    hard_declined_at: datetime | None

    @property
    def is_blocked(self) -> bool:
        """The bank forbids another charge for good."""
        return self.hard_declined_at is not None

    @property
    def is_failing(self) -> bool:
        """Whether it failed so often in a row, if all that is under way fails too, that one a day is allowed."""
        in_a_row = self.consecutive_failures + len(self.under_way)
        return self.consecutive_failures > 0 and in_a_row >= FAILURES_IN_A_ROW

    def free_at(self, now: datetime) -> datetime:
        """When it may be charged again; `now` if it may be at once."""
        recent = sorted(at for at in self.pulled_at if at > now - WINDOW)
        at = now
        if len(recent) >= TRIES_MAX:
            at = max(at, recent[-TRIES_MAX] + WINDOW)
        if self.is_failing and self.pulled_at:
            at = max(at, max(self.pulled_at) + _ONE_A_DAY)
        return at


_OUTCOME: Final = tuple(field.name for field in fields(PullOutcome))


@dataclass(frozen=True, slots=True)
class CapRepository:
    """The caps of the transaction's tenant."""

    tx: Tx

    async def claim(self, pulls: Sequence[Pull]) -> list[bool]:
        """For each, whether it is allowed; those that are, are counted, and their rows held."""
        allowed = [False] * len(pulls)
        left = list(range(len(pulls)))
        while left:
            # A card stands once in each round: one statement cannot count it twice.
            nth = {pulls[index].fingerprint: index for index in reversed(left)}
            batch = [pulls[index] for index in nth.values()]
            limits = (TRIES_MAX, FAILURES_IN_A_ROW)
            rows = await self.tx.rows(
                _Q["claim_pulls"], records(batch, "fingerprint", "attempt_id", "at"), *limits
            )
            for row in rows:
                allowed[nth[row["fingerprint"]]] = True
            done = set(nth.values())
            left = [index for index in left if index not in done]
        return allowed

    async def note(self, outcomes: Sequence[PullOutcome]) -> None:
        """Counts failures, and takes out successes and what was never asked; each once."""
        left = list(outcomes)
        while left:
            nth = {outcome.fingerprint: outcome for outcome in reversed(left)}
            await self.tx.put(_Q["note_outcomes"], records(nth.values(), *_OUTCOME))
            left = [outcome for outcome in left if nth[outcome.fingerprint] is not outcome]

    async def find(self, fingerprints: Collection[str]) -> dict[str, Cap]:
        """By fingerprint; those that were never charged are left out."""
        rows = await self.tx.rows(_Q["find_caps"], sorted(set(fingerprints)))
        return {row["fingerprint"]: into(Cap, row) for row in rows}
