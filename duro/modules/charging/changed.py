"""What becomes of a change of plan: it happens, or everything is as it was.

Pure: everything goes into `Changes`, nothing is read or written here.
"""

from dataclasses import replace

from duro.modules.charging.model import Changes
from duro.modules.invoices.model import Invoice
from duro.modules.subscriptions.model import BalanceReason, PlanChange, Subscription


def after(
    changes: Changes,
    before: Subscription,
    change: PlanChange,
    *,
    credit_minor: int = 0,
    invoice_id: str | None = None,
) -> Subscription:
    """The subscription once the change is done."""
    moved = before.changed(change, now=changes.tx.now, reminder=changes.reminder_window)
    return changes.move_balance(moved, credit_minor, BalanceReason.DOWNGRADE, invoice_id)


def carry_out(
    changes: Changes, before: Subscription, moved: Subscription, paid: Invoice | None
) -> Subscription:
    """The change is done: `moved` is what `after` made of `before`, `paid` its invoice, if it has one."""
    if paid is not None:
        moved = replace(moved, latest_invoice_id=paid.id)
    changes.subscriptions[moved.id] = moved
    changes.counts["plan_changes"] += 1
    changes.record("subscription_plan_changed", moved, paid, previousPlanId=before.plan_id)
    if paid is not None:
        changes.record("subscription_payment_success", moved, paid)
    return moved


def take_back(changes: Changes, before: Subscription, invoice: Invoice) -> Subscription:
    """The charge was declined: the old plan goes on, and what the invoice used comes back."""
    restored = changes.undo(before.unchanged(), invoice)
    changes.subscriptions[restored.id] = restored
    return restored
