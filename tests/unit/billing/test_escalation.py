"""Owns the checks of what the escalation settings make of a decision."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duro.billing.case import Context, Escalation, Settings
from duro.billing.decision import Move, Rule
from duro.billing.dunning import decide, decide_waiting, waiting_deadline
from duro.billing.failures import Category
from duro.billing.pattern import PatternKind, PaydayPattern
from duro.billing.rails import Rail

FIRST = datetime(2027, 3, 10, 8, tzinfo=UTC)
DAY = timedelta(days=1)
BASE = Context(
    now=FIRST,
    zone=ZoneInfo("Africa/Lagos"),
    settings=Settings(payday_aware=False),
    rail=Rail.CARD,
    code="51",
    category=Category.INSUFFICIENT_FUNDS,
    attempts_made=1,
    first_failed_at=FIRST,
    last_pull_at=FIRST,
    usable_rails=(Rail.CARD,),
)
KEEP = Settings(payday_aware=False, escalation=Escalation.KEEP_PAST_DUE)


def within(
    days: int | None,
    *,
    payday_aware: bool = False,
    escalation: Escalation = Escalation.MARK_UNPAID,
) -> Settings:
    return Settings(payday_aware=payday_aware, escalation=escalation, escalation_days=days)


def test_a_try_before_the_day_of_escalation_is_made() -> None:
    decision = decide(replace(BASE, settings=within(1)))

    assert (decision.move, decision.next_attempt_at) == (Move.RETRY, FIRST + DAY)


def test_a_try_after_the_day_of_escalation_is_not_planned() -> None:
    context = replace(BASE, now=FIRST + DAY, last_pull_at=FIRST + DAY, attempts_made=2)

    decision = decide(replace(context, settings=within(2)))

    assert (decision.move, decision.rule) == (Move.ESCALATE, Rule.ESCALATION)
    assert decision.next_attempt_at == FIRST + 2 * DAY


def test_a_payday_try_after_the_day_of_escalation_is_planned_all_the_same() -> None:
    decision = decide(replace(BASE, settings=within(1, payday_aware=True)))

    assert decision.move is Move.RETRY_PAYDAY


def test_after_the_day_of_escalation_a_failed_try_is_the_last() -> None:
    payday = datetime(2027, 3, 28, 9, tzinfo=UTC)
    context = replace(BASE, now=payday, last_pull_at=payday, attempts_made=2)

    decision = decide(replace(context, settings=within(4, payday_aware=True)))

    assert (decision.move, decision.rule) == (Move.EXHAUST, Rule.ESCALATION)
    assert "4 days have passed" in decision.reason


def test_used_up_tries_wait_for_the_day_of_escalation() -> None:
    context = replace(BASE, now=FIRST + 7 * DAY, attempts_made=5)

    assert decide(context).move is Move.EXHAUST
    waiting = decide(replace(context, settings=within(10)))
    assert (waiting.move, waiting.next_attempt_at) == (Move.ESCALATE, FIRST + 10 * DAY)


def test_a_wait_for_the_customer_ends_on_the_day_of_escalation() -> None:
    context = replace(BASE, category=Category.EXPIRED_CARD, settings=within(3))

    assert waiting_deadline(context=context) == FIRST + 3 * DAY
    decision = decide(replace(context, now=FIRST + 71 * timedelta(hours=1)))
    assert decision.next_attempt_at == FIRST + 3 * DAY


def test_a_case_that_is_kept_reminds_each_payday() -> None:
    context = replace(BASE, now=FIRST + 7 * DAY, attempts_made=5, settings=KEEP)

    first = decide(context)
    again = decide_waiting(context=replace(context, now=FIRST + 18 * DAY + DAY), deadline_at=None)

    assert (first.move, first.rule) == (Move.REMIND, Rule.KEPT_PAST_DUE)
    assert first.next_attempt_at == datetime(2027, 3, 28, 9, tzinfo=UTC)
    assert first.reason.count("Payment failed") == 1
    assert again.next_attempt_at == datetime(2027, 4, 28, 9, tzinfo=UTC)


def test_a_kept_case_reminds_in_the_morning_where_payday_begins_at_night() -> None:
    # 09:00 UTC is 23:00 of the day before in Honolulu, so payday is the 29th there, by night.
    far = replace(BASE, zone=ZoneInfo("Pacific/Honolulu"), attempts_made=5, settings=KEEP)

    decision = decide(replace(far, now=FIRST + 7 * DAY))

    assert decision.next_attempt_at == datetime(2027, 3, 29, 17, tzinfo=UTC)


def test_a_kept_case_reminds_on_the_customers_own_payday() -> None:
    fridays = PaydayPattern(kind=PatternKind.WEEKLY, weekday=4)
    settings = replace(KEEP, learn_payday=True)

    decision = decide(replace(BASE, attempts_made=5, settings=settings, payday=fridays))

    assert decision.next_attempt_at == datetime(2027, 3, 12, 8, tzinfo=UTC)


def test_only_a_kept_case_waits_without_a_deadline() -> None:
    with pytest.raises(ValueError, match="kept past due"):
        decide_waiting(context=BASE, deadline_at=None)


def test_without_automatic_recovery_the_customer_is_asked() -> None:
    decision = decide(replace(BASE, settings=Settings(auto_recovery=False)))

    assert (decision.move, decision.rule) == (Move.REQUEST_CARD_UPDATE, Rule.AUTO_RECOVERY_OFF)


def test_a_quiet_case_does_not_claim_that_the_customer_is_told() -> None:
    quiet = Settings(is_quiet=True, auto_recovery=False)
    context = replace(BASE, settings=quiet)

    assert "customer" not in decide(context).reason
    waiting = decide_waiting(context=context, deadline_at=FIRST + 9 * DAY)
    assert "customer" not in waiting.reason


def test_skipped_tries_are_used_up_and_named() -> None:
    context = replace(BASE, attempts_made=3, attempts_skipped=2)

    decision = decide(context)

    assert decision.move is Move.EXHAUST
    assert "3 tries were made and 2 skipped" in decision.reason


@given(
    days=st.one_of(st.none(), st.integers(1, 90)),
    made=st.integers(1, 8),
    hours=st.integers(0, 100 * 24),
    category=st.sampled_from(Category),
    is_aware=st.booleans(),
    escalation=st.sampled_from(Escalation),
)
def test_nothing_but_a_payday_try_is_planned_beyond_the_day_of_escalation(
    days: int | None,
    made: int,
    hours: int,
    category: Category,
    is_aware: bool,  # noqa: FBT001 - hypothesis gives it by name
    escalation: Escalation,
) -> None:
    now = FIRST + timedelta(hours=hours)
    settings = within(days, payday_aware=is_aware, escalation=escalation)
    context = replace(
        BASE,
        now=now,
        last_pull_at=now,
        attempts_made=made,
        category=category,
        settings=settings,
    )

    decision = decide(context)

    is_kept = escalation is Escalation.KEEP_PAST_DUE
    assert not (is_kept and decision.move is Move.EXHAUST)
    if decision.next_attempt_at is None:
        assert days is None or now >= FIRST + days * DAY
    elif days is not None and decision.next_attempt_at > FIRST + days * DAY:
        assert decision.move is Move.RETRY_PAYDAY or decision.rule == Rule.KEPT_PAST_DUE


@given(days=st.integers(1, 90), category=st.sampled_from(Category), deadline_h=st.integers(1, 1080))
def test_a_wait_ends_by_the_later_of_its_deadline_and_the_day_of_escalation(
    days: int, category: Category, deadline_h: int
) -> None:
    context = replace(BASE, category=category, settings=within(days))
    deadline_at = FIRST + timedelta(hours=deadline_h)
    steps = 0

    decision = decide_waiting(context=context, deadline_at=deadline_at)
    while decision.next_attempt_at is not None:
        context = replace(context, now=decision.next_attempt_at)
        if decision.move is Move.ESCALATE:
            deadline_at = decision.next_attempt_at
        decision = decide_waiting(context=context, deadline_at=deadline_at)
        steps += 1
        assert steps < 20

    assert decision.move is Move.EXHAUST
    assert context.now <= max(deadline_at, FIRST + days * DAY)
