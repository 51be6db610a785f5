"""Two hundred requests with one idempotency key at the same moment do their work once, and are told the same."""

import asyncio
import sys
from collections import Counter
from collections.abc import AsyncIterator

import aiohttp
import pytest

from duro.kit.modes import Mode
from tests.support.api import Answer, Client
from tests.support.invariants import violations
from tests.support.roles import app_role, connected
from tests.support.system import Merchant

_AT_ONCE = 200
_KEY = "the-key"


@pytest.fixture
async def crowd(merchant: Merchant) -> AsyncIterator[Client]:
    """The merchant's client with a connection for every request."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        yield Client(session, merchant.client.base, merchant.client.token)


async def at_once(
    crowd: Client, path: str, body: object, *, status: int, capsys: pytest.CaptureFixture[str]
) -> Answer:
    """The one answer that all got who were not told to wait."""
    answers = await asyncio.gather(*(crowd.post(path, body, key=_KEY) for _ in range(_AT_ONCE)))
    later = await crowd.post(path, body, key=_KEY)
    statuses = Counter(answer.status for answer in answers)
    with capsys.disabled():
        sys.stdout.write(f"\n{path.rpartition('/')[2]} x {_AT_ONCE}: {dict(statuses)}\n")
    told = [answer for answer in answers if answer.status != 409]
    assert set(statuses) <= {status, 409}
    assert {answer.code for answer in answers if answer.status == 409} <= {"conflict"}
    assert {answer.body for answer in told} == {later.body}
    assert later.is_replay
    assert later.status == status
    assert sum(not answer.is_replay for answer in told) == 1
    return later


async def test_a_subscription_is_started_and_charged_once(
    merchant: Merchant, crowd: Client, database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    body = {
        "customerId": await merchant.customer(),
        # Twice the same plan would be allowed: only the key stands between one and two hundred.
        "planId": await merchant.plan(allowMultiple=True),
        "paymentMethodId": "pm_test_ok",
    }

    made = await at_once(crowd, "/v1/subscriptions", body, status=201, capsys=capsys)

    assert made.json["status"] == "active"
    assert [each["id"] for each in await merchant.items("/v1/subscriptions")] == [made.id]
    charges = await merchant.items("/v1/test/gateway/charges")
    assert [(each["amount"], each["status"]) for each in charges] == [(500_000, "succeeded")]
    assert await violations(database_url, merchant.tenant_id) == []


async def test_a_refund_is_paid_once(
    merchant: Merchant, crowd: Client, database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    made = await merchant.subscribe(paymentMethodId="pm_test_ok")
    path = f"/v1/invoices/{made['latestInvoiceId']}"

    refund = await at_once(crowd, f"{path}/refund", {"amount": 100_000}, status=201, capsys=capsys)

    assert refund.json["amount"] == 100_000
    assert (await merchant.get(path))["amountRefunded"] == 100_000
    settings = {"role": app_role(Mode.TEST), "duro.tenant": merchant.tenant_id}
    async with connected(database_url, **settings) as connection:
        paid = await connection.fetch("SELECT amount_minor FROM sandbox.simulated_refunds")
    assert [each["amount_minor"] for each in paid] == [100_000]
    assert await violations(database_url, merchant.tenant_id) == []


async def test_a_plan_is_changed_and_charged_once(
    merchant: Merchant, crowd: Client, database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    made = await merchant.subscribe(paymentMethodId="pm_test_ok")
    dearer = await merchant.plan(name="Platinum", amount=900_000)
    path = f"/v1/subscriptions/{made['id']}/change-plan"

    changed = await at_once(crowd, path, {"planId": dearer}, status=200, capsys=capsys)

    assert changed.json["subscription"]["planId"] == dearer
    charges = await merchant.items("/v1/test/gateway/charges")
    assert [each["amount"] for each in charges] == [500_000, changed.json["proration"]["amount"]]
    assert await violations(database_url, merchant.tenant_id) == []
