"""The case of a failed renewal: its schedule, its decisions and what it moves in the ledger."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from duro.billing import schedule
from duro.billing.case import Escalation, Settings
from duro.billing.decision import Move
from duro.billing.failures import Category
from duro.billing.payday import PAYDAY_ANCHOR_DAY
from duro.billing.rails import ORDER, Rail
from duro.kit.modes import Mode

# The settings that everybody has until a merchant changes them.
DEFAULT_SETTINGS_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoverySettings:
    """What a merchant chooses for recovery and reminders; `docs/recovery-settings.md` says what each does."""

    auto_recovery: bool = True
    renewal_reminders: bool = True
    renewal_reminder_days: int = 3
    abandoned_cart: bool = False
    dunning_enabled: bool = True
    dunning_escalation_days: int | None = None
    dunning_escalation: Escalation = Escalation.MARK_UNPAID
    payday_aware: bool = True
    payday_anchor_day: int = PAYDAY_ANCHOR_DAY
    retry_offsets_hours: tuple[int, ...] = (0, 24, 72, 120, 168)
    max_attempts: int = 5
    rails: tuple[Rail, ...] = ORDER
    learn_payday: bool = False
    quiet_first: bool = False

    @property
    def reminder_window(self) -> timedelta:
        """How long before the period's end its customer is reminded."""
        return timedelta(days=self.renewal_reminder_days)

    def plan(self) -> Settings:
        """What a case that opens now lives by; raises `ValueError` if the choices contradict each other."""
        is_quiet = not self.dunning_enabled
        return Settings(
            payday_aware=self.payday_aware,
            payday_anchor_day=self.payday_anchor_day,
            offsets_hours=self.retry_offsets_hours,
            max_attempts=self.max_attempts,
            rails=self.rails,
            auto_recovery=self.auto_recovery,
            is_quiet=is_quiet,
            escalation=Escalation.MARK_UNPAID if is_quiet else self.dunning_escalation,
            escalation_days=None if is_quiet else self.dunning_escalation_days,
            learn_payday=self.learn_payday,
        )

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "RecoverySettings":
        settings = cls(**data)
        return replace(
            settings,
            dunning_escalation=Escalation(settings.dunning_escalation),
            retry_offsets_hours=tuple(settings.retry_offsets_hours),
            rails=tuple(Rail(name) for name in settings.rails),
        )


@dataclass(frozen=True, slots=True)
class SettingsVersion:
    """The settings in force; version 1 is the defaults, and nobody ever changed to it."""

    version: int
    settings: RecoverySettings
    changed_at: datetime | None


DEFAULT_SETTINGS = SettingsVersion(DEFAULT_SETTINGS_VERSION, RecoverySettings(), None)


def default_settings(mode: Mode) -> SettingsVersion:
    """What is tried before it is trusted with real money is on in test mode only."""
    learning = replace(DEFAULT_SETTINGS.settings, learn_payday=mode is Mode.TEST)
    return replace(DEFAULT_SETTINGS, settings=learning)


class RecoveredBy(StrEnum):
    """What brought the money back; one reason for each invoice."""

    RETRY = "retry"
    PAYDAY_RETRY = "payday_retry"
    NEW_CARD = "new_card"
    OTHER_RAIL = "other_rail"
    PAY_LINK = "pay_link"
    MANUAL = "manual"


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
    attempts_skipped: int
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
    alternatives: Sequence[str] = ()
    would_change: str = ""


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """One movement of money at risk, in minor units.

    A case enters once and leaves once; what happens to it afterwards takes the amount from one column to another, by
    a negative and a positive row of that `cause_id`.
    """

    schedule_id: str
    movement: Movement
    amount_minor: int
    currency: str
    reason: str
    moved_at: datetime
    cause_id: str = ""
