"""Payment methods and attempts in the database, in both modes."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from duro.billing.failures import Category
from duro.errors import InvalidError
from duro.kit.clock import FixedClock
from duro.kit.db import Database
from duro.kit.modes import Mode
from duro.kit.unique import UniqueViolationError
from duro.modules.payments.errors import PaymentMethodNotFoundError, TransactionNotFoundError
from duro.modules.payments.methods import resolve_method
from duro.modules.payments.model import Attempt, AttemptStatus, PaymentMethod
from duro.modules.payments.repository import (
    LIST_TENANTS_TO_RECONCILE,
    NEXT_TO_RECONCILE,
    AttemptRepository,
    PaymentMethodRepository,
)
from tests.support.payments import add_attempt, add_customer, add_invoice, pending_attempt, settled
from tests.support.roles import app_role, connected

MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)
TEST = Mode.TEST

Freezing = Callable[[datetime], Awaitable[None]]


@pytest.fixture
def freeze(database_url: str, tenant: str) -> Freezing:
    """Stops the test clock of the test's tenant at an instant."""
    settings = {"role": app_role(TEST), "search_path": "sandbox", "duro.tenant": tenant}

    async def at(instant: datetime) -> None:
        async with connected(database_url, **settings) as connection:
            await connection.execute(
                """INSERT INTO test_clocks (tenant_id, now) VALUES ($1, $2)
                       ON CONFLICT (tenant_id) DO UPDATE SET now = excluded.now""",
                tenant,
                instant,
            )

    return at


async def test_a_test_instrument_becomes_the_customers_own_card_once(
    db: Database, tenant: str
) -> None:
    async with db.begin(TEST, tenant) as tx:
        ada, ben = await add_customer(tx), await add_customer(tx)

    async def use(customer_id: str) -> PaymentMethod:
        async with db.begin(TEST, tenant) as tx:
            return await resolve_method(tx, customer_id=customer_id, method_id="pm_test_stolen")

    cards = await asyncio.gather(*(use(customer) for customer in [ada, ben] * 10))

    assert len({card.id for card in cards}) == 2
    first, second = cards[:2]
    assert (first.customer_id, second.customer_id) == (ada, ben)
    assert first.is_default
    assert second.is_default
    assert first.token != second.token
    assert first.fingerprint != second.fingerprint


async def test_only_one_of_many_first_cards_is_the_default(db: Database, tenant: str) -> None:
    async with db.begin(TEST, tenant) as tx:
        customer_id = await add_customer(tx)
    names = ["ok", "slow", "stolen", "payday", "expired", "do_not_honor"]

    async def use(name: str) -> PaymentMethod:
        async with db.begin(TEST, tenant) as tx:
            return await resolve_method(tx, customer_id=customer_id, method_id=f"pm_test_{name}")

    cards = await asyncio.gather(*map(use, names))

    async with db.begin(TEST, tenant) as tx:
        default = await PaymentMethodRepository(tx).find_default(customer_id)
    assert len({card.id for card in cards}) == len(names)
    assert [card for card in cards if card.is_default] == [default]


async def test_another_card_can_become_the_default(db: Database, tenant: str) -> None:
    async with db.begin(TEST, tenant) as tx:
        customer_id = await add_customer(tx)
        methods = PaymentMethodRepository(tx)
        first = await resolve_method(tx, customer_id=customer_id, method_id="pm_test_ok")
        second = await resolve_method(tx, customer_id=customer_id, method_id="pm_test_slow")

        await methods.make_default(customer_id=customer_id, method_id=second.id)

        found = await methods.find_many([first.id, second.id, "pm_absent"])
        assert found == {
            first.id: replace(first, is_default=False),
            second.id: replace(second, is_default=True),
        }
        assert await methods.defaults_of([customer_id, "cus_absent"]) == {
            customer_id: found[second.id]
        }
        with pytest.raises(PaymentMethodNotFoundError):
            await methods.make_default(customer_id="cus_absent", method_id=second.id)


async def test_a_saved_method_serves_its_customer_only(db: Database, tenant: str) -> None:
    async with db.begin(TEST, tenant) as tx:
        ada, ben = await add_customer(tx), await add_customer(tx)
        card = await resolve_method(tx, customer_id=ada, method_id="pm_test_ok")

        assert await resolve_method(tx, customer_id=ada, method_id=card.id) == card
        with pytest.raises(PaymentMethodNotFoundError):
            await resolve_method(tx, customer_id=ben, method_id=card.id)


async def test_another_tenant_finds_neither_method_nor_attempt(
    db: Database, tenant: str, tenant_b: str
) -> None:
    async with db.begin(TEST, tenant) as tx:
        attempt = await add_attempt(tx)
        card = await resolve_method(tx, customer_id=attempt.customer_id, method_id="pm_test_ok")

    async with db.begin(TEST, tenant_b) as tx:
        with pytest.raises(PaymentMethodNotFoundError):
            await PaymentMethodRepository(tx).get(card.id)
        with pytest.raises(TransactionNotFoundError):
            await AttemptRepository(tx).get(attempt.id)
        assert await AttemptRepository(tx).lock_many([attempt.id]) == []
        assert await AttemptRepository(tx).claim_to_reconcile(10) == []


@pytest.mark.parametrize("method_id", ["pm_test_nothing", "pm_test_", "pm_1", "", "cus_1"])
async def test_what_is_no_method_id_is_refused(db: Database, tenant: str, method_id: str) -> None:
    async with db.begin(TEST, tenant) as tx:
        with pytest.raises(InvalidError) as refusal:
            await resolve_method(tx, customer_id="cus_A", method_id=method_id)

    assert [detail.path for detail in refusal.value.details] == ["paymentMethodId"]


async def test_test_instruments_are_refused_in_live_mode(db: Database, tenant: str) -> None:
    async with db.begin(Mode.LIVE, tenant) as tx:
        customer_id = await add_customer(tx)
        with pytest.raises(InvalidError) as refusal:
            await resolve_method(tx, customer_id=customer_id, method_id="pm_test_ok")

    assert [detail.path for detail in refusal.value.details] == ["paymentMethodId"]


async def test_attempts_come_back_as_they_were_added(db: Database, tenant: str, mode: Mode) -> None:
    async with db.begin(mode, tenant) as tx:
        customer_id = await add_customer(tx)
        attempts = [
            pending_attempt(tx, invoice_id=await add_invoice(tx, customer_id), customer_id="cus_A")
            for _ in range(100)
        ]

        await AttemptRepository(tx).add(attempts)

        locked = await AttemptRepository(tx).lock_many([a.id for a in reversed(attempts)])
        assert locked == attempts
        assert await AttemptRepository(tx).of_invoice(attempts[7].invoice_id) == [attempts[7]]


async def test_saving_writes_what_changed_of_each(db: Database, tenant: str, mode: Mode) -> None:
    async with db.begin(mode, tenant) as tx:
        attempts = AttemptRepository(tx)
        paid = settled(await add_attempt(tx), AttemptStatus.SUCCEEDED, tx.now)
        declined = replace(
            settled(await add_attempt(tx), AttemptStatus.FAILED, tx.now),
            failure_code="51",
            failure_category=Category.INSUFFICIENT_FUNDS,
        )
        held = replace(
            await add_attempt(tx),
            status=AttemptStatus.UNKNOWN,
            check_at=None,
            checks=5,
            lease_until=None,
            review_reason="the gateway never knew the reference",
        )

        await attempts.save([paid, declined, held])

        assert await attempts.lock_many([paid.id, declined.id, held.id]) == [paid, declined, held]


async def test_an_outcome_ends_the_lease(db: Database, tenant: str, mode: Mode) -> None:
    async with db.begin(mode, tenant) as tx:
        unknown = replace(await add_attempt(tx), status=AttemptStatus.UNKNOWN)

        await AttemptRepository(tx).save([unknown])

        assert await AttemptRepository(tx).get(unknown.id) == replace(unknown, lease_until=None)


async def test_an_invoice_has_one_open_pull_attempt(db: Database, tenant: str, mode: Mode) -> None:
    async with db.begin(mode, tenant) as tx:
        first = await add_attempt(tx)

    with pytest.raises(UniqueViolationError, match="one_open_pull_attempt_per_invoice"):
        async with db.begin(mode, tenant) as tx:
            await add_attempt(tx, invoice_id=first.invoice_id, customer_id=first.customer_id)


async def test_an_attempt_is_reconciled_when_its_check_has_come(
    db: Database, tenant: str, clock: FixedClock, mode: Mode
) -> None:
    async with db.begin(mode, tenant) as tx:
        attempt = await add_attempt(tx)
        assert await AttemptRepository(tx).claim_to_reconcile(10) == []
        assert await tx.value(NEXT_TO_RECONCILE) == attempt.check_at
    assert await due_tenants(db, mode) == []

    clock.move(MINUTE)

    assert await due_tenants(db, mode) == [tenant]
    async with db.begin(mode, tenant) as tx:
        [claimed] = await AttemptRepository(tx).claim_to_reconcile(10)
    held_until = clock.wall() + MINUTE
    assert claimed == replace(attempt, check_at=held_until, lease_until=held_until)


async def test_a_claim_is_nobody_elses_for_a_minute(
    db: Database, tenant: str, clock: FixedClock, mode: Mode
) -> None:
    async with db.begin(mode, tenant) as tx:
        attempts = [await add_attempt(tx) for _ in range(3)]
    clock.move(2 * MINUTE)

    async def claim(limit: int) -> list[str]:
        async with db.begin(mode, tenant) as tx:
            return [a.id for a in await AttemptRepository(tx).claim_to_reconcile(limit)]

    assert await claim(2) == [attempts[0].id, attempts[1].id]
    assert await claim(2) == [attempts[2].id]
    assert await claim(2) == []
    assert await due_tenants(db, mode) == []
    clock.move(MINUTE)
    assert await claim(10) == [a.id for a in attempts]


async def test_workers_that_claim_at_once_share_the_attempts(
    db: Database, tenant: str, clock: FixedClock, mode: Mode
) -> None:
    async with db.begin(mode, tenant) as tx:
        attempts = [await add_attempt(tx) for _ in range(40)]
    clock.move(MINUTE)

    async def claim() -> list[Attempt]:
        async with db.begin(mode, tenant) as tx:
            return await AttemptRepository(tx).claim_to_reconcile(10)

    claimed = [a for batch in await asyncio.gather(*(claim() for _ in range(8))) for a in batch]
    while rest := await claim():
        claimed += rest

    assert sorted(a.id for a in claimed) == [a.id for a in attempts]


async def test_a_dead_process_is_noticed_though_the_tenants_clock_stands_still(
    db: Database, tenant: str, clock: FixedClock, freeze: Freezing
) -> None:
    frozen = clock.wall() + timedelta(days=90)
    await freeze(frozen)
    async with db.begin(TEST, tenant) as tx:
        attempt = await add_attempt(tx)
        assert attempt.check_at == frozen + MINUTE

    clock.move(MINUTE)
    assert await due_tenants(db, TEST, {tenant: frozen}) == []

    clock.move(SECOND)
    assert await due_tenants(db, TEST, {tenant: frozen}) == [tenant]
    async with db.begin(TEST, tenant) as tx:
        [claimed] = await AttemptRepository(tx).claim_to_reconcile(10)
        assert claimed.id == attempt.id
        assert claimed.check_at == frozen + MINUTE


async def test_each_tenant_is_judged_by_its_own_present(
    db: Database, tenant: str, tenant_b: str, clock: FixedClock, freeze: Freezing
) -> None:
    present = clock.wall()
    await freeze(present + timedelta(days=90))
    for each in (tenant, tenant_b):
        async with db.begin(TEST, each) as tx:
            await add_attempt(tx, lambda attempt: replace(attempt, lease_until=None))

    clock.move(MINUTE)

    both = sorted([tenant, tenant_b])
    assert await due_tenants(db, TEST, {tenant: present + timedelta(days=90)}) == [tenant_b]
    assert await due_tenants(db, TEST, {tenant: present + timedelta(days=91)}) == both


async def test_settled_and_reviewed_attempts_are_left_alone(
    db: Database, tenant: str, clock: FixedClock, mode: Mode
) -> None:
    async with db.begin(mode, tenant) as tx:
        paid = settled(await add_attempt(tx), AttemptStatus.SUCCEEDED, tx.now)
        held = replace(
            await add_attempt(tx),
            status=AttemptStatus.UNKNOWN,
            check_at=None,
            review_reason="another amount",
        )
        await AttemptRepository(tx).save([paid, held])

    clock.move(timedelta(days=1))

    assert await due_tenants(db, mode) == []
    async with db.begin(mode, tenant) as tx:
        assert await AttemptRepository(tx).claim_to_reconcile(10) == []
        assert await tx.value(NEXT_TO_RECONCILE) is None


async def test_the_scan_costs_tenants_and_not_attempts(
    db: Database, tenant: str, tenant_b: str, database_url: str
) -> None:
    for each in (tenant, tenant_b):
        async with db.begin(TEST, each) as tx:
            customer_id = await add_customer(tx)
            await AttemptRepository(tx).add(
                [
                    pending_attempt(
                        tx, invoice_id=await add_invoice(tx, customer_id), customer_id=customer_id
                    )
                    for _ in range(300)
                ]
            )
    arguments = "'2026-01-28T09:00:30Z', ARRAY[]::text[], ARRAY[]::timestamptz[]"
    settings = {"role": f"{app_role(TEST)}_scan", "search_path": "sandbox,core"}

    async with connected(database_url, **settings, plan_cache_mode="force_generic_plan") as scan:
        await scan.execute(
            f"PREPARE due (timestamptz, text[], timestamptz[]) AS {LIST_TENANTS_TO_RECONCILE.text}"
        )
        plan = await scan.fetch(
            f"EXPLAIN (ANALYZE, TIMING OFF, COSTS OFF) EXECUTE due ({arguments})"
        )

    scanned = [line for (line,) in plan if "on payment_attempts" in line]
    assert scanned
    assert all("attempts_to_reconcile" in line for line in scanned)
    assert all(re.search(r"rows=[01]\b|never executed", line) for line in scanned)


async def due_tenants(
    db: Database, mode: Mode, own: dict[str, datetime] | None = None
) -> list[str]:
    own = own or {}
    rows = await db.scan(
        mode, LIST_TENANTS_TO_RECONCILE, db.clock.wall(), list(own), list(own.values())
    )
    return [row["tenant_id"] for row in rows]
