"""Whatever customers, banks, merchants and time do on the ladder of rails, it leads to paid or ended."""

from dataclasses import replace
from datetime import timedelta
from typing import Final

from hypothesis import HealthCheck, example, given, note, settings
from hypothesis import strategies as st

from duro.billing.cycle import Interval
from duro.billing.rails import PUSH
from duro.kit.ids import new_id
from duro.modules.payments.testcards import Instrument
from tests.support.billing import Shop
from tests.support.faults import IS_LONG
from tests.support.ladder import Ladder
from tests.support.steps import (
    Act,
    Ask,
    Pay,
    PayAccount,
    Refund,
    Resolve,
    Settle,
    Start,
    Step,
    StepIn,
    Use,
    Wait,
)
from tests.support.tenants import add_tenant

_MANDATES: Final = [
    "pm_test_mandate",
    "pm_test_mandate_early",
    "pm_test_mandate_insufficient_funds",
]
# One that answers after twelve seconds is another test's.
_METHODS: Final = [f"pm_test_{each.value}" for each in Instrument if each is not Instrument.SLOW]
_FAILING: Final = [
    # The first are those that lead down the rails.
    *("pm_test_stolen", "pm_test_do_not_honor", "pm_test_insufficient_funds", "pm_test_expired"),
    *("pm_test_payday", "pm_test_processor_error_twice", "pm_test_timeout_not_charged"),
    *("pm_test_mandate_early", "pm_test_mandate_insufficient_funds"),
]
# Charged, but nobody hears of it before a look-up: other money may come first.
_SILENT: Final = ["pm_test_timeout_charged"] * 3
# More steps than the longest ladder has: five tries, a reminder at each offset and each payday of some months.
_PATIENCE: Final = 80

_OWED: Final = """
SELECT s.id, s.status, i.id AS invoice_id
  FROM subscriptions s
  JOIN invoices i ON i.id = s.latest_invoice_id
 WHERE s.status IN ('past_due', 'unpaid')
 ORDER BY s.id"""
_ASKED: Final = """
SELECT r.reference, i.amount_minor - i.received_minor AS lacking_minor,
       CASE r.rail WHEN 'virtual_account' THEN r.details ->> 'accountNumber' END AS account_number
  FROM payment_requests r
  JOIN invoices i ON i.id = r.invoice_id
 WHERE r.invoice_id = $1
   AND r.status = 'open'
 ORDER BY r.id DESC"""
_OPEN_CASES: Final = "SELECT id FROM dunning_schedules WHERE closed_at IS NULL ORDER BY id"
_UNFINISHED: Final = """
SELECT id, state, next_action, next_attempt_at, reason
  FROM dunning_schedules
 WHERE id = ANY ($1::text[])
   AND closed_at IS NULL
   AND NOT (settings ->> 'escalation' = 'keep_past_due' AND state = 'awaiting_customer'
            AND next_action = 'remind' AND deadline_at IS NULL)
 ORDER BY id"""

_WHICH: Final = st.integers(0, 3)
_STARTS: Final = st.builds(
    Start,
    method=st.sampled_from([None, *_FAILING[:2] * 4, *_FAILING]),
    is_reachable=st.sampled_from([True, True, True, False]),
    has_account=st.booleans(),
    mandate=st.sampled_from([None, None, *_MANDATES]),
    interval=st.sampled_from([Interval.DAY, Interval.WEEK, Interval.MONTH]),
)
_SETTINGS: Final = st.sampled_from(
    [
        Settle((("paydayAware", False),)),
        Settle((("rails", ["transfer", "direct_debit"]),)),
        Settle((("rails", ["card", "ussd", "transfer", "virtual_account", "direct_debit"]),)),
        Settle((("dunningEscalation", "cancel"), ("dunningEscalationDays", 3))),
        Settle((("dunningEscalation", "keep_past_due"),)),
        Settle((("autoRecovery", False),)),
        Settle((("dunningEnabled", False),)),
        Settle((("maxAttempts", 2), ("retryOffsetsHours", [0, 1]))),
    ]
)
_WAITS: Final = st.builds(Wait, hours=st.sampled_from([None, None, None, 1, 6, 20, 25, 72, 24 * 8]))
_PAYS: Final = st.builds(
    Pay,
    which=st.sampled_from([0, 0, 0, 1, 2, 5]),
    how=st.sampled_from(["whole", "part", "over", "twice", "dollars"]),
    told=st.sampled_from(["at once", "at once", "never", "in a race"]),
)
_PLAIN: Final = Start(
    method=None, is_reachable=True, has_account=False, mandate=None, interval=Interval.DAY
)
_STEPS: Final = st.one_of(
    _STARTS,
    _WAITS,
    _WAITS,
    _WAITS,
    _PAYS,
    _PAYS,
    _PAYS,
    _PAYS,
    st.builds(PayAccount, which=_WHICH, amount_minor=st.sampled_from([70_000, 500_000, 600_000])),
    st.builds(Use, which=_WHICH, method=st.sampled_from(_METHODS)),
    st.builds(
        StepIn,
        which=_WHICH,
        how=st.sampled_from(["retry", "skip", "cancel", "void", "pm_test_ok", *_SILENT, *_FAILING]),
    ),
    st.builds(Ask, which=st.integers(0, 7), rail=st.sampled_from(sorted(PUSH))),
    st.builds(
        Refund, which=st.integers(0, 7), amount_minor=st.sampled_from([None, 100_000, 500_000])
    ),
    st.builds(Resolve, which=_WHICH, how=st.sampled_from(["apply", "apply", "credit", "refunded"])),
    st.builds(Act, which=_WHICH, action=st.sampled_from(["pause", "resume", "cancel"])),
    _SETTINGS,
)


@settings(
    max_examples=400 if IS_LONG else 20,
    deadline=None,
    # Each example has a tenant of its own in the test's database.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@example(
    # A card pays what an untold transfer has paid already: the transfer is looked for no later because of it.
    begin=_PLAIN,
    steps=[
        Wait(None),
        Pay(which=0, how="whole", told="never"),
        StepIn(which=0, how="pm_test_timeout_charged"),
    ],
    is_paid=True,
)
@given(begin=_STARTS, steps=st.lists(_STEPS, min_size=6, max_size=20), is_paid=st.booleans())
async def test_every_case_can_be_paid_and_else_ends_or_has_a_next_action(
    shop: Shop, begin: Start, steps: list[Step], *, is_paid: bool
) -> None:
    tenant_id = new_id("ten", wall=shop.clock.wall())
    await add_tenant(shop.database_url, tenant_id, name="Adunni Gyms")
    ladder = Ladder(replace(shop, tenant_id=tenant_id))
    note(f"{begin} {steps}")
    await ladder.start(begin)

    for step in [Wait(24 * 32), *steps]:
        await ladder.take(step)
        await ladder.catch_up()
        assert await ladder.broken() == []

    # A day on, also the money is found that no notice told of.
    ladder.shop.clock.move(timedelta(days=1))
    await ladder.catch_up()
    await ladder.wait_for_answers()
    assert await ladder.broken(is_at_rest=True) == []
    assert await ladder.asked_in_vain() == []
    if is_paid:
        await _pay_everything(ladder)
    else:
        await _wait_for_the_end(ladder)
    assert await ladder.broken() == []


async def _pay_everything(ladder: Ladder) -> None:
    """Whoever owes something pays the request they have, else by a good card: they are active at once."""
    shop = ladder.shop
    for row in await shop.query(_OWED):
        asked = await shop.query(_ASKED, row["invoice_id"])
        if asked:
            to = asked[0]["account_number"] or asked[0]["reference"]
            await ladder.receive(to, (asked[0]["lacking_minor"], "NGN"))
        else:
            await ladder.pay_by_card(row["invoice_id"], "pm_test_ok")
        after = await shop.value("SELECT status FROM subscriptions WHERE id = $1", row["id"])
        assert after == "active", (row["id"], row["status"], after)


async def _wait_for_the_end(ladder: Ladder) -> None:
    """If nobody does anything any more, each case ends, or is kept past due and goes on reminding."""
    shop = ladder.shop
    cases = [row["id"] for row in await shop.query(_OPEN_CASES)]
    for _ in range(_PATIENCE):
        unfinished = [row["id"] for row in await shop.query(_UNFINISHED, cases)]
        if not unfinished:
            return
        await ladder.wait_for_next(unfinished)
    raise AssertionError(await shop.query(_UNFINISHED, cases))
