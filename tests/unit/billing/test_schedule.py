"""Owns the exhaustive check of the dunning schedule's state machine."""

from itertools import product

import pytest

from duro.billing.schedule import (
    OPEN,
    Action,
    Status,
    Transition,
    can,
    is_terminal,
    transition,
)
from duro.billing.states import IllegalTransitionError

EXPECTED = {
    ("scheduled", "claim"): "in_flight",
    ("scheduled", "recover"): "recovered",
    ("scheduled", "cancel"): "canceled",
    ("in_flight", "reschedule"): "scheduled",
    ("in_flight", "await_customer"): "awaiting_customer",
    ("in_flight", "recover"): "recovered",
    ("in_flight", "exhaust"): "exhausted",
    ("in_flight", "cancel"): "canceled",
    ("awaiting_customer", "claim"): "in_flight",
    ("awaiting_customer", "recover"): "recovered",
    ("awaiting_customer", "exhaust"): "exhausted",
    ("awaiting_customer", "cancel"): "canceled",
    ("exhausted", "recover"): "recovered",
    ("exhausted", "cancel"): "canceled",
    ("canceled", "recover"): "recovered",
}


@pytest.mark.parametrize(("status", "action"), list(product(Status, Action)))
def test_every_pair_moves_as_described_or_is_refused(status: Status, action: Action) -> None:
    target = EXPECTED.get((status.value, action.value))

    if target is None:
        with pytest.raises(IllegalTransitionError) as refusal:
            transition(status, action)
        assert (refusal.value.status, refusal.value.action) == (status, action)
    else:
        assert transition(status, action) == Transition(status, action, Status(target))

    assert can(status, action) is (target is not None)


@pytest.mark.parametrize("status", Status)
def test_a_closed_schedule_never_opens_again(status: Status) -> None:
    is_closed = status.value in {"recovered", "exhausted", "canceled"}

    assert is_terminal(status) is is_closed
    assert (status in OPEN) is not is_closed
    targets = {transition(status, action).target for action in Action if can(status, action)}
    # Paid or voided after its end, it stays closed.
    assert not is_closed or targets.isdisjoint(OPEN)
