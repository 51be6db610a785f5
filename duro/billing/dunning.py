"""Owns the recovery decision: what happens after a failed charge, when, on which rail and why."""

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from typing import Final

from duro.billing import wages, wording
from duro.billing.case import Context, Escalation, Settings
from duro.billing.chain import (
    MIN_PULL_GAP,
    Hold,
    available_at,
    binding,
    earliest_pull,
    first_of,
    pull_rail,
)
from duro.billing.decision import Decision, Move, Rule
from duro.billing.escalation import escalated, escalates_at, kept
from duro.billing.explain import HELD, explained
from duro.billing.failures import Category, is_hard, requires_new_card
from duro.billing.quiet import quiet_until
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
    "is_counted",
    "waiting_deadline",
]

_LIMIT_RESET: Final = time(9)
_DEBIT: Final = Rail.DIRECT_DEBIT
_NOT_PAID_IN_TIME: Final = frozenset({"request_expired", "payment_request_expired"})


def decide(context: Context) -> Decision:
    """What follows a failed attempt; the first rule that matches wins, as far as escalation lets it."""
    found = (rule(context) for rule in _RULES)
    decision = next((each for each in found if each is not None), None)
    return explained(context, escalated(context, decision or _back_off(context)))


def is_counted(context: Context) -> bool:
    """Whether the failure is one of the tries; ask before counting it into `attempts_made`.

    Banks answer "do not honour" to a debit under a mandate that has not reached them yet.
    """
    ready_at, charged_at = context.mandate_ready_at, context.last_pull_at or context.now
    is_refused = context.category is Category.DO_NOT_HONOR and context.rail is Rail.DIRECT_DEBIT
    return not (is_refused and ready_at is not None and charged_at < ready_at)


def decide_waiting(*, context: Context, deadline_at: datetime | None) -> Decision:
    """What a schedule that awaits its customer does now: remind, or give up at the deadline.

    `deadline_at` is what `waiting_deadline` answered when the wait began; asked anew at each
    reminder it would recede for ever. There is none for a case that is kept past due.
    """
    if deadline_at is None and context.settings.escalation is not Escalation.KEEP_PAST_DUE:
        raise ValueError("only a case that is kept past due waits without a deadline")
    decision = kept(context) if deadline_at is None else _waited(context, deadline_at)
    return explained(context, decision)


def _waited(context: Context, deadline_at: datetime) -> Decision:
    why = _cause(context)
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
    deadline_at = max(last_offset, wages.awaited(context, after=context.now))
    ends_at = escalates_at(context)
    return deadline_at if ends_at is None or ends_at <= context.now else min(deadline_at, ends_at)


def _exhaust(context: Context) -> Decision | None:
    if context.attempts_used < context.settings.max_attempts:
        return None
    skipped = f" and {context.attempts_skipped} skipped" if context.attempts_skipped else ""
    reason = (
        f"Payment failed: {_cause(context)}. "
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
    rail = first_of(context, tuple(rail for rail in context.settings.rails if rail in PUSH))
    if rail is None:
        return _ask(context, Rule.NO_PAYMENT_METHOD)
    return _switch(context, Rule.NO_PAYMENT_METHOD, rail)


def _request_expired(context: Context) -> Decision | None:
    if context.rail not in PUSH:
        return None
    return _follow_chain(context, Rule.REQUEST_EXPIRED)


def _mandate_not_ready(context: Context) -> Decision | None:
    if is_counted(context) or pull_rail(context) is not Rail.DIRECT_DEBIT:
        return None
    return _retry(context, Rule.MANDATE_NOT_READY, Rail.DIRECT_DEBIT, context.now)


def _do_not_honor_once(context: Context) -> Decision | None:
    """One more try: a refusal without a reason often passes the second time."""
    is_first = context.same_category_failures <= 1
    if context.category is not Category.DO_NOT_HONOR or not is_first:
        return None
    if context.rail is None or pull_rail(context) is not context.rail:
        return None
    return _retry(context, Rule.DO_NOT_HONOR_ONCE, context.rail, _back_off_at(context))


def _hard(context: Context) -> Decision | None:
    if not is_hard(context.category):
        return None
    return _follow_chain(context, Rule.HARD_DECLINE)


def _payday(context: Context) -> Decision | None:
    """Not before payday; a debit, whose failure costs the customer, never sooner, whatever is set."""
    rail = pull_rail(context)
    if rail is None or context.category is not Category.INSUFFICIENT_FUNDS:
        return None
    if wages.is_today(context):
        return None
    if context.settings.payday_aware:
        rule = Rule.PAYDAY if wages.learnt(context) is None else Rule.PAYDAY_LEARNT
        return _retry_payday(context, rule, rail)
    return _retry_payday(context, Rule.DEBIT_AT_PAYDAY, rail) if rail is _DEBIT else None


def _retry_payday(context: Context, rule: Rule, rail: Rail) -> Decision:
    zone, pattern = context.zone, wages.learnt(context)
    payday = wages.awaited(context, after=context.now)
    at = available_at(context, rail, max(payday, earliest_pull(context)))
    waiting = f"waiting for the {wording.ordinal(payday.astimezone(zone).day)}"
    if pattern is not None:
        waiting = f"this customer is usually paid {wording.usual_payday(pattern)}"
    elif rule is Rule.DEBIT_AT_PAYDAY:
        waiting = f"{HELD[Hold.FUNDS]}, so it is {waiting}"
    reason = (
        f"Payment failed: {_cause(context)}, {waiting}; "
        f"next try {_by_and_when(context, rail, at)}{_held(context, rail, at, payday)}."
    )
    return Decision(Move.RETRY_PAYDAY, at, rail, reason, rule)


def _capped(context: Context) -> Decision | None:
    """Our own cap refused the charge, so no bank's limit is the reason to wait for tomorrow."""
    rail = pull_rail(context)
    if context.code != Rule.ATTEMPT_CAP.value or rail is None or rail not in context.capped_until:
        return None
    return _retry(context, Rule.ATTEMPT_CAP, rail, context.capped_until[rail])


def _limit(context: Context) -> Decision | None:
    rail = pull_rail(context)
    if context.category is not Category.LIMIT or rail is None:
        return None
    tomorrow = context.now.astimezone(context.zone).date() + timedelta(days=1)
    due = datetime.combine(tomorrow, _LIMIT_RESET, tzinfo=context.zone).astimezone(UTC)
    return _retry(context, Rule.LIMIT, rail, due)


def _back_off(context: Context) -> Decision:
    rail = pull_rail(context)
    if rail is None:
        return _ask(context, Rule.NOTHING_TO_PULL)
    return _retry(context, Rule.BACK_OFF, rail, _back_off_at(context))


_RULES: Final[tuple[Callable[[Context], Decision | None], ...]] = (
    _exhaust,
    _new_card_needed,
    _auto_recovery_off,
    _nothing_to_charge,
    _request_expired,
    _mandate_not_ready,
    _do_not_honor_once,
    _hard,
    _payday,
    _capped,
    _limit,
)


def _follow_chain(context: Context, rule: Rule) -> Decision:
    """The next rail; at the chain's end back-off on the best pull rail; else ask the customer."""
    rails = context.settings.rails
    start = rails.index(context.rail) + 1 if context.rail in rails else 0
    following = first_of(context, rails[start:])
    if following is not None:
        return _switch(context, rule, following)
    rail = pull_rail(context)
    if rail is None:
        return _ask(context, Rule.CHAIN_END)
    return _retry(context, Rule.CHAIN_END, rail, _back_off_at(context))


def _switch(context: Context, rule: Rule, rail: Rail) -> Decision:
    due = earliest_pull(context) if rail in context.pulled_rails else context.now
    at = available_at(context, rail, due)
    when = wording.local_time(at, context.zone)
    name = wording.rail_name(rail)
    then = f"{name} is charged on {when}" if rail in PULL else f"{name} is requested on {when}"
    reason = f"{_why(context)}, so payment by {then}{_held(context, rail, at, due)}."
    return Decision(Move.SWITCH_RAIL, at, rail, reason, rule)


def _retry(context: Context, rule: Rule, rail: Rail, due: datetime) -> Decision:
    free_at = max(due, earliest_pull(context))
    at = available_at(context, rail, free_at)
    when = f"{_by_and_when(context, rail, at)}{_held(context, rail, at, free_at)}"
    reason = f"{_why(context)}; next try {when}."
    return Decision(Move.RETRY, at, rail, reason, rule)


def _held(context: Context, rail: Rail, at: datetime, due: datetime) -> str:
    """Why it is later than it was due, if it is."""
    hold = binding(context, rail, at) if at > max(due, context.now) else None
    return "" if hold is None else f"; {HELD[hold]}"


def _ask(context: Context, rule: Rule) -> Decision:
    at = _next_reminder(context, waiting_deadline(context=context))
    asked, step = "the customer is asked for", "reminder"
    if context.settings.is_quiet:
        asked, step = "recovery waits for", "step"
    if rule is Rule.AUTO_RECOVERY_OFF:
        asked = f"automatic tries are off and {asked}"
    reason = (
        f"{_why(context)}, so {asked} a new card or another way "
        f"to pay. The next {step} is on {wording.local_time(at, context.zone)}."
    )
    return Decision(Move.REQUEST_CARD_UPDATE, at, None, reason, rule)


def _cause(context: Context) -> str:
    if not is_counted(context):
        return "the bank does not know the new mandate yet, which counts as no try"
    return wording.cause(context.category, context.code)


def _why(context: Context) -> str:
    why = _cause(context)
    if context.rail in PUSH:
        outcome = "was not paid in time"
        if context.code not in _NOT_PAID_IN_TIME:
            outcome = f"came to nothing ({why})"
        why = f"the request by {wording.rail_name(context.rail)} {outcome}"
    return f"Payment failed: {why}"


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


def _next_reminder(context: Context, deadline_at: datetime) -> datetime:
    """The next offset after now, shifted by waits before the last attempt, up to the deadline.

    Nobody is reminded in quiet hours; the deadline itself disturbs nobody.
    """
    offsets = [timedelta(hours=hours) for hours in context.settings.offsets_hours]
    reached = offsets[min(max(context.attempts_used - 1, 0), len(offsets) - 1)]
    last = context.last_pull_at or context.first_failed_at
    start = max(context.first_failed_at, last - reached)
    ahead = [start + offset for offset in offsets if start + offset > context.now]
    return min([quiet_until(at, context.zone) for at in ahead] + [deadline_at])
