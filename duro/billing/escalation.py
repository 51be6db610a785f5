"""Owns what the escalation settings make of a decision: sooner, later, or never the end."""

from dataclasses import replace
from datetime import datetime, timedelta

from duro.billing import wages, wording
from duro.billing.case import Context, Escalation
from duro.billing.decision import Decision, Move, Rule
from duro.billing.quiet import quiet_until


def escalates_at(context: Context) -> datetime | None:
    """When the case ends though tries are left, or `None` when it ends with its tries."""
    days = context.settings.escalation_days
    return None if days is None else context.first_failed_at + timedelta(days=days)


def escalated(context: Context, decision: Decision) -> Decision:
    """The decision within the escalation settings.

    What lies beyond the day of escalation does not happen, but for a planned payday attempt; an end
    before that day waits for it; and a case that is kept past due never ends by itself.
    """
    at = escalates_at(context)
    if decision.move is Move.EXHAUST:
        is_kept = context.settings.escalation is Escalation.KEEP_PAST_DUE
        if at is not None and context.now < at and not is_kept:
            return _wait(context, at)
        return _end(context, decision)
    is_in_time = at is None or decision.next_attempt_at is None or decision.next_attempt_at <= at
    if at is None or is_in_time or decision.move is Move.RETRY_PAYDAY:
        return decision
    if context.now < at:
        return _wait(context, at)
    days = context.settings.escalation_days
    reason = (
        f"Payment failed: {wording.cause(context.category, context.code)}. "
        f"{days} days have passed since the first failure, so no more tries are planned."
    )
    return _end(context, Decision(Move.EXHAUST, None, None, reason, Rule.ESCALATION))


def kept(context: Context) -> Decision:
    """A case that is kept past due: its customer is reminded each payday."""
    zone = context.zone
    at = quiet_until(wages.awaited(context, after=context.now), zone)
    reason = (
        f"Payment failed: {wording.cause(context.category, context.code)}. "
        f"The subscription is kept past due; the next reminder is on {wording.local_time(at, zone)}."
    )
    return Decision(Move.REMIND, at, None, reason, Rule.KEPT_PAST_DUE)


def _end(context: Context, decision: Decision) -> Decision:
    if context.settings.escalation is not Escalation.KEEP_PAST_DUE:
        return decision
    return replace(kept(context), reason=_joined(decision.reason, kept(context).reason))


def _joined(why: str, then: str) -> str:
    """Both sentences, the cause told once."""
    return f"{why} {then.partition('. ')[2]}"


def _wait(context: Context, at: datetime) -> Decision:
    reason = (
        f"Payment failed: {wording.cause(context.category, context.code)}. "
        f"No try is planned before {wording.local_time(at, context.zone)}, when the case ends."
    )
    return Decision(Move.ESCALATE, at, None, reason, Rule.ESCALATION)
