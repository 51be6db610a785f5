"""Charging under attack: the same work at once, bad rows, outages of ours, and what credit pays."""

from collections import Counter
from datetime import timedelta

import pytest

from duro.billing.cycle import Interval
from duro.modules.charging.lifecycle import Lifecycle
from duro.modules.charging.renew import Renewal, renew
from duro.modules.payments.gateway import Answer, ChargeRequest, Unknown
from duro.modules.payments.model import AttemptStatus
from duro.modules.payments.repository import AttemptRepository
from tests.support.billing import Shop, at_once

MONTH = timedelta(days=31)  # from 28 January to 28 February


async def test_renew_has_five_answers(shop: Shop) -> None:
    plan_id = await shop.plan()
    charged, dunning, canceled, skipped = await shop.many(4, plan_id)
    expired = await shop.subscribe(await shop.plan(maxCycles=1))
    await shop.use(dunning, "pm_test_stolen")
    await shop.query("UPDATE subscriptions SET cancel_at_period_end = true WHERE id = $1", canceled)
    shop.clock.move(MONTH)
    await shop.query(
        "UPDATE subscriptions SET renews_at = renews_at + interval '1 hour' WHERE id = $1", skipped
    )

    answers = [
        await renew(shop.charging, shop.scope, each)
        for each in (charged, dunning, canceled, expired, skipped)
    ]

    assert answers == list(Renewal) == ["charged", "dunning", "canceled", "expired", "skipped"]
    assert await shop.broken() == []


async def test_the_same_renewal_ten_times_at_once_is_charged_once(shop: Shop) -> None:
    subscription_id = await shop.subscribe(await shop.plan())
    shop.clock.move(MONTH)

    answers = await at_once(10, lambda: renew(shop.charging, shop.scope, subscription_id))

    assert Counter(answers) == {Renewal.CHARGED: 1, Renewal.SKIPPED: 9}
    assert await shop.settled() == 2
    assert await shop.broken() == []


async def test_four_drains_at_once_share_the_renewals(shop: Shop) -> None:
    await shop.many(30, await shop.plan())
    shop.clock.move(MONTH)

    ran = await at_once(4, lambda: shop.run("billing.renew", 10))
    await shop.catch_up()

    assert sum(each.done for each in ran) == 30
    assert await shop.settled() == 60
    assert await shop.broken() == []


async def test_two_drains_of_retries_at_once_make_each_retry_once(shop: Shop) -> None:
    for each in await shop.many(8, await shop.plan()):
        await shop.use(each, "pm_test_do_not_honor_once")
    shop.clock.move(MONTH)
    await shop.run("billing.renew")
    shop.clock.move(timedelta(days=1))

    await at_once(3, lambda: shop.run("dunning.process", 5))
    counts = await shop.catch_up()

    assert counts["errors"] == 0
    assert await shop.settled() == 16
    assert await shop.value("SELECT count(*) FROM payment_attempts WHERE purpose = 'retry'") == 8
    assert await shop.broken() == []


async def test_a_bad_row_in_phase_one_takes_no_neighbour_down(shop: Shop) -> None:
    bad, *_ = await shop.many(100, await shop.plan())
    shop.clock.move(MONTH)
    await shop.query("UPDATE subscriptions SET scheduled_plan_id = 'plan_gone' WHERE id = $1", bad)

    ran = await shop.run("billing.renew")

    assert (ran.counts["renewals"], ran.counts["charges"], ran.counts["errors"]) == (99, 99, 1)
    assert await shop.settled() == 199
    # The bad one is set aside for an hour, and renewed once it is mended.
    assert (await shop.run("billing.renew")).done == 0
    await shop.query("UPDATE subscriptions SET scheduled_plan_id = NULL WHERE id = $1", bad)
    shop.clock.move(timedelta(hours=1))
    assert (await shop.catch_up())["renewals"] == 1
    assert await shop.broken() == []


async def test_a_bad_row_in_phase_three_takes_no_neighbour_down(shop: Shop) -> None:
    bad, *_ = await shop.many(20, await shop.plan())
    shop.clock.move(MONTH)

    async def spoil(request: ChargeRequest) -> None:
        # Between the gateway's answer and its record, the row of one becomes one that cannot go on.
        await shop.query(
            "UPDATE subscriptions SET cycles_completed = 2147483647 WHERE id = $1 AND EXISTS "
            "(SELECT FROM payment_attempts WHERE reference = $2 AND subscription_id = $1)",
            *(bad, request.reference),
        )

    shop.gateway.after_charge = spoil
    ran = await shop.run("billing.renew")

    assert (ran.counts["renewals"], ran.counts["errors"]) == (19, 1)
    assert await shop.settled() == 40
    # It does not keep the reconcile work busy, and is settled once it is mended.
    shop.clock.move(timedelta(minutes=2))
    assert (await shop.run("reconcile.attempts")).done == 0
    await shop.query("UPDATE subscriptions SET cycles_completed = 1 WHERE id = $1", bad)
    shop.clock.move(timedelta(hours=1))
    assert (await shop.catch_up())["renewals"] == 1
    assert await shop.settled() == 40
    assert await shop.broken() == []


@pytest.mark.parametrize("phase", ["one", "three"])
async def test_a_bad_row_among_retries_takes_no_neighbour_down(shop: Shop, phase: str) -> None:
    bad, *_rest = ids = await shop.many(10, await shop.plan())
    for each in ids:
        await shop.use(each, "pm_test_do_not_honor_once")
    shop.clock.move(MONTH)
    await shop.run("billing.renew")
    shop.clock.move(timedelta(days=1))
    # An invoice of nothing cannot be charged; a subscription of all cycles there are cannot have one more.
    spoil = {
        "one": "UPDATE invoices SET amount_minor = 0 WHERE subscription_id = $1 AND status = 'open'",
        "three": "UPDATE subscriptions SET cycles_completed = 2147483647 WHERE id = $1",
    }
    await shop.query(spoil[phase], bad)

    ran = await shop.run("dunning.process")

    assert (ran.counts["errors"], ran.counts["recovered"]) == (1, 9)
    assert (await shop.get(bad)).status == "past_due"
    assert (await shop.run("dunning.process")).done == 0


async def test_after_an_outage_of_a_week_a_daily_plan_is_charged_once_a_day_oldest_first(
    shop: Shop,
) -> None:
    await shop.subscribe(await shop.plan(Interval.DAY))
    start = shop.clock.wall()
    shop.clock.move(timedelta(days=7))

    charged_at = []
    for _ in range(6 * 4):
        before = await shop.settled()
        await shop.catch_up()
        charged_at += [shop.clock.wall()] * (await shop.settled() - before)
        shop.clock.move(timedelta(hours=6))

    # Six days are watched: one charge in each, for the oldest day not yet billed.
    assert charged_at == [start + timedelta(days=7 + n) for n in range(6)]
    rows = await shop.query("SELECT period_starts_at FROM invoices ORDER BY id")
    assert [row[0] for row in rows] == [start + timedelta(days=n) for n in range(7)]
    assert await shop.broken() == []


async def test_an_hourly_plan_renews_each_hour_and_after_an_outage_at_its_usual_pace(
    shop: Shop,
) -> None:
    await shop.subscribe(await shop.plan(Interval.HOUR))
    for _ in range(3):
        shop.clock.move(timedelta(hours=1))
        await shop.catch_up()
    on_time = await shop.settled()
    shop.clock.move(timedelta(hours=10))

    for _ in range(2 * 6):
        await shop.catch_up()
        shop.clock.move(timedelta(minutes=10))

    assert on_time == 4
    assert await shop.settled() == 6
    assert await shop.broken() == []


async def test_a_recovery_whose_period_is_over_renews_at_the_first_anchor_date_after_it(
    shop: Shop,
) -> None:
    subscription_id = await shop.subscribe(await shop.plan(Interval.DAY))
    created = shop.clock.wall()
    await shop.use(subscription_id, "pm_test_issuer_down_48h")
    for _ in range(4 * 4):
        shop.clock.move(timedelta(hours=6))
        await shop.catch_up()

    # Fails on day 1, is tried again on day 2, and is paid on day 4: three days after the first failure.
    now = await shop.get(subscription_id)
    assert now.status == "active"
    assert (now.period_starts_at, now.renews_at) == (
        created + timedelta(days=4),
        created + timedelta(days=5),
    )
    shop.clock.move(timedelta(days=1))
    await shop.catch_up()
    rows = await shop.query("SELECT period_starts_at FROM invoices ORDER BY id")
    # What fell between was not served and is not billed.
    assert [(row[0] - created).days for row in rows] == [0, 1, 5]
    assert await shop.broken() == []


async def test_credit_nets_against_renewals_and_what_is_left_stays(shop: Shop) -> None:
    subscription_id = await shop.subscribe(await shop.plan())
    await shop.give_credit(subscription_id, 700_000)

    shop.clock.move(MONTH)
    free = await shop.catch_up()
    after_one = (await shop.get(subscription_id)).balance_minor
    shop.clock.move(timedelta(days=28))
    part = await shop.catch_up()

    assert (free["renewals"], free["charges"], after_one) == (1, 0, 200_000)
    assert (part["renewals"], part["charges"]) == (1, 1)
    assert (await shop.get(subscription_id)).balance_minor == 0
    rows = await shop.query("SELECT amount_minor, status FROM invoices ORDER BY id")
    assert [tuple(row) for row in rows] == [(500_000, "paid"), (0, "paid"), (300_000, "paid")]
    types = await shop.query("SELECT type FROM events ORDER BY position OFFSET 4 LIMIT 2")
    assert [row[0] for row in types] == ["invoice_created", "subscription_payment_success"]
    assert await shop.broken() == []


async def test_a_resume_on_credit_alone_is_paid_without_a_charge(shop: Shop) -> None:
    subscription_id = await shop.subscribe(await shop.plan())
    async with shop.scope.begin() as tx:
        await Lifecycle(shop.charging).pause(tx, subscription_id)
    await shop.give_credit(subscription_id, 700_000)
    shop.clock.move(timedelta(days=60))

    async with shop.scope.begin() as tx:
        begun = await Lifecycle(shop.charging).resume(tx, subscription_id)

    assert begun.charge is None
    now = await shop.get(subscription_id)
    assert (now.status, now.balance_minor, now.cycles_completed) == ("active", 200_000, 2)
    assert await shop.settled() == 1
    assert await shop.broken() == []


async def test_a_cancellation_returns_the_credit_of_the_invoice_it_voids(shop: Shop) -> None:
    subscription_id = await shop.subscribe(await shop.plan())
    await shop.use(subscription_id, "pm_test_stolen")
    await shop.give_credit(subscription_id, 200_000)
    shop.clock.move(MONTH)
    await shop.catch_up()
    used = (await shop.get(subscription_id)).balance_minor

    await shop.cancel(subscription_id)

    assert (used, (await shop.get(subscription_id)).balance_minor) == (0, 200_000)
    assert await shop.broken() == []


async def test_no_transaction_is_open_while_the_gateway_is_asked(shop: Shop) -> None:
    await shop.many(3, await shop.plan())
    shop.clock.move(MONTH)
    open_transactions = []

    async def look(_: ChargeRequest) -> None:
        open_transactions.append(
            await shop.value(
                "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'"
                " AND datname = current_database()"
            )
        )

    shop.gateway.before_charge = look
    await shop.run("billing.renew")

    assert open_transactions == [0, 0, 0]


async def test_a_card_changed_while_the_old_one_is_charged_is_charged_next(shop: Shop) -> None:
    subscription_id = await shop.subscribe(await shop.plan())
    await shop.use(subscription_id, "pm_test_expired")
    shop.clock.move(MONTH)

    async def change(_: ChargeRequest) -> None:
        shop.gateway.before_charge = Shop.open(
            shop.db, shop.clock, shop.database_url, shop.tenant_id
        ).gateway.before_charge
        await shop.use(subscription_id, "pm_test_ok")

    shop.gateway.before_charge = change
    await shop.catch_up()

    assert (await shop.get(subscription_id)).status == "active"
    assert await shop.value("SELECT recovered_by FROM dunning_schedules") == "new_card"
    rows = await shop.query("SELECT action, rule FROM dunning_decisions ORDER BY position")
    assert [tuple(row) for row in rows] == [
        ("request_card_update", "new_card_needed"),
        ("retry", "method_changed"),
    ]
    assert await shop.broken() == []


async def test_a_settled_attempt_stays_settled_whatever_is_answered_later(shop: Shop) -> None:
    await shop.subscribe(await shop.plan())
    shop.clock.move(MONTH)
    text = "SELECT id FROM payment_attempts WHERE purpose = 'renewal'"

    async def settle_by_look_up(_: ChargeRequest) -> None:
        attempt_id = await shop.value(text)
        await shop.query("UPDATE payment_attempts SET lease_until = now() - interval '1 year'")
        assert (await shop.run("reconcile.attempts")).counts["charges"] == 1
        async with shop.scope.begin() as tx:
            attempt = await AttemptRepository(tx).get(str(attempt_id))
            assert attempt.status is AttemptStatus.SUCCEEDED

    def late(_request: ChargeRequest, _answer: Answer) -> Answer:
        return Unknown("too late")

    shop.gateway.after_charge = settle_by_look_up
    shop.gateway.forge = late
    await shop.run("billing.renew")

    assert await shop.settled() == 2
    assert await shop.broken() == []


@pytest.mark.parametrize("kind", ["expire", "remind"])
async def test_a_bad_row_among_endings_and_reminders_takes_no_neighbour_down(
    shop: Shop, kind: str
) -> None:
    plan_id = await shop.plan()
    method = None if kind == "expire" else "pm_test_ok"
    bad, *_ = [await shop.subscribe(plan_id, method) for _ in range(5)]
    # An invoice that cannot be read cannot be voided, and an end that is no instant cannot be told.
    spoil = {
        "expire": "UPDATE invoices SET lines = '5' WHERE subscription_id = $1",
        "remind": "UPDATE subscriptions SET period_ends_at = 'infinity' WHERE id = $1",
    }
    await shop.query(spoil[kind], bad)
    shop.clock.move(timedelta(hours=24) if kind == "expire" else timedelta(days=28))

    ran = await shop.run(f"billing.{kind}")

    assert (ran.done, ran.counts["errors"]) == (5, 1)
    assert ran.counts["expired" if kind == "expire" else "reminders"] == 4
    assert (await shop.run(f"billing.{kind}")).done == 0
    shop.clock.move(timedelta(hours=1))
    assert (await shop.run(f"billing.{kind}")).counts["errors"] == 1
