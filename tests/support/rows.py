"""Owns one row in every table of a mode, made from the catalog, so that a new table is covered unasked."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

import asyncpg

from tests.support.roles import Connection

DUE: Final = datetime(2026, 1, 20, tzinfo=UTC)
TEXT: Final = "x"

_COLUMNS: Final = """
SELECT c.relname AS table_name, a.attname AS name, format_type(a.atttypid, NULL) AS type
  FROM pg_class c
  JOIN pg_attribute a ON a.attrelid = c.oid
 WHERE c.relnamespace = $1::text::regnamespace
   AND c.relkind = 'r'
   AND a.attnum > 0
   AND NOT a.attisdropped
   AND a.attidentity = ''
 ORDER BY c.relname, a.attnum
"""
_INSERT: Final = """
SELECT format('INSERT INTO %I (%s) VALUES (%s)', $1::text,
              (SELECT string_agg(quote_ident(name), ', ') FROM unnest($2::text[]) name),
              (SELECT string_agg(quote_nullable(value), ', ') FROM unnest($3::text[]) value))
"""
_OF_TYPE: Final[Mapping[str, object]] = {
    "text": TEXT,
    "text[]": f"{{{TEXT}}}",
    "integer": 1,
    "bigint": 1,
    "boolean": True,
    "jsonb": "{}",
    "bytea": "\\x" + "00" * 32,
    "timestamp with time zone": DUE,
    "timestamp with time zone[]": "{}",
}
# What the named checks demand; everything else follows from the type of the column.
_DEMANDED: Final[Mapping[str, Mapping[str, object]]] = {
    "plans": {"interval": "month"},
    "payment_methods": {"rail": "card"},
    "subscriptions": {
        "status": "active",
        "period_ends_at": DUE + timedelta(days=30),
        "canceled_at": None,
        "expires_at": None,
    },
    "invoices": {"status": "open", "paid_at": None, "amount_refunded_minor": 0},
    "payment_attempts": {
        "purpose": "renewal",
        "status": "pending",
        "rail": "card",
        "settled_at": None,
        "failure_code": None,
        "review_reason": None,
        "is_excess": False,
    },
    "dunning_schedules": {"state": "scheduled", "closed_at": None, "recovered_by": None},
    "recovery_ledger": {"movement": "entered"},
    "events": {"dispatched_at": None},
    "webhook_endpoints": {"disabled_at": None, "disabled_reason": None},
    "webhook_deliveries": {"status": "pending", "settled_at": None, "lease_until": None},
    "outbox": {"status": "queued", "channel": "email", "receipt": None, "receipt_at": None},
    "email_templates": {"channel": "email"},
    "contact_caps": {"reminders": "{}"},
    "idempotency_keys": {"status": None, "body": None},
    "simulated_charges": {"status": "succeeded", "code": None},
    "simulated_refunds": {"status": "succeeded", "code": None},
    "promo_codes": {
        "discount_type": "percentage",
        "currency": None,
        "duration": "once",
        "duration_cycles": None,
    },
    "checkout_sessions": {"kind": "subscription", "status": "open"},
    "recovery_settings": {"version": 2},
    "refunds": {"status": "pending", "settled_at": None},
    "revenue_movements": {"kind": "new", "is_involuntary": False},
    "balance_entries": {"reason": "renewal"},
    "payment_requests": {"rail": "transfer", "status": "open", "closed_at": None},
    "incoming_payments": {"credited_minor": 0, "suspended_minor": 0},
    "suspense_items": {
        "reason": "unmatched",
        "status": "open",
        "resolution": None,
        "resolved_at": None,
    },
    "mandates": {"status": "active", "revoked_at": None},
    "ledger_entries": {"debit": "gateway_clearing", "credit": "merchant_payable"},
}


async def make_rows(connection: Connection, *, schema: str, tenant_id: str) -> dict[str, str]:
    """Insert a row into every table for the tenant; the INSERT of each table, to be tried again."""
    waiting = await _inserts(connection, schema=schema, tenant_id=tenant_id)
    done: dict[str, str] = {}
    while waiting:
        progress = len(done)
        for table, insert in list(waiting.items()):
            try:
                async with connection.transaction():
                    await connection.execute(insert)
            except asyncpg.ForeignKeyViolationError:
                continue  # its parent comes first
            done[table] = waiting.pop(table)
        assert len(done) > progress, f"no row can be made for {sorted(waiting)}"
    return done


async def _inserts(connection: Connection, *, schema: str, tenant_id: str) -> dict[str, str]:
    tables: dict[str, dict[str, object]] = {}
    for row in await connection.fetch(_COLUMNS, schema):
        tables.setdefault(row["table_name"], {})[row["name"]] = _OF_TYPE[row["type"]]
    # A person of the tenant's alone: such rows are found by the person.
    own = {"tenant_id": tenant_id, "person": tenant_id}
    return {
        table: await _insert(
            connection,
            table,
            {
                **values,
                **_DEMANDED.get(table, {}),
                **{name: own[name] for name in own if name in values},
            },
        )
        for table, values in tables.items()
    }


async def _insert(connection: Connection, table: str, values: Mapping[str, object]) -> str:
    texts = [None if value is None else str(value) for value in values.values()]
    command: str = await connection.fetchval(_INSERT, table, list(values), texts)
    return command
