"""Sample events for `duro trigger`: shaped like the real ones, about a subscription that there is not."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from duro.billing.states import Status
from duro.kit.ids import new_id
from duro.modules.events.model import EventType, NewEvent
from duro.modules.invoices.schemas import InvoiceOut
from duro.modules.subscriptions.schemas import SubscriptionOut

_AMOUNT: Final = 500_000
_CURRENCY: Final = "NGN"
_PERIOD: Final = timedelta(days=30)
_NEXT: Final = timedelta(days=3)
# What the subscription is after each event; active after those that are not named.
_STATUS: Final[Mapping[EventType, Status]] = {
    EventType.SUBSCRIPTION_CREATED: Status.INCOMPLETE,
    EventType.SUBSCRIPTION_PAUSED: Status.PAUSED,
    EventType.SUBSCRIPTION_PAST_DUE: Status.PAST_DUE,
    EventType.SUBSCRIPTION_PAYMENT_FAILED: Status.PAST_DUE,
    EventType.SUBSCRIPTION_PAYMENT_ACTION_REQUIRED: Status.PAST_DUE,
    EventType.SUBSCRIPTION_UNPAID: Status.UNPAID,
    EventType.SUBSCRIPTION_EXPIRED: Status.EXPIRED,
    EventType.SUBSCRIPTION_CANCELLED: Status.CANCELED,
}
_WITHOUT_INVOICE: Final = frozenset(
    {
        EventType.SUBSCRIPTION_CREATED,
        EventType.SUBSCRIPTION_UPDATED,
        EventType.SUBSCRIPTION_PAUSED,
        EventType.SUBSCRIPTION_RESUMED,
        EventType.SUBSCRIPTION_CANCELLED,
    }
)
_OPEN: Final = frozenset({Status.PAST_DUE, Status.UNPAID})
_FAILURE: Final[Mapping[str, object]] = {
    "code": "insufficient_funds",
    "category": "soft",
    "message": "There was not enough money in the account.",
}


def sample(kind: EventType, *, now: datetime, wall: datetime) -> NewEvent:
    """An event of this type; every call makes up other ids, so that no two are of one object."""
    ids = {
        prefix: new_id(prefix, wall=wall) for prefix in ("sub", "cus", "pln", "pm", "inv", "txn")
    }
    status = _STATUS.get(kind, Status.ACTIVE)
    data: dict[str, object] = {"subscriptionId": ids["sub"], "customerId": ids["cus"]}
    if kind not in _WITHOUT_INVOICE:
        is_paid = status not in _OPEN and kind is not EventType.INVOICE_CREATED
        data |= {
            "invoiceId": ids["inv"],
            "amount": _AMOUNT,
            "currency": _CURRENCY,
            "invoice": InvoiceOut.spell(_invoice(ids, now, is_paid=is_paid)),
        }
    data |= _more(kind, ids, now)
    data["subscription"] = SubscriptionOut.spell(_subscription(ids, status, now))
    return NewEvent(kind, ids["sub"], data)


def _more(kind: EventType, ids: Mapping[str, str], now: datetime) -> dict[str, object]:
    match kind:
        case EventType.SUBSCRIPTION_PAYMENT_FAILED:
            return {
                "failureCode": _FAILURE["code"],
                "failureCategory": _FAILURE["category"],
                "reason": "Not enough money; the next payday is near.",
                "nextAttemptAt": now + _NEXT,
            }
        case EventType.SUBSCRIPTION_PAYMENT_ACTION_REQUIRED:
            return {
                "reason": "Another card is needed before it is tried again.",
                "nextAttemptAt": now + _NEXT,
            }
        case EventType.SUBSCRIPTION_PAYMENT_REFUNDED:
            refund = {
                "id": ids["txn"].replace("txn", "ref", 1),
                "transactionId": ids["txn"],
                "amount": _AMOUNT,
                "currency": _CURRENCY,
                "reason": None,
            }
            return {"refund": refund}
        case EventType.SUBSCRIPTION_PLAN_CHANGED:
            return {"previousPlanId": f"{ids['pln'][:-1]}0"}
        case _:
            return {}


def _subscription(ids: Mapping[str, str], status: Status, now: datetime) -> dict[str, Any]:
    return {
        "id": ids["sub"],
        "status": status,
        "customer_id": ids["cus"],
        "plan_id": ids["pln"],
        "payment_method_id": ids["pm"],
        "current_period_start": now,
        "current_period_end": now + _PERIOD,
        "trial_end": None,
        "cycles_completed": 0 if status is Status.INCOMPLETE else 1,
        "cancel_at_period_end": False,
        "balance": 0,
        "scheduled_plan_id": None,
        "pay_url": None,
        "last_payment_error": dict(_FAILURE) if status in _OPEN else None,
        "latest_invoice_id": ids["inv"],
        "metadata": {"sample": "true"},
        "created_at": now,
        "promo_code_id": None,
        "promo_cycles_left": None,
        "pending_plan_id": None,
        "carried": 0,
    }


def _invoice(ids: Mapping[str, str], now: datetime, *, is_paid: bool) -> dict[str, Any]:
    return {
        "id": ids["inv"],
        "subscription_id": ids["sub"],
        "customer_id": ids["cus"],
        "number": "INV-SAMPLE",
        "amount": _AMOUNT,
        "currency": _CURRENCY,
        "lines": [{"kind": "plan", "description": "Gold, 1 month", "amount": _AMOUNT}],
        "status": "paid" if is_paid else "open",
        "rail": "card" if is_paid else None,
        "period_start": now,
        "period_end": now + _PERIOD,
        "amount_refunded": 0,
        "paid_at": now if is_paid else None,
        "created_at": now,
        "amount_paid": _AMOUNT if is_paid else 0,
    }
