"""Analytics read what is live now and what a period holds, never a whole history."""

from collections.abc import Mapping
from typing import Any, Final

import pytest

from duro.kit.modes import Mode
from duro.kit.sql import queries
from tests.support.roles import app_role, connected, connected_as
from tests.support.statements import plan_of, scans

_BOUNDS: Final = {
    "subscription_revenue": ["subscription_revenue_pkey"],
    "revenue_movements": ["moved_at >= $2"],
    "recovery_ledger": ["moved_at >= $2", "moved_at >= $3"],
    # The open cases have an index of their own.
    "dunning_schedules": ["opened_at >= $2", "schedules_of_subscription", "invoice_id = i.id"],
    "invoices": ["id = d.invoice_id", "created_at >= $2"],
    "payment_attempts": ["invoice_id = d.invoice_id", "invoice_id = i.id"],
    # A merchant has a handful.
    "recovery_settings": ["recovery_settings_pkey"],
}
# Four thousand cases over as many hours, one in a hundred of them open.
_FILL: Final = (
    """
    INSERT INTO invoices (tenant_id, id, number, customer_id, idempotency_key, amount_minor, currency, lines, status,
                          period_index, period_starts_at, period_ends_at, amount_refunded_minor, created_at)
    SELECT $1, 'inv_' || n, n, 'cus', n, 1, 'NGN', '[]', 'open', 0, '2026-01-01', '2026-02-01', 0,
           '2026-01-01'::timestamptz + n * interval '1 hour'
      FROM generate_series(1, 4000) n
    """,
    """
    INSERT INTO dunning_schedules (tenant_id, id, subscription_id, invoice_id, customer_id, state, amount_minor,
                                   currency, rail, failure_code, failure_category, attempts_made, settings,
                                   settings_version, next_attempt_at, reason, first_failed_at, opened_at, closed_at)
    SELECT $1, 'dun_' || n, 'sub', 'inv_' || n, 'cus', CASE n % 100 WHEN 0 THEN 'scheduled' ELSE 'exhausted' END, 1,
           'NGN', 'card', '51', 'insufficient_funds', 1, '{}', 1, CASE n % 100 WHEN 0 THEN now() END, '', now(),
           '2026-01-01'::timestamptz + n * interval '1 hour', CASE n % 100 WHEN 0 THEN NULL ELSE now() END
      FROM generate_series(1, 4000) n
    """,
    """
    INSERT INTO recovery_ledger (tenant_id, schedule_id, movement, amount_minor, currency, reason, moved_at)
    SELECT $1, 'dun_' || n, 'entered', 1, 'NGN', 'limit', '2026-01-01'::timestamptz + n * interval '1 hour'
      FROM generate_series(1, 4000) n
    """,
)


@pytest.fixture
async def filled_url(database_url: str, mode: Mode, tenant: str) -> str:
    """A merchant with a history, and a planner that knows of it."""
    path = f"{mode.schema},core"
    async with connected_as(database_url, app_role(mode), search_path=path) as app:
        await app.execute("SELECT set_config('duro.tenant', $1, false)", tenant)
        for insert in _FILL:
            await app.execute(insert, tenant)
    async with connected(database_url, search_path=path) as owner:
        for table in _BOUNDS:
            await owner.execute(f"ANALYZE {table}")
    return database_url


@pytest.mark.parametrize("name", list(queries("analytics").statements))
async def test_every_read_is_bounded(filled_url: str, mode: Mode, name: str) -> None:
    path = f"{mode.schema},core"
    async with connected_as(filled_url, app_role(mode), search_path=path) as connection:
        # A small table is cheapest read whole, which says nothing of a large one.
        await connection.execute("SET enable_seqscan = off")
        plan = await plan_of(connection, queries("analytics")[name].text)

    found = scans(plan)
    assert found
    loose = [scan for scan in found if not _is_bounded(scan)]
    assert loose == []


def _is_bounded(scan: Mapping[str, Any]) -> bool:
    """Whether an index holds it to a period, to what is live, or to one row of another scan."""
    parts = [scan, *scan.get("Plans", [])]
    told = " ".join(
        str(part.get(key, "")) for part in parts for key in ("Index Cond", "Index Name")
    )
    return any(bound in told for bound in _BOUNDS[scan["Relation Name"]])
