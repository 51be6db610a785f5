"""Payment requests over HTTP, and money that a test says came in for them."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from duro.adapters.gateways.simulated import SimulatedGateway
from duro.kit.db import Database
from duro.kit.modes import Mode
from duro.kit.registry import Routes
from duro.modules.customers.routes import routes as customer_routes
from duro.modules.payments import module as payments
from duro.modules.payments.gateway import Gateways
from duro.modules.payments.model import PaymentRequest, RequestStatus
from duro.modules.payments.requests import PaymentRequestRepository
from tests.support.api import Client, Server
from tests.support.payments import Till, add_request, credits_of

CREATED_AT = "2026-01-28T09:00:00.000Z"
A_DAY_ON = "2026-01-29T09:00:00.000Z"


@pytest.fixture
def gateway(db: Database) -> SimulatedGateway:
    return SimulatedGateway(db)


@pytest.fixture
def till() -> Till:
    return Till()


@pytest.fixture
def routes(gateway: SimulatedGateway, till: Till) -> Sequence[Routes]:
    gateways = Gateways({Mode.TEST: gateway})
    return (customer_routes, *payments.build(gateway, gateways, settle=till.settle).routes)


@pytest.fixture
async def request_(db: Database, tenant: str) -> PaymentRequest:
    async with db.begin(Mode.TEST, tenant) as tx:
        return await add_request(tx)


async def read(db: Database, tenant: str, request_id: str) -> PaymentRequest:
    async with db.begin(Mode.TEST, tenant) as tx:
        return await PaymentRequestRepository(tx).get(request_id)


class TestShowing:
    async def test_a_request_is_shown_with_what_its_customer_was_told(
        self, client: Client, request_: PaymentRequest
    ) -> None:
        answer = await client.get(f"/v1/payment-requests/{request_.id}")

        assert answer.status == 200
        assert list(answer.json.items()) == [
            ("id", request_.id),
            ("invoiceId", request_.invoice_id),
            ("subscriptionId", request_.subscription_id),
            ("customerId", request_.customer_id),
            ("rail", "transfer"),
            ("status", "open"),
            ("amount", 500_000),
            ("amountReceived", 0),
            ("currency", "NGN"),
            ("reference", request_.reference),
            (
                "details",
                {
                    "ussd": None,
                    "bankName": "Duro Test Bank",
                    "accountNumber": "0123456789",
                    "accountName": "Duro",
                },
            ),
            ("expiresAt", A_DAY_ON),
            ("closedAt", None),
            ("createdAt", CREATED_AT),
        ]

    async def test_the_list_is_narrowed_by_each_filter(
        self, client: Client, db: Database, tenant: str, request_: PaymentRequest
    ) -> None:
        async with db.begin(Mode.TEST, tenant) as tx:
            paid = await add_request(
                tx,
                lambda made: replace(
                    made, status=RequestStatus.PAID, closed_at=tx.now, subscription_id="sub_B"
                ),
            )

        async def ids(query: str) -> list[str]:
            page = await client.get(f"/v1/payment-requests?{query}")
            assert page.status == 200, page.body
            return [item["id"] for item in page.json["items"]]

        assert await ids("") == [paid.id, request_.id]
        assert await ids("status=open") == [request_.id]
        assert await ids(f"invoiceId={paid.invoice_id}") == [paid.id]
        assert await ids(f"invoiceId={paid.invoice_id}&status=open") == []
        assert await ids(f"customerId={request_.customer_id}") == [request_.id]
        assert await ids("subscriptionId=sub_B") == [paid.id]

    async def test_another_tenants_request_is_not_found(
        self, server: Server, tenant_b: str, request_: PaymentRequest
    ) -> None:
        other = await server.client(tenant_b, Mode.TEST)

        assert (await other.get(f"/v1/payment-requests/{request_.id}")).status == 404
        assert (await other.get("/v1/payment-requests")).json["items"] == []
        paid = await other.post(f"/v1/test/payment-requests/{request_.id}/pay", {})
        assert paid.status == 404


class TestPaying:
    async def test_what_lacks_comes_in_under_the_reference_and_is_settled_at_once(
        self,
        client: Client,
        gateway: SimulatedGateway,
        till: Till,
        tenant: str,
        request_: PaymentRequest,
    ) -> None:
        answer = await client.post(f"/v1/test/payment-requests/{request_.id}/pay")

        assert (answer.status, answer.id) == (200, request_.id)
        (credit,) = await credits_of(gateway, tenant, request_.reference)
        assert (credit.amount_minor, credit.currency) == (500_000, "NGN")
        assert till.asked == [request_.reference]

    async def test_a_part_of_it_or_another_currency_comes_in_as_it_is(
        self, client: Client, gateway: SimulatedGateway, tenant: str, request_: PaymentRequest
    ) -> None:
        path = f"/v1/test/payment-requests/{request_.id}/pay"

        await client.post(path, {"amount": 200_000})
        await client.post(path, {"amount": 9_000_000, "currency": "USD"})

        came = await credits_of(gateway, tenant, request_.reference)
        assert [(credit.amount_minor, credit.currency) for credit in came] == [
            (200_000, "NGN"),
            (9_000_000, "USD"),
        ]

    async def test_the_gateway_is_asked_from_now_on(
        self, client: Client, db: Database, tenant: str, request_: PaymentRequest
    ) -> None:
        await client.post(f"/v1/test/payment-requests/{request_.id}/pay")

        assert (await read(db, tenant, request_.id)).check_at == request_.created_at

    @pytest.mark.parametrize("status", [RequestStatus.EXPIRED, RequestStatus.VOID])
    async def test_money_may_come_late(
        self,
        client: Client,
        db: Database,
        gateway: SimulatedGateway,
        tenant: str,
        status: RequestStatus,
    ) -> None:
        async with db.begin(Mode.TEST, tenant) as tx:
            closed = await add_request(
                tx,
                lambda made: replace(made, status=status, closed_at=tx.now, check_at=None),
            )

        answer = await client.post(f"/v1/test/payment-requests/{closed.id}/pay")

        assert answer.status == 200
        assert len(await credits_of(gateway, tenant, closed.reference)) == 1
        assert (await read(db, tenant, closed.id)).check_at == closed.created_at

    async def test_where_nothing_lacks_an_amount_must_be_given(
        self, client: Client, db: Database, gateway: SimulatedGateway, tenant: str
    ) -> None:
        async with db.begin(Mode.TEST, tenant) as tx:
            whole = await add_request(tx, lambda made: replace(made, received_minor=500_000))
        path = f"/v1/test/payment-requests/{whole.id}/pay"

        refused = await client.post(path, {})
        more = await client.post(path, {"amount": 1})

        assert (refused.status, refused.paths) == (422, ["amount"])
        assert more.status == 200
        assert len(await credits_of(gateway, tenant, whole.reference)) == 1

    async def test_one_key_pays_once(
        self, client: Client, gateway: SimulatedGateway, tenant: str, request_: PaymentRequest
    ) -> None:
        path = f"/v1/test/payment-requests/{request_.id}/pay"

        first = await client.post(path, {"amount": 100}, key="once")
        again = await client.post(path, {"amount": 100}, key="once")

        assert again.body == first.body
        assert again.is_replay
        assert len(await credits_of(gateway, tenant, request_.reference)) == 1

    @pytest.mark.parametrize(
        ("body", "path"),
        [
            ({"amount": 0}, "amount"),
            ({"amount": None}, "amount"),
            ({"amount": 1.5}, "amount"),
            ({"currency": "EUR"}, "currency"),
            ({"amountMinor": 1}, "amountMinor"),
        ],
    )
    async def test_nonsense_is_refused(
        self, client: Client, request_: PaymentRequest, body: object, path: str
    ) -> None:
        answer = await client.post(f"/v1/test/payment-requests/{request_.id}/pay", body)

        assert (answer.status, answer.paths) == (422, [path])

    async def test_live_mode_has_no_money_of_tests(self, server: Server, tenant: str) -> None:
        live = await server.client(tenant, Mode.LIVE)
        for kind, prefix in (("payment-requests", "prq"), ("virtual-accounts", "va")):
            path = f"/v1/test/{kind}/{prefix}_01KG1X9FM0E8WTNTZXCGG3CPVA/pay"

            assert (await live.post(path, {"amount": 1})).status == 404
