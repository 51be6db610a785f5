"""Owns the exhaustive check of the subscription's state machine: all 9 x 10 pairs."""

from itertools import product

import pytest

from duro.billing.states import (
    LIVE,
    TRANSITIONS,
    Action,
    IllegalTransitionError,
    Status,
    Transition,
    can,
    is_terminal,
    transition,
)

# Written out by hand from the product description, in its order and with its spellings.
EXPECTED = {
    ("incomplete", "start_trial"): ("trialing", "subscription_created"),
    ("incomplete", "activate"): ("active", "subscription_activated"),
    ("incomplete", "expire_incomplete"): ("incomplete_expired", "subscription_expired"),
    ("trialing", "activate"): ("active", "subscription_activated"),
    ("trialing", "renewal_failed"): ("past_due", "subscription_past_due"),
    ("active", "renewal_failed"): ("past_due", "subscription_past_due"),
    ("active", "pause"): ("paused", "subscription_paused"),
    ("active", "reach_limit"): ("expired", "subscription_expired"),
    ("paused", "resume"): ("active", "subscription_resumed"),
    ("past_due", "recover"): ("active", "subscription_recovered"),
    ("past_due", "exhaust_dunning"): ("unpaid", "subscription_unpaid"),
    ("unpaid", "recover"): ("active", "subscription_recovered"),
    ("incomplete", "cancel"): ("canceled", "subscription_cancelled"),
    ("trialing", "cancel"): ("canceled", "subscription_cancelled"),
    ("active", "cancel"): ("canceled", "subscription_cancelled"),
    ("past_due", "cancel"): ("canceled", "subscription_cancelled"),
    ("paused", "cancel"): ("canceled", "subscription_cancelled"),
    ("unpaid", "cancel"): ("canceled", "subscription_cancelled"),
}


def test_there_are_nine_states_and_ten_actions() -> None:
    assert (len(Status), len(Action)) == (9, 10)


@pytest.mark.parametrize(("status", "action"), list(product(Status, Action)))
def test_every_pair_moves_as_described_or_is_refused(status: Status, action: Action) -> None:
    expected = EXPECTED.get((status.value, action.value))

    if expected is None:
        with pytest.raises(IllegalTransitionError) as refusal:
            transition(status, action)
        assert (refusal.value.status, refusal.value.action) == (status, action)
        assert str(refusal.value) == f"cannot {action.value} from {status.value}"
    else:
        target, event = expected
        assert transition(status, action) == Transition(status, action, Status(target), event)

    assert can(status, action) is (expected is not None)


@pytest.mark.parametrize("status", Status)
def test_only_ended_states_are_terminal_and_nothing_leaves_them(status: Status) -> None:
    is_ended = status.value in {"canceled", "expired", "incomplete_expired"}

    assert is_terminal(status) is is_ended
    assert any(can(status, action) for action in Action) is not is_ended


def test_live_states_are_those_between_the_first_payment_and_the_end() -> None:
    assert {"trialing", "active", "past_due", "paused", "unpaid"} == LIVE


def test_the_table_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        TRANSITIONS[Status.EXPIRED, Action.RECOVER] = TRANSITIONS[  # type: ignore[index]  # the point of the test
            Status.UNPAID, Action.RECOVER
        ]
