"""The only reader and writer of dunning schedules, their decisions and the recovery ledger."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from duro.errors import NotFoundError
from duro.kit.db import Json, Row, Tx
from duro.kit.pagination import Seek
from duro.kit.rows import columns, into
from duro.kit.sql import Statement, queries
from duro.modules.recovery.model import (
    DecisionRow,
    LedgerRow,
    RecoverySettings,
    Schedule,
    SettingsVersion,
    default_settings,
)

_SQL: Final = queries("recovery")
_COLUMNS: Final = (
    *("id", "subscription_id", "invoice_id", "customer_id", "state", "amount_minor", "currency"),
    *("rail", "failure_code", "failure_category", "attempts_made", "attempts_skipped", "settings"),
    *("settings_version", "next_action", "next_attempt_at", "reason", "first_failed_at"),
    *("last_pull_at", "deadline_at", "recovered_by", "refund_due_at", "opened_at", "closed_at"),
)
_MUTABLE: Final = (
    *("id", "state", "rail", "failure_code", "failure_category", "attempts_made"),
    *(
        "attempts_skipped",
        "next_action",
        "next_attempt_at",
        "reason",
        "last_pull_at",
        "deadline_at",
        "recovered_by",
    ),
    *("refund_due_at", "closed_at"),
)


@dataclass(frozen=True, slots=True)
class DueCase:
    """A case whose next action is due, before anything of it is locked."""

    id: str
    subscription_id: str
    invoice_id: str


class RecoveryRepository:
    """The recovery cases of one tenant and mode."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx

    async def add(self, schedules: Sequence[Schedule]) -> None:
        if schedules:
            await self._tx.run(_SQL["insert_schedules"], *columns(schedules, *_COLUMNS))

    async def save(self, schedules: Sequence[Schedule]) -> None:
        if schedules:
            await self._tx.run(_SQL["save_schedules"], *columns(schedules, *_MUTABLE))

    async def add_decisions(self, decisions: Sequence[DecisionRow]) -> None:
        """Appends to each schedule's log; in this order."""
        if not decisions:
            return
        seen: Counter[str] = Counter()
        nth = []
        for decision in decisions:
            seen[decision.schedule_id] += 1
            nth.append(seen[decision.schedule_id])
        names = ("decided_at", "action", "rail", "next_attempt_at", "reason", "rule", "inputs")
        ids, *rest = columns(decisions, "schedule_id", *names, "settings_version")
        alternatives = [Json(list(row.alternatives)) for row in decisions]
        (would_change,) = columns(decisions, "would_change")
        await self._tx.run(_SQL["insert_decisions"], ids, nth, *rest, alternatives, would_change)

    async def add_movements(self, rows: Sequence[LedgerRow]) -> None:
        names = ("schedule_id", "movement", "amount_minor", "currency", "reason", "moved_at")
        if rows:
            await self._tx.run(_SQL["insert_ledger"], *columns(rows, *names, "cause_id"))

    async def get(self, schedule_id: str) -> Schedule:
        row = await self._tx.row(_SQL["get_schedule"], schedule_id)
        if row is None:
            raise NotFoundError("There is no such recovery case.")
        return into(Schedule, row)

    async def find_of_invoice(self, invoice_id: str) -> Schedule | None:
        row = await self._tx.row(_SQL["find_schedule_of_invoice"], invoice_id)
        return None if row is None else into(Schedule, row)

    async def lock_of_invoices(self, invoice_ids: Collection[str]) -> dict[str, Schedule]:
        """By invoice id."""
        rows = await self._tx.rows(_SQL["lock_schedules_of_invoices"], list(invoice_ids))
        return {row["invoice_id"]: into(Schedule, row) for row in rows}

    async def lock_open_of(self, subscription_id: str) -> list[Schedule]:
        rows = await self._tx.rows(_SQL["lock_open_schedules_of_subscription"], subscription_id)
        return [into(Schedule, row) for row in rows]

    async def find_due(self, limit: int) -> list[DueCase]:
        rows = await self._tx.rows(_SQL["find_due_schedules"], self._tx.now, limit)
        return [into(DueCase, row) for row in rows]

    async def postpone(self, schedule_id: str, until: datetime) -> None:
        await self._tx.run(_SQL["postpone_schedule"], schedule_id, until)

    async def decisions_of(self, schedule_id: str) -> list[DecisionRow]:
        rows = await self._tx.rows(_SQL["list_decisions"], schedule_id)
        return [into(DecisionRow, row) for row in rows]

    async def list_newest(
        self, seek: Seek, *, state: str | None, customer_id: str | None, subscription_id: str | None
    ) -> list[Schedule]:
        place = (seek.fetch, seek.before_at, seek.before_id, seek.since_at)
        filters = (state, customer_id, subscription_id)
        rows = await self._tx.rows(_SQL["list_schedules"], *place, *filters)
        return [into(Schedule, row) for row in rows]


async def settings_of(tx: Tx) -> SettingsVersion:
    """The recovery settings in force for the transaction's tenant."""
    return _in_force(tx, await tx.row(_SQL["read_settings"]))


async def terms_of(tx: Tx) -> tuple[ZoneInfo, SettingsVersion]:
    """The time zone of the transaction's tenant and its settings in force, in one round trip."""
    row = await tx.row(_SQL["read_terms"])
    if row is None:
        raise NotFoundError("There is no such tenant.")
    return terms_in(tx, row)


def terms_in(tx: Tx, row: Row) -> tuple[ZoneInfo, SettingsVersion]:
    """The same, where a row was found to hold what `read_terms` answers."""
    return ZoneInfo(row["time_zone"]), _in_force(tx, None if row["version"] is None else row)


def _in_force(tx: Tx, row: Row | None) -> SettingsVersion:
    if row is None:
        return default_settings(tx.mode)
    settings = RecoverySettings.from_dict(row["settings"])
    return SettingsVersion(row["version"], settings, row["changed_at"])


async def lock_settings(tx: Tx) -> SettingsVersion:
    """The same, with changes by others waiting until this transaction ends."""
    await tx.value(_SQL["lock_settings"])
    return await settings_of(tx)


async def add_settings(tx: Tx, changed: SettingsVersion) -> None:
    values = (changed.version, changed.settings.to_dict(), changed.changed_at)
    await tx.run(_SQL["insert_settings"], *values)


def statement(name: str) -> Statement:
    """A statement that the due work of charging is found by."""
    return _SQL[name]
