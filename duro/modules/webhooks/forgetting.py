"""Removes the log of attempts that was kept long enough; events and deliveries stay."""

from collections import Counter

from duro.kit.work import Ran, WorkScope
from duro.modules.webhooks.repository import DeliveryRepository


async def forget_old_attempts(scope: WorkScope, limit: int) -> Ran:
    """Up to `limit` of a tenant's attempts that are 30 days of business time old."""
    async with scope.begin() as tx:
        done = await DeliveryRepository(tx).forget_attempts(limit)
    return Ran(done, Counter(attemptsForgotten=done))
