"""The replay of real cases: facts answer, and what nobody knows stays unknown."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from duro.billing.case import Settings
from duro.billing.ladder import DOCUMENTED, FIXED, Case, Strategy
from duro.billing.outcome import Answer, Known
from duro.billing.rails import Rail
from duro.billing.replay import Fact, FactWorld, RealCase, replay
from duro.billing.simulation import Tally

FAILED_AT = datetime(2027, 2, 5, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
CASE = Case(
    id="inv",
    amount_minor=500_000,
    rail=Rail.CARD,
    code="51",
    failed_at=FAILED_AT,
    ends_at=FAILED_AT + timedelta(days=28),
    zone=ZoneInfo("Africa/Lagos"),
    usable_rails=(Rail.CARD, Rail.USSD, Rail.TRANSFER),
)


def fact(hours: float, code: str = "", rail: Rail = Rail.CARD, card: str = "old") -> Fact:
    at = FAILED_AT + hours * HOUR
    return Fact(at=at, settled_at=at, rail=rail, token=card, code=code)


def real(*facts: Fact, code: str = "51", was_asked: bool = False) -> RealCase:
    case = replace(CASE, code=code)
    return RealCase(case=case, facts=(fact(0, code), *facts), was_asked=was_asked)


def tally(strategy: Strategy, *cases: RealCase) -> Tally:
    return replay(cases=cases, strategies=[strategy]).reports[strategy.name].total


@pytest.mark.parametrize(
    ("hours", "known", "code"),
    [
        (24, Known.DECLINED, "51"),
        (48, Known.DECLINED, "51"),
        (49, Known.UNKNOWN, ""),
        (98, Known.UNKNOWN, ""),
        (99.5, Known.PAID, ""),
        (100, Known.PAID, ""),
        (500, Known.PAID, ""),
    ],
)
def test_a_token_fails_before_a_known_failure_and_passes_from_its_success_on(
    hours: float, known: Known, code: str
) -> None:
    world = FactWorld(real(fact(48, "51"), fact(100)))

    answer = world.charge(rail=Rail.CARD, token=0, at=FAILED_AT + hours * HOUR)

    assert (answer.known, answer.code) == (known, code)


def test_after_the_last_failure_nobody_knows() -> None:
    world = FactWorld(real(fact(48, "51")))

    answer = world.charge(rail=Rail.CARD, token=0, at=FAILED_AT + 50 * HOUR)

    assert answer.known is Known.UNKNOWN


def test_the_success_of_another_card_says_nothing_of_the_first() -> None:
    world = FactWorld(real(fact(30, card="new")))

    old = world.charge(rail=Rail.CARD, token=0, at=FAILED_AT + 40 * HOUR)
    new = world.charge(rail=Rail.CARD, token=1, at=FAILED_AT + 40 * HOUR)

    assert (old.known, new.known) == (Known.UNKNOWN, Known.PAID)


def test_a_strategy_that_would_have_charged_before_the_known_success_is_unknown_until_then() -> (
    None
):
    # In truth the payday try of the 28th brought the money; nobody tried before.
    payday = datetime(2027, 2, 28, 9, tzinfo=UTC)
    case = real(fact((payday - FAILED_AT) / HOUR + 0.01))

    documented, fixed = tally(DOCUMENTED, case), tally(FIXED, case)

    assert (documented.recovered, documented.attempts) == (1, 1)
    assert documented.waited_s >= (payday - FAILED_AT).total_seconds()
    assert (fixed.recovered, fixed.lost, fixed.unknown) == (0, 0, 1)
    assert fixed.unknown_minor == 500_000


def test_an_unknown_try_before_a_known_success_is_recovered_all_the_same() -> None:
    case = real(fact(100))

    fixed = tally(FIXED, case)

    assert (fixed.recovered, fixed.unknown) == (1, 0)
    assert fixed.waited_s == 120 * 3600


def test_known_failures_all_the_way_are_lost() -> None:
    case = real(*(fact(hours, "51") for hours in (24, 72, 120, 168)))

    assert tally(FIXED, case).lost == 1


def test_a_card_that_was_asked_for_and_never_came_does_not_come() -> None:
    asked, never = real(code="54", was_asked=True), real(code="54")

    assert tally(DOCUMENTED, asked).lost == 1
    assert tally(DOCUMENTED, never).unknown == 1


def test_a_new_card_comes_when_it_came() -> None:
    case = real(fact(30, card="new"), code="54", was_asked=True)

    found = tally(DOCUMENTED, case)

    assert (found.recovered, found.waited_s) == (1, 30 * 3600)


def test_a_request_counts_as_paid_only_where_a_real_one_was() -> None:
    paid = replace(fact(1, rail=Rail.USSD), settled_at=FAILED_AT + 5 * HOUR)
    at, until = FAILED_AT + HOUR, FAILED_AT + 25 * HOUR

    def asked(world: FactWorld, rail: Rail) -> Answer:
        return world.request(rail=rail, at=at, expires_at=until)

    world = FactWorld(real(paid))
    assert asked(world, Rail.USSD) == Answer(Known.PAID, FAILED_AT + 5 * HOUR)
    assert asked(world, Rail.TRANSFER).known is Known.UNKNOWN
    expired = FactWorld(real(fact(1, "request_expired", rail=Rail.USSD)))
    assert asked(expired, Rail.USSD).known is Known.DECLINED


def test_a_against_a_differs_by_nothing_also_where_nothing_is_known() -> None:
    cases = [real(), real(fact(30)), real(fact(48, "51"), fact(100)), real(code="43")]
    twin = Strategy(name="twin", settings=Settings())

    reports = replay(cases=cases, strategies=[DOCUMENTED, twin]).reports

    assert reports["twin"].total.less(reports["documented"].total) == Tally()


def test_every_case_is_recovered_lost_or_unknown() -> None:
    cases = [real(), real(fact(30)), real(fact(48, "51"), fact(100)), real(code="43")]

    total = tally(FIXED, *cases)

    assert total.cases == 4 == total.recovered + total.lost + total.unknown
    assert total.amount_minor == 2_000_000


def test_a_case_counts_as_unknown_once_if_any_strategy_leaves_the_known() -> None:
    cases = [real(), real(*(fact(hours, "51") for hours in (24, 72, 120, 168, 671)))]

    both = replay(cases=cases, strategies=[FIXED, DOCUMENTED])

    assert both.unknown == 1
    assert [report.total.unknown for report in both.reports.values()] == [1, 1]


def test_strategies_need_names_of_their_own() -> None:
    with pytest.raises(ValueError, match="names"):
        replay(cases=[], strategies=[FIXED, FIXED])
