"""Laws of plan changes: what the preview says is what happens, to the kobo; and the invariants hold, whatever comes."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final, TypeAlias

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from duro.billing.cycle import Interval
from duro.errors import DuroError
from duro.kit.ids import new_id
from duro.modules.catalog.schemas import PromoCreate
from duro.modules.catalog.service import create_promo
from duro.modules.charging import change_plan, invoicing, refund
from duro.modules.charging.lifecycle import Lifecycle
from duro.modules.payments.testcards import Instrument
from duro.modules.subscriptions.model import Subscription
from duro.modules.subscriptions.schemas import PlanChangeAsk, SubscriptionCancel
from tests.support.billing import Shop
from tests.support.tenants import add_tenant

METHODS: Final = [f"pm_test_{each.value}" for each in Instrument if each is not Instrument.SLOW]
INTERVALS: Final = [Interval.DAY, Interval.WEEK, Interval.MONTH]
_SETTINGS: Final = settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@dataclass(frozen=True)
class Change:
    """To a new plan; `microseconds` after the change before."""

    amount: int
    interval: Interval
    when: str
    billing: str
    microseconds: int


@dataclass(frozen=True)
class Move:
    hours: int


@dataclass(frozen=True)
class Use:
    method: str


@dataclass(frozen=True)
class Invoice:
    """Something done with the newest invoice, or with one before it."""

    action: str
    back: int
    amount: int
    method: str | None


@dataclass(frozen=True)
class Act:
    action: str


Step: TypeAlias = Change | Move | Use | Invoice | Act

_CHANGES: Final = st.builds(
    Change,
    amount=st.one_of(st.sampled_from([1, 500_000]), st.integers(1, 10**14)),
    interval=st.sampled_from(INTERVALS),
    when=st.sampled_from(["now", "now", "now", "period_end"]),
    billing=st.sampled_from(["now", "now", "next_invoice"]),
    microseconds=st.integers(0, 6 * 24 * 3600 * 10**6),
)
_STEPS: Final = st.one_of(
    _CHANGES,
    st.builds(Move, hours=st.sampled_from([1, 24, 72, 24 * 8, 24 * 31])),
    st.builds(Use, method=st.sampled_from(METHODS)),
    st.builds(
        Invoice,
        action=st.sampled_from(["void", "pay", "refund", "refund"]),
        back=st.integers(0, 2),
        amount=st.integers(1, 600_000),
        method=st.sampled_from([None, *METHODS]),
    ),
    st.builds(Act, action=st.sampled_from(["pause", "resume", "cancel"])),
)


async def own_tenant(shop: Shop) -> Shop:
    tenant_id = new_id("ten", wall=shop.clock.wall())
    await add_tenant(shop.database_url, tenant_id, name="Adunni Gyms")
    return replace(shop, tenant_id=tenant_id)


async def ask_for(shop: Shop, step: Change) -> PlanChangeAsk:
    plan_id = await shop.plan(step.interval, amount=step.amount)
    body = {"planId": plan_id, "when": step.when, "billing": step.billing}
    return PlanChangeAsk.model_validate(body)


async def carry_out(shop: Shop, subscription_id: str, ask: PlanChangeAsk) -> change_plan.Done:
    async with shop.scope.begin() as tx:
        begun = await change_plan.begin(tx, shop.charging, subscription_id, ask)
    if begun.charge is not None:
        await shop.charging.run(shop.scope, [begun.charge])
    async with shop.scope.begin() as tx:
        return await change_plan.result(tx, begun.ticket)


def told(row: Subscription, invoice: Any) -> object:  # noqa: ANN401 - an invoice or none
    """All that a preview promises; the invoice that is made has another id, and is the latest then."""
    lines = invoice and (
        *(invoice.amount_minor, invoice.lines, invoice.currency, invoice.period_index),
        *(invoice.period_starts_at, invoice.period_ends_at),
    )
    return replace(row, latest_invoice_id=None), lines


@_SETTINGS
@given(
    price=st.integers(1, 10**14),
    interval=st.sampled_from(INTERVALS),
    trial_days=st.sampled_from([0, 0, 0, 40]),
    percent=st.sampled_from([None, None, 1, 33, 100]),
    changes=st.lists(_CHANGES, min_size=1, max_size=5),
)
async def test_the_preview_is_what_then_happens(
    shop: Shop,
    price: int,
    interval: Interval,
    trial_days: int,
    percent: int | None,
    changes: list[Change],
) -> None:
    own = await own_tenant(shop)
    promo = await make_promo(own, percent)
    plan_id = await own.plan(interval, amount=price, trialDays=trial_days)
    subscription_id = await own.subscribe(plan_id, promo_code=promo)

    for step in changes:
        own.clock.move(timedelta(microseconds=step.microseconds))
        await own.catch_up()
        ask = await ask_for(own, step)
        before = await own.get(subscription_id)
        seen = await preview(own, subscription_id, ask)
        assert await own.get(subscription_id) == before
        if isinstance(seen, DuroError):
            event(f"refused: {type(seen).__name__}")
            with pytest.raises(type(seen)):
                await carry_out(own, subscription_id, ask)
            assert await own.get(subscription_id) == before
            continue

        done = await carry_out(own, subscription_id, ask)

        event(f"{step.when}, {seen.proration.kind}")
        assert done.proration == seen.proration
        assert told(done.subscription, done.invoice) == told(seen.after, seen.invoice)
        assert await own.get(subscription_id) == done.subscription
        assert await own.broken() == []
    own.clock.move(timedelta(days=32))
    await own.catch_up()
    assert await own.broken() == []


async def make_promo(shop: Shop, percent: int | None) -> str | None:
    if percent is None:
        return None
    body = {
        "code": "LAW",
        "discountType": "percentage",
        "discountValue": percent,
        "duration": "repeating",
        "durationCycles": 2,
    }
    async with shop.scope.begin() as tx:
        asked = PromoCreate.model_validate(body)
        return (await create_promo(tx, asked, home_currency="NGN")).code


async def preview(
    shop: Shop, subscription_id: str, ask: PlanChangeAsk
) -> change_plan.Proposal | DuroError:
    """Or why it is refused."""
    try:
        async with shop.scope.begin() as tx:
            return await change_plan.preview(tx, shop.charging, subscription_id, ask)
    except DuroError as refusal:
        return refusal


@_SETTINGS
@given(steps=st.lists(_STEPS, min_size=4, max_size=16))
async def test_the_invariants_hold_after_every_step(shop: Shop, steps: list[Step]) -> None:
    own = await own_tenant(shop)
    subscription_id = await own.subscribe(await own.plan(Interval.WEEK))

    for step in steps:
        try:
            await take(own, subscription_id, step)
        except DuroError as refusal:
            # A refusal changes nothing; the invariants say whether that is so.
            event(f"{type(step).__name__} refused: {type(refusal).__name__}")
        assert await own.broken(is_at_rest=False) == []

    # As in the law of charging: five passes an hour apart for what was stopped, then minutes for what fell due.
    for minutes in (*[60] * 6, 1, 2, 4):
        own.clock.move(timedelta(minutes=minutes, seconds=1))
        await own.catch_up()
    assert await own.broken() == []


async def take(shop: Shop, subscription_id: str, step: Step) -> None:
    match step:
        case Change(microseconds=microseconds):
            shop.clock.move(timedelta(microseconds=microseconds))
            await carry_out(shop, subscription_id, await ask_for(shop, step))
        case Move(hours=hours):
            shop.clock.move(timedelta(hours=hours))
            await shop.catch_up()
        case Use(method=method):
            await shop.use(subscription_id, method)
        case Act(action=action):
            await act(shop, subscription_id, action)
        case Invoice():
            await handle(shop, step)


async def act(shop: Shop, subscription_id: str, action: str) -> None:
    lifecycle, charge = Lifecycle(shop.charging), None
    async with shop.scope.begin() as tx:
        if action == "pause":
            await lifecycle.pause(tx, subscription_id)
        elif action == "resume":
            charge = (await lifecycle.resume(tx, subscription_id)).charge
        else:
            await lifecycle.cancel(tx, subscription_id, SubscriptionCancel())
    if charge is not None:
        await shop.charging.run(shop.scope, [charge])


async def handle(shop: Shop, step: Invoice) -> None:
    rows = await shop.query("SELECT id, amount_minor FROM invoices ORDER BY id DESC")
    invoice_id, total = rows[step.back % len(rows)]
    match step.action:
        case "void":
            async with shop.scope.begin() as tx:
                await invoicing.void(tx, shop.charging, invoice_id)
        case "pay":
            async with shop.scope.begin() as tx:
                charge = await invoicing.begin_pay(
                    tx, shop.charging, invoice_id, method_id=step.method
                )
            await shop.charging.run(shop.scope, [charge])
        case _:
            amount = min(step.amount, total) or None
            async with shop.scope.begin() as tx:
                back = await refund.begin(tx, invoice_id, amount_minor=amount, reason=None)
            await refund.run(shop.charging, shop.scope, back)
