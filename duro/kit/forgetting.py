"""Removes idempotency keys that were kept long enough."""

from collections import Counter
from typing import Final

from duro.kit.module import Module
from duro.kit.sql import queries
from duro.kit.work import DueWork, Ran, WorkScope

_SQL: Final = queries("idempotency")
_EVERY_S: Final = 3600
_BATCH: Final = 1000


async def forget_old_keys(scope: WorkScope, limit: int) -> Ran:
    """Up to `limit` of a tenant's keys that are 24 hours of wall time old."""
    async with scope.begin() as tx:
        done = await tx.run(_SQL["forget_keys"], tx.wall, limit)
    return Ran(done, Counter(keys_forgotten=done))


# Wall time rules here, so no test clock does this work.
FORGETTING: Final = Module(
    name="idempotency",
    work=(
        DueWork(
            name="reconcile.keys",
            every_s=_EVERY_S,
            list_due=_SQL["list_tenants_with_old_keys"],
            next_due=_SQL["next_old_key"],
            run=forget_old_keys,
            batch=_BATCH,
        ),
    ),
)
