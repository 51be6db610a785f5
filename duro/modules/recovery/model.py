"""The case of a failed renewal: its schedule, its decisions and what it moves in the ledger."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from duro.billing import schedule
from duro.billing.case import Settings
from duro.billing.dunning import Move
from duro.billing.failures import Category
from duro.billing.rails import Rail

# The settings that everybody has until a merchant changes them.
DEFAULT_SETTINGS_VERSION = 1


class RecoveredBy(StrEnum):
    """What brought the money back; one reason for each invoice."""

    RETRY = "retry"
    PAYDAY_RETRY = "payday_retry"
    NEW_CARD = "new_card"


class Movement(StrEnum):
    """`entered` puts money at risk; each of the others takes it out again, once."""

    ENTERED = "entered"
    RECOVERED = "recovered"
    LOST = "lost"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Schedule:
    """The recovery plan of one invoice."""

    id: str
    subscription_id: str
    invoice_id: str
    customer_id: str
    state: schedule.Status
    amount_minor: int
    currency: str
    rail: Rail
    failure_code: str
    failure_category: Category
    attempts_made: int
    settings: dict[str, Any]
    settings_version: int
    next_action: Move | None
    next_attempt_at: datetime | None
    reason: str
    first_failed_at: datetime
    last_pull_at: datetime | None
    deadline_at: datetime | None
    recovered_by: RecoveredBy | None
    refund_due_at: datetime | None
    opened_at: datetime
    closed_at: datetime | None

    @property
    def plan(self) -> Settings:
        """The settings frozen when the case was opened."""
        return Settings.from_dict(self.settings)

    @property
    def is_open(self) -> bool:
        return self.state in schedule.OPEN

    def step(self, action: schedule.Action) -> "Schedule":
        """After the action; raises `IllegalTransitionError` if the state does not allow it."""
        return replace(self, state=schedule.transition(self.state, action).target)

    def closed(self, action: schedule.Action, *, at: datetime, reason: str) -> "Schedule":
        return replace(
            self.step(action),
            next_action=None,
            next_attempt_at=None,
            deadline_at=None,
            closed_at=at,
            reason=reason,
        )


@dataclass(frozen=True, slots=True)
class DecisionRow:
    """One decision as it is kept: what was known, what was decided, and why."""

    schedule_id: str
    decided_at: datetime
    action: str
    rail: Rail | None
    next_attempt_at: datetime | None
    reason: str
    rule: str
    inputs: dict[str, Any]
    settings_version: int


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """One movement of money at risk, in minor units."""

    schedule_id: str
    movement: Movement
    amount_minor: int
    currency: str
    reason: str
    moved_at: datetime
