"""The caps on charging one card hold for concurrent workers, across crashes, and whoever asks for the charge."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import pytest

from duro.billing.cycle import Interval
from duro.errors import ConflictError
from duro.modules.charging import invoicing, manual
from duro.modules.charging.engine import Charging
from duro.modules.charging.renew import open_renewals
from duro.modules.customers.schemas import CustomerCreate
from duro.modules.customers.service import create_customer
from duro.modules.payments.caps import CapRepository, Pull
from duro.modules.payments.testcards import Instrument, fingerprint_of
from duro.modules.subscriptions.repository import SubscriptionRepository
from duro.modules.subscriptions.schemas import SubscriptionCreate
from tests.support.billing import Shop, begin_one
from tests.support.paypage import Customer
from tests.support.stories import Story
from tests.support.system import Merchant, running_merchant, settings_for

# As card schemes and the market's largest gateway say.
TRIES: Final = 15
IN_A_ROW: Final = 10
DAY: Final = timedelta(days=1)


@dataclass
class Payer:
    """One customer, and subscriptions that are all charged to one card."""

    shop: Shop
    customer_id: str
    plan_id: str

    @classmethod
    async def come(cls, shop: Shop, interval: Interval = Interval.MONTH) -> "Payer":
        async with shop.scope.begin() as tx:
            customer = await create_customer(tx, CustomerCreate(email="ada@example.com"))
        plan_id = await shop.plan(interval, allowMultiple=True)
        return cls(shop, customer.id, plan_id)

    async def begin(self, method: str) -> str:
        """A subscription whose first period was paid by another card."""
        body = SubscriptionCreate.model_validate(
            {
                "customerId": self.customer_id,
                "planId": self.plan_id,
                "paymentMethodId": "pm_test_ok",
            }
        )
        shop = self.shop
        async with shop.scope.begin() as tx:
            begun = await begin_one(tx, body, shop.charging)
        await shop.charging.run(shop.scope, [begun.charge] if begun.charge else [])
        await shop.use(begun.subscription.id, method)
        return begun.subscription.id

    def card(self, instrument: Instrument) -> str:
        return fingerprint_of(instrument, self.customer_id)

    async def tried(self, instrument: Instrument, times: int) -> None:
        """The card was charged so often before, and nothing is known of it."""
        shop = self.shop
        at = shop.clock.wall()
        pulls = [Pull(f"txn_before_{n}", self.card(instrument), at) for n in range(times)]
        async with shop.scope.begin() as tx:
            assert all(await CapRepository(tx).claim(pulls))

    async def asked(self, instrument: Instrument) -> int:
        """How often the gateway was asked to charge the card, by its own books."""
        query = "SELECT count(*) FROM simulated_charges WHERE token LIKE $1"
        return int(await self.shop.value(query, f"sim_{instrument.value}_%"))


async def codes(shop: Shop) -> list[str | None]:
    rows = await shop.query("SELECT failure_code FROM payment_attempts ORDER BY created_at, id")
    return [row["failure_code"] for row in rows]


async def open_due(shop: Shop) -> int:
    """Phase one of every renewal that is due, after which the process dies."""
    async with shop.scope.begin() as tx:
        due = await SubscriptionRepository(tx).claim_renewals(100)
        opened = await open_renewals(tx, due, shop.charging)
    return len(opened.charges)


async def pass_checks(shop: Shop, passes: int = 7) -> None:
    """Leases run out, and what is open is asked about until it is settled."""
    for minutes in [2 * 2**n for n in range(passes)]:
        shop.clock.move(timedelta(minutes=minutes, seconds=1))
        await shop.run("reconcile.attempts")


class TestCrashes:
    async def test_a_charge_that_was_refused_never_reaches_the_gateway_though_the_process_died(
        self, shop: Shop
    ) -> None:
        payer = await Payer.come(shop)
        for _ in range(3):
            await payer.begin("pm_test_insufficient_funds")
        shop.clock.move(timedelta(days=31))
        # One more is allowed, at the same instant at which two are refused.
        await payer.tried(Instrument.INSUFFICIENT_FUNDS, TRIES - 1)
        assert await open_due(shop) == 3

        await pass_checks(shop)

        assert await payer.asked(Instrument.INSUFFICIENT_FUNDS) == 1
        assert sorted(str(code) for code in (await codes(shop))[-3:]) == [
            "51",
            "attempt_cap",
            "attempt_cap",
        ]
        assert await shop.broken() == []

    async def test_a_charge_that_was_allowed_is_not_lost_though_the_process_died(
        self, shop: Shop
    ) -> None:
        payer = await Payer.come(shop)
        for _ in range(4):
            await payer.begin("pm_test_ok")
        shop.clock.move(timedelta(days=31))
        await open_due(shop)
        # So late that its instant does not stand among those of the last 30 days any more.
        shop.clock.move(timedelta(days=31))
        await payer.tried(Instrument.OK, 1)

        await pass_checks(shop)

        assert await shop.settled() == 4 + 4
        assert await shop.broken() == []

    async def test_a_card_that_was_forbidden_before_the_gateway_was_asked_is_not_charged(
        self, shop: Shop
    ) -> None:
        payer = await Payer.come(shop)
        for _ in range(2):
            await payer.begin("pm_test_stolen")
        shop.clock.move(timedelta(days=31))
        async with shop.scope.begin() as tx:
            rows = await SubscriptionRepository(tx).claim_renewals(100)
            await open_renewals(tx, rows[:1], shop.charging)
        await shop.run("billing.renew")
        assert await payer.asked(Instrument.STOLEN) == 1

        await pass_checks(shop)

        assert await payer.asked(Instrument.STOLEN) == 1
        assert sorted(str(code) for code in (await codes(shop))[-2:]) == [
            "43",
            "token_blocked",
        ]
        assert await shop.broken() == []


async def test_workers_at_once_never_charge_a_card_above_its_cap(shop: Shop) -> None:
    payer = await Payer.come(shop)
    for _ in range(TRIES + 5):
        await payer.begin("pm_test_do_not_honor")
    shop.clock.move(timedelta(days=31))

    await asyncio.gather(*(shop.run("billing.renew", 4) for _ in range(4)))
    await shop.catch_up()

    assert await payer.asked(Instrument.DO_NOT_HONOR) <= TRIES
    assert await shop.broken() == []


async def test_ten_failures_in_a_row_leave_one_charge_a_day(shop: Shop) -> None:
    payer = await Payer.come(shop, Interval.DAY)
    for _ in range(IN_A_ROW + 2):
        await payer.begin("pm_test_do_not_honor")
    charged: list[datetime] = []

    async def watch(_: object) -> None:
        charged.append(shop.clock.wall())

    shop.clock.move(DAY)
    await shop.run("billing.renew", 1)
    shop.gateway.before_charge = watch
    await asyncio.gather(*(shop.run("billing.renew", 3) for _ in range(4)))
    assert len(charged) == IN_A_ROW - 1
    for _ in range(6 * 24):
        shop.clock.move(timedelta(hours=1))
        await shop.catch_up()

    late = charged[IN_A_ROW - 1 :]
    assert len(late) >= 1
    every = zip([charged[IN_A_ROW - 2], *late], late, strict=False)
    assert all(after - before >= DAY for before, after in every)
    assert await shop.broken(is_at_rest=False) == []


class TestForbiddenCard:
    async def test_neither_another_subscription_nor_anybody_by_hand_can_charge_it(
        self, shop: Shop
    ) -> None:
        payer = await Payer.come(shop)
        first_id = await payer.begin("pm_test_stolen")
        shop.clock.move(timedelta(days=31))
        await shop.run("billing.renew")
        assert await payer.asked(Instrument.STOLEN) == 1
        other_id = await payer.begin("pm_test_stolen")
        shop.clock.move(timedelta(days=31))
        await shop.catch_up()

        await self._retry(shop, first_id)
        await self._retry(shop, other_id)
        await self._pay(shop, first_id)
        await self._pay(shop, other_id)

        assert await payer.asked(Instrument.STOLEN) == 1
        assert await shop.broken() == []

    async def _retry(self, shop: Shop, subscription_id: str) -> None:
        query = "SELECT id FROM dunning_schedules WHERE subscription_id = $1"
        case_id = await shop.value(query, subscription_id)
        with pytest.raises(ConflictError):
            await self._run(shop, shop.charging, case_id)

    async def _run(self, shop: Shop, charging: Charging, case_id: str) -> None:
        async with shop.scope.begin() as tx:
            charge = await manual.begin_retry(tx, charging, case_id, note=None)
        await charging.run(shop.scope, [charge])

    async def _pay(self, shop: Shop, subscription_id: str) -> None:
        query = "SELECT latest_invoice_id FROM subscriptions WHERE id = $1"
        invoice_id = await shop.value(query, subscription_id)
        with pytest.raises(ConflictError):
            async with shop.scope.begin() as tx:
                await invoicing.begin_pay(tx, shop.charging, invoice_id, method_id="pm_test_stolen")


class TestOverHttp:
    @pytest.fixture
    async def merchant(
        self, database_url: str, redis_url: str, tenant: str
    ) -> AsyncIterator[Merchant]:
        async with running_merchant(settings_for(database_url, redis_url), tenant) as started:
            yield started

    async def test_a_stolen_card_given_to_another_subscription_never_reaches_the_gateway(
        self, merchant: Merchant, database_url: str
    ) -> None:
        story = Story(merchant, database_url)
        await story.begin()
        customer_id, plan_id = await merchant.customer(), await merchant.plan(allowMultiple=True)
        body = {"customerId": customer_id, "planId": plan_id, "paymentMethodId": "pm_test_stolen"}
        declined = await merchant.subscribe(**body)
        assert (declined["status"], await books_of(merchant)) == ("incomplete", 1)

        refused = await merchant.subscribe(**body)
        by_hand = await merchant.client.post(
            f"/v1/invoices/{refused['latestInvoiceId']}/pay", {"paymentMethodId": "pm_test_stolen"}
        )
        page = Customer(merchant)
        due = await page.open(refused["payUrl"])
        by_page = await page.submit(due.form("/card"), card="pm_test_stolen")

        assert refused["status"] == "incomplete"
        assert refused["lastPaymentError"]["code"] == "token_blocked"
        assert by_hand.status == 409
        assert by_page.status == 200
        assert await books_of(merchant) == 1


async def books_of(merchant: Merchant) -> int:
    """How many charges the gateway's own books have."""
    return len(await merchant.items("/v1/test/gateway/charges"))
