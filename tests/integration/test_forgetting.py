"""Idempotency keys are kept for a day of wall time, and then forgotten in batches."""

from datetime import timedelta
from itertools import count

from duro.kit import idempotency
from duro.kit.clock import FixedClock
from duro.kit.db import Database
from duro.kit.forgetting import FORGETTING, forget_old_keys
from duro.kit.idempotency import Kept, Keyed
from duro.kit.modes import Mode
from duro.kit.work import WorkScope

DAY = timedelta(hours=24)
NUMBERS = count()
(WORK,) = FORGETTING.work


async def keep(db: Database, mode: Mode, tenant_id: str, number: int = 1) -> None:
    async with db.begin(mode, tenant_id) as tx:
        for _ in range(number):
            keyed = Keyed(f"k-{next(NUMBERS)}", b"\x00" * 32)
            assert await idempotency.keep(tx, keyed, Kept(201, b"{}"))


async def due(db: Database, mode: Mode) -> set[str]:
    rows = await db.scan(mode, WORK.list_due, db.clock.wall(), [], [])
    return {row["tenant_id"] for row in rows}


async def test_a_key_is_forgotten_after_a_day_and_not_before(
    db: Database, clock: FixedClock, mode: Mode, tenant: str, tenant_b: str
) -> None:
    await keep(db, mode, tenant, 3)
    clock.move(DAY - timedelta(seconds=1))
    await keep(db, mode, tenant_b)
    scope = WorkScope(db, mode, tenant)

    too_early = (await forget_old_keys(scope, 10)).done, await due(db, mode)
    clock.move(timedelta(seconds=1))
    seen = await due(db, mode)
    done = [(await forget_old_keys(scope, 2)).done for _ in range(3)]
    left = await due(db, mode)

    assert too_early == (0, set())
    assert seen == {tenant}
    assert done == [2, 1, 0]
    assert left == set()
    assert (await forget_old_keys(WorkScope(db, mode, tenant_b), 10)).done == 0


async def test_the_other_mode_and_other_tenants_keep_theirs(
    db: Database, clock: FixedClock, tenant: str, tenant_b: str
) -> None:
    for owner, mode in ((tenant, Mode.TEST), (tenant, Mode.LIVE), (tenant_b, Mode.TEST)):
        await keep(db, mode, owner)
    clock.move(DAY)

    await forget_old_keys(WorkScope(db, Mode.TEST, tenant), 10)

    assert await due(db, Mode.TEST) == {tenant_b}
    assert await due(db, Mode.LIVE) == {tenant}


async def test_the_next_key_to_forget_is_due_a_day_after_it_was_kept(
    db: Database, clock: FixedClock, tenant: str
) -> None:
    async with db.begin(Mode.LIVE, tenant) as tx:
        nothing = await tx.value(WORK.next_due)
    await keep(db, Mode.LIVE, tenant)

    async with db.begin(Mode.LIVE, tenant) as tx:
        found = await tx.value(WORK.next_due)

    assert (nothing, found) == (None, clock.at + DAY)
