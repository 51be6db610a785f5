"""The Python client against a running system: every operation, its retries, and the webhooks it verifies."""

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from aiohttp.typedefs import Handler
from duro_client import AsyncDuro, Duro, DuroApiError, DuroConnectionError
from duro_client.webhooks import WebhookRefusedError, verify
from standardwebhooks.webhooks import Webhook

from duro.kit.clock import SystemClock
from duro.runtime.console import describe
from tests.support.system import Merchant, running_merchant, settings_for

_CLIENT = Path(__file__).parents[2] / "clients" / "python"
_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
sys.path.insert(0, str(_CLIENT))
from generate import FOLDER, generate  # noqa: E402 - a script of the client's, not of a package


@pytest.fixture
async def merchant(database_url: str, redis_url: str, tenant: str) -> AsyncIterator[Merchant]:
    async with running_merchant(settings_for(database_url, redis_url), tenant) as started:
        yield started


@pytest.fixture
async def duro(merchant: Merchant) -> AsyncIterator[AsyncDuro]:
    async with AsyncDuro(merchant.client.token or "", base_url=merchant.client.base) as client:
        yield client


async def test_the_client_is_that_of_the_present_api() -> None:
    for name, text in generate(await describe()).items():
        assert (FOLDER / name).read_text(encoding="utf-8") == text, (
            "make it anew: python clients/python/generate.py"
        )


async def test_a_subscription_from_plan_to_invoice(duro: AsyncDuro) -> None:
    plan = await duro.create_plan(name="Gold", amount=500_000, interval="month")
    customer = await duro.create_customer(email="ada@example.com")
    made = await duro.create_subscription(
        customer_id=customer["id"], plan_id=plan["id"], payment_method_id="pm_test_ok"
    )

    await duro.advance_test_clock(by="P2M")

    invoices = [row async for row in duro.each(duro.list_invoices, limit=1)]
    assert made["status"] == "active"
    assert [(row["status"], row["amount"]) for row in invoices] == [("paid", 500_000)] * 3


async def test_the_blocking_client_does_the_same(merchant: Merchant) -> None:
    def use() -> list[str]:
        with Duro(merchant.client.token or "", base_url=merchant.client.base) as duro:
            duro.create_plan(name="Gold", amount=1, interval="month")
            duro.create_plan(name="Silver", amount=1, interval="week", metadata={"a": "b"})
            return [plan["name"] for plan in duro.each(duro.list_plans, limit=1)]

    assert await asyncio.to_thread(use) == ["Silver", "Gold"]


async def test_one_key_makes_one_plan(duro: AsyncDuro) -> None:
    one = [
        await duro.create_plan(name="Gold", amount=1, interval="month", idempotency_key="once")
        for _ in range(2)
    ]

    assert one[0] == one[1]
    assert len((await duro.list_plans())["items"]) == 1


async def test_a_refusal_says_which_field(duro: AsyncDuro) -> None:
    with pytest.raises(DuroApiError) as refused:
        await duro.create_plan(name="Gold", amount=0, interval="month")

    assert (refused.value.status, refused.value.code) == (422, "validation_error")
    assert [each.path for each in refused.value.details] == ["amount"]
    assert refused.value.request_id


@pytest.mark.parametrize("status", [429, 503])
async def test_a_change_is_tried_again_under_its_first_key(status: int) -> None:
    keys: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        keys.append(request.headers["Idempotency-Key"])
        if len(keys) < 3:
            return web.json_response({}, status=status, headers={"Retry-After": "0"})
        return web.json_response({"id": "plan_1"}, status=201)

    async with _serving(answer) as base, AsyncDuro("sk_test_x", base_url=base) as duro:
        plan = await duro.create_plan(name="Gold", amount=1, interval="month")

    assert plan["id"] == "plan_1"
    assert len(keys) == 3
    assert len(set(keys)) == 1


async def test_nobody_there_is_an_error_of_its_own() -> None:
    async with _serving(_never) as base:
        pass

    async with AsyncDuro("sk_test_x", base_url=base, retries_max=0) as duro:
        with pytest.raises(DuroConnectionError):
            await duro.list_plans()


def test_a_webhook_is_verified_over_its_very_bytes() -> None:
    body, now = b'{"id":"evt_1","type":"invoice_created"}', SystemClock().wall()
    headers = {
        "Webhook-Id": "evt_1",
        "Webhook-Timestamp": str(int(now.timestamp())),
        # The official library signs; ours verifies.
        "Webhook-Signature": Webhook(_SECRET).sign("evt_1", now, body.decode()),
    }

    assert verify(body, headers, secret=_SECRET)["id"] == "evt_1"
    for altered in (
        {"Webhook-Id": "evt_2"},
        {"Webhook-Timestamp": "0"},
        {"Webhook-Signature": "v1,x"},
    ):
        with pytest.raises(WebhookRefusedError):
            verify(body, headers | altered, secret=_SECRET)
    with pytest.raises(WebhookRefusedError):
        verify(body + b" ", headers, secret=_SECRET)
    with pytest.raises(WebhookRefusedError):
        verify(body, {}, secret=_SECRET)


async def _never(_request: web.Request) -> web.Response:
    return web.Response()


class _serving:  # noqa: N801 - reads as a word where it is used
    """A server that answers everything with one handler."""

    def __init__(self, handler: Handler) -> None:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", handler)
        self._server = TestServer(app)

    async def __aenter__(self) -> str:
        await self._server.start_server()
        return str(self._server.make_url("")).rstrip("/")

    async def __aexit__(self, *error: object) -> None:
        await self._server.close()
