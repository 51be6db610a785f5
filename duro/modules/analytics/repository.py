"""Reads the numbers; each comes from one statement, so that its parts are of one instant."""

from typing import Any, Final

from duro.kit.db import Tx
from duro.kit.sql import queries
from duro.modules.analytics.model import Cohort, Ledger, Revenue, Span

_SQL: Final = queries("analytics")
_OPEN: Final = frozenset({"scheduled", "in_flight", "awaiting_customer"})


class AnalyticsRepository:
    """The numbers of one tenant and mode, by currency; a currency without rows is left out."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx

    async def revenue(self, span: Span) -> dict[str, Revenue]:
        rows = await self._tx.rows(_SQL["read_revenue"], span.starts_at, span.ends_at)
        return {row["currency"]: Revenue(**_whole(dict(row))) for row in rows}

    async def ledger(self, span: Span) -> dict[str, Ledger]:
        found: dict[str, Ledger] = {}
        for row in await self._tx.rows(_SQL["read_ledger"], span.starts_at, span.ends_at):
            ledger = found.setdefault(row["currency"], Ledger(row["currency"]))
            amount = int(row["amount_minor"])
            if row["movement"] == "at_risk":
                ledger.closing_minor += amount
            else:
                ledger.add(row["movement"], row["reason"], amount)
        return found

    async def cohort(self, span: Span) -> dict[str, Cohort]:
        found: dict[str, Cohort] = {}
        for row in await self._tx.rows(_SQL["read_cohort"], span.starts_at, span.ends_at):
            cohort = found.setdefault(row["currency"], Cohort(row["currency"]))
            _count(cohort.by_code, row["failure_code"], row["cases"])
            _count(cohort.by_category, row["failure_category"], row["cases"])
            amount = int(row["amount_minor"])
            if row["state"] in _OPEN:
                cohort.in_flight_minor += amount
            elif row["state"] == "recovered":
                cohort.recovered_minor += amount
            elif row["state"] == "exhausted":
                cohort.exhausted_minor += amount
        return found


def _count(counts: dict[str, int], name: str, cases: int) -> None:
    counts[name] = counts.get(name, 0) + cases


def _whole(row: dict[str, Any]) -> dict[str, Any]:
    """PostgreSQL adds up bigints as numerics."""
    return {name: value if name == "currency" else int(value) for name, value in row.items()}
