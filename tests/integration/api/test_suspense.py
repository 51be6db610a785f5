"""Money that fits nothing yet, over HTTP."""

from collections.abc import Sequence

import pytest

from duro.adapters.gateways.simulated import SimulatedGateway
from duro.kit.db import Database, Tx
from duro.kit.ids import new_id
from duro.kit.modes import Mode
from duro.kit.registry import Routes
from duro.modules.charging import suspense_routes
from duro.modules.charging.engine import Charging
from duro.modules.invoices.links import PayLinks
from duro.modules.payments import module as payments
from duro.modules.payments.gateway import Gateways
from duro.modules.payments.incoming import IncomingRepository, SuspenseRepository
from duro.modules.payments.model import (
    IncomingPayment,
    SuspenseItem,
    SuspenseReason,
    SuspenseStatus,
)
from tests.support.api import Client
from tests.support.payments import add_attempt, add_customer

CREATED_AT = "2026-01-28T09:00:00.000Z"


@pytest.fixture
def routes(db: Database) -> Sequence[Routes]:
    gateway = SimulatedGateway(db)
    gateways = Gateways({Mode.TEST: gateway})
    resolving = suspense_routes.routes(Charging(gateways, PayLinks("", b"key")))
    return (*payments.build(gateway, gateways).routes, resolving)


async def test_money_that_fits_nothing_is_listed_with_where_it_came_from(
    client: Client, db: Database, tenant: str
) -> None:
    async with db.begin(Mode.TEST, tenant) as tx:
        unmatched = await add_suspense(tx, SuspenseReason.UNMATCHED)
        excess = (await add_attempt(tx)).id
        not_owed = await add_suspense(tx, SuspenseReason.NOT_OWED, attempt_id=excess)

    page = (await client.get("/v1/suspense")).json
    of_reason = (await client.get("/v1/suspense?reason=unmatched&status=open")).json
    resolved = (await client.get("/v1/suspense?status=resolved")).json

    assert [item["id"] for item in page["items"]] == [not_owed.id, unmatched.id]
    assert page["items"][0]["transactionId"] == excess
    assert page["items"][0]["reference"] is None
    assert list(page["items"][1].items()) == [
        ("id", unmatched.id),
        ("reason", "unmatched"),
        ("status", "open"),
        ("amount", 700),
        ("currency", "NGN"),
        ("invoiceId", None),
        ("subscriptionId", None),
        ("customerId", unmatched.customer_id),
        ("transactionId", None),
        ("reference", "9930000902"),
        ("receivedAt", CREATED_AT),
        ("resolution", None),
        ("note", None),
        ("createdAt", CREATED_AT),
        ("resolvedAt", None),
    ]
    assert [item["id"] for item in of_reason["items"]] == [unmatched.id]
    assert resolved["items"] == []


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"action": "credit", "invoiceId": "inv_1"}, "invoiceId"),
        ({"action": "refunded", "invoiceId": "inv_1"}, "invoiceId"),
        ({"action": "refunded", "subscriptionId": "sub_1"}, "subscriptionId"),
        ({"action": "apply", "invoiceId": "inv_1", "subscriptionId": "sub_1"}, "subscriptionId"),
        ({"action": "apply"}, "invoiceId"),
        ({"action": "credit"}, "subscriptionId"),
        ({"action": "keep"}, "action"),
        ({}, "action"),
    ],
)
async def test_what_does_not_go_with_the_action_is_refused(
    client: Client, db: Database, tenant: str, body: object, path: str
) -> None:
    async with db.begin(Mode.TEST, tenant) as tx:
        item = await add_suspense(tx, SuspenseReason.UNMATCHED)

    answer = await client.post(f"/v1/suspense/{item.id}/resolve", body)

    assert (answer.status, answer.paths) == (422, [path])
    async with db.begin(Mode.TEST, tenant) as tx:
        assert await SuspenseRepository(tx).get(item.id) == item


async def add_suspense(
    tx: Tx, reason: SuspenseReason, *, attempt_id: str | None = None
) -> SuspenseItem:
    """₦7 of a customer, out of a payment that came in unless an attempt brought it."""
    customer_id = await add_customer(tx)
    incoming = IncomingPayment(
        id=new_id("inc", wall=tx.wall),
        gateway="simulated",
        gateway_id=new_id("crd", wall=tx.wall),
        reference="9930000902",
        request_id=None,
        invoice_id=None,
        subscription_id=None,
        customer_id=customer_id,
        amount_minor=700,
        currency="NGN",
        applied_minor=0,
        credited_minor=0,
        suspended_minor=700,
        received_at=tx.now,
        created_at=tx.now,
    )
    if attempt_id is None:
        assert await IncomingRepository(tx).add(incoming)
    item = SuspenseItem(
        id=new_id("sus", wall=tx.wall),
        incoming_id=None if attempt_id else incoming.id,
        attempt_id=attempt_id,
        invoice_id=None,
        subscription_id=None,
        customer_id=customer_id,
        amount_minor=700,
        currency="NGN",
        reason=reason,
        status=SuspenseStatus.OPEN,
        resolution=None,
        note=None,
        created_at=tx.now,
        resolved_at=None,
    )
    await SuspenseRepository(tx).add([item])
    return item
