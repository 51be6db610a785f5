"""Owns the laws every recovery decision keeps, whatever the case."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from duro.billing import wages
from duro.billing.case import Context, Escalation, Settings
from duro.billing.dunning import (
    MIN_PULL_GAP,
    Move,
    decide,
    decide_waiting,
    is_counted,
    waiting_deadline,
)
from duro.billing.failures import Category
from duro.billing.pattern import PatternKind, PaydayPattern
from duro.billing.quiet import is_quiet
from duro.billing.rails import ORDER, PULL, PUSH, Rail

START = datetime(2026, 1, 1, tzinfo=UTC)
SETTINGS_RAILS = st.lists(st.sampled_from(ORDER), unique=True).map(tuple)
RAIL_SETS = st.frozensets(st.sampled_from(ORDER))
CODES = st.sampled_from(["attempt_cap", "request_expired", "underpaid", "51"]) | st.text(max_size=8)
# Minutes from now.
NEAR = st.integers(-48 * 60, 20 * 24 * 60)
NEAR_OR_NEVER = st.none() | NEAR
CAPS = st.dictionaries(st.sampled_from(ORDER), NEAR, max_size=3)


@st.composite
def settings_values(draw: st.DrawFn) -> Settings:
    gaps = draw(st.lists(st.integers(1, 90), max_size=6))
    offsets = tuple(sum(gaps[:i]) for i in range(len(gaps) + 1))
    return Settings(
        payday_aware=draw(st.booleans()),
        payday_anchor_day=draw(st.integers(1, 31)),
        offsets_hours=offsets,
        max_attempts=draw(st.integers(1, len(offsets))),
        rails=draw(SETTINGS_RAILS),
        auto_recovery=draw(st.booleans()),
        is_quiet=draw(st.booleans()),
        # What is kept never ends, and days of escalation have laws of their own.
        escalation=draw(st.sampled_from([Escalation.CANCEL, Escalation.MARK_UNPAID])),
        learn_payday=draw(st.booleans()),
    )


PAYDAYS = st.one_of(
    st.none(),
    st.just(PaydayPattern(kind=PatternKind.UNKNOWN)),
    st.just(PaydayPattern(kind=PatternKind.LAST_WORKING_DAY)),
    st.integers(1, 31).map(lambda day: PaydayPattern(kind=PatternKind.DAY_OF_MONTH, day=day)),
    st.integers(0, 6).map(lambda day: PaydayPattern(kind=PatternKind.WEEKLY, weekday=day, hour=22)),
)


@st.composite
def contexts(draw: st.DrawFn) -> Context:
    first = START + timedelta(minutes=draw(st.integers(0, 400 * 24 * 60)))
    now = first + timedelta(minutes=draw(st.integers(0, 40 * 24 * 60)))
    waited = timedelta(minutes=draw(st.integers(0, 40 * 24 * 60)))
    caps, ready = draw(CAPS), draw(NEAR_OR_NEVER)
    return Context(
        now=now,
        zone=ZoneInfo(draw(st.sampled_from(["Africa/Lagos", "Africa/Cairo", "Pacific/Honolulu"]))),
        settings=draw(settings_values()),
        rail=draw(st.sampled_from([None, *Rail])),
        code=draw(CODES),
        category=draw(st.sampled_from(Category)),
        attempts_made=draw(st.integers(0, 8)),
        attempts_skipped=draw(st.integers(0, 3)),
        first_failed_at=first,
        last_pull_at=draw(st.sampled_from([None, max(first, now - waited)])),
        same_category_failures=draw(st.integers(0, 3)),
        usable_rails=draw(SETTINGS_RAILS),
        spent_rails=draw(RAIL_SETS),
        pulled_rails=draw(RAIL_SETS),
        capped_until={rail: now + timedelta(minutes=minutes) for rail, minutes in caps.items()},
        mandate_ready_at=None if ready is None else now + timedelta(minutes=ready),
        funds_short_at=draw(st.sampled_from([None, first])),
        payday=draw(PAYDAYS),
        holidays=(date(2026, 5, 1), date(2026, 12, 25)),
    )


@given(context=contexts())
def test_only_exhaust_has_no_next_time_and_no_time_is_past(context: Context) -> None:
    decision = decide(context)

    assert (decision.next_attempt_at is None) is (decision.move is Move.EXHAUST)
    if decision.next_attempt_at is not None:
        assert decision.next_attempt_at >= context.now


@given(context=contexts())
def test_a_logged_decision_replays_identically(context: Context) -> None:
    assert decide(Context.from_dict(context.to_dict())) == decide(context)


@given(context=contexts())
def test_no_token_is_pulled_twice_within_twenty_hours(context: Context) -> None:
    decision = decide(context)

    charged_before = decision.rail is context.rail or decision.rail in context.pulled_rails
    if decision.rail in PULL and charged_before:
        assert decision.next_attempt_at is not None
        assert decision.next_attempt_at >= (context.last_pull_at or context.now) + MIN_PULL_GAP


@given(context=contexts())
def test_a_debit_after_want_of_money_waits_for_payday(context: Context) -> None:
    decision = decide(context)

    if decision.rail is Rail.DIRECT_DEBIT and wages.is_short(context):
        assert decision.next_attempt_at is not None
        assert decision.next_attempt_at >= wages.awaited(context, after=context.now)


@given(context=contexts())
def test_no_rail_is_used_before_our_caps_allow_it(context: Context) -> None:
    decision = decide(context)

    if decision.rail is not None and decision.next_attempt_at is not None:
        free_at = context.capped_until.get(decision.rail, context.now)
        assert decision.next_attempt_at >= free_at


@given(context=contexts())
def test_no_customer_is_disturbed_in_quiet_hours(context: Context) -> None:
    decision = decide(context)

    at = decision.next_attempt_at
    if decision.rail in PUSH:
        assert at is not None
        assert not is_quiet(at, context.zone)
    if decision.move in {Move.REQUEST_CARD_UPDATE, Move.REMIND} and at is not None:
        # Only the end of the wait, which disturbs nobody, may come at night.
        ends_at = waiting_deadline(context=context)
        assert at == ends_at or not is_quiet(at, context.zone)


@given(context=contexts())
def test_a_mandate_is_never_debited_before_the_bank_knows_it(context: Context) -> None:
    decision = decide(context)

    if decision.rail is Rail.DIRECT_DEBIT and context.mandate_ready_at is not None:
        assert decision.next_attempt_at is not None
        assert decision.next_attempt_at >= context.mandate_ready_at


@given(context=contexts())
def test_a_failure_that_does_not_count_is_a_mandates_first_refusal(context: Context) -> None:
    if not is_counted(context):
        assert (context.rail, context.category) == (Rail.DIRECT_DEBIT, Category.DO_NOT_HONOR)
        assert context.mandate_ready_at is not None


@given(context=contexts())
def test_every_decision_tells_its_alternatives_and_what_would_change_it(context: Context) -> None:
    decision = decide(context)

    for sentence in (*decision.alternatives, decision.would_change):
        assert sentence[0].isupper()
        assert sentence.endswith(".")
        assert "_" not in sentence
    assert len(decision.alternatives) >= len(ORDER) - 1


@given(context=contexts())
def test_only_usable_unspent_rails_are_chosen(context: Context) -> None:
    rail = decide(context).rail

    if rail is not None:
        assert rail in context.usable_rails
        assert rail not in context.spent_rails
        assert not (rail is context.rail and context.category is Category.HARD_DECLINE)


@given(context=contexts())
def test_moves_that_charge_name_a_rail_and_retries_need_no_customer(context: Context) -> None:
    decision = decide(context)

    charges = decision.move in {Move.RETRY, Move.RETRY_PAYDAY, Move.SWITCH_RAIL}
    assert (decision.rail is not None) is charges
    if decision.move in {Move.RETRY, Move.RETRY_PAYDAY}:
        assert decision.rail in PULL


@given(context=contexts())
def test_reasons_are_sentences_without_code_words(context: Context) -> None:
    reason = decide(context).reason

    assert reason.startswith("Payment failed: ")
    assert reason.endswith(".")
    assert "_" not in reason
    assert str(context.now.astimezone(context.zone).year)[:2] in reason


@given(context=contexts(), hours=st.integers(-100, 1000))
def test_waiting_reminds_later_or_ends_at_the_deadline(context: Context, hours: int) -> None:
    deadline = context.now + timedelta(hours=hours)

    decision = decide_waiting(context=context, deadline_at=deadline)

    if deadline <= context.now:
        assert (decision.move, decision.next_attempt_at) == (Move.EXHAUST, None)
    else:
        assert decision.move is Move.REMIND
        assert decision.next_attempt_at is not None
        assert context.now < decision.next_attempt_at <= deadline
        at_night = is_quiet(decision.next_attempt_at, context.zone)
        assert decision.next_attempt_at == deadline or not at_night


@given(context=contexts())
def test_the_deadline_lies_ahead_within_the_plan_or_the_next_payday(context: Context) -> None:
    deadline = waiting_deadline(context=context)

    plan = context.first_failed_at + timedelta(hours=context.settings.offsets_hours[-1])
    assert context.now < deadline <= max(plan, context.now + timedelta(days=42))


def wait_out(context: Context) -> int:
    """Reminders until a wait that nobody ends is exhausted."""
    deadline = waiting_deadline(context=context)
    reminders = 0
    while (at := decide_waiting(context=context, deadline_at=deadline).next_attempt_at) is not None:
        context = replace(context, now=at)
        reminders += 1
    return reminders


@given(
    context=contexts(),
    categories=st.lists(st.sampled_from(Category), min_size=10, max_size=10),
)
def test_every_ladder_of_failures_ends_within_its_attempts_and_reminders(
    context: Context, categories: list[Category]
) -> None:
    context = replace(
        context, attempts_made=1, now=context.first_failed_at, last_pull_at=context.first_failed_at
    )

    for category in categories:
        decision = decide(context)
        if decision.next_attempt_at is None:
            break
        if decision.move is Move.REQUEST_CARD_UPDATE:
            assert wait_out(context) <= len(context.settings.offsets_hours)
            break
        at = decision.next_attempt_at
        spent = context.spent_rails | ({decision.rail} & PUSH if decision.rail else set())
        context = replace(
            context,
            now=at,
            rail=decision.rail,
            category=category,
            attempts_made=context.attempts_made + 1,
            last_pull_at=at if decision.rail in PULL else context.last_pull_at,
            spent_rails=spent,
        )

    assert context.attempts_made <= context.settings.max_attempts
    assert decide(context).move in {Move.EXHAUST, Move.REQUEST_CARD_UPDATE}
