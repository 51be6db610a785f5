"""Holds the scans of webhooks to a cost of tenants, however many events and deliveries they have."""

import re
from datetime import timedelta
from typing import Final

import pytest

from duro.kit.clock import FixedClock
from duro.modules.events.model import EventType
from tests.support.receiver import Receiver
from tests.support.roles import connected, scan_role
from tests.support.webhooks import Merchant

_ADD_EVENTS: Final = (
    "INSERT INTO events (tenant_id, id, type, object_id, data, created_at, dispatched_at)"
    " SELECT tenant_id, id || number, type, object_id, data, created_at + $1, $2"
    "   FROM events, generate_series(1, 20000) AS number"
)
_ADD_DELIVERIES: Final = (
    "INSERT INTO webhook_deliveries (tenant_id, id, event_id, endpoint_id, status, attempts, next_attempt_at,"
    "                                lease_until, created_at)"
    " SELECT e.tenant_id, 'whd_' || e.id, e.id, w.id, 'pending', 1, e.created_at + $1, $2, e.created_at"
    "   FROM events AS e, webhook_endpoints AS w"
    "  WHERE NOT EXISTS (SELECT FROM webhook_deliveries AS d WHERE d.event_id = e.id)"
)


@pytest.mark.parametrize("work", ["fan_out", "deliver"])
async def test_a_scan_costs_tenants_and_not_what_waits(
    merchant: Merchant, clock: FixedClock, receiver: Receiver, database_url: str, work: str
) -> None:
    receiver.status = 500
    await merchant.add(receiver.url)
    await merchant.happen(EventType.INVOICE_CREATED)
    await merchant.send()
    # All of it waits for a later hour.
    later = timedelta(hours=1)
    if work == "deliver":
        await merchant.query(_ADD_EVENTS, timedelta(0), clock.at)
        await merchant.query(_ADD_DELIVERIES, later, None)
    else:
        await merchant.query(_ADD_EVENTS, later, None)
    statement = getattr(merchant, work).list_due

    rows = await _rows_met(database_url, merchant, statement.text, clock.at.isoformat())

    assert max(rows) <= 3


async def _rows_met(database_url: str, merchant: Merchant, text: str, now: str) -> list[int]:
    """How many rows each step of the plan meets, those that it drops included."""
    settings = {"role": scan_role(merchant.mode), "search_path": f"{merchant.mode.schema},core"}
    async with connected(database_url) as owner:
        await owner.execute("ANALYZE")
    async with connected(database_url, **settings, plan_cache_mode="force_generic_plan") as scan:
        await scan.execute(f"PREPARE work AS {text}")
        plan = await scan.fetch(
            "EXPLAIN (ANALYZE, TIMING OFF, COSTS OFF)"
            f" EXECUTE work ('{now}', ARRAY[]::text[], ARRAY[]::timestamptz[])"
        )
    steps = "\n".join(line for (line,) in plan)
    found = re.findall(r"(?:rows=|Removed by \w+(?: \w+)?: )(\d+)", steps)
    return [int(each) for each in found]
