"""What a decision of recovery means for the subscription, and what its customer is told.

Pure: everything goes into `Changes`, nothing is read or written here.
"""

from typing import Final

from duro.billing.dunning import Move
from duro.billing.states import Action
from duro.modules.charging.model import Changes
from duro.modules.invoices.model import Invoice
from duro.modules.recovery.service import Step
from duro.modules.subscriptions.model import Subscription

_LAST_DUNNING_MESSAGE: Final = 4


def follow(changes: Changes, subscription: Subscription, invoice: Invoice, step: Step) -> None:
    """Carries out the move of `step`; a retry needs nothing but its date, which the step has."""
    cause = f"{step.schedule.id}:{step.schedule.attempts_made}"
    told = {
        "invoiceId": invoice.id,
        "reason": step.schedule.reason,
        "nextAttemptAt": step.schedule.next_attempt_at,
    }
    match step.move:
        case Move.EXHAUST:
            _exhausted(changes, subscription, invoice)
        case Move.REQUEST_CARD_UPDATE:
            changes.record(
                "subscription_payment_action_required",
                subscription,
                invoice,
                reason=step.schedule.reason,
                nextAttemptAt=step.schedule.next_attempt_at,
            )
            changes.tell("payment_action_required", subscription, cause, told)
        case Move.REMIND:
            changes.counts["reminders"] += 1
            cause = f"{cause}:{changes.tx.now.isoformat()}"
            changes.tell("payment_action_required", subscription, cause, told)
        case _:
            number = min(step.schedule.attempts_made, _LAST_DUNNING_MESSAGE)
            changes.tell(f"dunning_{number}", subscription, cause, told)


def _exhausted(changes: Changes, subscription: Subscription, invoice: Invoice) -> None:
    moved, event = subscription.step(Action.EXHAUST_DUNNING)
    lost = invoice.written_off()
    changes.subscriptions[moved.id] = moved
    changes.invoices[lost.id] = lost
    changes.counts["exhausted"] += 1
    changes.record(event, moved, lost)
