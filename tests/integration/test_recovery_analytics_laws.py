"""The recovery numbers of any history are those of plain arithmetic over it: random cases beside a slow oracle."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from duro.billing.case import Settings
from duro.billing.failures import Category
from duro.billing.rails import Rail
from duro.billing.schedule import OPEN, Status
from duro.kit.db import Database, Tx
from duro.kit.ids import new_id
from duro.kit.modes import Mode
from duro.modules.analytics.model import Cohort, Span
from duro.modules.analytics.repository import AnalyticsRepository
from duro.modules.analytics.schemas import DecidedOut, RecoveryOut, TallyOut, TriesOut
from duro.modules.analytics.service import Recovery, recovery
from duro.modules.invoices.model import Invoice, InvoiceStatus
from duro.modules.invoices.repository import InvoiceRepository
from duro.modules.payments.model import Attempt, AttemptStatus, Purpose
from duro.modules.payments.repository import AttemptRepository
from duro.modules.recovery.model import RecoveredBy, Schedule
from duro.modules.recovery.repository import RecoveryRepository
from tests.support.payments import add_customer
from tests.support.tenants import add_tenant

START = datetime(2026, 1, 1, tzinfo=UTC)
HOURS = st.integers(0, 100 * 24)
# In winter and in summer its days begin at another hour of UTC.
ZONE = ZoneInfo("Europe/Berlin")
CODES = {
    "51": Category.INSUFFICIENT_FUNDS,
    "54": Category.EXPIRED_CARD,
    "expired_card": Category.EXPIRED_CARD,
}


@dataclass(frozen=True)
class Tried:
    """A try after the first failure, so many hours after the one before it; it may succeed only as the last."""

    after_h: int
    rail: Rail
    is_withdrawn: bool


@dataclass(frozen=True)
class Told:
    """One case and what was tried for it; of a recovered one the last try that was not withdrawn succeeded."""

    billed_h: int
    amount_minor: int
    currency: str
    code: str
    state: Status
    tries: tuple[Tried, ...]
    refunded_minor: int
    has_excess: bool

    @property
    def billed_at(self) -> datetime:
        return START + timedelta(hours=self.billed_h)

    @property
    def times(self) -> list[datetime]:
        """When the tries were settled."""
        hours = [sum(each.after_h for each in self.tries[: n + 1]) for n in range(len(self.tries))]
        return [self.billed_at + timedelta(hours=each, seconds=1) for each in hours]

    @property
    def ended_at(self) -> datetime:
        return max([self.billed_at, *self.times])

    @property
    def is_recovered(self) -> bool:
        return self.state is Status.RECOVERED

    @property
    def settled(self) -> list[tuple[str, int, datetime, bool]]:
        """Of each try that counts: rail, number, instant, whether it succeeded."""
        counted = [
            (t.rail.value, at)
            for t, at in zip(self.tries, self.times, strict=True)
            if not t.is_withdrawn
        ]
        return [
            (rail, number, at, self.is_recovered and number == len(counted) + 1)
            for number, (rail, at) in enumerate(counted, start=2)
        ]


def _sane(told: Told) -> Told:
    """A recovery needs a try that was not withdrawn, and only what was recovered is refunded."""
    if not told.is_recovered:
        return replace(told, refunded_minor=0, has_excess=False)
    last = Tried(1, Rail.CARD, is_withdrawn=False)
    tries = told.tries if told.tries and not told.tries[-1].is_withdrawn else (*told.tries, last)
    return replace(told, tries=tries, refunded_minor=min(told.refunded_minor, told.amount_minor))


STORIES = st.lists(
    st.builds(
        Told,
        billed_h=HOURS,
        amount_minor=st.integers(1, 10**13),
        currency=st.sampled_from(["NGN", "NGN", "USD"]),
        code=st.sampled_from(sorted(CODES)),
        state=st.sampled_from(
            [Status.SCHEDULED, Status.AWAITING_CUSTOMER, Status.CANCELED]
            + [Status.RECOVERED, Status.EXHAUSTED] * 2
        ),
        tries=st.lists(
            st.builds(
                Tried,
                after_h=st.integers(1, 300),
                rail=st.sampled_from([Rail.CARD, Rail.TRANSFER, Rail.USSD]),
                is_withdrawn=st.sampled_from([False, False, True]),
            ),
            max_size=5,
        ).map(tuple),
        refunded_minor=st.sampled_from([0, 0, 1, 10**14]),
        has_excess=st.booleans(),
    ).map(_sane),
    max_size=12,
)


@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(stories=STORIES, ends=st.lists(HOURS, min_size=2, max_size=2, unique=True).map(sorted))
async def test_the_numbers_are_those_of_plain_arithmetic(
    db: Database, database_url: str, stories: list[Told], ends: list[int]
) -> None:
    tenant_id = await add_tenant(database_url, new_id("ten", wall=START), name="Law")
    async with db.begin(Mode.TEST, tenant_id) as tx:
        customer_id = await add_customer(tx)
        for told in stories:
            await write(tx, customer_id, told)
    span = Span(START + timedelta(hours=ends[0]), START + timedelta(hours=ends[1]))

    async with db.begin(Mode.TEST, tenant_id) as tx:
        shown = await read(tx, span, "NGN")

    mine = [t for t in stories if t.currency == "NGN" and ends[0] <= t.billed_h < ends[1]]
    assert shown.all == tally(mine, left)
    assert shown.in_flight == tally([t for t in mine if t.state in OPEN], left)
    assert shown.canceled == tally([t for t in mine if t.state is Status.CANCELED], left)
    assert (shown.recovered, shown.exhausted) == decided(mine)
    assert (shown.recovery_rate, shown.case_rate) == rates(*decided(mine))
    took_s = sorted(seconds(t) for t in mine if t.is_recovered)
    times = shown.time_to_recover
    assert (times.median_seconds, times.p90_seconds) == (rank(took_s, 50), rank(took_s, 90))
    assert_decided(shown.by_failure_code, mine, lambda told: told.code)
    assert_decided(shown.by_category, mine, lambda told: CODES[told.code].value)
    assert_tried(shown.by_rail, mine, lambda rail, _number, _at: rail)
    assert_tried(shown.by_attempt, mine, lambda _rail, number, _at: str(number))
    assert_tried(shown.by_weekday, mine, lambda *of: str(of[2].astimezone(ZONE).isoweekday()))
    assert_tried(shown.by_day_of_month, mine, lambda *of: str(of[2].astimezone(ZONE).day))


async def read(tx: Tx, span: Span, currency: str) -> RecoveryOut:
    repository = AnalyticsRepository(tx)
    found = Recovery(
        cohort=(await repository.cohort(span)).get(currency) or Cohort(currency),
        times=await repository.times(span, currency),
        tries=await repository.tries(span, currency, ZONE),
        changes=await repository.settings_changes(span),
    )
    return recovery(found, span)


def left(told: Told) -> int:
    return told.amount_minor - told.refunded_minor


def seconds(told: Told) -> int:
    return int((told.ended_at - told.billed_at).total_seconds())


def tally(stories: Iterable[Told], amount: Callable[[Told], int]) -> TallyOut:
    amounts = [amount(told) for told in stories]
    return TallyOut(count=len(amounts), amount=sum(amounts))


def decided(stories: Sequence[Told]) -> tuple[TallyOut, TallyOut]:
    recovered = tally([told for told in stories if told.is_recovered], left)
    return recovered, tally([told for told in stories if told.state is Status.EXHAUSTED], left)


def rates(won: TallyOut, lost: TallyOut) -> tuple[float, float]:
    return (
        four_decimals(won.amount, won.amount + lost.amount),
        four_decimals(won.count, won.count + lost.count),
    )


def four_decimals(part: int, whole: int) -> float:
    if not whole:
        return 0.0
    scaled = Fraction(part, whole) * 10_000
    return (scaled + Fraction(1, 2)).__floor__() / 10_000


def rank(values: Sequence[int], percent: int) -> int | None:
    """The nearest rank: so many percent of the values are not above it."""
    if not values:
        return None
    return next(v for n, v in enumerate(values, start=1) if 100 * n >= percent * len(values))


def assert_decided(
    shown: Sequence[DecidedOut], stories: Sequence[Told], key: Callable[[Told], str]
) -> None:
    assert [each.key for each in shown] == sorted({key(told) for told in stories})
    for each in shown:
        mine = [told for told in stories if key(told) == each.key]
        assert each.all == tally(mine, left)
        assert (each.recovered, each.exhausted) == decided(mine)
        assert (each.recovery_rate, each.case_rate) == rates(*decided(mine))


def assert_tried(
    shown: Sequence[TriesOut], stories: Sequence[Told], key: Callable[[str, int, datetime], str]
) -> None:
    found: dict[str, list[tuple[int, bool]]] = {}
    for told in stories:
        for rail, number, at, is_success in told.settled:
            found.setdefault(key(rail, number, at), []).append((told.amount_minor, is_success))
    assert sorted(each.key for each in shown) == sorted(found)
    for each in shown:
        tried = [amount for amount, _ in found[each.key]]
        won = [amount for amount, is_success in found[each.key] if is_success]
        assert each.tried == TallyOut(count=len(tried), amount=sum(tried))
        assert each.succeeded == TallyOut(count=len(won), amount=sum(won))
        assert each.success_rate == four_decimals(sum(won), sum(tried))
        assert each.try_rate == four_decimals(len(won), len(tried))


async def write(tx: Tx, customer_id: str, told: Told) -> None:
    invoice_id = new_id("inv", wall=tx.wall)
    invoice = Invoice(
        id=invoice_id,
        number=invoice_id,
        subscription_id=None,
        customer_id=customer_id,
        idempotency_key=invoice_id,
        amount_minor=told.amount_minor,
        currency=told.currency,
        lines=[],
        status=InvoiceStatus.OPEN,
        rail=None,
        period_index=0,
        period_starts_at=told.billed_at,
        period_ends_at=told.billed_at + timedelta(days=30),
        amount_refunded_minor=told.refunded_minor,
        paid_at=None,
        created_at=told.billed_at,
    )
    await InvoiceRepository(tx).add([invoice])
    await AttemptRepository(tx).add(attempts_of(tx, invoice, told))
    await RecoveryRepository(tx).add([case_of(tx, invoice, told)])


def attempts_of(tx: Tx, invoice: Invoice, told: Told) -> list[Attempt]:
    rows = [
        attempt(tx, invoice, told.billed_at, Rail.CARD, code=told.code, category=CODES[told.code])
    ]
    for index, (tried, at) in enumerate(zip(told.tries, told.times, strict=True)):
        if tried.is_withdrawn:
            rows.append(attempt(tx, invoice, at, tried.rail, code="canceled"))
        elif told.is_recovered and index == len(told.tries) - 1:
            rows.append(attempt(tx, invoice, at, tried.rail))
        else:
            limit = Category.LIMIT
            rows.append(attempt(tx, invoice, at, tried.rail, code="61", category=limit))
    if told.has_excess:
        late = told.ended_at + timedelta(hours=1)
        rows.append(replace(attempt(tx, invoice, late, Rail.CARD), is_excess=True))
    return rows


def attempt(
    tx: Tx,
    invoice: Invoice,
    at: datetime,
    rail: Rail,
    *,
    code: str | None = None,
    category: Category | None = None,
) -> Attempt:
    attempt_id = new_id("txn", wall=tx.wall)
    return Attempt(
        id=attempt_id,
        invoice_id=invoice.id,
        subscription_id="sub_A",
        customer_id=invoice.customer_id,
        payment_method_id=None,
        purpose=Purpose.RETRY,
        status=AttemptStatus.SUCCEEDED if code is None else AttemptStatus.FAILED,
        amount_minor=invoice.amount_minor,
        currency=invoice.currency,
        rail=rail,
        reference=attempt_id,
        failure_code=code,
        failure_category=category,
        settled_at=at,
        check_at=None,
        checks=0,
        lease_until=None,
        review_reason=None,
        created_at=at,
    )


def case_of(tx: Tx, invoice: Invoice, told: Told) -> Schedule:
    is_open = told.state in OPEN
    return Schedule(
        id=new_id("dun", wall=tx.wall),
        subscription_id="sub_A",
        invoice_id=invoice.id,
        customer_id=invoice.customer_id,
        state=told.state,
        amount_minor=told.amount_minor,
        currency=told.currency,
        rail=Rail.CARD,
        failure_code="61",
        failure_category=Category.LIMIT,
        attempts_made=1,
        attempts_skipped=0,
        settings=dict(Settings().to_dict()),
        settings_version=1,
        next_action=None,
        next_attempt_at=told.billed_at if is_open else None,
        reason="",
        first_failed_at=told.billed_at,
        last_pull_at=None,
        deadline_at=None,
        recovered_by=RecoveredBy.RETRY if told.is_recovered else None,
        refund_due_at=None,
        opened_at=told.billed_at,
        closed_at=None if is_open else told.ended_at,
    )
