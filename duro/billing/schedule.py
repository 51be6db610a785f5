"""Owns the state machine of a dunning schedule, the one recovery plan an invoice may have."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from duro.billing.states import IllegalTransitionError


class Status(StrEnum):
    SCHEDULED = "scheduled"
    IN_FLIGHT = "in_flight"
    AWAITING_CUSTOMER = "awaiting_customer"
    RECOVERED = "recovered"
    EXHAUSTED = "exhausted"
    CANCELED = "canceled"


class Action(StrEnum):
    CLAIM = "claim"
    RESCHEDULE = "reschedule"
    AWAIT_CUSTOMER = "await_customer"
    RECOVER = "recover"
    EXHAUST = "exhaust"
    CANCEL = "cancel"


@dataclass(frozen=True, slots=True)
class Transition:
    source: Status
    action: Action
    target: Status


# `claim` is the compare-and-set in front of every attempt, the manual one and the one with a
# fresh card included: nothing is charged for a schedule that is not in flight.
# Money may also arrive without an attempt of ours (a pay link, a transfer), so `recover` starts
# from every open state. Waiting ends by itself at its deadline, hence `exhaust` from there.
_ROWS: Final = (
    Transition(Status.SCHEDULED, Action.CLAIM, Status.IN_FLIGHT),
    Transition(Status.SCHEDULED, Action.RECOVER, Status.RECOVERED),
    Transition(Status.SCHEDULED, Action.CANCEL, Status.CANCELED),
    Transition(Status.IN_FLIGHT, Action.RESCHEDULE, Status.SCHEDULED),
    Transition(Status.IN_FLIGHT, Action.AWAIT_CUSTOMER, Status.AWAITING_CUSTOMER),
    Transition(Status.IN_FLIGHT, Action.RECOVER, Status.RECOVERED),
    Transition(Status.IN_FLIGHT, Action.EXHAUST, Status.EXHAUSTED),
    Transition(Status.IN_FLIGHT, Action.CANCEL, Status.CANCELED),
    Transition(Status.AWAITING_CUSTOMER, Action.CLAIM, Status.IN_FLIGHT),
    Transition(Status.AWAITING_CUSTOMER, Action.RECOVER, Status.RECOVERED),
    Transition(Status.AWAITING_CUSTOMER, Action.EXHAUST, Status.EXHAUSTED),
    Transition(Status.AWAITING_CUSTOMER, Action.CANCEL, Status.CANCELED),
    # A case that was given up is not opened again, but its invoice can still be paid or voided.
    Transition(Status.EXHAUSTED, Action.RECOVER, Status.RECOVERED),
    Transition(Status.EXHAUSTED, Action.CANCEL, Status.CANCELED),
    Transition(Status.CANCELED, Action.RECOVER, Status.RECOVERED),
)

TRANSITIONS: Final[Mapping[tuple[Status, Action], Transition]] = MappingProxyType(
    {(row.source, row.action): row for row in _ROWS}
)

OPEN: Final = frozenset({Status.SCHEDULED, Status.IN_FLIGHT, Status.AWAITING_CUSTOMER})


def can(status: Status, action: Action) -> bool:
    return (status, action) in TRANSITIONS


def transition(status: Status, action: Action) -> Transition:
    """The row for this step; a missing row raises, it is never a silent no-op."""
    row = TRANSITIONS.get((status, action))
    if row is None:
        raise IllegalTransitionError(status, action)
    return row


def is_terminal(status: Status) -> bool:
    return status not in OPEN
