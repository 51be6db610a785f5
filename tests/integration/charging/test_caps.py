"""The caps on charging one card hold for concurrent workers, across crashes, and whoever asks for the charge."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from random import Random
from typing import Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from duro.billing.cycle import Interval
from duro.errors import ConflictError
from duro.kit.ids import new_id
from duro.modules.charging import first, invoicing, manual
from duro.modules.charging.engine import Charging
from duro.modules.charging.renew import open_renewals
from duro.modules.customers.schemas import CustomerCreate
from duro.modules.customers.service import create_customer
from duro.modules.payments.caps import CapRepository, Pull, PullOutcome
from duro.modules.payments.testcards import Instrument, fingerprint_of
from duro.modules.subscriptions.repository import SubscriptionRepository
from duro.modules.subscriptions.schemas import SubscriptionCreate
from tests.support.billing import Shop
from tests.support.paypage import Customer
from tests.support.stories import Story
from tests.support.system import Merchant, running_merchant, settings_for
from tests.support.tenants import add_tenant

# As card schemes and the market's largest gateway say.
TRIES: Final = 15
WINDOW: Final = timedelta(days=30)
IN_A_ROW: Final = 10
DAY: Final = timedelta(days=1)
CARDS: Final = ("card_a", "card_b")


class CrashError(Exception):
    """The process dies before its transaction commits."""


@dataclass(frozen=True)
class Round:
    """Workers that all claim at one instant, and what then becomes of so many of what is under way."""

    hours: int
    workers: int
    crashes: int
    outcomes: Sequence[str]


@dataclass
class Card:
    """What the rules say, one charge after the other."""

    # The instants of charges that count: those that failed, and those of which nothing is known.
    counted: list[datetime] = field(default_factory=list)
    under_way: dict[str, datetime] = field(default_factory=dict)
    in_a_row: int = 0
    is_forbidden: bool = False

    def lets(self, now: datetime) -> bool:
        recent = [at for at in self.counted if at > now - WINDOW]
        may_be_in_a_row = self.in_a_row + len(self.under_way) if self.in_a_row else 0
        is_slow = may_be_in_a_row >= IN_A_ROW and any(at > now - DAY for at in self.counted)
        return not self.is_forbidden and len(recent) < TRIES and not is_slow

    def claim(self, attempt_id: str, now: datetime) -> None:
        self.counted.append(now)
        self.under_way[attempt_id] = now

    def note(self, attempt_id: str, outcome: str) -> None:
        at = self.under_way.pop(attempt_id)
        if outcome in ("succeeded", "withdrawn"):
            self.counted.remove(at)
        if outcome == "succeeded":
            self.in_a_row = 0
        if outcome in ("failed", "hard"):
            self.in_a_row += 1
        self.is_forbidden |= outcome == "hard"


_ROUNDS: Final = st.lists(
    st.builds(
        Round,
        hours=st.sampled_from([0, 1, 12, 24, 24, 25, 24 * 7, 24 * 29]),
        workers=st.integers(1, 6),
        crashes=st.integers(0, 2),
        outcomes=st.lists(
            st.sampled_from([*["failed"] * 12, "succeeded", "withdrawn", "hard"]), max_size=8
        ),
    ),
    min_size=4,
    max_size=14,
)


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(rounds=_ROUNDS, seed=st.integers(0, 2**16))
async def test_concurrent_claims_are_allowed_as_if_they_came_one_after_the_other(
    shop: Shop, rounds: list[Round], seed: int
) -> None:
    tenant_id = new_id("ten", wall=shop.clock.wall())
    await add_tenant(shop.database_url, tenant_id, name="Adunni Gyms")
    shop.tenant_id = tenant_id
    ledger = Claims(shop, Random(seed))

    for each in rounds:
        shop.clock.move(timedelta(hours=each.hours))
        await ledger.claim_at_once(each)
        await ledger.note_at_once(each)


@dataclass
class Claims:
    """Claims of two cards by many workers, beside what the rules say of each."""

    shop: Shop
    dice: Random
    cards: dict[str, Card] = field(default_factory=lambda: {name: Card() for name in CARDS})
    numbers: "count[int]" = field(default_factory=count)

    async def claim_at_once(self, each: Round) -> None:
        """Each worker wants both cards, in its own order."""
        now = self.shop.clock.wall()
        wanted = [
            [
                Pull(f"txn_{next(self.numbers)}", card, now)
                for card in self.dice.sample(CARDS, len(CARDS))
            ]
            for _ in range(each.workers + each.crashes)
        ]
        answers = await asyncio.gather(
            *(
                self._claim(pulls, is_crash=which >= each.workers)
                for which, pulls in enumerate(wanted)
            )
        )
        allowed = [pull for answer in answers for pull in answer]
        for name, card in self.cards.items():
            mine = [pull.attempt_id for pull in allowed if pull.fingerprint == name]
            for attempt_id in mine:
                assert card.lets(now), f"{name} was claimed {len(mine)} times"
                card.claim(attempt_id, now)
            # A crash holds the row until it is undone, so nobody is refused because of it.
            assert len(mine) == each.workers or not card.lets(now)

    async def _claim(self, pulls: list[Pull], *, is_crash: bool) -> list[Pull]:
        with suppress(CrashError):
            async with self.shop.scope.begin() as tx:
                answers = await CapRepository(tx).claim(pulls)
                if is_crash:
                    raise CrashError
            return [pull for pull, is_allowed in zip(pulls, answers, strict=True) if is_allowed]
        return []

    async def note_at_once(self, each: Round) -> None:
        """Each outcome is told twice, together with that of another card where there is one."""
        now, told = self.shop.clock.wall(), []
        for outcome in each.outcomes:
            outcomes = []
            for name in self.dice.sample(CARDS, len(CARDS)):
                card = self.cards[name]
                if card.under_way:
                    attempt_id = self.dice.choice(sorted(card.under_way))
                    at = card.under_way[attempt_id]
                    outcomes.append(_outcome(attempt_id, name, at, outcome, now))
                    card.note(attempt_id, outcome)
            told += [outcomes, outcomes]
        # A row of failures has an order, so only what leaves no row may come in any.
        kinds = set(each.outcomes)
        if kinds <= {"failed", "withdrawn"} or kinds <= {"succeeded", "withdrawn"}:
            await asyncio.gather(*map(self._note, told))
        else:
            for outcomes in told:
                await self._note(outcomes)
        await self._demand_alike(now)

    async def _note(self, outcomes: Sequence[PullOutcome]) -> None:
        async with self.shop.scope.begin() as tx:
            await CapRepository(tx).note(outcomes)

    async def _demand_alike(self, now: datetime) -> None:
        async with self.shop.scope.begin() as tx:
            caps = await CapRepository(tx).find(CARDS)
        for name, cap in caps.items():
            card = self.cards[name]
            assert sorted(at for at in cap.pulled_at if at > now - WINDOW) == sorted(
                at for at in card.counted if at > now - WINDOW
            )
            assert set(cap.under_way) == card.under_way.keys()
            assert (cap.consecutive_failures, cap.is_blocked) == (card.in_a_row, card.is_forbidden)
            assert (cap.free_at(now) > now or cap.is_blocked) == (not card.lets(now))


def _outcome(
    attempt_id: str, fingerprint: str, at: datetime, outcome: str, now: datetime
) -> PullOutcome:
    return PullOutcome(
        attempt_id=attempt_id,
        fingerprint=fingerprint,
        at=at,
        was_asked=outcome != "withdrawn",
        has_failed=outcome != "succeeded",
        is_hard=outcome == "hard",
        known_at=now,
    )


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
            begun = await first.begin_subscription(tx, body, shop.charging)
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
