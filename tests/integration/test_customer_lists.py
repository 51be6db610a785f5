"""What belongs to one customer is listed below them, with the filters of the whole list."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from duro.kit.ids import new_id
from duro.kit.modes import Mode
from tests.conftest import WALL
from tests.support.api import Server
from tests.support.system import Merchant, running_merchant, settings_for

_LISTS = ("subscriptions", "transactions", "payment-methods")


@pytest.fixture
async def merchant(database_url: str, redis_url: str, tenant: str) -> AsyncIterator[Merchant]:
    async with running_merchant(settings_for(database_url, redis_url), tenant) as started:
        yield started


async def ids(merchant: Merchant, path: str) -> list[str]:
    """Oldest first, as `items`."""
    return [row["id"] for row in await merchant.items(path)]


async def two_of(merchant: Merchant, customer: str) -> list[dict[str, Any]]:
    """An active subscription and one that was declined, of one customer."""
    return [
        await merchant.subscribe(customerId=customer, paymentMethodId=method)
        for method in ("pm_test_ok", "pm_test_expired")
    ]


async def test_a_customers_subscriptions_are_theirs_alone_and_narrowed(merchant: Merchant) -> None:
    customer = await merchant.customer()
    active, declined = await two_of(merchant, customer)
    other = await merchant.subscribe(paymentMethodId="pm_test_ok")
    path = f"/v1/customers/{customer}/subscriptions"

    assert await ids(merchant, path) == [active["id"], declined["id"]]
    assert await ids(merchant, f"{path}?status=incomplete") == [declined["id"]]
    assert await ids(merchant, f"{path}?planId={active['planId']}") == [active["id"]]
    assert await ids(merchant, f"{path}?createdTo=2020-01-01T00:00:00Z") == []
    assert await ids(merchant, f"/v1/customers/{other['customerId']}/subscriptions") == [
        other["id"]
    ]
    (shown, _) = await merchant.items(path)
    assert shown == await merchant.subscription(active["id"])


async def test_they_come_in_pages_whose_cursors_are_that_customers(merchant: Merchant) -> None:
    customer = await merchant.customer()
    active, declined = await two_of(merchant, customer)
    path = f"/v1/customers/{customer}/subscriptions"

    first = await merchant.get(f"{path}?limit=1")
    second = await merchant.get(f"{path}?limit=1&cursor={first['nextCursor']}")

    shown = [row["id"] for page in (first, second) for row in page["items"]]
    assert shown == [declined["id"], active["id"]]
    for elsewhere in (
        "/v1/subscriptions",
        f"/v1/customers/{await merchant.customer()}/subscriptions",
    ):
        refused = await merchant.client.get(f"{elsewhere}?cursor={first['nextCursor']}")
        assert (refused.status, refused.paths) == (422, ["cursor"])


async def test_a_customers_transactions_are_narrowed(merchant: Merchant) -> None:
    customer = await merchant.customer()
    active, declined = await two_of(merchant, customer)
    path = f"/v1/customers/{customer}/transactions"
    paid, refused = await merchant.items(path)

    assert await ids(merchant, f"{path}?status=succeeded") == [paid["id"]]
    assert await ids(merchant, f"{path}?subscriptionId={declined['id']}") == [refused["id"]]
    assert await ids(merchant, f"{path}?invoiceId={active['latestInvoiceId']}") == [paid["id"]]


@pytest.mark.parametrize("name", _LISTS)
async def test_nobody_elses_customer_is_found(
    merchant: Merchant, tenant: str, tenant_b: str, name: str
) -> None:
    customer = await merchant.customer()
    server = Server(merchant.client.base, merchant.client.session, merchant.app.ground.db)
    strangers = [
        await server.client(tenant_b, Mode.TEST),
        await server.client(tenant, Mode.LIVE),
    ]

    unknown = (new_id("cus", wall=WALL), "cus_x", "x")

    answers = [
        *[await other.get(f"/v1/customers/{customer}/{name}") for other in strangers],
        *[await merchant.client.get(f"/v1/customers/{each}/{name}") for each in unknown],
    ]

    assert {(answer.status, answer.code) for answer in answers} == {(404, "not_found")}
    assert (await merchant.client.get(f"/v1/customers/{customer}/{name}")).status == 200


@pytest.mark.parametrize(
    ("path", "wrong"),
    [
        ("subscriptions", "status=open"),
        ("subscriptions", "customerId=cus_x"),
        ("subscriptions", "limit=0"),
        ("transactions", "status=paid"),
        ("transactions", "customerId=cus_x"),
        ("payment-methods", "status=open"),
    ],
)
async def test_an_unknown_filter_is_refused_by_its_name(
    merchant: Merchant, path: str, wrong: str
) -> None:
    customer = await merchant.customer()

    refused = await merchant.client.get(f"/v1/customers/{customer}/{path}?{wrong}")

    assert (refused.status, refused.paths) == (422, [wrong.partition("=")[0]])


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("customers", "email=ada@example.com&phone=08031234567&merchantRef=a&blacklisted=true"),
        ("plans", "active=true"),
        ("promo-codes", "code=A&planId=plan_x&active=true"),
        ("payment-links", "planId=plan_x&active=true"),
        ("subscriptions", "status=active&customerId=cus_x&planId=plan_x"),
        ("invoices", "status=open&customerId=cus_x&subscriptionId=sub_x"),
        ("transactions", "status=failed&customerId=cus_x&subscriptionId=sub_x&invoiceId=inv_x"),
        ("recovery", "state=scheduled&customerId=cus_x&subscriptionId=sub_x"),
        ("events", "type=invoice_created"),
    ],
)
async def test_every_list_takes_the_filters_that_users_expect(
    merchant: Merchant, path: str, query: str
) -> None:
    span = "createdFrom=2026-01-01T00:00:00Z&createdTo=2027-01-01T00:00:00%2B01:00"

    found = await merchant.get(f"/v1/{path}?{query}&{span}&limit=100&cursor=")

    assert found == {"items": [], "nextCursor": None, "hasMore": False}
