"""The only writer of what subscriptions earn in a month and how that moved, in the transaction of the change."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from duro.billing import revenue
from duro.billing.cycle import Cadence, Interval
from duro.billing.revenue import EARNING, Movement
from duro.billing.states import Status
from duro.kit.db import Row, Tx
from duro.kit.rows import columns
from duro.kit.sql import queries

_SQL: Final = queries("revenue")


@dataclass(frozen=True, slots=True)
class _Change:
    subscription_id: str
    position: int
    kind: Movement
    is_involuntary: bool
    amount_minor: int
    monthly_minor: int
    currency: str


async def follow_revenue(
    tx: Tx, subscription_ids: Collection[str], *, involuntary: Collection[str]
) -> None:
    """Compares what these subscriptions earn now with what was recorded last, and records the difference.

    Their rows must be locked and written. `involuntary` are those that end because a payment could not be recovered.
    """
    if not subscription_ids:
        return
    rows = await tx.rows(_SQL["read_revenue"], sorted(subscription_ids))
    found = (_change(row, is_involuntary=row["id"] in involuntary) for row in rows)
    changes = [change for change in found if change is not None]
    if changes:
        await _write(tx, changes)


def _change(row: Row, *, is_involuntary: bool) -> _Change | None:
    after_minor = 0
    if Status(row["status"]) in EARNING:
        cadence = Cadence(Interval(row["interval"]), row["interval_count"])
        after_minor = revenue.monthly_minor(price_minor=row["price_minor"], cadence=cadence)
    change = revenue.moved(
        before_minor=row["before_minor"],
        after_minor=after_minor,
        has_earned=row["last_position"] > 0,
    )
    if change is None:
        return None
    return _Change(
        subscription_id=row["id"],
        position=row["last_position"] + 1,
        kind=change.kind,
        is_involuntary=is_involuntary and change.kind is Movement.CHURN,
        amount_minor=change.amount_minor,
        monthly_minor=after_minor,
        currency=row["currency"],
    )


async def _write(tx: Tx, changes: Sequence[_Change]) -> None:
    names = ("kind", "is_involuntary", "amount_minor", "monthly_minor", "currency")
    ids, positions, *rest = columns(changes, "subscription_id", "position", *names)
    await tx.put(_SQL["insert_movements"], ids, positions, *rest, tx.now)
    over = [change.subscription_id for change in changes if not change.monthly_minor]
    if over:
        await tx.put(_SQL["delete_revenue"], over)
    earning = [change for change in changes if change.monthly_minor]
    if earning:
        values = columns(earning, "subscription_id", "monthly_minor", "currency")
        await tx.put(_SQL["set_revenue"], *values)
