"""Reads over the tables of several features, where a charge needs them at once and each would be a round trip."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from duro.kit.db import Tx
from duro.kit.rows import Parts, columns
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
# Of whom the row is, and their rival.
_BEFORE_DEFAULT: Final = 2


@dataclass(frozen=True, slots=True)
class Start:
    """What a new subscription begins with; the customer's row is held."""

    customer: Customer
    plan: Plan
    # A subscription that keeps the customer from another one to the plan.
    rival_id: str | None
    default: PaymentMethod | None


async def find_starts(
    tx: Tx, links: PayLinks, wanted: Mapping[str, str]
) -> tuple[Changes, dict[str, Start]]:
    """Nothing changed yet, and by customer what begins with the plan that is `wanted` for them, where both exist."""
    pairs = (list(wanted), list(wanted.values()))
    rows = await tx.rows(_SQL["lock_starts"], *pairs)
    if not rows:
        return await changes_for(tx, links), {}
    zone, in_force = terms_in(tx, rows[0])
    others = {row["of"]: row for row in await tx.rows(_SQL["find_rivals_and_defaults"], *pairs)}
    starts = {}
    for row in rows:
        parts = Parts(row)
        customer, plan = parts.take(Customer), parts.take(Plan)
        other = others[customer.id]
        default = Parts(other, skip=_BEFORE_DEFAULT).find(PaymentMethod)
        starts[customer.id] = Start(customer, plan, other["rival"], default)
    return Changes(tx, zone, links, in_force), starts


async def lock_plain_cases(
    tx: Tx, links: PayLinks, attempts: Sequence[Attempt]
) -> tuple[Changes, dict[str, Case]]:
    """Nothing changed yet, and by attempt what the success of a first charge or a renewal can touch, locked.

    Such an attempt says all by itself: the invoice tells the period, and nobody asks what else could be charged.
    """
    rows = await tx.rows(
        _SQL["lock_plain_cases"], *columns(attempts, "subscription_id", "invoice_id", "id")
    )
    if not rows:
        return await changes_for(tx, links), {}
    zone, in_force = terms_in(tx, rows[0])
    cases = {}
    for row in rows:
        parts = Parts(row)
        subscription, invoice = parts.take(Subscription), parts.take(Invoice)
        found, plan = parts.take(Attempt), parts.take(Plan)
        cases[found.id] = Case(subscription, invoice, found, None, [found], plan)
    return Changes(tx, zone, links, in_force), cases
