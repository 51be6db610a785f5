"""Claims of a card by concurrent workers are allowed as its caps say, in whatever order what came of them is told."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from random import Random
from typing import Final

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from duro.kit.ids import new_id
from duro.modules.payments.caps import CapRepository, Pull, PullOutcome
from tests.support.billing import Shop
from tests.support.tenants import add_tenant

# As card schemes and the market's largest gateway say.
TRIES: Final = 15
WINDOW: Final = timedelta(days=30)
IN_A_ROW: Final = 10
DAY: Final = timedelta(days=1)
CARDS: Final = ("card_a", "card_b")


class CrashError(Exception):
    """The process dies before its transaction commits."""


@dataclass(frozen=True)
class Round:
    """Workers that all claim at one instant, and what then becomes of so many of what is under way."""

    hours: int
    workers: int
    crashes: int
    outcomes: Sequence[str]


@dataclass
class Card:
    """What the rules say, one charge after the other."""

    # The instants of charges that count: those that failed, and those of which nothing is known.
    counted: list[datetime] = field(default_factory=list)
    under_way: dict[str, datetime] = field(default_factory=dict)
    in_a_row: int = 0
    is_forbidden: bool = False

    def lets(self, now: datetime) -> bool:
        recent = [at for at in self.counted if at > now - WINDOW]
        may_be_in_a_row = self.in_a_row + len(self.under_way) if self.in_a_row else 0
        is_slow = may_be_in_a_row >= IN_A_ROW and any(at > now - DAY for at in self.counted)
        return not self.is_forbidden and len(recent) < TRIES and not is_slow

    def claim(self, attempt_id: str, now: datetime) -> None:
        self.counted.append(now)
        self.under_way[attempt_id] = now

    def note(self, attempt_id: str, outcome: str) -> None:
        at = self.under_way.pop(attempt_id)
        if outcome in ("succeeded", "withdrawn"):
            self.counted.remove(at)
        if outcome == "succeeded":
            self.in_a_row = 0
        if outcome in ("failed", "hard"):
            self.in_a_row += 1
        self.is_forbidden |= outcome == "hard"


_ROUNDS: Final = st.lists(
    st.builds(
        Round,
        hours=st.sampled_from([0, 1, 12, 24, 24, 25, 24 * 7, 24 * 29]),
        workers=st.integers(1, 6),
        crashes=st.integers(0, 2),
        outcomes=st.lists(
            st.sampled_from([*["failed"] * 12, "succeeded", "withdrawn", "hard"]), max_size=8
        ),
    ),
    min_size=4,
    max_size=14,
)


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(rounds=_ROUNDS, seed=st.integers(0, 2**16))
async def test_concurrent_claims_are_allowed_as_if_they_came_one_after_the_other(
    shop: Shop, rounds: list[Round], seed: int
) -> None:
    tenant_id = new_id("ten", wall=shop.clock.wall())
    await add_tenant(shop.database_url, tenant_id, name="Adunni Gyms")
    shop.tenant_id = tenant_id
    ledger = Claims(shop, Random(seed))

    for each in rounds:
        shop.clock.move(timedelta(hours=each.hours))
        await ledger.claim_at_once(each)
        await ledger.note_at_once(each)


@dataclass
class Claims:
    """Claims of two cards by many workers, beside what the rules say of each."""

    shop: Shop
    dice: Random
    cards: dict[str, Card] = field(default_factory=lambda: {name: Card() for name in CARDS})
    numbers: "count[int]" = field(default_factory=count)

    async def claim_at_once(self, each: Round) -> None:
        """Each worker wants both cards, in its own order."""
        now = self.shop.clock.wall()
        wanted = [
            [
                Pull(f"txn_{next(self.numbers)}", card, now)
                for card in self.dice.sample(CARDS, len(CARDS))
            ]
            for _ in range(each.workers + each.crashes)
        ]
        answers = await asyncio.gather(
            *(
                self._claim(pulls, is_crash=which >= each.workers)
                for which, pulls in enumerate(wanted)
            )
        )
        allowed = [pull for answer in answers for pull in answer]
        for name, card in self.cards.items():
            mine = [pull.attempt_id for pull in allowed if pull.fingerprint == name]
            for attempt_id in mine:
                assert card.lets(now), f"{name} was claimed {len(mine)} times"
                card.claim(attempt_id, now)
            # A crash holds the row until it is undone, so nobody is refused because of it.
            assert len(mine) == each.workers or not card.lets(now)

    async def _claim(self, pulls: list[Pull], *, is_crash: bool) -> list[Pull]:
        with suppress(CrashError):
            async with self.shop.scope.begin() as tx:
                answers = await CapRepository(tx).claim(pulls)
                if is_crash:
                    raise CrashError
            return [pull for pull, is_allowed in zip(pulls, answers, strict=True) if is_allowed]
        return []

    async def note_at_once(self, each: Round) -> None:
        """Each outcome is told twice, together with that of another card where there is one."""
        now, told = self.shop.clock.wall(), []
        for outcome in each.outcomes:
            outcomes = []
            for name in self.dice.sample(CARDS, len(CARDS)):
                card = self.cards[name]
                if card.under_way:
                    attempt_id = self.dice.choice(sorted(card.under_way))
                    at = card.under_way[attempt_id]
                    outcomes.append(_outcome(attempt_id, name, at, outcome, now))
                    card.note(attempt_id, outcome)
            told += [outcomes, outcomes]
        # A row of failures has an order, so only what leaves no row may come in any.
        kinds = set(each.outcomes)
        if kinds <= {"failed", "withdrawn"} or kinds <= {"succeeded", "withdrawn"}:
            await asyncio.gather(*map(self._note, told))
        else:
            for outcomes in told:
                await self._note(outcomes)
        await self._demand_alike(now)

    async def _note(self, outcomes: Sequence[PullOutcome]) -> None:
        async with self.shop.scope.begin() as tx:
            await CapRepository(tx).note(outcomes)

    async def _demand_alike(self, now: datetime) -> None:
        async with self.shop.scope.begin() as tx:
            caps = await CapRepository(tx).find(CARDS)
        for name, cap in caps.items():
            card = self.cards[name]
            assert sorted(at for at in cap.pulled_at if at > now - WINDOW) == sorted(
                at for at in card.counted if at > now - WINDOW
            )
            assert set(cap.under_way) == card.under_way.keys()
            assert (cap.consecutive_failures, cap.is_blocked) == (card.in_a_row, card.is_forbidden)
            assert (cap.free_at(now) > now or cap.is_blocked) == (not card.lets(now))


def _outcome(
    attempt_id: str, fingerprint: str, at: datetime, outcome: str, now: datetime
) -> PullOutcome:
    return PullOutcome(
        attempt_id=attempt_id,
        fingerprint=fingerprint,
        at=at,
        was_asked=outcome != "withdrawn",
        has_failed=outcome != "succeeded",
        is_hard=outcome == "hard",
        known_at=now,
    )
