"""The backtest: laws that hold for every strategy and every seed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duro.billing.case import Context, Escalation, Settings
from duro.billing.decision import Decision
from duro.billing.dunning import MIN_PULL_GAP, decide
from duro.billing.ladder import (
    DOCUMENTED,
    FIXED,
    Case,
    Result,
    Strategy,
    fixed_retries,
    work,
)
from duro.billing.outcome import EXPIRED, Answer, Known, MadeWorld, Told
from duro.billing.population import Population, Shares
from duro.billing.rails import ORDER, PULL, Rail
from duro.billing.simulation import OPTIMUM, Report, Tally, compare

LAGOS = ZoneInfo("Africa/Lagos")
FAILED_AT = datetime(2027, 2, 5, 9, tzinfo=UTC)
CASE = Case(
    id="one",
    amount_minor=500_000,
    rail=Rail.CARD,
    code="51",
    failed_at=FAILED_AT,
    ends_at=FAILED_AT + timedelta(days=28),
    zone=LAGOS,
    usable_rails=(Rail.CARD, Rail.USSD, Rail.TRANSFER),
)


@dataclass(frozen=True)
class Steady:
    """A world that declines with one code until an instant, and gives a new card or pays requests as told."""

    code: str
    until: datetime | None = None
    card_after: timedelta | None = None
    pays_requests: bool = False

    def charge(self, *, rail: Rail, token: int, at: datetime) -> Answer:
        assert rail in PULL
        is_paid = token > 0 or (self.until is not None and at >= self.until)
        return Answer(Known.PAID, at) if is_paid else Answer(Known.DECLINED, at, self.code)

    def request(self, *, rail: Rail, at: datetime, expires_at: datetime) -> Answer:
        assert rail not in PULL
        if self.pays_requests:
            return Answer(Known.PAID, at + timedelta(hours=2))
        return Answer(Known.DECLINED, expires_at, EXPIRED)

    def new_card(self, *, told: Sequence[Told]) -> Answer | None:
        return Answer(Known.PAID, told[0].at + self.card_after) if self.card_after else None


def hours(result: Result) -> list[float]:
    return [(each.at - FAILED_AT) / timedelta(hours=1) for each in result.tries]


def test_fixed_retries_come_at_their_offsets_whatever_the_bank_says() -> None:
    for code in ("51", "43", "54", "91"):
        result = work(case=replace(CASE, code=code), strategy=FIXED, world=Steady(code))
        assert hours(result) == [24, 72, 120, 168]
        assert (result.known, result.contacts) == (Known.DECLINED, 4)


def test_the_documented_strategy_waits_for_payday() -> None:
    payday = datetime(2027, 2, 28, 9, tzinfo=UTC)

    result = work(case=CASE, strategy=DOCUMENTED, world=Steady("51", until=payday))

    assert (result.paid_at, len(result.tries)) == (payday, 1)


def test_a_dead_card_is_not_charged_again_but_asked_about() -> None:
    result = work(case=replace(CASE, code="54"), strategy=DOCUMENTED, world=Steady("54"))

    assert result.tries == ()
    assert result.contacts > 1
    assert result.known is Known.DECLINED


@pytest.mark.parametrize("strategy", [FIXED, DOCUMENTED])
def test_a_new_card_is_charged_at_once_under_every_strategy(strategy: Strategy) -> None:
    world = Steady("54", card_after=timedelta(hours=5))

    result = work(case=replace(CASE, code="54"), strategy=strategy, world=world)

    assert hours(result) == [5]
    assert result.paid_at == FAILED_AT + timedelta(hours=5)


def test_a_hard_decline_turns_to_requests_that_may_be_paid() -> None:
    world = Steady("43", pays_requests=True)

    result = work(case=replace(CASE, code="43"), strategy=DOCUMENTED, world=world)

    assert [each.rail for each in result.tries] == [Rail.USSD]
    assert (result.requests, result.pulls, result.known) == (1, 0, Known.PAID)


def test_money_that_comes_after_the_case_is_over_counts_for_nobody() -> None:
    short = replace(CASE, ends_at=FAILED_AT + timedelta(hours=24))
    world = Steady("51", until=FAILED_AT)

    assert work(case=short, strategy=FIXED, world=world).paid_at is None
    assert work(case=CASE, strategy=FIXED, world=world).paid_at is not None


def test_what_a_strategy_sees_is_plain_and_decides_the_same_again() -> None:
    seen: list[Context] = []

    def looking(context: Context) -> Decision:
        seen.append(context)
        return decide(context)

    strategy = Strategy(name="looking", rulebook=looking)
    population = Population(
        seed=3, size=25, months=4, starts_on=date(2027, 1, 1), holidays=frozenset()
    )
    compare(population=population, strategies=[strategy])

    assert len(seen) > 20
    assert all(decide(Context.from_dict(each.to_dict())) == decide(each) for each in seen)


seeds = st.integers(0, 2**64 - 1)


@st.composite
def settings(draw: st.DrawFn) -> Settings:
    gaps = draw(st.lists(st.integers(1, 200), max_size=4))
    offsets = tuple(sum(gaps[:n]) for n in range(len(gaps) + 1))
    return Settings(
        payday_aware=draw(st.booleans()),
        payday_anchor_day=draw(st.integers(1, 31)),
        offsets_hours=offsets,
        max_attempts=draw(st.integers(1, len(offsets))),
        rails=tuple(draw(st.lists(st.sampled_from(ORDER), min_size=1, unique=True))),
        auto_recovery=draw(st.booleans()),
        is_quiet=draw(st.booleans()),
        escalation=draw(st.sampled_from(Escalation)),
        escalation_days=draw(st.none() | st.integers(1, 60)),
    )


@st.composite
def any_strategy(draw: st.DrawFn) -> Strategy:
    rulebook = draw(st.sampled_from([decide, fixed_retries]))
    return Strategy(name="any", settings=draw(settings()), rulebook=rulebook)


def population(seed: int) -> Population:
    """Small and rough: much goes wrong, so that few customers show much."""
    shares = Shares(dead_card=80, expired_card=80, refused_month=80, limit_day=50, downtime_day=150)
    return Population(
        seed=seed, size=3, months=3, starts_on=date(2027, 1, 1), holidays=frozenset(), shares=shares
    )


def cases(seed: int) -> list[tuple[MadeWorld, Case]]:
    found = []
    small = population(seed)
    for customer in small.customers():
        for month in range(small.months):
            world = MadeWorld(customer, month, small.calendar, small.shares)
            at, ends_at = customer.renewal(month), customer.renewal(month + 1)
            answer = world.charge(rail=Rail.CARD, token=0, at=at)
            if answer.known is Known.DECLINED:
                case = replace(CASE, code=answer.code, failed_at=at, ends_at=ends_at)
                found.append((world, case))
    return found


@given(seed=seeds, strategy=any_strategy())
def test_every_case_keeps_to_its_tries_its_gap_and_its_time(seed: int, strategy: Strategy) -> None:
    for world, case in cases(seed):
        result = work(case=case, strategy=strategy, world=world)
        # A card that the customer gives is charged, though the tries may be used up by then.
        given_cards = any(each.token for each in result.tries)
        assert 1 + len(result.tries) <= strategy.settings.max_attempts + given_cards
        pulls = [(each.token, each.at) for each in result.tries if each.rail in PULL]
        pulls.insert(0, (0, case.failed_at))
        for token in (0, 1):
            instants = [at for which, at in pulls if which == token]
            gaps = [later - at for at, later in pairwise(instants)]
            assert all(gap >= MIN_PULL_GAP for gap in gaps)
        assert all(case.failed_at <= each.at < case.ends_at for each in result.tries)


@given(seed=seeds, strategy=any_strategy())
def test_nobody_recovers_what_the_clairvoyant_cannot(seed: int, strategy: Strategy) -> None:
    for world, case in cases(seed):
        result = work(case=case, strategy=strategy, world=world)
        best = world.best_instant(case.failed_at, case.ends_at)
        assert result.paid_at is None or (best is not None and best <= result.paid_at)


@given(seed=seeds, strategy=any_strategy())
def test_a_against_a_differs_by_nothing(seed: int, strategy: Strategy) -> None:
    twin = replace(strategy, name="twin")

    reports = compare(population=population(seed), strategies=[strategy, twin])

    one, two = reports["any"], reports["twin"]
    assert two.total.less(one.total) == Tally()
    assert two.by_month == one.by_month


@given(seed=seeds)
def test_one_seed_gives_one_result_and_the_parts_come_to_the_whole(seed: int) -> None:
    def run() -> dict[str, Report]:
        return dict(compare(population=population(seed), strategies=[FIXED, DOCUMENTED]))

    reports = run()

    assert run() == reports
    for report in reports.values():
        total = report.total
        assert total.cases == reports[OPTIMUM].total.cases == total.recovered + total.lost
        assert total.amount_minor == total.recovered_minor + total.lost_minor
        assert sum(month.amount_minor for month in report.by_month.values()) == total.amount_minor
        assert total.recovered_minor <= reports[OPTIMUM].total.recovered_minor


def test_strategies_need_names_of_their_own() -> None:
    for names in (["fixed", "fixed"], ["optimum"]):
        strategies = [replace(FIXED, name=name) for name in names]
        with pytest.raises(ValueError, match="names"):
            compare(population=population(1), strategies=strategies)


def test_a_run_can_be_ended_at_every_customer() -> None:
    seen: list[int] = []

    def step(done: int) -> None:
        seen.append(done)
        if done == 2:
            raise TimeoutError

    with pytest.raises(TimeoutError):
        compare(population=population(1), strategies=[FIXED], on_step=step)
    assert seen == [1, 2]
