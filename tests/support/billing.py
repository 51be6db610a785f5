"""Owns billing without HTTP and without a worker: due work is run by hand, the gateway can be stopped anywhere."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from duro.adapters.gateways.simulated import SimulatedGateway, Waits
from duro.billing.cycle import Interval
from duro.kit.clock import FixedClock
from duro.kit.db import Database, Tx
from duro.kit.idempotency import Keyed
from duro.kit.modes import Mode
from duro.kit.work import Ran, WorkScope
from duro.modules.catalog.schemas import PlanCreate
from duro.modules.catalog.service import create_plan
from duro.modules.charging.engine import Charging
from duro.modules.charging.first import Asked, Begun, begin_subscriptions
from duro.modules.charging.jobs import due_work
from duro.modules.charging.lifecycle import Lifecycle
from duro.modules.customers.schemas import CustomerCreate
from duro.modules.customers.service import create_customer
from duro.modules.invoices.links import PayLinks
from duro.modules.payments.gateway import (
    AccountAnswer,
    AccountAsk,
    Answer,
    ChargeRequest,
    Credit,
    Finding,
    Gateways,
    MandateAnswer,
    MandateAsk,
    MandateFinding,
    PaymentAsk,
    RefundAnswer,
    RefundFinding,
    RefundRequest,
    RequestAnswer,
    Unknown,
)
from duro.modules.subscriptions.model import Subscription
from duro.modules.subscriptions.repository import SubscriptionRepository
from duro.modules.subscriptions.schemas import (
    SubscriptionCancel,
    SubscriptionCreate,
    SubscriptionPatch,
)
from tests.support.credit import GIVE_CREDIT
from tests.support.invariants import violations
from tests.support.roles import app_role, connected_as

Hook: TypeAlias = Callable[[ChargeRequest], Awaitable[None]]
LINKS: Final = PayLinks("http://duro.test", b"key")


async def _pass(_: ChargeRequest) -> None:
    """Nothing happens meanwhile."""


async def _pass_refund(_: RefundRequest) -> None:
    """Nothing happens meanwhile."""


@dataclass
class WatchedGateway:
    """The simulated gateway, with hooks around each call and answers that can be forged."""

    inner: SimulatedGateway
    before_charge: Hook = _pass
    after_charge: Hook = _pass
    before_look_up: Hook = _pass
    forge: Callable[[ChargeRequest, Answer], Answer] = lambda _, answer: answer
    finding: Finding | None = None
    before_refund: Callable[[RefundRequest], Awaitable[None]] = _pass_refund
    forge_refund: Callable[[RefundRequest, RefundAnswer], RefundAnswer] = lambda _, answer: answer
    refund_finding: RefundFinding | None = None
    charged: list[str] = field(default_factory=list, repr=False)
    refunded: list[str] = field(default_factory=list, repr=False)
    looked_up: list[str] = field(default_factory=list, repr=False)
    name: str = "simulated"

    async def charge(self, request: ChargeRequest) -> Answer:
        await self.before_charge(request)
        self.charged.append(request.reference)
        answer = await self.inner.charge(request)
        await self.after_charge(request)
        return self.forge(request, answer)

    async def look_up(self, request: ChargeRequest) -> Finding:
        await self.before_look_up(request)
        self.looked_up.append(request.reference)
        return self.finding or await self.inner.look_up(request)

    async def refund(self, request: RefundRequest) -> RefundAnswer:
        await self.before_refund(request)
        self.refunded.append(request.reference)
        answer = await self.inner.refund(request)
        return self.forge_refund(request, answer)

    async def look_up_refund(self, request: RefundRequest) -> RefundFinding:
        self.looked_up.append(request.reference)
        return self.refund_finding or await self.inner.look_up_refund(request)

    async def request_payment(self, ask: PaymentAsk) -> RequestAnswer:
        return await self.inner.request_payment(ask)

    async def find_credits(self, tenant_id: str, reference: str) -> Sequence[Credit] | Unknown:
        return await self.inner.find_credits(tenant_id, reference)

    async def cancel_request(self, tenant_id: str, reference: str) -> None:
        await self.inner.cancel_request(tenant_id, reference)

    async def open_account(self, ask: AccountAsk) -> AccountAnswer:
        return await self.inner.open_account(ask)

    async def open_mandate(self, ask: MandateAsk) -> MandateAnswer:
        return await self.inner.open_mandate(ask)

    async def look_up_mandate(self, ask: MandateAsk) -> MandateFinding:
        return await self.inner.look_up_mandate(ask)

    async def revoke_mandate(self, ask: MandateAsk) -> MandateAnswer:
        return await self.inner.revoke_mandate(ask)


@dataclass
class Shop:
    """One tenant's test mode, its business time the wall time of `clock`."""

    db: Database
    clock: FixedClock
    database_url: str
    tenant_id: str
    # It remembers every call, which is too much to print beside a failure.
    gateway: WatchedGateway = field(repr=False)
    concurrency: int = 100

    @classmethod
    def open(cls, db: Database, clock: FixedClock, database_url: str, tenant_id: str) -> "Shop":
        waits = Waits(timeout_s=0.02, slow_s=0.3)
        gateway = WatchedGateway(SimulatedGateway(db, waits=waits))
        return cls(db, clock, database_url, tenant_id, gateway)

    @property
    def scope(self) -> WorkScope:
        return WorkScope(self.db, Mode.TEST, self.tenant_id)

    @property
    def charging(self) -> Charging:
        return Charging(Gateways({Mode.TEST: self.gateway}), LINKS, self.concurrency)

    async def plan(self, interval: Interval = Interval.MONTH, **fields: object) -> str:
        body = PlanCreate.model_validate(
            {"name": "Gold", "amount": 500_000, "interval": interval.value, **fields}
        )
        async with self.scope.begin() as tx:
            return (await create_plan(tx, body)).id

    async def subscribe(
        self, plan_id: str, method: str | None = "pm_test_ok", *, promo_code: str | None = None
    ) -> str:
        """A new customer's subscription, charged."""
        async with self.scope.begin() as tx:
            customer = await create_customer(tx, CustomerCreate(email="ada@example.com"))
            body = SubscriptionCreate.model_validate(
                {
                    "customerId": customer.id,
                    "planId": plan_id,
                    "paymentMethodId": method,
                    "promoCode": promo_code,
                }
            )
            begun = await begin_one(tx, body, self.charging)
        if begun.charge is not None:
            await self.charging.run(self.scope, [begun.charge])
        return begun.subscription.id

    async def many(self, count: int, plan_id: str) -> list[str]:
        return [await self.subscribe(plan_id) for _ in range(count)]

    async def run(self, name: str, limit: int = 100) -> Ran:
        """One round of a kind of due work, such as `billing.renew`."""
        works = {work.name: work for work in due_work(self.charging)}
        return await works[name].run(self.scope, limit)

    async def catch_up(self) -> Counter[str]:
        """All kinds of due work until nothing is left at this instant."""
        counts: Counter[str] = Counter()
        while True:
            done = 0
            for work in due_work(self.charging):
                ran = await work.run(self.scope, work.batch)
                counts += ran.counts
                done += ran.done
            if not done:
                return counts

    async def cancel(self, subscription_id: str) -> None:
        async with self.scope.begin() as tx:
            await Lifecycle(self.charging).cancel(tx, subscription_id, SubscriptionCancel())

    async def get(self, subscription_id: str) -> Subscription:
        async with self.scope.begin() as tx:
            return await SubscriptionRepository(tx).get(subscription_id)

    async def use(self, subscription_id: str, method: str) -> None:
        """Another instrument for it from now on."""
        async with self.scope.begin() as tx:
            body = SubscriptionPatch.model_validate({"paymentMethodId": method})
            await Lifecycle(self.charging).change(tx, subscription_id, body)

    async def query(self, text: str, *args: object) -> list[Any]:
        """As this tenant, below our own code; also for what no request can bring about."""
        role = app_role(Mode.TEST)
        async with connected_as(self.database_url, role, search_path="sandbox,core") as connection:
            await connection.execute("SELECT set_config('duro.tenant', $1, false)", self.tenant_id)
            found: list[Any] = await connection.fetch(text, *args)
            return found

    async def give_credit(self, subscription_id: str, amount_minor: int) -> None:
        await self.query(GIVE_CREDIT, subscription_id, amount_minor)

    async def value(self, text: str, *args: object) -> Any:  # noqa: ANN401 - a column of any type
        return (await self.query(text, *args))[0][0]

    async def settled(self) -> int:
        """How many charges moved money, by the gateway's own books."""
        text = "SELECT count(*) FROM simulated_charges WHERE status = 'succeeded'"
        return int(str(await self.value(text)))

    async def broken(self, *, is_at_rest: bool = True) -> list[str]:
        found = await violations(self.database_url, self.tenant_id, is_at_rest=is_at_rest)
        # Fanning out is another feature's work.
        return [text for text in found if not text.startswith("every_event_is_fanned_out")]


async def at_once(count: int, work: Callable[[], Awaitable[Any]]) -> list[Any]:
    return await asyncio.gather(*(work() for _ in range(count)))


async def begin_one(
    tx: Tx, body: SubscriptionCreate, charging: Charging, *, keyed: Keyed | None = None
) -> Begun:
    """Phase one of a single new subscription; its refusal is raised."""
    (begun,) = await begin_subscriptions(tx, [Asked(body, keyed)], charging)
    if not isinstance(begun, Begun):
        raise begun
    return begun
