"""The ledger of any period balances to the kobo, whatever happened: random histories beside plain arithmetic."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from duro.billing.case import Settings
from duro.billing.failures import Category
from duro.billing.rails import Rail
from duro.billing.schedule import OPEN, Status
from duro.kit.db import Database, Tx
from duro.kit.ids import new_id
from duro.kit.modes import Mode
from duro.modules.analytics.model import Span
from duro.modules.analytics.repository import AnalyticsRepository
from duro.modules.analytics.service import currencies, ledger_item
from duro.modules.recovery.model import LedgerRow, Movement, RecoveredBy, Schedule
from duro.modules.recovery.repository import RecoveryRepository
from tests.support.payments import add_customer, add_invoice
from tests.support.tenants import add_tenant

START = datetime(2026, 1, 1, tzinfo=UTC)
LEAVES = {
    Status.RECOVERED: Movement.RECOVERED,
    Status.EXHAUSTED: Movement.LOST,
    Status.CANCELED: Movement.CANCELLED,
}
HOURS = st.integers(0, 200 * 24)


@dataclass(frozen=True)
class History:
    """One case: when it opened, how long it took, what became of it, and what came afterwards, if anything did.

    Afterwards, so many hours later, what was recovered goes back, in so many equal parts and a rest; what was lost is
    paid by hand after all, or its invoice is voided.
    """

    opened_h: int
    lasted_h: int
    state: Status
    amount_minor: int
    currency: str
    category: Category
    by: RecoveredBy
    after_h: int | None
    parts: int
    is_voided: bool

    @property
    def opened_at(self) -> datetime:
        return START + timedelta(hours=self.opened_h)

    @property
    def closed_at(self) -> datetime | None:
        if self.state in OPEN:
            return None
        return self.opened_at + timedelta(hours=self.lasted_h)


HISTORIES = st.lists(
    st.builds(
        History,
        opened_h=HOURS,
        lasted_h=st.integers(0, 60 * 24),
        state=st.sampled_from([Status.SCHEDULED, Status.AWAITING_CUSTOMER, *LEAVES]),
        amount_minor=st.integers(1, 10**14),
        currency=st.sampled_from(["NGN", "USD"]),
        category=st.sampled_from(Category),
        by=st.sampled_from(RecoveredBy),
        after_h=st.one_of(st.none(), st.integers(0, 40 * 24)),
        parts=st.integers(1, 3),
        is_voided=st.booleans(),
    ),
    max_size=12,
)
CUTS = st.lists(HOURS, min_size=2, max_size=6, unique=True).map(sorted)


@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(histories=HISTORIES, cuts=CUTS)
async def test_any_period_of_any_history_balances(
    db: Database, database_url: str, histories: list[History], cuts: list[int]
) -> None:
    tenant_id = await add_tenant(database_url, new_id("ten", wall=START), name="Law")
    async with db.begin(Mode.TEST, tenant_id) as tx:
        for history in histories:
            await write(tx, history)
    bounds = [START + timedelta(hours=hours) for hours in cuts]
    spans = [Span(a, b) for a, b in pairwise(bounds)]

    async with db.begin(Mode.TEST, tenant_id) as tx:
        found = [await AnalyticsRepository(tx).ledger(span) for span in spans]

    for currency in ("NGN", "USD"):
        mine = [history for history in histories if history.currency == currency]
        before = None
        for span, ledgers in zip(spans, found, strict=True):
            if currency not in currencies(currency, ledgers) or currency not in ledgers:
                assert not any(at_risk(mine, at) for at in (span.starts_at, span.ends_at))
                before = 0
                continue
            item = ledger_item(ledgers[currency], span)
            assert item.opening == at_risk(mine, span.starts_at)
            assert item.closing == at_risk(mine, span.ends_at)
            left = item.recovered + item.lost + item.cancelled
            assert item.opening + item.entered - left == item.closing
            assert before is None or item.opening == before
            before = item.closing
            reasons = item.by_reason.model_dump()
            for movement, wanted in moved(mine, span).items():
                assert {k: v for k, v in reasons[movement].items() if v} == wanted


async def write(tx: Tx, history: History) -> None:
    invoice_id = await add_invoice(tx, await add_customer(tx))
    closed_at = history.closed_at
    case = Schedule(
        id=new_id("dun", wall=tx.wall),
        subscription_id="sub_A",
        invoice_id=invoice_id,
        customer_id="cus_A",
        state=history.state,
        amount_minor=history.amount_minor,
        currency=history.currency,
        rail=Rail.CARD,
        failure_code="51",
        failure_category=history.category,
        attempts_made=1,
        attempts_skipped=0,
        settings=dict(Settings().to_dict()),
        settings_version=1,
        next_action=None,
        next_attempt_at=None if closed_at else history.opened_at,
        reason="",
        first_failed_at=history.opened_at,
        last_pull_at=None,
        deadline_at=None,
        recovered_by=history.by if history.state is Status.RECOVERED else None,
        refund_due_at=None,
        opened_at=history.opened_at,
        closed_at=closed_at,
    )
    await RecoveryRepository(tx).add([case])
    await RecoveryRepository(tx).add_movements(rows_of(case.id, history))


def rows_of(case_id: str, history: History) -> list[LedgerRow]:
    def row(
        movement: Movement, amount_minor: int, reason: str, at: datetime, cause_id: str = ""
    ) -> LedgerRow:
        return LedgerRow(case_id, movement, amount_minor, history.currency, reason, at, cause_id)

    amount, category = history.amount_minor, history.category.value
    rows = [row(Movement.ENTERED, amount, category, history.opened_at)]
    if history.closed_at is None:
        return rows
    movement = LEAVES[history.state]
    rows.append(row(movement, amount, reason_of(history), history.closed_at))
    for cause, amount, at in later(history):
        if history.state is Status.RECOVERED:
            rows.append(row(Movement.RECOVERED, -amount, history.by.value, at, cause))
            rows.append(row(Movement.CANCELLED, amount, "refunded", at, cause))
        else:
            rows.append(row(Movement.LOST, -amount, category, at, cause))
            to = Movement.CANCELLED if history.is_voided else Movement.RECOVERED
            rows.append(row(to, amount, "cancelled" if history.is_voided else "manual", at, cause))
    return rows


def later(history: History) -> list[tuple[str, int, datetime]]:
    """What moved after the end: cause, amount and instant."""
    if history.after_h is None or history.closed_at is None:
        return []
    at = history.closed_at + timedelta(hours=history.after_h)
    if history.state is Status.EXHAUSTED:
        return [("txn_A", history.amount_minor, at)]
    if history.state is not Status.RECOVERED:
        return []
    part = history.amount_minor // history.parts
    amounts = [part] * (history.parts - 1)
    amounts.append(history.amount_minor - sum(amounts))
    return [
        (f"rfd_{n}", amount, at + timedelta(hours=n)) for n, amount in enumerate(amounts) if amount
    ]


def reason_of(history: History) -> str:
    match history.state:
        case Status.RECOVERED:
            return history.by.value
        case Status.EXHAUSTED:
            return history.category.value
        case _:
            return "cancelled"


def at_risk(histories: Sequence[History], at: datetime) -> int:
    """What is owed by cases that were opened before `at` and not closed before it."""
    return sum(
        each.amount_minor
        for each in histories
        if each.opened_at < at and (each.closed_at is None or each.closed_at >= at)
    )


def moved(histories: Sequence[History], span: Span) -> dict[str, dict[str, int]]:
    sums: dict[str, Counter[str]] = {name.value: Counter() for name in Movement}
    for history in histories:
        for row in rows_of("", history):
            if span.starts_at <= row.moved_at < span.ends_at:
                sums[row.movement.value][row.reason] += row.amount_minor
    return {name: {k: v for k, v in found.items() if v} for name, found in sums.items()}
