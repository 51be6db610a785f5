"""Virtual accounts over HTTP, and money that a test says was paid to them."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest
from typing_extensions import override

from duro.adapters.gateways.simulated import SimulatedGateway
from duro.billing.rails import Rail
from duro.kit.db import Database
from duro.kit.modes import Mode
from duro.kit.registry import Routes
from duro.modules.customers.routes import routes as customer_routes
from duro.modules.payments import module as payments
from duro.modules.payments.gateway import AccountAnswer, AccountAsk, Failed, Gateways, Unknown
from tests.support.api import Client, Server
from tests.support.payments import Till, add_request, credits_of


class Gateway(SimulatedGateway):
    """The simulated gateway, which can be made to answer otherwise when it is to open an account."""

    account_answer: AccountAnswer | None = None
    account_asks: list[AccountAsk]

    @override
    async def open_account(self, ask: AccountAsk) -> AccountAnswer:
        self.account_asks.append(ask)
        return self.account_answer or await super().open_account(ask)


@pytest.fixture
def gateway(db: Database) -> Gateway:
    made = Gateway(db)
    made.account_asks = []
    return made


@pytest.fixture
def till() -> Till:
    return Till()


@pytest.fixture
def routes(gateway: Gateway, till: Till) -> Sequence[Routes]:
    gateways = Gateways({Mode.TEST: gateway})
    return (customer_routes, *payments.build(gateway, gateways, settle=till.settle).routes)


async def test_a_customer_gets_one_number_for_good(client: Client, gateway: Gateway) -> None:
    customer = (await client.post("/v1/customers", {"name": "Ada Obi"})).id
    path = f"/v1/customers/{customer}/virtual-account"
    before = await client.get(path)

    opened = await client.post(path)
    again = await client.post(path)
    shown = await client.get(path)

    assert before.status == 404
    assert (opened.status, again.status, shown.status) == (201, 201, 200)
    assert opened.json == again.json == shown.json
    account = opened.json
    assert account["customerId"] == customer
    assert len(account["accountNumber"]) == 10
    assert "Ada Obi" in account["accountName"]
    assert len(gateway.account_asks) == 1


async def test_a_gateway_that_refuses_or_says_nothing_opens_none(
    client: Client, gateway: Gateway
) -> None:
    customer = (await client.post("/v1/customers", {})).id
    path = f"/v1/customers/{customer}/virtual-account"

    gateway.account_answer = Failed("bvn_missing")
    refused = await client.post(path)
    gateway.account_answer = Unknown("no answer")
    silent = await client.post(path)
    gateway.account_answer = None
    opened = await client.post(path)

    assert (refused.status, silent.status, opened.status) == (409, 503, 201)
    assert "bvn_missing" in refused.error["message"]
    assert len({ask.reference for ask in gateway.account_asks}) == 1


async def test_money_to_a_number_comes_in_whether_or_not_it_was_asked_for(
    client: Client, gateway: Gateway, till: Till, tenant: str
) -> None:
    customer = (await client.post("/v1/customers", {})).id
    account = (await client.post(f"/v1/customers/{customer}/virtual-account")).json

    paid = await client.post(f"/v1/test/virtual-accounts/{account['id']}/pay", {"amount": 700})

    assert (paid.status, paid.json) == (200, account)
    (credit,) = await credits_of(gateway, tenant, account["accountNumber"])
    assert (credit.amount_minor, credit.currency) == (700, "NGN")
    assert till.asked == [account["accountNumber"]]


async def test_a_request_by_virtual_account_is_paid_to_the_number(
    client: Client, db: Database, gateway: Gateway, tenant: str
) -> None:
    customer = (await client.post("/v1/customers", {})).id
    account = (await client.post(f"/v1/customers/{customer}/virtual-account")).json
    number = account["accountNumber"]
    async with db.begin(Mode.TEST, tenant) as tx:
        asked = await add_request(
            tx,
            lambda made: replace(
                made, rail=Rail.VIRTUAL_ACCOUNT, details={"accountNumber": number}
            ),
            customer_id=customer,
        )

    await client.post(f"/v1/test/payment-requests/{asked.id}/pay")

    assert len(await credits_of(gateway, tenant, number)) == 1
    assert await credits_of(gateway, tenant, asked.reference) == []


async def test_live_mode_has_no_gateway_to_open_one(server: Server, tenant: str) -> None:
    live = await server.client(tenant, Mode.LIVE)
    customer = (await live.post("/v1/customers", {})).id

    answer = await live.post(f"/v1/customers/{customer}/virtual-account")

    assert (answer.status, answer.code) == (503, "gateway_not_configured")


async def test_twenty_calls_at_once_open_one_account(client: Client, gateway: Gateway) -> None:
    customer = (await client.post("/v1/customers", {})).id
    path = f"/v1/customers/{customer}/virtual-account"

    answers = await asyncio.gather(*(client.post(path) for _ in range(20)))

    assert {answer.status for answer in answers} == {201}
    assert len({answer.body for answer in answers}) == 1
    assert len({ask.reference for ask in gateway.account_asks}) == 1
