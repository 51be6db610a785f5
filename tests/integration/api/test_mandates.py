"""Direct debit mandates over HTTP, and the work that asks their gateway."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from typing_extensions import override

from duro.adapters.gateways.simulated import SimulatedGateway
from duro.kit.clock import FixedClock
from duro.kit.db import Database
from duro.kit.modes import Mode
from duro.kit.module import Module
from duro.kit.registry import Routes
from duro.kit.work import DueWork, WorkScope
from duro.modules.customers.routes import routes as customer_routes
from duro.modules.payments import module as payments
from duro.modules.payments.gateway import (
    Gateways,
    MandateAnswer,
    MandateAsk,
    MandateFinding,
    MandateState,
    Unknown,
)
from duro.modules.payments.methods import resolve_method
from duro.modules.payments.model import MandateStatus
from tests.support.api import Client, Server

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
GIVEN_AT = "2026-01-28T09:00:00.000Z"


class Gateway(SimulatedGateway):
    """The simulated gateway, counting what it is asked, silent while it is down, late while it is held."""

    is_down = False
    hold: asyncio.Event | None = None
    asked: Counter[str]
    reached: asyncio.Event

    @override
    async def open_mandate(self, ask: MandateAsk) -> MandateAnswer:
        self.asked["open"] += 1
        return Unknown("down") if self.is_down else await super().open_mandate(ask)

    @override
    async def look_up_mandate(self, ask: MandateAsk) -> MandateFinding:
        self.asked["look_up"] += 1
        found = Unknown("down") if self.is_down else await super().look_up_mandate(ask)
        self.reached.set()
        if self.hold is not None:
            await self.hold.wait()
        return found

    @override
    async def revoke_mandate(self, ask: MandateAsk) -> MandateAnswer:
        self.asked["revoke"] += 1
        if self.is_down:
            raise OSError("reset by peer")
        return MandateState(MandateStatus.REVOKED)


@pytest.fixture
def gateway(db: Database) -> Gateway:
    made = Gateway(db)
    made.asked = Counter()
    made.reached = asyncio.Event()
    return made


@pytest.fixture
def module(gateway: Gateway) -> Module:
    return payments.build(gateway, Gateways({Mode.TEST: gateway}))


@pytest.fixture
def routes(module: Module) -> Sequence[Routes]:
    return (customer_routes, *module.routes)


@pytest.fixture
async def customer(client: Client) -> str:
    return (await client.post("/v1/customers", {"name": "Ada Obi"})).id


async def given(client: Client, customer: str, method: str = "pm_test_mandate") -> dict[str, Any]:
    answer = await client.post(f"/v1/customers/{customer}/mandates", {"paymentMethodId": method})
    assert answer.status == 201, answer.body
    return answer.json


async def shown(client: Client, customer: str) -> list[dict[str, Any]]:
    answer = await client.get(f"/v1/customers/{customer}/mandates")
    assert answer.status == 200, answer.body
    items: list[dict[str, Any]] = answer.json["items"]
    return items


@dataclass
class Worker:
    """The work that asks about the tenant's mandates."""

    due: DueWork
    scope: WorkScope

    async def turn(self) -> Counter[str]:
        return (await self.due.run(self.scope, 100)).counts

    async def next_check(self) -> datetime | None:
        async with self.scope.begin() as tx:
            found: datetime | None = await tx.value(self.due.next_due)
        return found


@pytest.fixture
def worker(module: Module, db: Database, tenant: str) -> Worker:
    (due,) = module.work
    return Worker(due, WorkScope(db, Mode.TEST, tenant))


async def test_a_mandate_is_pending_until_its_bank_lets_it_stand(
    client: Client, worker: Worker, clock: FixedClock, customer: str
) -> None:
    mandate = await given(client, customer)
    clock.move(24 * HOUR - MINUTE)
    too_early = await worker.turn()
    clock.move(HOUR)
    counts = await worker.turn()

    assert list(mandate) == [
        *("id", "customerId", "paymentMethodId", "status"),
        *("activatedAt", "readyAt", "revokedAt", "createdAt"),
    ]
    assert (mandate["status"], mandate["customerId"]) == ("pending", customer)
    assert too_early == Counter()
    assert counts == Counter(mandates_active=1)
    (active,) = await shown(client, customer)
    assert active == {
        **mandate,
        "status": "active",
        "activatedAt": "2026-01-29T09:00:00.000Z",
        "readyAt": "2026-01-30T09:00:00.000Z",
    }
    assert await worker.next_check() is None


async def test_an_early_mandate_is_active_at_once_and_ready_a_day_on(
    client: Client, customer: str
) -> None:
    mandate = await given(client, customer, "pm_test_mandate_early")

    assert mandate["status"] == "active"
    assert mandate["activatedAt"] == GIVEN_AT
    assert mandate["readyAt"] == "2026-01-29T09:00:00.000Z"


async def test_its_method_is_a_direct_debit_of_the_customer(client: Client, customer: str) -> None:
    mandate = await given(client, customer)

    (method,) = (await client.get(f"/v1/customers/{customer}/payment-methods")).json["items"]
    assert method["id"] == mandate["paymentMethodId"]
    assert (method["rail"], method["expMonth"], method["expYear"]) == ("direct_debit", None, None)
    assert await given(client, customer, method["id"]) == mandate


async def test_the_gateway_is_asked_ever_less_often(
    client: Client, worker: Worker, clock: FixedClock, customer: str
) -> None:
    begun = clock.wall()
    await given(client, customer)
    waits = []

    for _ in range(9):
        at = await worker.next_check()
        assert at is not None
        waits.append(at - clock.wall())
        clock.move(at - clock.wall())
        await worker.turn()

    assert [wait // MINUTE for wait in waits] == [1, 1, 2, 4, 8, 16, 32, 60, 60]
    assert clock.wall() == begun + 184 * MINUTE


async def test_what_the_gateway_never_heard_of_is_set_up_later(
    client: Client,
    worker: Worker,
    clock: FixedClock,
    gateway: Gateway,
    customer: str,
) -> None:
    gateway.is_down = True
    mandate = await given(client, customer)
    gateway.is_down = False
    clock.move(24 * HOUR)
    counts = await worker.turn()

    assert mandate["status"] == "pending"
    assert counts == Counter(mandates_active=1)
    (active,) = await shown(client, customer)
    # It counts from when the customer gave it.
    assert active["activatedAt"] == "2026-01-29T09:00:00.000Z"


async def test_a_fortnight_of_silence_revokes_it(
    client: Client,
    worker: Worker,
    clock: FixedClock,
    gateway: Gateway,
    customer: str,
) -> None:
    gateway.is_down = True
    await given(client, customer)
    clock.move(timedelta(days=14))

    counts = await worker.turn()

    assert counts == Counter(mandates_revoked=1)
    (revoked,) = await shown(client, customer)
    assert (revoked["status"], revoked["activatedAt"]) == ("revoked", None)
    assert gateway.asked["revoke"] == 1


async def test_a_revoked_mandate_stays_revoked(
    client: Client, gateway: Gateway, customer: str
) -> None:
    mandate = await given(client, customer, "pm_test_mandate_early")
    path = f"/v1/mandates/{mandate['id']}/revoke"

    revoked = await client.post(path)
    again = await client.post(path)
    anew = await client.post(
        f"/v1/customers/{customer}/mandates", {"paymentMethodId": "pm_test_mandate_early"}
    )

    assert revoked.status == 200
    assert revoked.json == {**mandate, "status": "revoked", "revokedAt": GIVEN_AT}
    assert again.json == revoked.json
    assert anew.status == 409
    assert gateway.asked["revoke"] == 1


async def test_the_gateway_is_told_of_a_revocation_until_it_has_heard(
    client: Client,
    worker: Worker,
    clock: FixedClock,
    gateway: Gateway,
    customer: str,
) -> None:
    mandate = await given(client, customer)
    gateway.is_down = True
    revoked = await client.post(f"/v1/mandates/{mandate['id']}/revoke")
    gateway.is_down = False
    clock.move(HOUR)
    await worker.turn()

    assert revoked.json["status"] == "revoked"
    assert gateway.asked["revoke"] == 2
    assert await worker.next_check() is None


async def test_a_mandate_that_a_subscription_names_is_set_up_by_the_work(
    client: Client, worker: Worker, db: Database, tenant: str, customer: str
) -> None:
    async with db.begin(Mode.TEST, tenant) as tx:
        await resolve_method(tx, customer_id=customer, method_id="pm_test_mandate_early")
    (before,) = await shown(client, customer)

    await worker.turn()

    (after,) = await shown(client, customer)
    assert (before["status"], after["status"]) == ("pending", "active")


async def test_the_scan_finds_tenants_whose_mandates_are_due(
    client: Client, module: Module, db: Database, clock: FixedClock, tenant: str, customer: str
) -> None:
    (due,) = module.work

    async def found(tenants: Sequence[str], nows: Sequence[datetime]) -> list[str]:
        rows = await db.scan(Mode.TEST, due.list_due, clock.wall(), tenants, nows)
        return [row["tenant_id"] for row in rows]

    await given(client, customer)
    at_once = await found([], [])
    by_its_own_time = await found([tenant], [clock.wall() + MINUTE])
    clock.move(MINUTE)

    assert at_once == []
    assert by_its_own_time == [tenant]
    assert await found([], []) == [tenant]
    assert await found([tenant], [datetime(2026, 1, 1, tzinfo=UTC)]) == []


@pytest.mark.parametrize(
    ("method", "status"),
    [
        ("pm_test_ok", 422),
        ("pm_test_nothing", 422),
        ("", 422),
        ("pm_01KG1X9FM0E8WTNTZXCGG3CPVA", 404),
    ],
)
async def test_what_is_no_direct_debit_method_gives_no_mandate(
    client: Client, customer: str, method: str, status: int
) -> None:
    answer = await client.post(f"/v1/customers/{customer}/mandates", {"paymentMethodId": method})

    assert answer.status == status
    assert await shown(client, customer) == []


async def test_another_tenants_mandate_is_not_found(
    client: Client, server: Server, tenant_b: str, customer: str
) -> None:
    mandate = await given(client, customer)
    other = await server.client(tenant_b, Mode.TEST)
    method = {"paymentMethodId": "pm_test_mandate"}

    assert (await other.post(f"/v1/mandates/{mandate['id']}/revoke")).status == 404
    assert (await other.get(f"/v1/customers/{customer}/mandates")).status == 404
    assert (await other.post(f"/v1/customers/{customer}/mandates", method)).status == 404
    assert await shown(client, customer) == [mandate]


async def test_live_mode_takes_no_test_mandate(server: Server, tenant: str) -> None:
    live = await server.client(tenant, Mode.LIVE)
    customer = (await live.post("/v1/customers", {})).id

    answer = await live.post(
        f"/v1/customers/{customer}/mandates", {"paymentMethodId": "pm_test_mandate"}
    )

    assert (answer.status, answer.code) == (503, "gateway_not_configured")


async def test_twenty_calls_at_once_give_one_mandate(client: Client, customer: str) -> None:
    made = await asyncio.gather(*(given(client, customer) for _ in range(20)))

    assert len({mandate["id"] for mandate in made}) == 1
    assert [mandate["id"] for mandate in await shown(client, customer)] == [made[0]["id"]]


async def test_a_revocation_is_not_undone_by_an_answer_that_comes_late(
    client: Client, gateway: Gateway, worker: Worker, clock: FixedClock, customer: str
) -> None:
    mandate = await given(client, customer)
    clock.move(24 * HOUR)
    gateway.reached.clear()
    gateway.hold = asyncio.Event()
    asking = asyncio.create_task(worker.turn())
    await gateway.reached.wait()
    await client.post(f"/v1/mandates/{mandate['id']}/revoke")
    gateway.hold.set()

    counts = await asking

    assert counts == Counter()
    assert [each["status"] for each in await shown(client, customer)] == ["revoked"]
