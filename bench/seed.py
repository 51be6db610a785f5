"""Tenants with so many subscriptions, made by set-based statements."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from bench.ground import Connection, statement

PLAN: Final = "plan_" + "0" * 26


@dataclass(frozen=True, slots=True)
class Numbers:
    """Subscriptions `first` to `last`; each number is also a customer and a card."""

    first: int
    last: int

    @property
    def count(self) -> int:
        return self.last - self.first + 1


@dataclass(frozen=True, slots=True)
class Period:
    """The present period of the first subscription, and how much later each next one's is."""

    starts_at: datetime
    ends_at: datetime
    step: timedelta = timedelta(0)


async def add_plan(connection: Connection, tenant_id: str, *, at: datetime) -> None:
    await connection.execute(statement("seed_plan"), tenant_id, PLAN, at)


async def add_subscriptions(
    connection: Connection, tenant_id: str, numbers: Numbers, period: Period
) -> None:
    """Active subscriptions that were paid for the period and are due at its end."""
    span = (numbers.first, numbers.last)
    for name in ("seed_customers", "seed_methods"):
        await connection.execute(statement(name), tenant_id, *span, period.starts_at)
    await connection.execute(
        statement("seed_subscriptions"),
        *(tenant_id, *span, PLAN, period.starts_at, period.ends_at, period.step.total_seconds()),
    )


def due_since(now: datetime, *, count: int) -> Period:
    """Monthly periods that ended one after the other within the last 50 minutes."""
    # Later than an hour counts as an outage, which is another path.
    ends_at = now - timedelta(minutes=50)
    return Period(_months_later(ends_at, -1), ends_at, timedelta(minutes=40) / count)


def month_after(at: datetime) -> datetime:
    """The same day of the next month, at most the 28th."""
    return _months_later(at, 1)


def _months_later(at: datetime, months: int) -> datetime:
    year, month0 = divmod(at.year * 12 + at.month - 1 + months, 12)
    return at.replace(year=year, month=month0 + 1, day=min(at.day, 28))
