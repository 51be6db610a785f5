"""Checks the invariants of all tenants, one after the other, for `duro doctor --invariants`."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Final

from duro.errors import UnavailableError
from duro.kit.clock import SystemClock
from duro.kit.db import Database
from duro.kit.modes import Mode
from duro.modules.tenants.repository import TenantRepository
from duro.runtime.invariants import Violation, check_tenant, holding
from duro.runtime.pools import demand_migrated, needed, open_database
from duro.settings import Settings

_STATEMENT_MS: Final = 25_000


@dataclass(frozen=True, slots=True)
class Unchecked:
    """A tenant whose rows gave no answer."""

    tenant_id: str
    mode: Mode
    reason: str


@dataclass(slots=True)
class Report:
    """What was checked, and what was found."""

    tenants: int = 0
    checks: int = 0
    violations: list[Violation] = field(default_factory=list)
    unchecked: list[Unchecked] = field(default_factory=list)

    @property
    def is_green(self) -> bool:
        return not self.violations and not self.unchecked


async def check_invariants(settings: Settings, *, tenant_id: str | None) -> Report:
    """Of one tenant or all, in both modes; each tenant and mode at one instant of its own."""
    url = needed(settings.database.url, "database.url")
    await demand_migrated(url)
    db = await open_database(url, clock=SystemClock())
    try:
        report = Report()
        async with aclosing(_tenants(db, tenant_id)) as tenants:
            async for found in tenants:
                report.tenants += 1
                for mode in Mode:
                    await _check(db, mode, found, report)
        return report
    finally:
        await db.close()


async def _check(db: Database, mode: Mode, tenant_id: str, report: Report) -> None:
    try:
        found = await check_tenant(db, mode, tenant_id, statement_ms=_STATEMENT_MS)
    except UnavailableError as error:
        report.unchecked.append(Unchecked(tenant_id, mode, error.message))
        return
    report.checks += len(holding(mode))
    report.violations += found


async def _tenants(db: Database, tenant_id: str | None) -> AsyncGenerator[str, None]:
    if tenant_id is not None:
        async with db.core() as tx:
            found = await TenantRepository(tx).get(tenant_id)
        yield found.id
        return
    last = ""
    while True:
        async with db.core() as tx:
            page = await TenantRepository(tx).list_after(last)
        if not page:
            return
        for tenant in page:
            yield tenant.id
        last = page[-1].id
