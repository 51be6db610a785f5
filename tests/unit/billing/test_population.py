"""Made customers: the same for a seed everywhere, and as the dials say."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import pairwise

import pytest

from duro.billing.chance import Chance, seeded
from duro.billing.decision import Move
from duro.billing.outcome import EXPIRED, Known, MadeWorld, Told
from duro.billing.population import ZONE, Customer, Earner, Population, Shares
from duro.billing.rails import Rail

NEW_YEAR = date(2027, 1, 1)
POPULATION = Population(
    seed=7, size=400, months=3, starts_on=NEW_YEAR, holidays=frozenset({NEW_YEAR})
)
ONLY = Shares(
    late_salary=0,
    help_per_week=0,
    downtime_day=0,
    outage_month=0,
    limit_day=0,
    refused_day=0,
    refused_month=0,
    dead_card=0,
    expired_card=0,
)


def only(earner: Earner, shares: Shares = ONLY) -> Population:
    return replace(POPULATION, size=60, shares=replace(shares, earners=((earner, 1),)))


def worlds(population: Population) -> list[MadeWorld]:
    calendar, shares = population.calendar, population.shares
    return [MadeWorld(customer, 0, calendar, shares) for customer in population.customers()]


def test_draws_are_those_of_splitmix64() -> None:
    # The first number of the published generator for this state.
    assert Chance(1234567).below(2**64) == 6457827717110365317


def test_a_draw_does_not_depend_on_what_was_drawn_before() -> None:
    root = seeded(1)
    alone = root.at(3, 4).below(1000)

    for n in range(50):
        root.at(n).below(10)

    assert root.at(3, 4).below(1000) == alone
    assert root.at(3).at(4) == root.at(3, 4) != root.at(4, 3)


def test_one_seed_is_one_population_and_another_seed_another() -> None:
    def made(seed: int) -> list[Customer]:
        return list(replace(POPULATION, seed=seed, size=5).customers())

    assert made(1) == made(1)
    assert made(1) != made(2)


def test_a_larger_population_begins_with_the_smaller_one() -> None:
    small = list(replace(POPULATION, size=5).customers())

    assert list(replace(POPULATION, size=9).customers())[:5] == small


def test_earners_come_in_their_shares() -> None:
    found = Counter(customer.earner for customer in replace(POPULATION, size=2000).customers())

    for earner, per_mille in Shares().earners:
        assert abs(found[earner] - 2 * per_mille) < 0.25 * 2 * per_mille + 10


@pytest.mark.parametrize("earner", [Earner.DAY_25, Earner.DAY_28, Earner.LAST_WORKING_DAY])
def test_salaries_come_on_working_days_near_their_date(earner: Earner) -> None:
    population = only(earner)
    for customer in population.customers():
        for income in customer.incomes:
            day = population.calendar.instant(income.hour).date()
            assert day.weekday() < 5
            assert day not in population.holidays
            nominal = {Earner.DAY_25: 25, Earner.DAY_28: 28}.get(earner)
            assert nominal is None or abs(day.day - nominal) <= 2 or day.day < 3


def test_salaries_of_the_new_month_come_on_the_first_days_or_after_the_weekend() -> None:
    population = only(Earner.EARLY_MONTH)
    days = {
        population.calendar.instant(income.hour).date().day
        for customer in population.customers()
        for income in customer.incomes
    }

    assert min(days) == 1
    assert max(days) <= 6


def test_money_is_there_on_payday_falls_and_is_gone_some_days_later() -> None:
    for world in worlds(only(Earner.DAY_25)):
        income = next(each for each in world.customer.incomes if each.hour > 40 * 24)
        left = [income.left_minor(income.hour + n) for n in range(income.lasts_hours + 1)]
        assert (left[0], left[-1]) == (income.amount_minor, 0)
        assert all(later <= earlier for earlier, later in pairwise(left))
        assert income.left_minor(income.hour - 1) == 0
        assert world.code_at(income.hour, 0) is None


def test_a_dead_card_is_declined_at_every_hour_and_a_new_one_is_not() -> None:
    population = only(Earner.COMFORTABLE, replace(ONLY, dead_card=1000))
    for world in worlds(population):
        codes = {world.code_at(hour, 0) for hour in range(0, 2400, 7)}
        assert len(codes) == 1
        assert codes <= {"41", "43", "57", "62"}
        assert world.code_at(100, 1) is None


def test_a_bank_that_is_down_answers_nobody_for_hours() -> None:
    population = only(Earner.COMFORTABLE, replace(ONLY, downtime_day=1000))
    world = worlds(population)[0]
    down = [world.code_at(hour, 0) == "91" for hour in range(240)]

    assert all(1 <= sum(down[day * 24 : day * 24 + 24]) <= 8 for day in range(10))


def test_a_new_card_comes_after_the_customer_was_told_or_never() -> None:
    population = only(Earner.COMFORTABLE, replace(ONLY, expired_card=1000, answers=500))
    at = datetime(2027, 1, 5, 9, tzinfo=UTC)
    told = [Told(at, Move.REQUEST_CARD_UPDATE)] * 3
    answers = [world.new_card(told=told) for world in worlds(population)]
    given = [answer.at for answer in answers if answer]

    assert all(world.new_card(told=[]) is None for world in worlds(population))
    assert 0 < len(given) < len(answers)
    assert all(at < when for when in given)


def test_a_request_is_paid_by_day_by_those_who_use_the_rail_and_have_the_money() -> None:
    population = only(Earner.COMFORTABLE, replace(ONLY, ussd_habit=500))
    at, expires_at = datetime(2027, 1, 5, 9, tzinfo=UTC), datetime(2027, 1, 8, 9, tzinfo=UTC)
    for world in worlds(population):
        answer = world.request(rail=Rail.USSD, at=at, expires_at=expires_at)
        assert (answer.known is Known.PAID) is world.customer.uses_ussd
        if answer.known is Known.PAID:
            assert at < answer.at <= expires_at
            assert 8 <= answer.at.astimezone(ZONE).hour <= 22
        else:
            assert (answer.at, answer.code) == (expires_at, EXPIRED)


def test_the_best_instant_is_the_first_hour_that_works() -> None:
    shares = Shares(dead_card=100, downtime_day=200, limit_day=100, refused_day=100)
    population = replace(POPULATION, size=40, shares=shares)
    found = 0
    for world in worlds(population):
        if world.customer.answers or world.customer.uses_ussd or world.customer.uses_transfer:
            continue
        after, before = world.customer.renewal(0), world.customer.renewal(1)
        begin, end = world.calendar.hour_of(after), world.calendar.hour_of(before)
        hours = (hour for hour in range(begin, end) if world.code_at(hour, 0) is None)
        first = next(hours, None)
        best = world.best_instant(after, before)
        if first is None:
            # The last, broken hour may be one more.
            assert best is None or world.calendar.hour_of(best) == end
        else:
            assert best == max(after, world.calendar.instant(first))
            found += 1

    assert found > 3
