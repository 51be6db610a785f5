"""Charging under attack: forged, late and missing answers, stops, and deaths at the gateway."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

import pytest

from duro.modules.charging.engine import request_for
from duro.modules.charging.reconcile import reconcile_due
from duro.modules.charging.renew import open_renewals
from duro.modules.payments.gateway import ChargeRequest, NotFound, Succeeded, Unknown
from duro.modules.subscriptions.repository import SubscriptionRepository
from tests.support.billing import Shop

MONTH = timedelta(days=31)  # from 28 January to 28 February


async def test_another_amount_is_held_for_review_and_never_paid(shop: Shop) -> None:
    subscription_id = await shop.subscribe(await shop.plan())
    shop.clock.move(MONTH)
    shop.gateway.forge = lambda _request, _answer: Succeeded(499_999, "NGN")

    ran = await shop.run("billing.renew")
    shop.clock.move(timedelta(days=40))
    await shop.catch_up()

    assert ran.counts["held"] == 1
    status = "SELECT status, review_reason FROM payment_attempts WHERE purpose = 'renewal'"
    ((held, why),) = await shop.query(status)
    assert (held, why) == ("unknown", "the gateway answered 499999 NGN")
    assert await shop.value("SELECT status FROM invoices ORDER BY id DESC LIMIT 1") == "open"
    # Nothing more is charged while a person has to look.
    assert len(shop.gateway.charged) == 2
    assert (await shop.get(subscription_id)).cycles_completed == 1


async def test_another_currency_is_held_for_review(shop: Shop) -> None:
    await shop.subscribe(await shop.plan())
    shop.clock.move(MONTH)
    shop.gateway.forge = lambda _request, _answer: Succeeded(500_000, "USD")

    assert (await shop.run("billing.renew")).counts["held"] == 1


async def test_a_second_success_of_one_invoice_is_credit_for_the_next(shop: Shop) -> None:
    await shop.subscribe(await shop.plan())
    shop.clock.move(MONTH)

    async def pay_otherwise(_: ChargeRequest) -> None:
        await shop.query(
            "UPDATE invoices SET status = 'paid', paid_at = now(), rail = 'transfer' "
            "WHERE status = 'open'"
        )

    shop.gateway.after_charge = pay_otherwise
    ran = await shop.run("billing.renew")

    assert (ran.counts["held"], ran.counts["errors"]) == (0, 0)
    text = "SELECT status, is_excess FROM payment_attempts WHERE purpose = 'renewal'"
    assert [tuple(row) for row in await shop.query(text)] == [("succeeded", True)]
    ((balance, reason),) = await shop.query(
        "SELECT balance_after_minor, reason FROM balance_entries"
    )
    assert (balance, reason) == (500_000, "overpayment")


async def test_a_cancellation_before_the_gateway_is_asked_stops_the_charge(shop: Shop) -> None:
    stopped, other = await shop.many(2, await shop.plan())
    shop.clock.move(MONTH)
    async with shop.scope.begin() as tx:
        due = await SubscriptionRepository(tx).claim_renewals(10)
        opened = await open_renewals(tx, due, shop.charging)

    await shop.cancel(stopped)
    counts = await shop.charging.run(shop.scope, opened.charges)

    assert len(shop.gateway.charged) == 3
    assert (counts["withdrawn"], counts["renewals"]) == (1, 1)
    assert (await shop.get(other)).cycles_completed == 2
    assert await shop.broken() == []


async def test_a_cancellation_while_the_gateway_is_asked_keeps_the_money_for_a_refund(
    shop: Shop,
) -> None:
    subscription_id = await shop.subscribe(await shop.plan())
    shop.clock.move(MONTH)

    async def stop(_: ChargeRequest) -> None:
        await shop.cancel(subscription_id)

    shop.gateway.before_charge = stop
    ran = await shop.run("billing.renew")

    assert ran.counts["refunds_due"] == 1
    text = "SELECT status, review_reason FROM payment_attempts WHERE purpose = 'renewal'"
    ((status, why),) = await shop.query(text)
    assert (status, why) == ("succeeded", "paid after the subscription had ended; to be refunded")
    assert (await shop.get(subscription_id)).status == "canceled"
    assert await shop.broken() == []


async def test_a_cancellation_while_a_retry_is_asked_flags_the_case_for_a_refund(
    shop: Shop,
) -> None:
    subscription_id = await shop.subscribe(await shop.plan())
    await shop.use(subscription_id, "pm_test_do_not_honor_once")
    shop.clock.move(MONTH)
    await shop.run("billing.renew")
    shop.clock.move(timedelta(days=1))

    async def stop(_: ChargeRequest) -> None:
        await shop.cancel(subscription_id)

    shop.gateway.before_charge = stop
    await shop.run("dunning.process")

    ((state, due),) = await shop.query("SELECT state, refund_due_at FROM dunning_schedules")
    assert state == "recovered"
    assert due is not None
    assert (await shop.get(subscription_id)).status == "canceled"
    assert await shop.broken() == []


async def test_a_withdrawal_is_not_believed_when_somebody_else_may_have_asked(shop: Shop) -> None:
    subscription_id = await shop.subscribe(await shop.plan())
    shop.clock.move(MONTH)
    async with shop.scope.begin() as tx:
        due = await SubscriptionRepository(tx).claim_renewals(10)
        opened = await open_renewals(tx, due, shop.charging)
    # Another process takes the attempt over, charges, and has not recorded it yet; then comes the cancellation.
    (charge,) = opened.charges
    await shop.query("UPDATE payment_attempts SET lease_until = now() WHERE status = 'pending'")
    await shop.gateway.inner.charge(request_for(shop.scope, charge.attempt, charge.token or ""))
    await shop.cancel(subscription_id)

    counts = await shop.charging.run(shop.scope, opened.charges)
    shop.clock.move(timedelta(minutes=2))
    counts += await shop.catch_up()

    assert (counts["withdrawn"], counts["refunds_due"]) == (0, 1)
    assert await shop.broken() == []


async def test_a_slow_answer_is_waited_for(shop: Shop) -> None:
    subscription_id = await shop.subscribe(await shop.plan(), "pm_test_slow")

    assert (await shop.get(subscription_id)).status == "active"
    assert await shop.settled() == 1


async def test_a_gateway_that_raises_leaves_an_unknown_that_is_settled_later(shop: Shop) -> None:
    subscription_id = await shop.subscribe(await shop.plan())
    shop.clock.move(MONTH)

    async def fall(_: ChargeRequest) -> None:
        raise ConnectionResetError

    shop.gateway.after_charge = fall
    ran = await shop.run("billing.renew")
    shop.clock.move(timedelta(minutes=1))
    await shop.catch_up()

    assert ran.counts["unknown"] == 1
    assert (await shop.get(subscription_id)).cycles_completed == 2
    assert await shop.settled() == 2
    assert await shop.broken() == []


async def test_a_reference_nobody_knows_is_charged_in_five_passes_and_then_held(shop: Shop) -> None:
    await shop.subscribe(await shop.plan())
    shop.clock.move(MONTH)
    shop.gateway.forge = lambda _request, _answer: Unknown("lost")
    shop.gateway.finding = NotFound()

    await shop.run("billing.renew")
    for _ in range(12):
        shop.clock.move(timedelta(hours=1))
        await shop.run("reconcile.attempts")

    references = shop.gateway.charged[1:]
    # The first request and five more, all under one reference.
    assert (len(references), len(set(references))) == (6, 1)
    text = "SELECT status, review_reason FROM payment_attempts WHERE purpose = 'renewal'"
    ((status, why),) = await shop.query(text)
    assert (status, why) == (
        *("unknown", "the gateway does not know the reference after 5 passes"),
    )


async def test_a_gateway_that_cannot_be_reached_is_asked_for_ever_and_ever_more_rarely(
    shop: Shop,
) -> None:
    await shop.subscribe(await shop.plan())
    shop.clock.move(MONTH)
    shop.gateway.forge = lambda _request, _answer: Unknown("away")
    shop.gateway.finding = Unknown("away")
    await shop.run("billing.renew")

    asked = []
    for minute in range(1, 301):
        shop.clock.move(timedelta(minutes=1))
        if (await shop.run("reconcile.attempts")).done:
            asked.append(minute)

    assert asked == [1, 2, 4, 8, 16, 32, 64, 124, 184, 244]
    # An outage is no pass: afterwards the reference has all of its five.
    shop.gateway.finding = None
    shop.gateway.forge = lambda _request, answer: answer
    shop.clock.move(timedelta(hours=1))
    await shop.catch_up()
    assert await shop.settled() == 2
    assert await shop.broken() == []


async def test_a_look_up_that_finds_nothing_does_not_undo_what_was_settled_meanwhile(
    shop: Shop,
) -> None:
    subscription_id = await shop.subscribe(await shop.plan())
    shop.clock.move(MONTH)
    shop.gateway.forge = lambda _request, _answer: Unknown("lost")
    await shop.run("billing.renew")
    await shop.query("UPDATE payment_attempts SET checks = 5 WHERE status = 'unknown'")
    shop.clock.move(timedelta(minutes=1))
    raced = False

    async def settle_first(_: ChargeRequest) -> None:
        nonlocal raced
        if not raced:
            raced = True
            shop.clock.move(timedelta(minutes=2))
            await reconcile_due(shop.charging, shop.scope, 10)
            shop.gateway.finding = NotFound()

    shop.gateway.before_look_up = settle_first
    await shop.run("reconcile.attempts")

    assert (await shop.get(subscription_id)).cycles_completed == 2
    assert await shop.broken() == []


@pytest.mark.parametrize("point", ["before_charge", "after_charge"])
@pytest.mark.parametrize("purpose", ["first", "renewal", "retry"])
async def test_a_process_that_dies_at_the_gateway_leaves_what_the_next_one_settles(
    shop: Shop, point: str, purpose: str
) -> None:
    plan_id = await shop.plan()
    subscription_id = await shop.subscribe(plan_id)
    if purpose == "retry":
        await shop.use(subscription_id, "pm_test_do_not_honor_once")
    if purpose != "first":
        shop.clock.move(MONTH)
    if purpose == "retry":
        await shop.run("billing.renew")
        shop.clock.move(timedelta(days=1))
    reached = asyncio.Event()

    async def hang(_: ChargeRequest) -> None:
        reached.set()
        await asyncio.Event().wait()

    setattr(shop.gateway, point, hang)
    work: Callable[[], Coroutine[Any, Any, object]] = {
        "first": lambda: shop.subscribe(plan_id),
        "renewal": lambda: shop.run("billing.renew"),
        "retry": lambda: shop.run("dunning.process"),
    }[purpose]
    dying = asyncio.create_task(work())
    await reached.wait()
    dying.cancel()
    await asyncio.wait([dying])
    shop.gateway = Shop.open(shop.db, shop.clock, shop.database_url, shop.tenant_id).gateway
    assert await shop.broken(is_at_rest=False) == []

    shop.clock.move(timedelta(seconds=61))
    await shop.catch_up()

    assert await shop.settled() == 2
    assert await shop.value("SELECT count(*) FROM subscriptions WHERE status <> 'active'") == 0
    assert await shop.broken() == []
