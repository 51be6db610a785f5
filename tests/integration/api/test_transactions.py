"""Transactions, payment methods and the simulated gateway's books over HTTP."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from duro.adapters.gateways.simulated import SimulatedGateway
from duro.billing.failures import Category
from duro.kit.clock import FixedClock
from duro.kit.db import Database
from duro.kit.modes import Mode
from duro.kit.registry import Routes
from duro.modules.customers.routes import routes as customer_routes
from duro.modules.payments import module as payments
from duro.modules.payments.gateway import ChargeRequest, Gateways
from duro.modules.payments.methods import resolve_method
from duro.modules.payments.model import Attempt, AttemptStatus
from duro.modules.payments.testcards import Instrument, token_of
from tests.support.api import Client, Server
from tests.support.payments import add_attempt, add_customer, settled

CREATED_AT = "2026-01-28T09:00:00.000Z"


@pytest.fixture
def gateway(db: Database) -> SimulatedGateway:
    return SimulatedGateway(db)


@pytest.fixture
def routes(gateway: SimulatedGateway) -> Sequence[Routes]:
    return (customer_routes, *payments.build(gateway, Gateways({Mode.TEST: gateway})).routes)


async def add_many(db: Database, tenant: str, clock: FixedClock, count: int) -> list[Attempt]:
    """Oldest first, a minute apart."""
    attempts = []
    for _ in range(count):
        async with db.begin(Mode.TEST, tenant) as tx:
            attempts.append(await add_attempt(tx))
        clock.move(timedelta(minutes=1))
    return attempts


def charging(tenant_id: str, clock: FixedClock, reference: str, card: Instrument) -> ChargeRequest:
    token = token_of(card, "cus_A")
    return ChargeRequest(reference, 500_000, "NGN", token, tenant_id, clock.wall())


async def test_a_transaction_is_shown_with_its_failure(
    client: Client, db: Database, tenant: str
) -> None:
    async with db.begin(Mode.TEST, tenant) as tx:
        declined = await add_attempt(
            tx,
            lambda attempt: replace(
                settled(attempt, AttemptStatus.FAILED, tx.now),
                failure_code="51",
                failure_category=Category.INSUFFICIENT_FUNDS,
            ),
        )

    answer = await client.get(f"/v1/transactions/{declined.id}")

    assert answer.status == 200
    assert list(answer.json.items()) == [
        ("id", declined.id),
        ("invoiceId", declined.invoice_id),
        ("customerId", declined.customer_id),
        ("status", "failed"),
        ("amount", 500000),
        ("currency", "NGN"),
        ("rail", "card"),
        ("failureCode", "51"),
        ("failureCategory", "insufficient_funds"),
        ("reference", declined.reference),
        ("createdAt", CREATED_AT),
    ]


async def test_transactions_are_listed_newest_first_in_pages(
    client: Client, db: Database, tenant: str, clock: FixedClock
) -> None:
    attempts = await add_many(db, tenant, clock, 5)

    first = (await client.get("/v1/transactions?limit=3")).json
    second = (await client.get(f"/v1/transactions?limit=3&cursor={first['nextCursor']}")).json

    shown = [item["id"] for page in (first, second) for item in page["items"]]
    assert shown == [attempt.id for attempt in reversed(attempts)]
    assert (first["hasMore"], second["hasMore"], second["nextCursor"]) == (True, False, None)


@pytest.mark.parametrize("field", ["customerId", "invoiceId", "subscriptionId"])
async def test_transactions_can_be_narrowed_to_what_they_belong_to(
    client: Client, db: Database, tenant: str, field: str
) -> None:
    async with db.begin(Mode.TEST, tenant) as tx:
        wanted = await add_attempt(tx, lambda a: replace(a, subscription_id="sub_B"))
        await add_attempt(tx)
    value = {
        "customerId": wanted.customer_id,
        "invoiceId": wanted.invoice_id,
        "subscriptionId": wanted.subscription_id,
    }[field]

    found = (await client.get(f"/v1/transactions?{field}={value}")).json["items"]

    assert [item["id"] for item in found] == [wanted.id]


async def test_transactions_can_be_narrowed_by_status_and_instant(
    client: Client, db: Database, tenant: str, clock: FixedClock
) -> None:
    pending = await add_many(db, tenant, clock, 3)
    async with db.begin(Mode.TEST, tenant) as tx:
        paid = await add_attempt(tx, lambda a: settled(a, AttemptStatus.SUCCEEDED, tx.now))
    span = "createdFrom=2026-01-28T09:01:00Z&createdTo=2026-01-28T09:02:00Z"

    by_status = (await client.get("/v1/transactions?status=succeeded")).json["items"]
    by_instant = (await client.get(f"/v1/transactions?{span}")).json["items"]

    assert [item["id"] for item in by_status] == [paid.id]
    assert [item["id"] for item in by_instant] == [pending[1].id]


@pytest.mark.parametrize(
    ("query", "path"),
    [("status=paid", "status"), ("limit=0", "limit"), ("cursor=x", "cursor"), ("a=1", "a")],
)
async def test_a_filter_of_the_wrong_kind_is_refused_by_its_name(
    client: Client, query: str, path: str
) -> None:
    answer = await client.get(f"/v1/transactions?{query}")

    assert (answer.status, answer.code, answer.paths) == (422, "validation_error", [path])


async def test_another_tenants_and_another_modes_transactions_are_not_found(
    server: Server, db: Database, tenant: str, tenant_b: str
) -> None:
    async with db.begin(Mode.TEST, tenant) as tx:
        attempt = await add_attempt(tx)

    for stranger in (
        await server.client(tenant_b, Mode.TEST),
        await server.client(tenant, Mode.LIVE),
    ):
        for path in (
            f"/v1/transactions/{attempt.id}",
            f"/v1/customers/{attempt.customer_id}/transactions",
            f"/v1/customers/{attempt.customer_id}/payment-methods",
        ):
            answer = await stranger.get(path)
            assert (answer.status, answer.code) == (404, "not_found")
        assert (await stranger.get("/v1/transactions")).json["items"] == []


async def test_a_customers_transactions_are_theirs_alone(
    client: Client, db: Database, tenant: str
) -> None:
    async with db.begin(Mode.TEST, tenant) as tx:
        mine, _theirs = await add_attempt(tx), await add_attempt(tx)

    found = (await client.get(f"/v1/customers/{mine.customer_id}/transactions")).json["items"]

    assert [item["id"] for item in found] == [mine.id]


async def test_payment_methods_are_shown_without_their_token(
    client: Client, db: Database, tenant: str, clock: FixedClock
) -> None:
    cards = []
    async with db.begin(Mode.TEST, tenant) as tx:
        customer_id = await add_customer(tx)
    for name in ("pm_test_ok", "pm_test_expired"):
        async with db.begin(Mode.TEST, tenant) as tx:
            cards.append(await resolve_method(tx, customer_id=customer_id, method_id=name))
        clock.move(timedelta(minutes=1))

    answer = await client.get(f"/v1/customers/{customer_id}/payment-methods")

    newest, oldest = answer.json["items"]
    assert list(oldest.items()) == [
        ("id", cards[0].id),
        ("rail", "card"),
        ("brand", "verve"),
        ("last4", "3210"),
        ("expMonth", 12),
        ("expYear", 2040),
        ("isDefault", True),
        ("createdAt", CREATED_AT),
    ]
    assert (newest["id"], newest["isDefault"]) == (cards[1].id, False)
    assert cards[0].token.encode() not in answer.body


async def test_the_gateways_books_show_charges_and_not_lost_requests(
    client: Client, gateway: SimulatedGateway, tenant: str, clock: FixedClock
) -> None:
    kinds = [Instrument.OK, Instrument.STOLEN, Instrument.TIMEOUT_NOT_CHARGED]
    for n, kind in enumerate(kinds):
        await gateway.charge(charging(tenant, clock, f"txn-{n}", kind))
        clock.move(timedelta(minutes=1))

    books = (await client.get("/v1/test/gateway/charges")).json

    assert books == {
        "items": [
            {
                "reference": "txn-1",
                "amount": 500000,
                "currency": "NGN",
                "status": "failed",
                "code": "43",
                "at": "2026-01-28T09:01:00.000Z",
            },
            {
                "reference": "txn-0",
                "amount": 500000,
                "currency": "NGN",
                "status": "succeeded",
                "code": None,
                "at": CREATED_AT,
            },
        ],
        "nextCursor": None,
        "hasMore": False,
    }


async def test_the_gateways_books_are_paged_and_asked_by_reference(
    client: Client, gateway: SimulatedGateway, tenant: str, clock: FixedClock
) -> None:
    references = [f"txn-{n}" for n in range(5)]
    for reference in references:
        await gateway.charge(charging(tenant, clock, reference, Instrument.OK))
    path = "/v1/test/gateway/charges"

    first = (await client.get(f"{path}?limit=3")).json
    second = (await client.get(f"{path}?limit=3&cursor={first['nextCursor']}")).json
    one = (await client.get(f"{path}?reference=txn-2")).json
    none = (await client.get(f"{path}?reference=txn-9")).json

    shown = [item["reference"] for page in (first, second) for item in page["items"]]
    assert shown == references[::-1]
    assert [item["reference"] for item in one["items"]] == ["txn-2"]
    assert none["items"] == []


async def test_live_mode_has_no_simulated_books(server: Server, tenant: str) -> None:
    live = await server.client(tenant, Mode.LIVE)

    answer = await live.get("/v1/test/gateway/charges")

    assert (answer.status, answer.code) == (404, "not_found")


async def test_the_books_are_the_tenants_own(
    server: Server, gateway: SimulatedGateway, tenant: str, tenant_b: str, clock: FixedClock
) -> None:
    await gateway.charge(charging(tenant, clock, "txn-0", Instrument.OK))
    other = await server.client(tenant_b, Mode.TEST)

    assert (await other.get("/v1/test/gateway/charges?reference=txn-0")).json["items"] == []
