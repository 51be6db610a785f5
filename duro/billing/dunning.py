"""Owns the recovery decision: what happens after a failed charge, when, on which rail and why."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Final

from duro.billing import wording
from duro.billing.case import Context, Escalation, Settings
from duro.billing.decision import Decision, Move, Rule
from duro.billing.escalation import escalated, escalates_at, kept
from duro.billing.failures import Category, is_hard, requires_new_card
from duro.billing.payday import is_payday, next_payday
from duro.billing.rails import PULL, PUSH, Rail

__all__ = [
    "MIN_PULL_GAP",
    "Context",
    "Decision",
    "Move",
    "Rule",
    "Settings",
    "decide",
    "decide_waiting",
    "waiting_deadline",
]

# Two charges of one token on one day annoy the customer and count against scheme limits.
MIN_PULL_GAP: Final = timedelta(hours=20)

_LIMIT_RESET: Final = time(9)


@dataclass(frozen=True, slots=True)
class _Walk:
    """Where the chain of rails leads, and the rails passed over as not offered here."""

    rail: Rail | None
    passed_over: tuple[Rail, ...]


def decide(context: Context) -> Decision:
    """What follows a failed attempt; the first rule that matches wins, as far as escalation lets it."""
    found = (rule(context) for rule in _RULES)
    decision = next((each for each in found if each is not None), None)
    return escalated(context, decision or _back_off(context))


def decide_waiting(*, context: Context, deadline_at: datetime | None) -> Decision:
    """What a schedule that awaits its customer does now: remind, or give up at the deadline.

    `deadline_at` is what `waiting_deadline` answered when the wait began; asked anew at each
    reminder it would recede for ever. There is none for a case that is kept past due.
    """
    if deadline_at is None:
        if context.settings.escalation is not Escalation.KEEP_PAST_DUE:
            raise ValueError("only a case that is kept past due waits without a deadline")
        return kept(context)
    why = wording.cause(context.category)
    if context.now >= deadline_at:
        by = wording.local_time(deadline_at, context.zone)
        reason = f"Payment failed: {why}. Nothing was paid by {by}, so no more tries are planned."
        return escalated(context, Decision(Move.EXHAUST, None, None, reason, Rule.DEADLINE))
    at = _next_reminder(context, deadline_at)
    reminded = "The merchant is to act" if context.settings.is_quiet else "The customer is reminded"
    reason = (
        f"Payment failed: {why}. {reminded}; "
        f"the next step is on {wording.local_time(at, context.zone)}."
    )
    return Decision(Move.REMIND, at, None, reason, Rule.REMINDER)


def waiting_deadline(*, context: Context) -> datetime:
    """When a wait for the customer that begins now ends: always after `context.now`."""
    settings = context.settings
    last_offset = context.first_failed_at + timedelta(hours=settings.offsets_hours[-1])
    payday = next_payday(
        after=context.now, zone=context.zone, anchor_day=settings.payday_anchor_day
    )
    deadline_at = max(last_offset, payday)
    ends_at = escalates_at(context)
    return deadline_at if ends_at is None or ends_at <= context.now else min(deadline_at, ends_at)


def _exhaust(context: Context) -> Decision | None:
    if context.attempts_used < context.settings.max_attempts:
        return None
    skipped = f" and {context.attempts_skipped} skipped" if context.attempts_skipped else ""
    reason = (
        f"Payment failed: {wording.cause(context.category)}. "
        f"{context.attempts_made} tries were made{skipped} by "
        f"{wording.local_time(context.now, context.zone)}, so no more are planned."
    )
    return Decision(Move.EXHAUST, None, None, reason, Rule.MAX_ATTEMPTS)


def _new_card_needed(context: Context) -> Decision | None:
    if not requires_new_card(context.category):
        return None
    return _ask(context, Rule.NEW_CARD_NEEDED)


def _auto_recovery_off(context: Context) -> Decision | None:
    if context.settings.auto_recovery:
        return None
    return _ask(context, Rule.AUTO_RECOVERY_OFF)


def _nothing_to_charge(context: Context) -> Decision | None:
    if context.category is not Category.NO_PAYMENT_METHOD:
        return None
    walk = _walk(context, tuple(rail for rail in context.settings.rails if rail in PUSH))
    if walk.rail is None:
        return _ask(context, Rule.NO_PAYMENT_METHOD, walk.passed_over)
    return _switch(context, Rule.NO_PAYMENT_METHOD, walk.rail, walk.passed_over)


def _request_expired(context: Context) -> Decision | None:
    if context.rail not in PUSH:
        return None
    return _follow_chain(context, Rule.REQUEST_EXPIRED)


def _do_not_honor_once(context: Context) -> Decision | None:
    """One more try: a refusal without a reason often passes the second time."""
    is_first = context.same_category_failures <= 1
    if context.category is not Category.DO_NOT_HONOR or not is_first:
        return None
    if context.rail is None or _pull_rail(context) is not context.rail:
        return None
    return _retry(context, Rule.DO_NOT_HONOR_ONCE, context.rail, _back_off_at(context))


def _hard(context: Context) -> Decision | None:
    if not is_hard(context.category):
        return None
    return _follow_chain(context, Rule.HARD_DECLINE)


def _payday(context: Context) -> Decision | None:
    settings, zone = context.settings, context.zone
    anchor_day = settings.payday_anchor_day
    if context.category is not Category.INSUFFICIENT_FUNDS or not settings.payday_aware:
        return None
    rail = _pull_rail(context)
    if rail is None or is_payday(at=context.now, zone=zone, anchor_day=anchor_day):
        return None
    payday = next_payday(after=context.now, zone=zone, anchor_day=anchor_day)
    at = max(payday, _earliest_pull(context))
    reason = (
        f"Payment failed: {wording.cause(context.category)}, "
        f"waiting for the {wording.ordinal(payday.astimezone(zone).day)}; "
        f"next try {_by_and_when(context, rail, at)}."
    )
    return Decision(Move.RETRY_PAYDAY, at, rail, reason, Rule.PAYDAY)


def _limit(context: Context) -> Decision | None:
    rail = _pull_rail(context)
    if context.category is not Category.LIMIT or rail is None:
        return None
    tomorrow = context.now.astimezone(context.zone).date() + timedelta(days=1)
    due = datetime.combine(tomorrow, _LIMIT_RESET, tzinfo=context.zone).astimezone(UTC)
    return _retry(context, Rule.LIMIT, rail, due)


def _back_off(context: Context) -> Decision:
    rail = _pull_rail(context)
    if rail is None:
        return _ask(context, Rule.NOTHING_TO_PULL)
    return _retry(context, Rule.BACK_OFF, rail, _back_off_at(context))


_RULES: Final[tuple[Callable[[Context], Decision | None], ...]] = (
    _exhaust,
    _new_card_needed,
    _auto_recovery_off,
    _nothing_to_charge,
    _request_expired,
    _do_not_honor_once,
    _hard,
    _payday,
    _limit,
)


def _follow_chain(context: Context, rule: Rule) -> Decision:
    """The next rail; at the chain's end back-off on the best pull rail; else ask the customer."""
    rails = context.settings.rails
    start = rails.index(context.rail) + 1 if context.rail in rails else 0
    walk = _walk(context, rails[start:])
    if walk.rail is not None:
        return _switch(context, rule, walk.rail, walk.passed_over)
    rail = _pull_rail(context)
    if rail is None:
        return _ask(context, Rule.CHAIN_END, walk.passed_over)
    return _retry(context, Rule.CHAIN_END, rail, _back_off_at(context), walk.passed_over)


def _walk(context: Context, rails: tuple[Rail, ...]) -> _Walk:
    passed_over: list[Rail] = []
    for rail in rails:
        if rail in context.unserved_rails:
            passed_over.append(rail)
        elif _is_chargeable(context, rail):
            return _Walk(rail, tuple(passed_over))
    return _Walk(None, tuple(passed_over))


def _pull_rail(context: Context) -> Rail | None:
    """The present rail if it can be charged again without the customer, else the best that can."""
    rails = list(context.settings.rails)
    if context.rail is not None:
        rails.insert(0, context.rail)
    for rail in rails:
        if rail in PULL and rail not in context.unserved_rails and _is_chargeable(context, rail):
            return rail
    return None


def _is_chargeable(context: Context, rail: Rail) -> bool:
    is_dead = context.category is Category.HARD_DECLINE and rail is context.rail
    return rail in context.usable_rails and rail not in context.spent_rails and not is_dead


def _switch(context: Context, rule: Rule, rail: Rail, passed_over: tuple[Rail, ...]) -> Decision:
    at = context.now
    if rail in context.pulled_rails:
        at = max(at, _earliest_pull(context))
    when = wording.local_time(at, context.zone)
    name = wording.rail_name(rail)
    then = f"{name} is charged on {when}" if rail in PULL else f"{name} is requested on {when}"
    reason = f"{_why(context, passed_over)}, so payment by {then}."
    return Decision(Move.SWITCH_RAIL, at, rail, reason, rule)


def _retry(
    context: Context, rule: Rule, rail: Rail, due: datetime, passed_over: tuple[Rail, ...] = ()
) -> Decision:
    at = max(due, context.now, _earliest_pull(context))
    link = ", so the next try is" if passed_over else "; next try"
    reason = f"{_why(context, passed_over)}{link} {_by_and_when(context, rail, at)}."
    return Decision(Move.RETRY, at, rail, reason, rule)


def _ask(context: Context, rule: Rule, passed_over: tuple[Rail, ...] = ()) -> Decision:
    at = _next_reminder(context, waiting_deadline(context=context))
    asked, step = "the customer is asked for", "reminder"
    if context.settings.is_quiet:
        asked, step = "recovery waits for", "step"
    if rule is Rule.AUTO_RECOVERY_OFF:
        asked = f"automatic tries are off and {asked}"
    reason = (
        f"{_why(context, passed_over)}, so {asked} a new card or another way "
        f"to pay. The next {step} is on {wording.local_time(at, context.zone)}."
    )
    return Decision(Move.REQUEST_CARD_UPDATE, at, None, reason, rule)


def _why(context: Context, passed_over: tuple[Rail, ...]) -> str:
    why = wording.cause(context.category)
    if context.rail in PUSH:
        why = f"the request by {wording.rail_name(context.rail)} was not paid in time"
    if not passed_over:
        return f"Payment failed: {why}"
    names = wording.listing([wording.rail_name(rail) for rail in passed_over])
    return f"Payment failed: {why}; payment by {names} is not offered here yet"


def _by_and_when(context: Context, rail: Rail, at: datetime) -> str:
    other = "" if rail is context.rail else f"by {wording.rail_name(rail)} "
    return f"{other}on {wording.local_time(at, context.zone)}"


def _back_off_at(context: Context) -> datetime:
    """By offset from the first failure; after a longer wait by the gap from this attempt."""
    offsets, n = context.settings.offsets_hours, context.attempts_used
    gap = offsets[n] - offsets[max(n - 1, 0)]
    return max(
        context.first_failed_at + timedelta(hours=offsets[n]), context.now + timedelta(hours=gap)
    )


def _earliest_pull(context: Context) -> datetime:
    """When any token may be charged again; a pull without a record counts as made just now."""
    if context.last_pull_at is not None:
        return context.last_pull_at + MIN_PULL_GAP
    has_pulled = context.rail in PULL or context.pulled_rails
    return context.now + MIN_PULL_GAP if has_pulled else context.now


def _next_reminder(context: Context, deadline_at: datetime) -> datetime:
    """The next offset after now, shifted by waits before the last attempt, up to the deadline."""
    offsets = [timedelta(hours=hours) for hours in context.settings.offsets_hours]
    reached = offsets[min(max(context.attempts_used - 1, 0), len(offsets) - 1)]
    last = context.last_pull_at or context.first_failed_at
    start = max(context.first_failed_at, last - reached)
    return min(
        [start + offset for offset in offsets if start + offset > context.now] + [deadline_at]
    )
