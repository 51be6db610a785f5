"""Owns the laws of what a change of plan comes to: no kobo appears and none is lost."""

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from duro.billing.cycle import Interval, Period
from duro.kit.rows import into
from duro.modules.catalog.model import Plan
from duro.modules.charging.terms import Swap, Terms, in_new_period, in_period, on_trial
from duro.modules.subscriptions.model import Subscription

LAGOS: Final = ZoneInfo("Africa/Lagos")
JUNE: Final = Period(datetime(2026, 6, 1, tzinfo=UTC), datetime(2026, 7, 1, tzinfo=UTC))
MIDDLE: Final = datetime(2026, 6, 16, tzinfo=UTC)
GOLD: Final = Plan(
    id="plan_1",
    name="Gold",
    amount_minor=500_000,
    currency="NGN",
    interval=Interval.MONTH,
    interval_count=1,
    trial_days=0,
    max_cycles=None,
    allow_multiple=False,
    archived_at=None,
    metadata={},
    created_at=JUNE.starts_at,
)
ROW: Final = into(
    Subscription,
    dict.fromkeys(field.name for field in fields(Subscription))
    | {"id": "sub_1", "status": "active", "balance_minor": 0, "carried_minor": 0},
)
amounts = st.integers(0, 10**14)
prices = st.integers(1, 10**14)
instants = st.integers(0, 30 * 86_400 * 10**6).map(
    lambda microseconds: JUNE.starts_at + timedelta(microseconds=microseconds)
)
rows = st.builds(
    lambda balance, carried, price: replace(
        ROW, balance_minor=balance, carried_minor=carried, period_price_minor=price
    ),
    amounts,
    amounts,
    st.one_of(st.none(), amounts),
)


def to(amount_minor: int, interval: Interval = Interval.MONTH) -> Swap:
    new = replace(GOLD, id="plan_2", name="Platinum", amount_minor=amount_minor, interval=interval)
    return Swap(GOLD, new, None)


def billed(terms: Terms) -> int:
    return sum(line["amount"] for line in terms.lines)


def signed(terms: Terms) -> int:
    net = terms.proration
    return -net.amount_minor if net.kind == "credit" else net.amount_minor


def conserved(row: Subscription, terms: Terms) -> bool:
    """What is charged, used of the balance and carried on, less what is credited, is what the change costs."""
    carried = terms.carried_minor - row.carried_minor
    return billed(terms) + terms.used_minor + carried - terms.credit_minor == signed(terms)


@given(row=rows, price=prices, now=instants, is_carried=st.booleans())
def test_in_the_period_every_kobo_is_charged_used_carried_or_credited(
    row: Subscription, price: int, now: datetime, *, is_carried: bool
) -> None:
    terms = in_period(row, to(price), JUNE, now=now, is_carried=is_carried)

    assert conserved(row, terms)
    assert 0 <= terms.used_minor <= row.balance_minor
    assert billed(terms) >= 0
    assert not (terms.credit_minor and terms.lines)
    assert terms.span is None


@given(row=rows, price=prices, now=instants)
def test_in_a_new_period_every_kobo_is_charged_used_or_credited(
    row: Subscription, price: int, now: datetime
) -> None:
    terms = in_new_period(row, to(price, Interval.YEAR), JUNE, now=now, zone=LAGOS)

    assert conserved(row, terms)
    assert 0 <= terms.used_minor <= row.balance_minor
    # Nothing is credited while something is still charged.
    assert billed(terms) == 0 or terms.credit_minor == 0
    assert terms.carried_minor == 0
    assert terms.span is not None
    assert terms.span.starts_at == now


@given(row=rows, now=instants)
def test_an_upgrade_by_the_balance_alone_charges_nothing(row: Subscription, now: datetime) -> None:
    rich = replace(row, balance_minor=10**14, period_price_minor=None)

    terms = in_period(rich, to(1_000_000), JUNE, now=now, is_carried=False)

    assert billed(terms) == 0
    assert terms.used_minor == terms.proration.amount_minor


def test_credit_counts_what_was_billed_and_not_what_the_plan_costs_now() -> None:
    raised = replace(ROW, period_price_minor=100_000)

    terms = in_period(raised, to(20_000), JUNE, now=MIDDLE, is_carried=False)

    assert (terms.proration.kind, terms.credit_minor) == ("credit", 40_000)


def test_the_lines_say_what_is_charged_and_what_was_unused() -> None:
    row = replace(ROW, balance_minor=100_000)

    terms = in_period(row, to(1_000_000), JUNE, now=MIDDLE, is_carried=False)

    assert [(line["kind"], line["amount"]) for line in terms.lines] == [
        ("proration", 500_000),
        ("proration", -250_000),
        ("credit", -100_000),
    ]


def test_what_was_carried_is_billed_with_a_new_period() -> None:
    row = replace(ROW, carried_minor=30_000)

    terms = in_new_period(row, to(5_000_000, Interval.YEAR), JUNE, now=MIDDLE, zone=LAGOS)

    assert [(line["kind"], line["amount"]) for line in terms.lines] == [
        ("plan", 5_000_000),
        ("carried", 30_000),
        ("proration", -250_000),
    ]
    assert (terms.proration.amount_minor, billed(terms)) == (4_750_000, 4_780_000)


def test_a_trial_costs_nothing_and_keeps_what_is_carried() -> None:
    terms = on_trial(replace(ROW, carried_minor=7))

    assert (terms.proration.kind, terms.lines, terms.carried_minor) == ("none", (), 7)
