"""Owns the form of a recovery decision: the move, when it acts, on which rail, by which rule and why."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from duro.billing.rails import Rail


class Move(StrEnum):
    RETRY = "retry"
    RETRY_PAYDAY = "retry_payday"
    MANUAL_RETRY = "manual_retry"
    SWITCH_RAIL = "switch_rail"
    AWAIT_PAYMENT = "await_payment"
    REQUEST_CARD_UPDATE = "request_card_update"
    REMIND = "remind"
    ESCALATE = "escalate"
    EXHAUST = "exhaust"


class Rule(StrEnum):
    """Which rule decided, for the log."""

    MAX_ATTEMPTS = "max_attempts"
    NEW_CARD_NEEDED = "new_card_needed"
    AUTO_RECOVERY_OFF = "auto_recovery_off"
    NO_PAYMENT_METHOD = "no_payment_method"
    REQUEST_EXPIRED = "request_expired"
    MANDATE_NOT_READY = "mandate_not_ready"
    DO_NOT_HONOR_ONCE = "do_not_honor_once"
    HARD_DECLINE = "hard_decline"
    CHAIN_END = "chain_end"
    PAYDAY = "payday"
    PAYDAY_LEARNT = "payday_learnt"
    DEBIT_AT_PAYDAY = "debit_at_payday"
    ATTEMPT_CAP = "attempt_cap"
    LIMIT = "limit"
    BACK_OFF = "back_off"
    NOTHING_TO_PULL = "nothing_to_pull"
    REMINDER = "reminder"
    DEADLINE = "deadline"
    ESCALATION = "escalation"
    KEPT_PAST_DUE = "kept_past_due"


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do next; only `exhaust` has no `next_attempt_at`.

    For `request_card_update` and `remind` the customer is told now (or, in quiet hours, when they
    end), and `next_attempt_at` is when to look again; for `escalate` nothing happens before it.
    `rail` is the one to charge or to send a request on.
    `alternatives` are what else was considered, each with why not; `would_change` is what would
    have led to another decision. Both are sentences.
    """

    move: Move
    next_attempt_at: datetime | None
    rail: Rail | None
    reason: str
    rule: str
    alternatives: tuple[str, ...] = ()
    would_change: str = ""
