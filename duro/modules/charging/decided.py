"""What a decision of recovery means for the subscription, and what its customer is told.

Pure: everything goes into `Changes`, nothing is read or written here.
"""

from dataclasses import replace
from typing import Final

from duro.billing.case import Escalation
from duro.billing.decision import Move
from duro.billing.failures import Category
from duro.billing.rails import PUSH
from duro.billing.states import Action
from duro.modules.charging.model import Changes
from duro.modules.invoices.model import Invoice
from duro.modules.recovery.service import Step
from duro.modules.subscriptions.model import Subscription

_LAST_DUNNING_MESSAGE: Final = 4
# Nothing has to be done about these but to try again.
_CURED_BY_WAITING: Final = frozenset(
    {Category.INSUFFICIENT_FUNDS, Category.LIMIT, Category.PROCESSOR_ERROR}
)


def follow(changes: Changes, subscription: Subscription, invoice: Invoice, step: Step) -> None:
    """Carries out the move of `step`; a retry needs nothing but its date, which the step has."""
    cause = f"{step.schedule.id}:{step.schedule.attempts_made}"
    told = {
        "invoiceId": invoice.id,
        "reason": step.schedule.reason,
        "failureCategory": step.schedule.failure_category,
        "nextAttemptAt": step.schedule.next_attempt_at,
    }
    plan = step.schedule.plan
    match step.move:
        case Move.EXHAUST:
            changes.counts["exhausted"] += 1
            give_up(changes, subscription, invoice, plan.escalation)
        case Move.REQUEST_CARD_UPDATE:
            changes.record(
                "subscription_payment_action_required",
                subscription,
                invoice,
                reason=step.schedule.reason,
                nextAttemptAt=step.schedule.next_attempt_at,
            )
            if not plan.is_quiet:
                changes.tell("payment_action_required", subscription, cause, told)
        case _ if plan.is_quiet:
            # The merchant talks to its customers itself, by the events.
            pass
        case Move.REMIND:
            changes.counts["reminders"] += 1
            cause = f"{cause}:{changes.tx.now.isoformat()}"
            changes.tell("payment_action_required", subscription, cause, told)
        case Move.SWITCH_RAIL if step.schedule.rail in PUSH:
            # The request itself is what the customer is told.
            pass
        case Move.RETRY | Move.RETRY_PAYDAY if _is_kept_quiet(changes, step):
            # The next try is silent too; if it fails, the customer is told of both.
            changes.counts["keptQuiet"] += 1
        case _:
            number = min(step.schedule.attempts_made, _LAST_DUNNING_MESSAGE)
            changes.tell(f"dunning_{number}", subscription, cause, told)


def _is_kept_quiet(changes: Changes, step: Step) -> bool:
    """Whether the merchant wants nobody bothered with what the next try will likely cure by itself."""
    case = step.schedule
    return (
        changes.in_force.settings.quiet_first
        and case.attempts_made == 1
        and case.failure_category in _CURED_BY_WAITING
    )


def give_up(
    changes: Changes, subscription: Subscription, invoice: Invoice, escalation: Escalation
) -> Subscription:
    """The invoice is written off, and the subscription ends or stays unpaid; past due it cannot stay."""
    lost = invoice.written_off()
    changes.invoices[lost.id] = lost
    changes.involuntary.add(subscription.id)
    if escalation is Escalation.CANCEL:
        why = "The payment could not be recovered."
        stopped = replace(subscription, canceled_at=changes.tx.now, cancel_reason=why)
        moved, event = stopped.step(Action.CANCEL)
        # Unpaid it could still be paid late; ended it cannot, so nobody is asked to any more.
        changes.push.closed_invoices.add(lost.id)
        changes.tell("subscription_cancelled", moved, moved.id, {"reason": why})
    else:
        moved, event = subscription.step(Action.EXHAUST_DUNNING)
    changes.subscriptions[moved.id] = moved
    changes.record(event, moved, lost)
    return moved
