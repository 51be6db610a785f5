"""Plans reminders anew, in steps, after a merchant has changed how long before a renewal they are."""

from collections import Counter

from duro.kit.work import Ran, WorkScope
from duro.modules.recovery.repository import settings_of
from duro.modules.subscriptions.repository import ReplanRepository, SubscriptionRepository


async def replan_due(scope: WorkScope, limit: int) -> Ran:
    """The next `limit` subscriptions of a tenant whose reminders are planned anew."""
    async with scope.begin() as tx:
        replans, subscriptions = ReplanRepository(tx), SubscriptionRepository(tx)
        after_id = await replans.claim()
        if after_id is None:
            return Ran(0)
        rows = await subscriptions.lock_on_the_way(after_id, limit)
        reminder = (await settings_of(tx)).settings.reminder_window
        planned = {row.id: row.reminder_anew(now=tx.now, reminder=reminder) for row in rows}
        moved = {row.id: planned[row.id] for row in rows if planned[row.id] != row.reminds_at}
        await subscriptions.plan_reminders(moved)
        if len(rows) == limit:
            await replans.go_on(rows[-1].id)
        else:
            await replans.finish()
    return Ran(len(rows), Counter(replanned=len(moved)))
