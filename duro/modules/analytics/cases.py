"""Reads the real cases that strategies are compared on: failed renewals with all that is known of them."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from duro.billing.decision import Rule
from duro.billing.failures import Category
from duro.billing.ladder import Case, Try
from duro.billing.learning import MEMORY
from duro.billing.rails import ORDER, Rail
from duro.billing.replay import Fact, RealCase
from duro.kit.db import Tx
from duro.kit.sql import queries
from duro.modules.analytics.model import Span

_SQL: Final = queries("backtest")
CASES_MAX: Final = 2000
YEAR: Final = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Cases:
    """The cases of a period; as many as `CASES_MAX` may not be all."""

    span: Span
    found: Sequence[RealCase]
    is_truncated: bool


def last_year(now: datetime) -> Span:
    return Span(now - YEAR, now)


async def read_cases(tx: Tx, span: Span, *, currency: str, zone: ZoneInfo, has_past: bool) -> Cases:
    """The newest failed renewals of the period; `has_past` for a strategy that learns from it."""
    values = (span.starts_at, span.ends_at, currency, CASES_MAX)
    rows = await tx.rows(_SQL["list_failed_renewals"], *values)
    facts = await _facts(tx, [row["invoice_id"] for row in rows])
    past: Mapping[str, Sequence[Try]] = {}
    if has_past and rows:
        since = min(row["first_failed_at"] for row in rows) - MEMORY
        past = await _past(tx, {row["customer_id"] for row in rows}, since)
    found = (
        _case(row, facts.get(row["invoice_id"], ()), past.get(row["customer_id"], ()), zone)
        for row in rows
    )
    known = [real for real in found if real is not None]
    return Cases(span, known, is_truncated=len(rows) == CASES_MAX)


async def _facts(tx: Tx, invoice_ids: Collection[str]) -> Mapping[str, Sequence[Fact]]:
    found: dict[str, list[Fact]] = defaultdict(list)
    if not invoice_ids:
        return found
    for row in await tx.rows(_SQL["list_settled_attempts"], list(invoice_ids)):
        if row["failure_code"] == Rule.ATTEMPT_CAP:
            # Our own cap refused it, so no bank was asked.
            continue
        fact = Fact(
            at=row["created_at"],
            settled_at=row["settled_at"],
            rail=Rail(row["rail"]),
            token=row["payment_method_id"] or "",
            code=row["failure_code"] or "",
        )
        found[row["invoice_id"]].append(fact)
    return found


async def _past(
    tx: Tx, customer_ids: Collection[str], since: datetime
) -> Mapping[str, Sequence[Try]]:
    found: dict[str, list[Try]] = defaultdict(list)
    for row in await tx.rows(_SQL["list_pulls_of_customers"], list(customer_ids), since):
        failed = row["failure_category"]
        category = None if failed is None else Category(failed)
        found[row["customer_id"]].append(Try(row["created_at"], Rail(row["rail"]), 0, category))
    return found


def _case(
    row: Mapping[str, Any], facts: Sequence[Fact], past: Sequence[Try], zone: ZoneInfo
) -> RealCase | None:
    """None where the first failure is not among what was read."""
    first = next((fact for fact in facts if not fact.is_paid), None)
    if first is None:
        return None
    case = Case(
        id=row["invoice_id"],
        amount_minor=row["amount_minor"],
        rail=first.rail,
        code=first.code,
        failed_at=row["first_failed_at"],
        ends_at=max(row["period_ends_at"], row["first_failed_at"]),
        zone=zone,
        usable_rails=_usable(row, facts),
    )
    return RealCase(
        case=case,
        facts=tuple(facts),
        past=tuple(each for each in past if each.at < first.at),
        was_asked=row["was_asked"],
        is_over=row["closed_at"] is not None,
    )


def _usable(row: Mapping[str, Any], facts: Sequence[Fact]) -> tuple[Rail, ...]:
    """What the customer could have paid by, as far as it is still known."""
    usable = {fact.rail for fact in facts if fact.token}
    if row["has_contact"]:
        usable |= {Rail.USSD, Rail.TRANSFER}
    if row["has_account"]:
        usable.add(Rail.VIRTUAL_ACCOUNT)
    if row["has_mandate"]:
        usable.add(Rail.DIRECT_DEBIT)
    return tuple(rail for rail in ORDER if rail in usable)
