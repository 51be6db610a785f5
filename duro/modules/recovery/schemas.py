"""Recovery cases as they are shown."""

from datetime import datetime
from typing import Any

from duro.billing.decision import Move
from duro.billing.failures import Category
from duro.billing.rails import Rail
from duro.billing.schedule import Status
from duro.kit.pagination import ListQuery
from duro.kit.schema import Out
from duro.modules.recovery.model import DecisionRow, RecoveredBy, Schedule


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
