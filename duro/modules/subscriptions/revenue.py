"""The only writer of what subscriptions earn in a month and how that moved, in the transaction of the change."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Final, Self

from duro.billing import revenue
from duro.billing.cycle import Cadence, Interval
from duro.billing.revenue import EARNING, Movement
from duro.billing.states import Status
from duro.kit.db import Tx
from duro.kit.rows import into, records
from duro.kit.sql import queries
from duro.modules.catalog.model import Plan
from duro.modules.subscriptions.model import Subscription

_SQL: Final = queries("revenue")


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a subscription's plan costs, and what was recorded of it last."""

    id: str
    price_minor: int
    interval: Interval
    interval_count: int
    currency: str
    before_minor: int = 0
    last_position: int = 0

    @classmethod
    def beginning(cls, row: Subscription, plan: Plan) -> Self:
        return cls(row.id, plan.amount_minor, plan.interval, plan.interval_count, plan.currency)


@dataclass(frozen=True, slots=True)
class _Change:
    subscription_id: str
    position: int
    kind: Movement
    is_involuntary: bool
    amount_minor: int
    monthly_minor: int
    currency: str


_MOVEMENT: Final = tuple(field.name for field in fields(_Change))
_EARNED: Final = ("subscription_id", "monthly_minor", "currency")


async def follow_revenue(
    tx: Tx,
    subscriptions: Collection[Subscription],
    *,
    involuntary: Collection[str],
    beginning: Mapping[str, Plan],
) -> None:
    """Compares what these subscriptions earn now with what was recorded last, and records the difference.

    Their rows must be locked, or new, and stand for what is written. `involuntary` are the ids of those that end
    because a payment could not be recovered; of what is `beginning` nothing was recorded yet, so nothing is read.
    """
    seen = [_Seen.beginning(row, beginning[row.id]) for row in subscriptions if row.id in beginning]
    by_id = {row.id: row for row in subscriptions}
    known = [row for row in subscriptions if row.id not in beginning]
    if known:
        ids, plan_ids = [row.id for row in known], [row.plan_id for row in known]
        seen += [into(_Seen, row) for row in await tx.rows(_SQL["read_revenue"], ids, plan_ids)]
    moved = (
        _change(by_id[one.id].status, one, is_involuntary=one.id in involuntary) for one in seen
    )
    changes = [change for change in moved if change is not None]
    if changes:
        await _write(tx, changes)


def _change(status: Status, seen: _Seen, *, is_involuntary: bool) -> _Change | None:
    after_minor = 0
    if status in EARNING:
        cadence = Cadence(seen.interval, seen.interval_count)
        after_minor = revenue.monthly_minor(price_minor=seen.price_minor, cadence=cadence)
    change = revenue.moved(
        before_minor=seen.before_minor,
        after_minor=after_minor,
        has_earned=seen.last_position > 0,
    )
    if change is None:
        return None
    return _Change(
        subscription_id=seen.id,
        position=seen.last_position + 1,
        kind=change.kind,
        is_involuntary=is_involuntary and change.kind is Movement.CHURN,
        amount_minor=change.amount_minor,
        monthly_minor=after_minor,
        currency=seen.currency,
    )


async def _write(tx: Tx, changes: Sequence[_Change]) -> None:
    await tx.put(_SQL["insert_movements"], records(changes, *_MOVEMENT), tx.now)
    over = [change.subscription_id for change in changes if not change.monthly_minor]
    if over:
        await tx.put(_SQL["delete_revenue"], over)
    earning = [change for change in changes if change.monthly_minor]
    if earning:
        await tx.put(_SQL["set_revenue"], records(earning, *_EARNED))
