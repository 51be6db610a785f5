"""What charges or refunds, killed anywhere: a repeat with its key gives the first result and moves no money twice."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

import pytest

from duro.kit.clock import FixedClock
from duro.kit.db import Database
from duro.kit.idempotency import LEASE
from duro.kit.modes import Mode
from duro.kit.registry import Routes
from duro.modules.charging import module as charging
from duro.modules.payments.gateway import (
    ChargeRequest,
    Gateways,
    NotFound,
    RefundAnswer,
    RefundRequest,
    Unknown,
)
from tests.support.api import Answer, Client
from tests.support.billing import LINKS, Shop

HALF_A_PERIOD = timedelta(days=15, hours=12)
MONTH = timedelta(days=31)
_TOLD = "SELECT count(*) FROM outbox WHERE template = 'refund'"


class ProcessKilledError(BaseException):
    """Stands for a kill: no handler of ours may catch it."""


@pytest.fixture
def shop(db: Database, clock: FixedClock, database_url: str, tenant: str) -> Shop:
    return Shop.open(db, clock, database_url, tenant)


@pytest.fixture
def routes(shop: Shop) -> Sequence[Routes]:
    return charging.build(gateways=Gateways({Mode.TEST: shop.gateway}), links=LINKS).routes


@dataclass(frozen=True)
class Ask:
    """A request, and how many charges and refunds there are once it is done."""

    path: str
    body: dict[str, object]
    charges: int
    refunds: int = 0


async def _upgrade(shop: Shop) -> Ask:
    subscription_id = await shop.subscribe(await shop.plan())
    plan_id = await shop.plan(amount=1_000_000)
    shop.clock.move(HALF_A_PERIOD)
    return Ask(f"/v1/subscriptions/{subscription_id}/change-plan", {"planId": plan_id}, 2)


async def _downgrade(shop: Shop) -> Ask:
    ask = await _upgrade(shop)
    await shop.query("UPDATE plans SET amount_minor = 1 WHERE amount_minor = 1000000")
    return Ask(ask.path, ask.body, 1)


async def _schedule(shop: Shop) -> Ask:
    ask = await _upgrade(shop)
    return Ask(ask.path, {**ask.body, "when": "period_end"}, 1)


async def _declined_upgrade(shop: Shop) -> Ask:
    ask = await _upgrade(shop)
    subscription_id = await shop.value("SELECT id FROM subscriptions")
    await shop.use(subscription_id, "pm_test_insufficient_funds")
    return Ask(ask.path, ask.body, 1)


async def _past_due(shop: Shop) -> str:
    subscription_id = await shop.subscribe(await shop.plan())
    await shop.use(subscription_id, "pm_test_do_not_honor_once")
    shop.clock.move(MONTH)
    await shop.catch_up()
    return str((await shop.get(subscription_id)).latest_invoice_id)


async def _pay(shop: Shop) -> Ask:
    return Ask(f"/v1/invoices/{await _past_due(shop)}/pay", {}, 2)


async def _declined_pay(shop: Shop) -> Ask:
    method = {"paymentMethodId": "pm_test_expired"}
    return Ask(f"/v1/invoices/{await _past_due(shop)}/pay", dict(method), 1)


async def _refund(shop: Shop) -> Ask:
    await shop.subscribe(await shop.plan())
    invoice_id = await shop.value("SELECT id FROM invoices")
    return Ask(f"/v1/invoices/{invoice_id}/refund", {"amount": 200_000}, 1, 1)


MAKE = {
    "an upgrade": _upgrade,
    "a downgrade": _downgrade,
    "a schedule": _schedule,
    "a declined upgrade": _declined_upgrade,
    "a payment": _pay,
    "a declined payment": _declined_pay,
    "a refund": _refund,
}


async def moved(shop: Shop) -> tuple[int, int]:
    refunds = "SELECT count(*) FROM simulated_refunds WHERE status = 'succeeded'"
    return await shop.settled(), int(await shop.value(refunds))


def said(answer: Answer) -> object:
    """What was answered; a refusal names its request."""
    return answer.json.get("error", {}).get("code") or answer.json


@pytest.mark.parametrize("name", MAKE)
async def test_killed_before_the_reply(shop: Shop, client: Client, name: str) -> None:
    ask = await MAKE[name](shop)
    first = await client.post(ask.path, ask.body, key="k-1")
    # As a process that died after its last commit but the one that keeps the answer.
    await shop.query(
        "UPDATE idempotency_keys SET status = NULL, body = NULL, locked_until = $1",
        shop.clock.wall(),
    )

    again = await client.post(ask.path, ask.body, key="k-1")
    third = await client.post(ask.path, ask.body, key="k-1")

    assert (again.status, said(again)) == (first.status, said(first))
    assert (third.body, third.is_replay) == (again.body, True)
    assert await moved(shop) == (ask.charges, ask.refunds)
    assert await shop.broken() == []


@pytest.mark.parametrize("name", ["an upgrade", "a declined upgrade", "a payment", "a refund"])
@pytest.mark.parametrize("is_after", [False, True])
async def test_killed_at_the_gateway(
    shop: Shop, client: Client, name: str, *, is_after: bool
) -> None:
    ask = await MAKE[name](shop)

    async def die(_: object) -> None:
        raise ProcessKilledError

    def die_of_refund(_request: RefundRequest, _answer: RefundAnswer) -> RefundAnswer:
        raise ProcessKilledError

    if is_after:
        shop.gateway.after_charge = die
        shop.gateway.forge_refund = die_of_refund
    else:
        shop.gateway.before_charge = die
        shop.gateway.before_refund = die
    with pytest.raises(Exception, match="disconnected"):
        await client.post(ask.path, ask.body, key="k-1")
    shop.gateway.after_charge = shop.gateway.before_charge = _pass
    shop.gateway.before_refund = _pass
    shop.gateway.forge_refund = lambda _, answer: answer

    too_early = await client.post(ask.path, ask.body, key="k-1")
    shop.clock.move(LEASE)
    answers = await asyncio.gather(*(client.post(ask.path, ask.body, key="k-1") for _ in range(10)))

    assert too_early.status == 409
    last = await client.post(ask.path, ask.body, key="k-1")
    assert last.is_replay
    assert (last.status == 409) == (name == "a declined upgrade")
    assert {answer.status for answer in answers} <= {last.status, 409}
    assert await moved(shop) == (ask.charges, ask.refunds)
    assert await shop.broken() == []


async def _pass(_: ChargeRequest | RefundRequest) -> None:
    """Nothing happens meanwhile."""


@pytest.mark.parametrize("name", MAKE)
async def test_of_fifty_at_once_with_one_key_one_is_done(
    shop: Shop, client: Client, name: str
) -> None:
    ask = await MAKE[name](shop)

    answers = await asyncio.gather(*(client.post(ask.path, ask.body, key="k-1") for _ in range(50)))

    last = await client.post(ask.path, ask.body, key="k-1")
    assert {answer.status for answer in answers} <= {last.status, 409}
    assert await moved(shop) == (ask.charges, ask.refunds)
    assert await shop.broken() == []


@pytest.mark.parametrize("name", ["an upgrade", "a declined upgrade", "a payment"])
async def test_of_twenty_at_once_without_a_key_no_two_are_charged(
    shop: Shop, client: Client, name: str
) -> None:
    ask = await MAKE[name](shop)

    answers = await asyncio.gather(*(client.post(ask.path, ask.body) for _ in range(20)))

    assert {answer.status for answer in answers} <= {200, 409}
    assert await moved(shop) == (ask.charges, ask.refunds)
    assert await shop.broken() == []


def _every_third_is_lost() -> Callable[[RefundRequest, RefundAnswer], RefundAnswer]:
    seen: list[str] = []

    def forge(request: RefundRequest, answer: RefundAnswer) -> RefundAnswer:
        seen.append(request.reference)
        return Unknown("no answer") if len(seen) % 3 == 0 else answer

    return forge


async def test_fifty_refunds_at_once_never_exceed_what_was_captured(
    shop: Shop, client: Client
) -> None:
    path = (await _refund(shop)).path
    shop.gateway.forge_refund = _every_third_is_lost()

    answers = await asyncio.gather(*(client.post(path, {"amount": 30_000}) for _ in range(50)))

    statuses = [answer.json["status"] for answer in answers if answer.status == 201]
    # Sixteen of 30,000 fit into 500,000, those without an answer counted as taken.
    assert sorted(statuses) == ["succeeded"] * 11 + ["unknown"] * 5
    assert {answer.status for answer in answers} == {201, 409}
    over = await client.post(path, {"amount": 20_001})
    assert over.status == 409
    assert await shop.value("SELECT amount_refunded_minor FROM invoices") == 330_000
    assert await shop.broken(is_at_rest=False) == []

    shop.clock.move(timedelta(minutes=2))
    await shop.run("reconcile.refunds")

    assert await shop.value("SELECT amount_refunded_minor FROM invoices") == 480_000
    assert len(shop.gateway.refunded) == 16
    assert await shop.value(_TOLD) == 16
    rest = await client.post(path)
    assert (rest.status, rest.json["amount"]) == (201, 20_000)
    assert await shop.broken() == []


async def test_a_refund_that_never_arrived_is_sent_again_under_its_reference(
    shop: Shop, client: Client
) -> None:
    path = (await _refund(shop)).path

    async def lose(_: RefundRequest) -> None:
        raise ConnectionResetError

    shop.gateway.before_refund = lose
    answer = await client.post(path)
    told = [await shop.value(_TOLD)]
    shop.gateway.before_refund = _pass
    shop.clock.move(timedelta(minutes=2))
    await shop.run("reconcile.refunds")
    told.append(await shop.value(_TOLD))

    assert (answer.status, answer.json["status"]) == (201, "unknown")
    assert await shop.value("SELECT status FROM refunds") == "succeeded"
    # Nobody is promised money before it is on its way.
    assert told == [0, 1]
    assert await moved(shop) == (1, 1)
    assert await shop.broken() == []


async def test_a_refund_that_the_gateway_never_knows_is_held_and_counts_as_taken(
    shop: Shop, client: Client
) -> None:
    path = (await _refund(shop)).path
    shop.gateway.forge_refund = lambda _request, _answer: Unknown("no answer")
    shop.gateway.refund_finding = NotFound()

    await client.post(path, {"amount": 200_000})
    for _ in range(8):
        shop.clock.move(timedelta(hours=2))
        await shop.run("reconcile.refunds")

    ((status, why),) = await shop.query("SELECT status, review_reason FROM refunds")
    assert (status, why) == ("unknown", "the gateway does not know the reference after 5 passes")
    # The first and one in each of five passes, all under one reference.
    assert len(shop.gateway.refunded) == 6
    assert len(set(shop.gateway.refunded)) == 1
    assert (await client.post(path, {"amount": 300_001})).status == 409
    assert (await client.post(path, {"amount": 300_000})).status == 201


async def test_a_refund_that_the_gateway_refuses_has_failed_and_takes_nothing(
    shop: Shop, client: Client
) -> None:
    path = (await _refund(shop)).path
    await shop.query("UPDATE simulated_charges SET amount_minor = 1")

    answer = await client.post(path, {"amount": 200_000})

    assert (answer.status, answer.json["status"]) == (201, "failed")
    assert answer.json["failureCode"] == "refund_exceeds_charge"
    assert await shop.value(_TOLD) == 0
    await shop.query("UPDATE simulated_charges SET amount_minor = 500000")
    again = await client.post(path)
    assert (again.json["status"], again.json["amount"]) == ("succeeded", 500_000)
    assert await shop.broken() == []
