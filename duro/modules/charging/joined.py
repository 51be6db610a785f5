"""Reads over the tables of several features, where a charge needs them at once and each would be a round trip."""

from dataclasses import dataclass
from typing import Final

from duro.kit.db import Tx
from duro.kit.rows import Parts
from duro.kit.sql import queries
from duro.modules.catalog.model import Plan
from duro.modules.charging.model import Case, Changes, changes_for
from duro.modules.customers.model import Customer
from duro.modules.invoices.links import PayLinks
from duro.modules.invoices.model import Invoice
from duro.modules.payments.model import Attempt, PaymentMethod
from duro.modules.recovery.repository import terms_in
from duro.modules.subscriptions.model import Subscription

_SQL: Final = queries("charging")


@dataclass(frozen=True, slots=True)
class Start:
    """What a new subscription begins with; the customer's row is held."""

    changes: Changes
    customer: Customer
    plan: Plan


async def find_start(tx: Tx, links: PayLinks, *, customer_id: str, plan_id: str) -> Start | None:
    """None where there is no such plan or no such customer."""
    row = await tx.row(_SQL["lock_start"], customer_id, plan_id)
    if row is None:
        return None
    parts = Parts(row)
    customer, plan = parts.take(Customer), parts.take(Plan)
    zone, in_force = terms_in(tx, row)
    return Start(Changes(tx, zone, links, in_force), customer, plan)


async def find_rival_and_default(
    tx: Tx, *, customer_id: str, plan_id: str
) -> tuple[str | None, PaymentMethod | None]:
    """A subscription that keeps the customer, whose row is held, from another one to the plan; their default method."""
    row = await tx.row(_SQL["find_rival_and_default"], customer_id, plan_id)
    if row is None:
        return None, None
    return row["rival"], Parts(row).find(PaymentMethod)


async def lock_plain_case(
    tx: Tx, links: PayLinks, attempt: Attempt
) -> tuple[Changes, dict[str, Case]]:
    """Nothing changed yet, and by attempt what the success of a first charge or a renewal can touch, locked.

    Such an attempt says all by itself: the invoice tells the period, and nobody asks what else could be charged.
    """
    ids = (attempt.subscription_id, attempt.invoice_id, attempt.id)
    row = await tx.row(_SQL["lock_plain_case"], *ids)
    if row is None:
        return await changes_for(tx, links), {}
    parts = Parts(row)
    subscription, invoice = parts.take(Subscription), parts.take(Invoice)
    found = parts.take(Attempt)
    zone, in_force = terms_in(tx, row)
    case = Case(subscription, invoice, found, None, [found])
    return Changes(tx, zone, links, in_force), {found.id: case}
