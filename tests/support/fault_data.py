"""Owns what the fault tests work on: due renewals, made by the hundred, and what is left of them afterwards."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Final

from duro.kit.clock import SystemClock
from duro.kit.ids import new_id
from duro.kit.modes import Mode
from duro.modules.payments.testcards import Instrument, token_of
from duro.runtime.serve import running
from tests.support.invariants import violations_of_all
from tests.support.roles import Connection, connected
from tests.support.system import settings_for
from tests.support.tenants import add_tenant

PLAN: Final = "plan_" + "0" * 26
_WEEK: Final = timedelta(days=7)
# Due for a while, and not so late that it counts as an outage of ours.
_DUE_SINCE: Final = timedelta(minutes=10)

# The owner of the tables sees all tenants in the databases of these tests; the application's roles do not.
_PREPARE: Final = """
DO $$
DECLARE t regclass;
BEGIN
    FOR t IN
        SELECT oid
          FROM pg_class
         WHERE relrowsecurity
           AND relnamespace IN ('sandbox'::regnamespace, 'core'::regnamespace)
    LOOP
        EXECUTE format('ALTER TABLE %s NO FORCE ROW LEVEL SECURITY', t);
    END LOOP;
    EXECUTE format('ALTER DATABASE %I SET synchronous_commit = on', current_database());
END $$
"""
_ADD_PLAN: Final = """
INSERT INTO plans (tenant_id, id, name, amount_minor, currency, interval, interval_count, trial_days, allow_multiple,
                   metadata, created_at)
VALUES ($1, $2, 'Gold', 500000, 'NGN', 'week', 1, 0, false, '{}', $3)
"""
_ADD_CUSTOMERS: Final = """
INSERT INTO customers (tenant_id, id, email, name, metadata, created_at)
SELECT $1, n.id, 'ada@example.com', 'Ada', '{}', $3
  FROM unnest($2::text[]) AS n (id)
"""
_ADD_METHODS: Final = """
INSERT INTO payment_methods (tenant_id, id, customer_id, rail, token, fingerprint, is_default, created_at)
SELECT $1, n.id, n.customer_id, 'card', n.token, n.token, true, $5
  FROM unnest($2::text[], $3::text[], $4::text[]) AS n (id, customer_id, token)
"""
_ADD_SUBSCRIPTIONS: Final = """
INSERT INTO subscriptions (tenant_id, id, customer_id, plan_id, payment_method_id, status, anchor_at, period_index,
                           period_starts_at, period_ends_at, cycles_completed, cancel_at_period_end, balance_minor,
                           is_exclusive, renews_at, metadata, created_at)
SELECT $1, n.id, n.customer_id, $5, n.method_id, 'active', $6, 0, $6, $7, 1, false, 0, true, $7, '{}', $6
  FROM unnest($2::text[], $3::text[], $4::text[]) AS n (id, customer_id, method_id)
"""
_ADD_EVENTS: Final = """
INSERT INTO events (tenant_id, id, type, object_id, data, created_at, dispatched_at)
SELECT $1, n.id, 'subscription_created', n.subscription_id, '{"subscription": {"status": "active"}}', $4, $4
  FROM unnest($2::text[], $3::text[]) AS n (id, subscription_id)
"""
_DUE: Final = """
SELECT (SELECT count(*) FROM subscriptions WHERE renews_at <= $1)
     + (SELECT count(*) FROM payment_attempts
         WHERE status IN ('pending', 'unknown') AND (check_at <= $1 OR lease_until > $1))
     + (SELECT count(*) FROM payment_requests WHERE check_at <= $1)
     + (SELECT count(*) FROM dunning_schedules WHERE next_attempt_at <= $1)
     + (SELECT count(*) FROM webhook_deliveries WHERE next_attempt_at <= $1)
     + (SELECT count(*) FROM events WHERE dispatched_at IS NULL)
"""
_UNSETTLED: Final = "SELECT count(*) FROM payment_attempts WHERE status IN ('pending', 'unknown')"
_LAST_RETRY: Final = "SELECT max(next_attempt_at) FROM dunning_schedules"
# What the invariants leave open, because only these tests know how it began; each query finds what contradicts.
_CLAIMS: Final = {
    "every subscription has one invoice, for the period after its first": """
        SELECT s.id
          FROM subscriptions s
          LEFT JOIN invoices i ON i.tenant_id = s.tenant_id AND i.subscription_id = s.id
         GROUP BY s.tenant_id, s.id
        HAVING count(i.id) <> 1
            OR min(i.period_index) <> 1
            OR min(i.period_starts_at) <> s.anchor_at + interval '7 days'
            OR min(i.period_ends_at) <> s.anchor_at + interval '14 days'""",
    "a subscription is in the period that was paid last": """
        SELECT s.id
          FROM subscriptions s
          JOIN invoices i ON i.tenant_id = s.tenant_id AND i.subscription_id = s.id
         WHERE i.status = 'paid'
           AND (s.status, s.period_index, s.period_starts_at, s.period_ends_at, s.renews_at, s.cycles_completed)
               IS DISTINCT FROM
               ('active', i.period_index, i.period_starts_at, i.period_ends_at, i.period_ends_at, 2)""",
    "nothing waits for a person": "SELECT id FROM payment_attempts WHERE review_reason IS NOT NULL",
    "every invoice is announced once, and so is its payment": """
        SELECT i.id
          FROM invoices i
          LEFT JOIN events e ON e.tenant_id = i.tenant_id AND e.data ->> 'invoiceId' = i.id
         GROUP BY i.tenant_id, i.id, i.status
        HAVING count(*) FILTER (WHERE e.type = 'invoice_created') <> 1
            OR count(*) FILTER (WHERE e.type IN ('subscription_payment_success', 'subscription_payment_recovered'))
               <> (i.status = 'paid')::integer""",
    "every failed charge is announced once": """
        SELECT i.id
          FROM invoices i
         WHERE (SELECT count(*) FROM payment_attempts a
                 WHERE a.tenant_id = i.tenant_id AND a.invoice_id = i.id AND a.status = 'failed')
            <> (SELECT count(*) FROM events e
                 WHERE e.tenant_id = i.tenant_id AND e.data ->> 'invoiceId' = i.id
                   AND e.type = 'subscription_payment_failed')""",
}


@asynccontextmanager
async def overseeing(database_url: str) -> AsyncIterator[Connection]:
    """A connection of the owner, who sees all tenants' test data once `prepare` was called."""
    async with connected(database_url, search_path="sandbox,core") as connection:
        yield connection


async def prepare(database_url: str) -> None:
    """Lets the owner see all tenants, and commits outlive a crash, as everywhere but in tests."""
    async with overseeing(database_url) as connection:
        await connection.execute(_PREPARE)


async def new_tenant(database_url: str) -> str:
    """A tenant with a weekly plan."""
    wall = SystemClock().wall()
    tenant_id = await add_tenant(database_url, new_id("ten", wall=wall), name="Adunni Gyms")
    async with overseeing(database_url) as connection:
        await connection.execute(_ADD_PLAN, tenant_id, PLAN, wall - _WEEK - _DUE_SINCE)
    return tenant_id


async def add_endpoint(
    database_url: str, redis_url: str, tenant_id: str, url: str, *types: str
) -> None:
    """A webhook endpoint, made as the command line makes it."""
    settings = settings_for(database_url, redis_url)
    async with running(settings, roles=()) as process:
        await process.system.endpoints.add(Mode.TEST, tenant_id, url=url, types=types)


async def add_customer(database_url: str, tenant_id: str) -> str:
    wall = SystemClock().wall()
    customer_id = new_id("cus", wall=wall)
    async with overseeing(database_url) as connection:
        await connection.execute(_ADD_CUSTOMERS, tenant_id, [customer_id], wall)
    return customer_id


async def add_due_renewals(
    database_url: str, tenant_id: str, count: int, *, card: Instrument = Instrument.OK
) -> None:
    """Active subscriptions whose first week is paid and over."""
    wall = SystemClock().wall().replace(microsecond=0)
    ends_at = wall - _DUE_SINCE
    starts_at = ends_at - _WEEK
    customers, methods = _ids("cus", count, wall), _ids("pm", count, wall)
    subscriptions, events = _ids("sub", count, wall), _ids("evt", count, wall)
    tokens = [token_of(card, customer_id) for customer_id in customers]
    async with overseeing(database_url) as connection, connection.transaction():
        await connection.execute(_ADD_CUSTOMERS, tenant_id, customers, starts_at)
        await connection.execute(_ADD_METHODS, tenant_id, methods, customers, tokens, starts_at)
        columns = (subscriptions, customers, methods)
        await connection.execute(_ADD_SUBSCRIPTIONS, tenant_id, *columns, PLAN, starts_at, ends_at)
        await connection.execute(_ADD_EVENTS, tenant_id, events, subscriptions, starts_at)


def _ids(prefix: str, count: int, wall: datetime) -> list[str]:
    return [new_id(prefix, wall=wall) for _ in range(count)]


async def count_due(database_url: str, ahead: timedelta) -> int:
    """Renewals, retries, look-ups, requests and deliveries then due, charges under way, events not fanned out."""
    async with overseeing(database_url) as connection:
        found: int = await connection.fetchval(_DUE, SystemClock().wall() + ahead)
    return found


async def list_events(database_url: str, kind: str) -> list[str]:
    """The ids of all tenants' events of a type."""
    async with overseeing(database_url) as connection:
        rows = await connection.fetch("SELECT id FROM events WHERE type = $1", kind)
    return [row["id"] for row in rows]


async def list_customers(database_url: str) -> set[str]:
    """The ids of all tenants' customers."""
    async with overseeing(database_url) as connection:
        return {row["id"] for row in await connection.fetch("SELECT id FROM customers")}


async def count_unsettled(database_url: str) -> int:
    """Attempts whose outcome is not known yet."""
    async with overseeing(database_url) as connection:
        found: int = await connection.fetchval(_UNSETTLED)
    return found


async def until_retries(database_url: str) -> timedelta:
    """How far the clock has to be moved for every recovery case to be due."""
    async with overseeing(database_url) as connection:
        due_at: datetime = await connection.fetchval(_LAST_RETRY)
    return due_at - SystemClock().wall() + timedelta(minutes=1)


async def count_settled(database_url: str) -> dict[str, int]:
    """Over all tenants: paid invoices, and settled charges in the gateway's own books."""
    counts = {
        "invoices": "SELECT count(*) FROM invoices WHERE status = 'paid'",
        "charges": "SELECT count(*) FROM simulated_charges WHERE status = 'succeeded'",
    }
    async with overseeing(database_url) as connection:
        return {name: await connection.fetchval(query) for name, query in counts.items()}


async def count_paid_by_requests(database_url: str) -> dict[str, int]:
    """Over all tenants: paid invoices, and sums that came by push rails and were taken."""
    counts = {
        "invoices": "SELECT count(*) FROM invoices WHERE status = 'paid'",
        "sums": "SELECT count(*) FROM incoming_payments",
    }
    async with overseeing(database_url) as connection:
        return {name: await connection.fetchval(query) for name, query in counts.items()}


async def contradictions(database_url: str) -> list[str]:
    """What is wrong after renewals that were hit by faults and then recovered; nothing, if all is well."""
    return await broken_invariants(database_url) + await _contradicted(database_url, _CLAIMS)


async def broken_invariants(database_url: str) -> list[str]:
    """The same of whatever else was done."""
    async with overseeing(database_url) as connection:
        tenants = [row["id"] for row in await connection.fetch("SELECT id FROM tenants")]
    assert tenants, "nobody was looked at"
    return await violations_of_all(database_url, tenants, is_at_rest=True)


async def _contradicted(database_url: str, claims: Mapping[str, str]) -> list[str]:
    found = []
    async with overseeing(database_url) as connection:
        for claim, query in claims.items():
            rows = await connection.fetch(query)
            found += [f"not so: {claim} ({len(rows)}, such as {rows[0][0]})"] if rows else []
    return found
