"""Recovery cases as they are shown."""

from datetime import datetime
from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import Field

from duro.billing.case import MAX_ESCALATION_DAYS, MAX_OFFSET_HOURS, Escalation
from duro.billing.decision import Move
from duro.billing.failures import Category
from duro.billing.rails import Rail
from duro.billing.schedule import Status
from duro.kit.pagination import ListQuery
from duro.kit.schema import NOT_NULL, Body, Choice, Out
from duro.modules.recovery.model import DecisionRow, RecoveredBy, Schedule, SettingsVersion

_TRIES_MAX: Final = 20
_REMINDER_DAYS_MAX: Final = 30

RailName: TypeAlias = Literal["card", "ussd", "transfer", "virtual_account", "direct_debit"]


class DecisionOut(Out):
    """One decision: what was known, what was decided, when it acts, and why."""

    at: datetime
    action: str
    rail: Rail | None
    next_attempt_at: datetime | None
    reason: str
    rule: str
    inputs: dict[str, Any]
    settings_version: int
    alternatives: Annotated[
        list[str], Field(description="What else was considered, each with why not.")
    ]
    would_change: Annotated[
        str,
        Field(description="What would have led to another decision; empty if nothing was open."),
    ]


class RecoveryCaseOut(Out):
    """A failed renewal that is worked until its money is back or given up."""

    id: str
    subscription_id: str
    invoice_id: str
    customer_id: str
    state: Status
    amount: int
    currency: str
    failure_code: str
    failure_category: Category
    attempts_made: int
    attempts_skipped: int
    max_attempts: int
    rail: Rail
    next_action: Move | None
    next_attempt_at: datetime | None
    reason: str
    opened_at: datetime
    closed_at: datetime | None
    recovered_by: RecoveredBy | None


class RecoveryCaseDetail(RecoveryCaseOut):
    """A case with every decision made in it, oldest first."""

    decisions: list[DecisionOut]


class RecoveryListQuery(ListQuery):
    """Filters of the list of cases; the created range is that of their opening."""

    state: Status | None = None
    customer_id: str | None = None
    subscription_id: str | None = None


class RecoverySettingsOut(Out):
    """How failed renewals are worked; `changedAt` is null for version 1, the defaults."""

    version: int
    auto_recovery: bool
    renewal_reminders: bool
    renewal_reminder_days: int
    abandoned_cart: bool
    dunning_enabled: bool
    dunning_escalation_days: int | None
    dunning_escalation: Escalation
    payday_aware: bool
    payday_anchor_day: int
    retry_offsets_hours: tuple[int, ...]
    max_attempts: int
    rails: tuple[Rail, ...]
    learn_payday: bool
    quiet_first: bool
    changed_at: datetime | None


class RecoverySettingsPatch(Body):
    """Only what is given changes; cases that are open keep the settings they began with."""

    auto_recovery: Annotated[
        bool | None, NOT_NULL, Field(description="Charge again without being asked.")
    ] = None
    renewal_reminders: Annotated[
        bool | None, NOT_NULL, Field(description="Remind customers of a renewal to come.")
    ] = None
    renewal_reminder_days: Annotated[
        Annotated[int, Field(ge=1, le=_REMINDER_DAYS_MAX)] | None,
        NOT_NULL,
        Field(description="How many days before; for periods under way too."),
    ] = None
    abandoned_cart: Annotated[
        bool | None, NOT_NULL, Field(description="Remind whoever leaves a checkout open, once.")
    ] = None
    dunning_enabled: Annotated[
        bool | None, NOT_NULL, Field(description="Tell customers of failures, and escalate.")
    ] = None
    dunning_escalation_days: Annotated[
        Annotated[int, Field(ge=1, le=MAX_ESCALATION_DAYS)] | None,
        Field(description="Days after the first failure; null: when the tries are used up."),
    ] = None
    dunning_escalation: Annotated[Annotated[Escalation, Choice] | None, NOT_NULL] = None
    payday_aware: Annotated[bool | None, NOT_NULL] = None
    payday_anchor_day: Annotated[Annotated[int, Field(ge=1, le=31)] | None, NOT_NULL] = None
    retry_offsets_hours: Annotated[
        Annotated[
            list[Annotated[int, Field(ge=0, le=MAX_OFFSET_HOURS)]],
            Field(min_length=1, max_length=_TRIES_MAX),
        ]
        | None,
        NOT_NULL,
        Field(description="Hours after the first failure, rising, from 0, the renewal itself."),
    ] = None
    max_attempts: Annotated[
        Annotated[int, Field(ge=1, le=_TRIES_MAX)] | None,
        NOT_NULL,
        Field(description="The renewal counts; at most as many as there are offsets."),
    ] = None
    rails: Annotated[
        Annotated[list[RailName], Field(min_length=1, max_length=5)] | None, NOT_NULL
    ] = None
    learn_payday: Annotated[
        bool | None,
        NOT_NULL,
        Field(description="Wait for each customer's own payday where it is known."),
    ] = None
    quiet_first: Annotated[
        bool | None,
        NOT_NULL,
        Field(description="Say nothing of a first failure that a silent retry will likely cure."),
    ] = None


class CaseNote(Body):
    """Why somebody steps in."""

    reason: Annotated[str | None, Field(max_length=500)] = None


def present_settings(current: SettingsVersion) -> RecoverySettingsOut:
    return RecoverySettingsOut.model_construct(
        version=current.version, changed_at=current.changed_at, **current.settings.to_dict()
    )


def present(case: Schedule) -> RecoveryCaseOut:
    return RecoveryCaseOut.model_construct(**_shown(case))


def present_detail(case: Schedule, decisions: list[DecisionRow]) -> RecoveryCaseDetail:
    return RecoveryCaseDetail.model_construct(
        **_shown(case), decisions=[_present_decision(decision) for decision in decisions]
    )


def _present_decision(decision: DecisionRow) -> DecisionOut:
    return DecisionOut.model_construct(
        at=decision.decided_at,
        action=decision.action,
        rail=decision.rail,
        next_attempt_at=decision.next_attempt_at,
        reason=decision.reason,
        rule=decision.rule,
        inputs=decision.inputs,
        settings_version=decision.settings_version,
        alternatives=list(decision.alternatives),
        would_change=decision.would_change,
    )


def _shown(case: Schedule) -> dict[str, Any]:
    return {
        "id": case.id,
        "subscription_id": case.subscription_id,
        "invoice_id": case.invoice_id,
        "customer_id": case.customer_id,
        "state": case.state,
        "amount": case.amount_minor,
        "currency": case.currency,
        "failure_code": case.failure_code,
        "failure_category": case.failure_category,
        "attempts_made": case.attempts_made,
        "attempts_skipped": case.attempts_skipped,
        "max_attempts": case.plan.max_attempts,
        "rail": case.rail,
        "next_action": case.next_action,
        "next_attempt_at": case.next_attempt_at,
        "reason": case.reason,
        "opened_at": case.opened_at,
        "closed_at": case.closed_at,
        "recovered_by": case.recovered_by,
    }
