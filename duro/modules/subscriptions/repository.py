"""The only reader and writer of `subscriptions`."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Final

from duro.errors import ConflictError, NotFoundError
from duro.kit.db import Tx
from duro.kit.pagination import Seek
from duro.kit.rows import columns, into, records
from duro.kit.sql import Statement, queries
from duro.kit.work import WorkScope
from duro.modules.subscriptions.model import BalanceEntry, Subscription

_SQL: Final = queries("subscriptions")
_COLUMNS: Final = (
    *("id", "customer_id", "plan_id", "payment_method_id", "status", "anchor_at", "period_index"),
    *("period_starts_at", "period_ends_at", "trial_ends_at", "cycles_completed"),
    *("cancel_at_period_end", "canceled_at", "cancel_reason", "balance_minor"),
    *("scheduled_plan_id", "is_exclusive", "renews_at", "expires_at", "reminds_at"),
    *("last_payment_error", "latest_invoice_id", "metadata", "created_at"),
    *("promo_code_id", "promo_cycles_left"),
    *("carried_minor", "period_price_minor", "pending_change"),
)
_FIXED: Final = frozenset({"customer_id", "trial_ends_at", "created_at"})
_MUTABLE: Final = tuple(name for name in _COLUMNS if name not in _FIXED)
_TAKEN: Final = {
    "one_live_subscription_per_customer_and_plan": lambda: ConflictError(
        "The customer already has a live subscription to this plan."
    )
}
# A customer has a handful; the bound only keeps a broken one from filling the memory.
_GOING_ON_MAX: Final = 1000
_ENTRY: Final = (
    *("id", "subscription_id", "invoice_id", "amount_minor", "balance_after_minor", "reason"),
    "created_at",
)


class SubscriptionRepository:
    """The subscriptions of one tenant and mode."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx

    async def add(self, subscriptions: Sequence[Subscription]) -> None:
        """Of two at once to a plan that is had once, the second is refused with a `ConflictError`, when it is sent."""
        if subscriptions:
            await self._tx.put(
                _SQL["insert_subscriptions"], records(subscriptions, *_COLUMNS), taken=_TAKEN
            )

    async def save(self, subscriptions: Sequence[Subscription]) -> None:
        """Writes what can change in a subscription's life; the rows must be locked."""
        if subscriptions:
            rows = records(subscriptions, *_MUTABLE)
            await self._tx.put(_SQL["save_subscriptions"], len(subscriptions), rows)

    async def add_balance_entries(self, entries: Sequence[BalanceEntry]) -> dict[str, str]:
        """Every movement of a balance has one; the invoices that they name must be written. The currency of each."""
        if not entries:
            return {}
        rows = await self._tx.rows(_SQL["insert_balance_entries"], *columns(entries, *_ENTRY))
        return {row["id"]: row["currency"] for row in rows}

    async def get(self, subscription_id: str) -> Subscription:
        row = await self._tx.row(_SQL["get_subscription"], subscription_id)
        if row is None:
            raise NotFoundError("There is no such subscription.")
        return into(Subscription, row)

    async def lock(self, subscription_id: str) -> Subscription:
        found = await self.lock_many([subscription_id])
        if not found:
            raise NotFoundError("There is no such subscription.")
        return found[subscription_id]

    async def lock_many(self, ids: Collection[str]) -> dict[str, Subscription]:
        return {row.id: row for row in await self._read("lock_subscriptions", list(ids))}

    async def lock_free(self, ids: Collection[str]) -> dict[str, Subscription]:
        """Those that nobody else holds."""
        return {row.id: row for row in await self._read("lock_free_subscriptions", list(ids))}

    async def lock_oldest_live_of(self, customer_id: str, currency: str) -> Subscription | None:
        """The customer's oldest that goes on and is paid in that currency."""
        row = await self._tx.row(_SQL["lock_oldest_live_subscription"], customer_id, currency)
        return None if row is None else into(Subscription, row)

    async def find_rival(
        self, *, customer_id: str, plan_id: str, but: str | None = None
    ) -> str | None:
        """A subscription that keeps this customer from another one to the plan."""
        row = await self._tx.row(_SQL["find_rival"], customer_id, plan_id, but)
        return None if row is None else row["id"]

    async def list_newest(
        self, seek: Seek, *, status: str | None, customer_id: str | None, plan_id: str | None
    ) -> list[Subscription]:
        place = (seek.fetch, seek.before_at, seek.before_id, seek.since_at)
        filters = (status, customer_id, plan_id)
        rows = await self._tx.rows(_SQL["list_subscriptions"], *place, *filters)
        return [into(Subscription, row) for row in rows]

    async def list_going_on(self, customer_ids: Collection[str]) -> list[Subscription]:
        """What these customers will be charged for again, soonest first."""
        most = _GOING_ON_MAX * len(customer_ids)
        return await self._read("list_going_on", sorted(customer_ids), most)

    async def claim_renewals(self, limit: int) -> list[Subscription]:
        return await self._read("claim_due_renewals", self._tx.now, limit)

    async def claim_expiries(self, limit: int) -> list[Subscription]:
        return await self._read("claim_due_expiries", self._tx.now, limit)

    async def claim_reminders(self, limit: int) -> list[Subscription]:
        return await self._read("claim_due_reminders", self._tx.now, limit)

    async def postpone_renewal(self, subscription_id: str, until: datetime) -> None:
        await self._tx.run(_SQL["postpone_renewal"], subscription_id, until)

    async def postpone_expiry(self, subscription_id: str, until: datetime) -> None:
        await self._tx.run(_SQL["postpone_expiry"], subscription_id, until)

    async def postpone_reminder(self, subscription_id: str, until: datetime) -> None:
        await self._tx.run(_SQL["postpone_reminder"], subscription_id, until)

    async def lock_on_the_way(self, after_id: str, limit: int) -> list[Subscription]:
        """Those that renew, by id, from the one after `after_id` on."""
        return await self._read("lock_on_the_way", after_id, limit)

    async def plan_reminders(self, reminders: Mapping[str, datetime | None]) -> None:
        """When each is reminded, by id; the rows must be locked."""
        if reminders:
            args = (list(reminders), list(reminders.values()))
            await self._tx.run(_SQL["plan_reminders"], *args)

    async def _read(self, name: str, *args: object) -> list[Subscription]:
        return [into(Subscription, row) for row in await self._tx.rows(_SQL[name], *args)]


class ReplanRepository:
    """Whether the reminders of one tenant and mode are being planned anew, and how far that has come."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx

    async def ask(self) -> None:
        """From the first subscription on, also if one is under way."""
        await self._tx.run(_SQL["ask_for_replan"], self._tx.now)
        self._tx.ring("billing.replan_reminders")

    async def claim(self) -> str | None:
        """The last subscription that was done, held; None if there is nothing to do, or somebody else does it."""
        row = await self._tx.row(_SQL["claim_replan"], self._tx.now)
        return None if row is None else row["after_id"]

    async def go_on(self, after_id: str) -> None:
        await self._tx.run(_SQL["advance_replan"], after_id)

    async def finish(self) -> None:
        await self._tx.run(_SQL["finish_replan"])


async def find_ended(scope: WorkScope, ids: Collection[str]) -> set[str]:
    """Those that are over for good at this moment."""
    return {row["id"] for row in await scope.look(_SQL["find_ended"], list(ids))}


def statement(name: str) -> Statement:
    """A statement that the due work of charging is found by."""
    return _SQL[name]
