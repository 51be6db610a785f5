"""Holds the log of attempts to its 30 days of business time; deliveries, events and what waits stay."""

import re
from datetime import timedelta
from typing import Final

from duro.kit.clock import FixedClock
from duro.kit.modes import Mode
from duro.kit.sql import queries
from duro.modules.events.model import EventType
from duro.modules.webhooks.forgetting import forget_old_attempts
from duro.modules.webhooks.module import FORGETTING
from tests.support.receiver import Receiver
from tests.support.roles import app_role, connected, scan_role
from tests.support.webhooks import Enrol, Merchant

CREATED: Final = EventType.SUBSCRIPTION_CREATED
KEPT: Final = timedelta(days=30)
SECOND: Final = timedelta(seconds=1)
FORGET: Final = queries("webhooks")["forget_attempts"]
(WORK,) = FORGETTING.work


async def forget(merchant: Merchant, limit: int = 1000) -> int:
    return (await forget_old_attempts(merchant.scope, limit)).done


async def logged(merchant: Merchant) -> list[tuple[str, int]]:
    """Which attempts of which events are in the log."""
    rows = await merchant.query(
        "SELECT d.event_id, a.number FROM webhook_attempts a JOIN webhook_deliveries d ON d.id = a.delivery_id"
        " ORDER BY a.at, a.number"
    )
    return [(row["event_id"], row["number"]) for row in rows]


async def test_attempts_are_forgotten_after_30_days_and_not_before(
    merchant: Merchant, clock: FixedClock, receiver: Receiver
) -> None:
    await merchant.add(receiver.url)
    (first,) = await merchant.happen(CREATED)
    await merchant.send()
    clock.move(timedelta(days=1))
    (second,) = await merchant.happen(CREATED)
    await merchant.send()

    clock.move(KEPT - timedelta(days=1) - SECOND)
    assert not await merchant.is_listed(WORK)
    assert await forget(merchant) == 0
    clock.move(SECOND)
    assert await merchant.next_due(WORK) == clock.at
    assert await merchant.is_listed(WORK)
    assert await forget(merchant) == 1

    assert not await merchant.is_listed(WORK)
    assert await logged(merchant) == [(second, 1)]
    # What became of the event stays known, and only what was answered is gone.
    delivery = await merchant.delivery(first)
    assert (delivery.status, delivery.attempts, delivery.last_status) == ("delivered", 1, 200)
    assert delivery.last_answer is None
    assert (await merchant.delivery(second)).last_answer == "noted"


async def test_what_waits_for_a_disabled_endpoint_stays_and_arrives(
    merchant: Merchant, clock: FixedClock, receiver: Receiver
) -> None:
    receiver.status = 500
    shown = await merchant.add(receiver.url)
    (event_id,) = await merchant.happen(CREATED)
    await merchant.send()
    place = (merchant.mode, merchant.tenant_id, shown.endpoint.id)
    await merchant.service.disable(*place)

    clock.move(KEPT * 2)
    assert await forget(merchant) == 1
    kept = await merchant.delivery(event_id)
    receiver.status = 200
    await merchant.service.enable(*place)
    await merchant.send()

    assert (kept.status, kept.attempts, kept.last_error) == ("pending", 1, "HTTP 500")
    assert receiver.event_ids == [event_id, event_id]
    assert await logged(merchant) == [(event_id, 2)]
    assert (await merchant.delivery(event_id)).last_answer == "noted"


async def test_the_answer_of_a_newer_attempt_stays(
    merchant: Merchant, clock: FixedClock, receiver: Receiver
) -> None:
    receiver.status = 500
    await merchant.add(receiver.url)
    (event_id,) = await merchant.happen(CREATED)
    await merchant.send()
    clock.move(KEPT)
    await merchant.send()

    assert await forget(merchant) == 1

    assert await logged(merchant) == [(event_id, 2)]
    assert (await merchant.delivery(event_id)).last_answer == "noted"


async def test_a_test_clock_says_how_old_an_attempt_is(
    merchant: Merchant, clock: FixedClock, receiver: Receiver
) -> None:
    await merchant.add(receiver.url)
    await merchant.happen(CREATED)
    await merchant.send()
    ahead = clock.at + KEPT
    assert await forget(merchant) == 0

    await merchant.query(
        "INSERT INTO test_clocks (tenant_id, now) VALUES ($1, $2)", merchant.tenant_id, ahead
    )
    own = ([merchant.tenant_id], [ahead])
    listed = await merchant.db.scan(merchant.mode, WORK.list_due, clock.wall(), *own)

    assert [row["tenant_id"] for row in listed] == [merchant.tenant_id]
    assert not await merchant.is_listed(WORK)
    assert await forget(merchant) == 1


async def test_batches_are_bounded_and_others_keep_theirs(
    enrol: Enrol, tenant: str, tenant_b: str, clock: FixedClock, receiver: Receiver
) -> None:
    merchants = [enrol(tenant, Mode.TEST), enrol(tenant, Mode.LIVE), enrol(tenant_b, Mode.TEST)]
    for merchant in merchants:
        await merchant.add(receiver.url)
        await merchant.happen(*[CREATED] * 5)
        await merchant.send()
    clock.move(KEPT)

    done = [await forget(merchants[0], 2) for _ in range(4)]

    assert done == [2, 2, 1, 0]
    assert [len(await logged(each)) for each in merchants] == [0, 5, 5]


async def test_the_scan_costs_tenants_and_the_work_what_is_due(
    merchant: Merchant, clock: FixedClock, receiver: Receiver, database_url: str
) -> None:
    await merchant.add(receiver.url)
    await merchant.happen(CREATED)
    await merchant.send()
    await merchant.query(
        "INSERT INTO webhook_attempts (tenant_id, delivery_id, number, at, duration_ms, status)"
        " SELECT tenant_id, id, number, created_at + number * INTERVAL '1 second', 1, 500"
        "   FROM webhook_deliveries, generate_series(2, 20000) AS number"
    )
    # Three of them are due.
    clock.move(KEPT + timedelta(seconds=3))
    now = f"'{clock.at.isoformat()}'::timestamptz"
    scan = f"EXECUTE work ({now}, ARRAY[]::text[], ARRAY[]::timestamptz[])"
    forget_some = f"EXECUTE work ('{merchant.tenant_id}', {now}, 1000)"

    looked_at = await _explained(database_url, scan_role(merchant.mode), WORK.list_due.text, scan)
    done = await _explained(
        database_url, app_role(merchant.mode), FORGET.text, forget_some, merchant.tenant_id
    )

    for plan in (looked_at, done):
        assert [line for line in plan if "webhook_attempts_by_age" in line]
        assert not [line for line in plan if "Seq Scan on webhook_attempts" in line]
    rows = [int(found) for line in (*looked_at, *done) for found in re.findall(r"rows=(\d+)", line)]
    assert max(rows) <= 3


async def _explained(
    database_url: str, role: str, statement: str, execute: str, tenant_id: str = ""
) -> list[str]:
    """The plan with the rows that each step met, of a statement that is planned for anybody."""
    settings = {"search_path": "sandbox,core", "plan_cache_mode": "force_generic_plan"}
    async with connected(database_url) as owner:
        await owner.execute("ANALYZE sandbox.webhook_attempts")
    async with connected(
        database_url, role=role, **settings, **{"duro.tenant": tenant_id}
    ) as connection:
        await connection.execute(f"PREPARE work AS {statement}")
        plan = await connection.fetch(f"EXPLAIN (ANALYZE, TIMING OFF, COSTS OFF) {execute}")
    return [line for (line,) in plan]
