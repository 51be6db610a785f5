"""Owns the subscription's state machine: every legal step and the event it records."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Status(StrEnum):
    INCOMPLETE = "incomplete"
    INCOMPLETE_EXPIRED = "incomplete_expired"
    TRIALING = "trialing"
    ACTIVE = "active"
    PAST_DUE = "past_due"
    PAUSED = "paused"
    UNPAID = "unpaid"
    CANCELED = "canceled"
    EXPIRED = "expired"


class Action(StrEnum):
    START_TRIAL = "start_trial"
    ACTIVATE = "activate"
    EXPIRE_INCOMPLETE = "expire_incomplete"
    RENEWAL_FAILED = "renewal_failed"
    PAUSE = "pause"
    REACH_LIMIT = "reach_limit"
    RESUME = "resume"
    RECOVER = "recover"
    EXHAUST_DUNNING = "exhaust_dunning"
    CANCEL = "cancel"


class IllegalTransitionError(Exception):
    """The table has no row for this action in this status; also raised by `schedule`."""

    def __init__(self, status: StrEnum, action: StrEnum) -> None:
        super().__init__(f"cannot {action.value} from {status.value}")
        self.status = status
        self.action = action


@dataclass(frozen=True, slots=True)
class Transition:
    source: Status
    action: Action
    target: Status
    event: str


# The event belongs to the row, so no caller can announce something that did not happen.
# The status is spelled `canceled` and the event `subscription_cancelled`: both are public names.
_ROWS: Final = (
    Transition(Status.INCOMPLETE, Action.START_TRIAL, Status.TRIALING, "subscription_created"),
    Transition(Status.INCOMPLETE, Action.ACTIVATE, Status.ACTIVE, "subscription_activated"),
    Transition(
        Status.INCOMPLETE,
        Action.EXPIRE_INCOMPLETE,
        Status.INCOMPLETE_EXPIRED,
        "subscription_expired",
    ),
    Transition(Status.TRIALING, Action.ACTIVATE, Status.ACTIVE, "subscription_activated"),
    Transition(Status.TRIALING, Action.RENEWAL_FAILED, Status.PAST_DUE, "subscription_past_due"),
    Transition(Status.ACTIVE, Action.RENEWAL_FAILED, Status.PAST_DUE, "subscription_past_due"),
    Transition(Status.ACTIVE, Action.PAUSE, Status.PAUSED, "subscription_paused"),
    Transition(Status.ACTIVE, Action.REACH_LIMIT, Status.EXPIRED, "subscription_expired"),
    Transition(Status.PAUSED, Action.RESUME, Status.ACTIVE, "subscription_resumed"),
    Transition(Status.PAST_DUE, Action.RECOVER, Status.ACTIVE, "subscription_recovered"),
    Transition(Status.PAST_DUE, Action.EXHAUST_DUNNING, Status.UNPAID, "subscription_unpaid"),
    Transition(Status.UNPAID, Action.RECOVER, Status.ACTIVE, "subscription_recovered"),
    *(
        Transition(source, Action.CANCEL, Status.CANCELED, "subscription_cancelled")
        for source in (
            Status.INCOMPLETE,
            Status.TRIALING,
            Status.ACTIVE,
            Status.PAST_DUE,
            Status.PAUSED,
            Status.UNPAID,
        )
    ),
)

TRANSITIONS: Final[Mapping[tuple[Status, Action], Transition]] = MappingProxyType(
    {(row.source, row.action): row for row in _ROWS}
)

LIVE: Final = frozenset(
    {Status.TRIALING, Status.ACTIVE, Status.PAST_DUE, Status.PAUSED, Status.UNPAID}
)

_TERMINAL: Final = frozenset({Status.CANCELED, Status.EXPIRED, Status.INCOMPLETE_EXPIRED})


def can(status: Status, action: Action) -> bool:
    return (status, action) in TRANSITIONS


def transition(status: Status, action: Action) -> Transition:
    """The row for this step; a missing row raises, it is never a silent no-op."""
    row = TRANSITIONS.get((status, action))
    if row is None:
        raise IllegalTransitionError(status, action)
    return row


def is_terminal(status: Status) -> bool:
    return status in _TERMINAL
