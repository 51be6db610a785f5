"""Owns a tenant to whom everything happened once: paid, past due, recovered, refunded, credited, in suspense."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from duro.kit.clock import FixedClock
from duro.kit.db import Database
from duro.kit.ids import new_id
from duro.modules.charging import refund
from duro.runtime.pools import open_database
from tests.support.billing import Shop
from tests.support.tenants import add_tenant

# A Tuesday, far from any payday.
_BEGIN: Final = datetime(2027, 1, 5, 9, 0, tzinfo=UTC)
_PARTLY: Final = 100_000
# What no request can bring about without a worker: an endpoint that got every event, a promo code that nobody has, and
# money that fits nothing.
_BY_HAND: Final = (
    """INSERT INTO webhook_endpoints (tenant_id, id, url, types, secret, created_at)
       SELECT id, 'whe_a', 'https://example.com', '{}', '\\x00', '2027-01-01Z' FROM tenants""",
    """INSERT INTO webhook_deliveries (tenant_id, id, event_id, endpoint_id, status, attempts, created_at, settled_at)
       SELECT tenant_id, 'whd_' || id, id, 'whe_a', 'delivered', 1, created_at, created_at FROM events""",
    "UPDATE events SET dispatched_at = created_at",
    """INSERT INTO promo_codes (tenant_id, id, code, discount_type, discount_value, duration, redeemed_count, metadata,
                                created_at)
       SELECT id, 'prm_a', 'ADUN', 'percentage', 10, 'once', 0, '{}', '2027-01-01Z' FROM tenants""",
    """INSERT INTO simulated_credits (tenant_id, id, reference, amount_minor, currency, paid_at)
       SELECT id, 'credit_a', '0123456789', 70000, 'NGN', '2027-01-01Z' FROM tenants""",
    """INSERT INTO incoming_payments (tenant_id, id, gateway, gateway_id, reference, amount_minor, currency,
                                      applied_minor, credited_minor, suspended_minor, received_at, created_at)
       SELECT id, 'inc_a', 'simulated', 'credit_a', '0123456789', 70000, 'NGN', 0, 0, 70000, '2027-01-01Z',
              '2027-01-01Z'
         FROM tenants""",
    """INSERT INTO suspense_items (tenant_id, id, incoming_id, amount_minor, currency, reason, status, created_at)
       SELECT id, 'sus_a', 'inc_a', 70000, 'NGN', 'unmatched', 'open', '2027-01-01Z' FROM tenants""",
    """INSERT INTO ledger_entries (tenant_id, cause, cause_id, debit, credit, amount_minor, currency, posted_at)
       SELECT id, 'incoming', 'inc_a', 'gateway_clearing', 'suspense', 70000, 'NGN', '2027-01-01Z' FROM tenants""",
)
# By name, what finds the id of a row of the story.
_NAMED: Final = {
    "first_invoice": "SELECT min(id) FROM invoices WHERE subscription_id = $1",
    "invoice": "SELECT max(id) FROM invoices WHERE subscription_id = $1",
    "attempt": "SELECT max(id) FROM payment_attempts WHERE subscription_id = $1",
    "reference": "SELECT reference FROM payment_attempts WHERE subscription_id = $1 ORDER BY id DESC LIMIT 1",
    "case": "SELECT id FROM dunning_schedules WHERE subscription_id = $1",
    "refund": "SELECT r.id FROM refunds r JOIN invoices i ON i.id = r.invoice_id WHERE i.subscription_id = $1",
    "refund_reference": """SELECT r.reference FROM refunds r JOIN invoices i ON i.id = r.invoice_id
                            WHERE i.subscription_id = $1""",
    "balance_entry": "SELECT max(id) FROM balance_entries WHERE subscription_id = $1",
    "event": "SELECT id FROM events WHERE object_id = $1 ORDER BY position DESC LIMIT 1",
    "customer": "SELECT customer_id FROM subscriptions WHERE id = $1",
}


@dataclass(frozen=True)
class Told:
    """The tenant, and the ids of its rows: those of the subscription `paid` are `paid`, `paid_invoice` and so on."""

    database_url: str
    tenant_id: str
    ids: Mapping[str, str]


async def tell(database_url: str) -> Told:
    """Everything once, and nothing under way at the end."""
    clock = FixedClock(_BEGIN)
    db = await open_database(database_url, clock=clock)
    try:
        return await _tell(db, clock, database_url)
    finally:
        await db.close()


async def _tell(db: Database, clock: FixedClock, database_url: str) -> Told:
    tenant_id = await add_tenant(database_url, new_id("ten", wall=_BEGIN), name="Adunni Gyms")
    shop = Shop.open(db, clock, database_url, tenant_id)
    plan, small = await shop.plan(), await shop.plan(amount=1_000)
    names = ("paid", "past_due", "recovered", "refunded", "credited", "in_credit")
    subscriptions = {name: await shop.subscribe(plan) for name in names}
    subscriptions["small"] = await shop.subscribe(small)
    await shop.give_credit(subscriptions["credited"], 50_000)
    await shop.give_credit(subscriptions["in_credit"], 900_000)
    await shop.use(subscriptions["past_due"], "pm_test_insufficient_funds")
    await shop.use(subscriptions["recovered"], "pm_test_expired")
    clock.move(timedelta(days=31))
    await shop.catch_up()
    await shop.use(subscriptions["recovered"], "pm_test_ok")
    await shop.catch_up()
    invoice_id = str(await shop.value(_NAMED["invoice"], subscriptions["refunded"]))
    async with shop.scope.begin() as tx:
        opened = await refund.begin(tx, invoice_id, amount_minor=_PARTLY, reason=None)
    await refund.run(shop.charging, shop.scope, opened)
    for command in _BY_HAND:
        await shop.query(command)
    ids = {"tenant": tenant_id}
    for name, subscription_id in subscriptions.items():
        ids[name] = subscription_id
        for of, text in _NAMED.items():
            rows = await shop.query(text, subscription_id)
            if rows and rows[0][0] is not None:
                ids[f"{name}_{of}"] = rows[0][0]
    return Told(database_url, tenant_id, ids)
