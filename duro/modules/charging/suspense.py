"""Money in suspense, resolved in one call: paid to an invoice, given as credit, or noted as given back."""

from dataclasses import replace
from enum import StrEnum
from typing import Final

from duro.billing.rails import Rail
from duro.billing.states import Action, can
from duro.errors import ConflictError
from duro.kit.db import Tx
from duro.kit.ids import new_id
from duro.kit.schema import refuse
from duro.modules.catalog.repository import PlanRepository
from duro.modules.charging import requested
from duro.modules.charging.engine import open_request
from duro.modules.charging.model import Changes, changes_for
from duro.modules.charging.push import freed
from duro.modules.charging.receive import Arrival, receive
from duro.modules.customers.repository import CustomerRepository
from duro.modules.invoices.links import PayLinks
from duro.modules.invoices.model import Invoice
from duro.modules.invoices.repository import InvoiceRepository
from duro.modules.ledger.model import Account
from duro.modules.payments.gateway import Credit
from duro.modules.payments.incoming import SuspenseRepository
from duro.modules.payments.model import (
    Purpose,
    Resolution,
    SuspenseItem,
    SuspenseReason,
    SuspenseStatus,
)
from duro.modules.payments.repository import AttemptRepository
from duro.modules.payments.requests import PaymentRequestRepository
from duro.modules.recovery.seen import Payer
from duro.modules.subscriptions.model import BalanceReason, Subscription
from duro.modules.subscriptions.repository import SubscriptionRepository

# Where money comes from that was in suspense before; its id there is the item's.
GATEWAY: Final = "suspense"


class SuspenseAction(StrEnum):
    """What a merchant decides: `refunded` notes that it went back by other means."""

    APPLY = "apply"
    CREDIT = "credit"
    REFUNDED = "refunded"


async def apply_to_invoice(
    tx: Tx, links: PayLinks, item_id: str, *, invoice_id: str, note: str | None
) -> SuspenseItem:
    """As if it had come for that invoice; what is too much becomes credit."""
    invoice = await _lock_payable(tx, invoice_id)
    item = await _lock_open(tx, item_id)
    if item.reason is SuspenseReason.SHORT:
        raise ConflictError("It counts towards its invoice already, which waits for the rest.")
    if item.currency != invoice.currency:
        raise ConflictError(f"The invoice is in {invoice.currency}, the money in {item.currency}.")
    customer = (await CustomerRepository(tx).find_many([invoice.customer_id]))[invoice.customer_id]
    charge = open_request(
        invoice=invoice,
        payer=Payer(customer, {}),
        purpose=Purpose.MANUAL,
        now=tx.now,
        wall=tx.wall,
        rail=Rail.TRANSFER,
    )
    attempt = replace(charge.attempt, check_at=None, lease_until=None)
    request = requested.request_for(
        attempt, request_id=new_id("prq", wall=tx.wall), details={}, now=tx.now
    )
    await AttemptRepository(tx).add([attempt])
    await PaymentRequestRepository(tx).add([request])
    changes = await changes_for(tx, links)
    resolved = _resolve(changes, item, Resolution.APPLIED, note)
    await _write(changes, resolved)
    credit = Credit(item.id, item.id, item.amount_minor, item.currency, tx.now)
    await receive(tx, links, arrival=Arrival(GATEWAY, credit), request_id=request.id)
    return resolved


async def give_as_credit(
    tx: Tx, links: PayLinks, item_id: str, *, subscription_id: str | None, note: str | None
) -> SuspenseItem:
    """It nets against the coming invoices of a subscription."""
    seen = await SuspenseRepository(tx).get(item_id)
    target = subscription_id or seen.subscription_id
    if target is None:
        raise refuse("subscriptionId", "Is needed: this money belongs to no subscription yet.")
    row = await SubscriptionRepository(tx).lock(target)
    if not can(row.status, Action.CANCEL):
        raise ConflictError(f"A subscription that is {row.status} has no invoices to come.")
    changes = await changes_for(tx, links)
    invoice = await _lock_short(tx, seen)
    item = await _lock_open(tx, item_id)
    await _demand_currency(tx, item, row)
    _take_back(changes, item, invoice, Resolution.CREDITED)
    credited = changes.move_balance(row, item.amount_minor, BalanceReason.OVERPAYMENT)
    changes.subscriptions[credited.id] = credited
    resolved = _resolve(changes, item, Resolution.CREDITED, note)
    await _write(changes, replace(resolved, subscription_id=target))
    return resolved


async def note_refund(tx: Tx, links: PayLinks, item_id: str, *, note: str | None) -> SuspenseItem:
    """It went back by other means; Duro only takes note."""
    seen = await SuspenseRepository(tx).get(item_id)
    if seen.subscription_id is not None:
        await SubscriptionRepository(tx).lock(seen.subscription_id)
    changes = await changes_for(tx, links)
    invoice = await _lock_short(tx, seen)
    item = await _lock_open(tx, item_id)
    _take_back(changes, item, invoice, Resolution.REFUNDED)
    resolved = _resolve(changes, item, Resolution.REFUNDED, note)
    await _write(changes, resolved)
    return resolved


def _resolve(
    changes: Changes, item: SuspenseItem, how: Resolution, note: str | None
) -> SuspenseItem:
    changes.postings.append(freed(item, Account.GATEWAY_CLEARING))
    return replace(
        item,
        status=SuspenseStatus.RESOLVED,
        resolution=how,
        note=note,
        resolved_at=changes.tx.now,
    )


async def _write(changes: Changes, resolved: SuspenseItem) -> None:
    await SuspenseRepository(changes.tx).save([resolved])
    await changes.write()


def _take_back(
    changes: Changes, item: SuspenseItem, invoice: Invoice | None, how: Resolution
) -> None:
    """A part that was paid of an invoice does not count towards it any more."""
    if invoice is None:
        return
    less = replace(invoice, received_minor=invoice.received_minor - item.amount_minor)
    changes.invoices[less.id] = less
    changes.push.taken_back.append((item, how))


async def _lock_short(tx: Tx, seen: SuspenseItem) -> Invoice | None:
    """The invoice that waits for the rest; while that is being charged, the part must not be taken away."""
    if seen.reason is not SuspenseReason.SHORT or seen.invoice_id is None:
        return None
    invoice = await InvoiceRepository(tx).lock(seen.invoice_id)
    attempts = await AttemptRepository(tx).of_invoice(invoice.id)
    if any(attempt.is_under_way for attempt in attempts):
        raise ConflictError("The rest of the invoice is being charged; try again in a moment.")
    return invoice


async def _lock_payable(tx: Tx, invoice_id: str) -> Invoice:
    seen = await InvoiceRepository(tx).get(invoice_id)
    await SubscriptionRepository(tx).lock(seen.subscription_id or "")
    invoice = await InvoiceRepository(tx).lock(invoice_id)
    if not invoice.is_payable:
        raise ConflictError(f"The invoice is {invoice.status}.")
    return invoice


async def _lock_open(tx: Tx, item_id: str) -> SuspenseItem:
    item = await SuspenseRepository(tx).lock(item_id)
    if item.status is not SuspenseStatus.OPEN:
        raise ConflictError(f"It was resolved already: {item.resolution}.")
    return item


async def _demand_currency(tx: Tx, item: SuspenseItem, row: Subscription) -> None:
    currency = (await PlanRepository(tx).get(row.plan_id)).currency
    if currency != item.currency:
        raise ConflictError(
            f"The subscription is paid in {currency}, the money is {item.currency}."
        )
