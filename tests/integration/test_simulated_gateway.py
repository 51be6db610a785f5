"""The simulated gateway keeps true books: once per reference, whoever asks, however often."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest

from duro.adapters.gateways.simulated import SimulatedGateway, Waits
from duro.errors import GatewayNotConfiguredError
from duro.kit.clock import FixedClock
from duro.kit.db import Database
from duro.kit.modes import Mode
from duro.kit.sql import queries
from duro.modules.payments.gateway import (
    Answer,
    ChargeRequest,
    Failed,
    Gateways,
    NotFound,
    Succeeded,
    Unknown,
)
from duro.modules.payments.testcards import Instrument, token_of
from tests.support.roles import app_role, connected

OFF_PAYDAY = datetime(2026, 1, 10, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
PAID = Succeeded(500_000, "NGN")

Charging = Callable[..., ChargeRequest]
Reading = Callable[[str], Awaitable[list[tuple[object, ...]]]]


@pytest.fixture
async def other_db(database_url: str, clock: FixedClock) -> AsyncIterator[Database]:
    """The pools of a second process."""
    database = await Database.open(
        database_url, clock=clock, business_now=queries("testclock")["read_business_now"]
    )
    yield database
    await database.close()


@pytest.fixture
def gateway(db: Database) -> SimulatedGateway:
    return SimulatedGateway(db)


@pytest.fixture
def charging(tenant: str) -> Charging:
    """Makes requests of the test's tenant."""

    def make(
        instrument: Instrument = Instrument.OK,
        reference: str = "txn_1",
        *,
        customer_id: str = "cus_A",
        amount_minor: int = 500_000,
        at: datetime = OFF_PAYDAY,
    ) -> ChargeRequest:
        return ChargeRequest(
            reference=reference,
            amount_minor=amount_minor,
            currency="NGN",
            token=token_of(instrument, customer_id),
            tenant_id=tenant,
            at=at,
        )

    return make


@pytest.fixture
def read(database_url: str, tenant: str) -> Reading:
    """Reads the tables of the test's tenant past the gateway."""
    settings = {"role": app_role(Mode.TEST), "search_path": "sandbox", "duro.tenant": tenant}

    async def rows(query: str) -> list[tuple[object, ...]]:
        async with connected(database_url, **settings) as connection:
            return [tuple(row) for row in await connection.fetch(query)]

    return rows


async def test_a_reference_is_charged_once_under_fifty_calls_at_two_processes(
    db: Database, other_db: Database, charging: Charging, read: Reading
) -> None:
    gateways = [SimulatedGateway(db), SimulatedGateway(other_db)]
    request = charging(Instrument.DO_NOT_HONOR_ONCE)

    answers = await asyncio.gather(*(gateways[n % 2].charge(request) for n in range(50)))

    assert set(answers) == {Failed("05")}
    assert await read("SELECT uses FROM simulated_tokens") == [(1,)]
    assert await read("SELECT reference, status FROM simulated_charges") == [("txn_1", "failed")]


async def test_a_token_is_counted_rightly_under_two_processes(
    db: Database, other_db: Database, charging: Charging, read: Reading
) -> None:
    gateways = [SimulatedGateway(db), SimulatedGateway(other_db)]
    requests = [charging(Instrument.PROCESSOR_ERROR_TWICE, f"txn_{n}") for n in range(40)]

    answers = await asyncio.gather(
        *(gateways[n % 2].charge(request) for n, request in enumerate(requests))
    )

    assert sorted(map(str, answers)) == sorted(map(str, [Failed("96")] * 2 + [PAID] * 38))
    assert await read("SELECT uses FROM simulated_tokens") == [(40,)]


async def test_one_reference_on_many_tokens_at_once_is_one_charge(
    db: Database, other_db: Database, charging: Charging, read: Reading
) -> None:
    gateways = [SimulatedGateway(db), SimulatedGateway(other_db)]
    requests = [charging(customer_id=f"cus_{n}") for n in range(20)]

    answers: list[Answer] = []
    for pair in zip(requests[::2], requests[1::2], strict=True):
        answers += await asyncio.gather(
            *(one.charge(request) for one, request in zip(gateways, pair, strict=True))
        )

    assert set(answers) == {PAID}
    assert await read("SELECT sum(uses) FROM simulated_tokens") == [(1,)]


async def test_charges_that_arrive_together_are_written_by_the_hundred(
    gateway: SimulatedGateway, charging: Charging, read: Reading
) -> None:
    kinds = [Instrument.OK, Instrument.INSUFFICIENT_FUNDS, Instrument.STOLEN, Instrument.EXPIRED]
    expected = [PAID, Failed("51"), Failed("43"), Failed("54")]
    requests = [
        charging(kinds[n % 4], f"txn_{n}", customer_id=f"cus_{n // 8}") for n in range(1000)
    ]

    answers = await asyncio.gather(*map(gateway.charge, requests))

    assert answers == [expected[n % 4] for n in range(1000)]
    writers = "SELECT count(*), count(DISTINCT xmin::text) FROM simulated_charges"
    assert await read(writers) == [(1000, 10)]
    assert await read("SELECT count(*), sum(uses) FROM simulated_tokens") == [(500, 1000)]


async def test_tenants_are_charged_apart(
    gateway: SimulatedGateway, charging: Charging, tenant_b: str
) -> None:
    mine = charging()
    theirs = ChargeRequest(mine.reference, 700, "NGN", mine.token, tenant_b, mine.at)

    answers = await asyncio.gather(*map(gateway.charge, [mine, theirs]))

    assert answers == [PAID, Succeeded(700, "NGN")]
    assert await gateway.look_up(mine) == PAID
    assert await gateway.look_up(theirs) == Succeeded(700, "NGN")


async def test_a_repeat_for_another_amount_shows_the_amount_in_the_books(
    gateway: SimulatedGateway, charging: Charging, read: Reading
) -> None:
    await gateway.charge(charging(amount_minor=500_000))

    repeated = await gateway.charge(charging(amount_minor=600_000))

    assert repeated == PAID
    assert await gateway.look_up(charging(amount_minor=600_000)) == PAID
    assert await read("SELECT amount_minor FROM simulated_charges") == [(500_000,)]


async def test_look_up_tells_what_is_in_the_books(
    gateway: SimulatedGateway, charging: Charging
) -> None:
    await gateway.charge(charging(Instrument.OK, "txn_paid"))
    await gateway.charge(charging(Instrument.STOLEN, "txn_declined"))

    assert await gateway.look_up(charging(reference="txn_paid")) == PAID
    assert await gateway.look_up(charging(reference="txn_declined")) == Failed("43")
    assert await gateway.look_up(charging(reference="txn_never_sent")) == NotFound()


async def test_a_time_out_that_charged_is_found_by_look_up(
    gateway: SimulatedGateway, charging: Charging
) -> None:
    request = charging(Instrument.TIMEOUT_CHARGED)
    started_s = asyncio.get_running_loop().time()

    answer = await gateway.charge(request)

    assert isinstance(answer, Unknown)
    assert asyncio.get_running_loop().time() - started_s < 1
    assert await gateway.look_up(request) == PAID
    assert await gateway.charge(request) == PAID


async def test_a_time_out_that_did_not_charge_is_not_found_and_its_repeat_succeeds(
    gateway: SimulatedGateway, charging: Charging, read: Reading
) -> None:
    request = charging(Instrument.TIMEOUT_NOT_CHARGED)
    started_s = asyncio.get_running_loop().time()

    answer = await gateway.charge(request)

    assert isinstance(answer, Unknown)
    assert asyncio.get_running_loop().time() - started_s < 1
    assert await gateway.look_up(request) == NotFound()
    assert await gateway.charge(request) == PAID
    assert await gateway.charge(request) == PAID
    assert await gateway.look_up(request) == PAID
    assert await read("SELECT uses FROM simulated_tokens") == [(1,)]


async def test_a_charge_is_in_the_books_before_it_is_answered(
    db: Database, other_db: Database, charging: Charging
) -> None:
    request = charging(Instrument.SLOW)
    dying = asyncio.create_task(SimulatedGateway(db).charge(request))
    after_the_crash = SimulatedGateway(other_db)

    async with asyncio.timeout(5):
        while await after_the_crash.look_up(request) == NotFound():
            assert not dying.done()
    dying.cancel()

    assert await after_the_crash.look_up(request) == PAID


async def test_a_slow_answer_comes_after_its_wait(db: Database, charging: Charging) -> None:
    gateway = SimulatedGateway(db, waits=Waits(slow_s=0.3))
    started_s = asyncio.get_running_loop().time()

    answer = await gateway.charge(charging(Instrument.SLOW))

    assert answer == PAID
    assert asyncio.get_running_loop().time() - started_s >= 0.3


@pytest.mark.parametrize("turns", range(12))
async def test_a_caller_that_gives_up_takes_nobody_along(
    gateway: SimulatedGateway, charging: Charging, turns: int, read: Reading
) -> None:
    requests = [charging(reference=f"txn_{n}") for n in range(10)]
    tasks = [asyncio.create_task(gateway.charge(request)) for request in requests]
    for _ in range(turns):
        await asyncio.sleep(0)

    tasks[0].cancel()
    answers = await asyncio.gather(*tasks[1:])

    assert answers == [PAID] * 9
    others = "SELECT count(*) FROM simulated_charges WHERE reference <> 'txn_0'"
    assert await read(others) == [(9,)]


async def test_payday_is_a_day_in_the_tenants_zone(
    gateway: SimulatedGateway, charging: Charging
) -> None:
    # 23:30 UTC on the 27th is 00:30 on the 28th in Lagos.
    in_lagos = datetime(2026, 2, 27, 23, 30, tzinfo=UTC)

    before = await gateway.charge(
        charging(Instrument.PAYDAY, "txn_1", at=in_lagos - timedelta(hours=1))
    )
    on_payday = await gateway.charge(charging(Instrument.PAYDAY, "txn_2", at=in_lagos))

    assert (before, on_payday) == (Failed("51"), PAID)


async def test_the_first_use_is_timed_by_the_request(
    gateway: SimulatedGateway, charging: Charging
) -> None:
    answers = [
        await gateway.charge(
            charging(Instrument.ISSUER_DOWN_48H, f"txn_{hours}", at=OFF_PAYDAY + hours * HOUR)
        )
        for hours in (0, 24, 47, 48, 72)
    ]

    assert answers == [Failed("91"), Failed("91"), Failed("91"), PAID, PAID]


async def test_a_gateway_without_its_database_gives_no_answer(
    database_url: str, clock: FixedClock, charging: Charging
) -> None:
    lost = await Database.open(
        database_url, clock=clock, business_now=queries("testclock")["read_business_now"]
    )
    await lost.close()
    gateway = SimulatedGateway(lost)

    answers = await asyncio.gather(*(gateway.charge(charging()) for _ in range(3)))

    assert {type(answer) for answer in answers} == {Unknown}
    assert isinstance(await gateway.look_up(charging()), Unknown)


async def test_each_mode_has_its_own_gateway(gateway: SimulatedGateway) -> None:
    gateways = Gateways({Mode.TEST: gateway})

    assert gateways.of(Mode.TEST) is gateway
    with pytest.raises(GatewayNotConfiguredError):
        gateways.of(Mode.LIVE)
