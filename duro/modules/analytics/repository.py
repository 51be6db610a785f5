"""Reads the numbers; each comes from one statement, so that its parts are of one instant."""

from typing import Any, Final
from zoneinfo import ZoneInfo

from duro.kit.db import Tx
from duro.kit.sql import queries
from duro.modules.analytics.model import (
    Cohort,
    CohortPart,
    Dimension,
    Ledger,
    Revenue,
    SettingsChange,
    Span,
    Tally,
    Times,
    Tries,
)

_SQL: Final = queries("analytics")


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
            cases = Tally(row["cases"], int(row["amount_minor"]))
            reason = (row["failure_code"], row["failure_category"])
            cohort.parts.append(CohortPart(row["state"], *reason, cases))
        return found

    async def times(self, span: Span, currency: str) -> Times:
        """To the recovery of what `cohort` counts as recovered."""
        args = (span.starts_at, span.ends_at, currency)
        row = await self._tx.row(_SQL["read_recovery_times"], *args)
        return Times(None, None) if row is None else Times(row["median_s"], row["p90_s"])

    async def tries(self, span: Span, currency: str, zone: ZoneInfo) -> list[Tries]:
        """Of the cases of `cohort`; days are those of `zone`."""
        args = (span.starts_at, span.ends_at, currency, zone.key)
        return [
            Tries(
                Dimension(row["dimension"]),
                row["key"],
                Tally(row["tries"], int(row["tried_minor"])),
                Tally(row["successes"], int(row["succeeded_minor"])),
            )
            for row in await self._tx.rows(_SQL["read_recovery_tries"], *args)
        ]

    async def settings_changes(self, span: Span) -> list[SettingsChange]:
        rows = await self._tx.rows(_SQL["read_settings_changes"], span.starts_at, span.ends_at)
        return [SettingsChange(row["version"], row["changed_at"]) for row in rows]


def _whole(row: dict[str, Any]) -> dict[str, Any]:
    """PostgreSQL adds up bigints as numerics."""
    return {name: value if name == "currency" else int(value) for name, value in row.items()}
