"""Same key, same answer, for operations that cut their work into several transactions."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from duro.errors import ConflictError, InvalidError, UnavailableError
from duro.kit.call import Call
from duro.kit.clock import FixedClock
from duro.kit.ids import new_id
from duro.kit.registry import Routes
from duro.kit.schema import Body, Out
from duro.modules.customers.model import Customer
from duro.modules.customers.repository import CustomerRepository
from tests.support.api import Client

LEASE = timedelta(seconds=60)


class StartAsk(Body):
    merchant_ref: str


class Started(Out):
    id: str
    runs: int


class ProcessKilledError(BaseException):
    """Stands for a kill: no handler of ours may catch it."""


@dataclass
class Gateway:
    """What happens between the first transaction and the last, and how often."""

    trouble: BaseException | None = None
    is_open: asyncio.Event = field(default_factory=asyncio.Event)
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    started: list[str] = field(default_factory=list)
    resumed: list[str] = field(default_factory=list)

    async def call(self, ids: list[str], customer_id: str) -> Started:
        ids.append(customer_id)
        self.reached.set()
        await self.is_open.wait()
        if self.trouble is not None:
            raise self.trouble
        return Started(id=customer_id, runs=len(self.started) + len(self.resumed))


@pytest.fixture
def gateway() -> Gateway:
    made = Gateway()
    made.is_open.set()
    return made


@pytest.fixture
def routes(gateway: Gateway) -> Sequence[Routes]:
    own = Routes(tag="Own")

    async def resume(call: Call, resource_id: str) -> Started:
        async with call.begin() as tx:
            await CustomerRepository(tx).get(resource_id)
        return await gateway.call(gateway.resumed, resource_id)

    @own.post("/v1/starts", permission="x", status=201, transaction="own", resume=resume)
    async def start(call: Call, body: StartAsk) -> Started:
        async with call.begin() as tx:
            made = _customer(call, body.merchant_ref)
            await call.claim(tx, made.id)
            await CustomerRepository(tx).add(made)
        return await gateway.call(gateway.started, made.id)

    return (own,)


def _customer(call: Call, merchant_ref: str) -> Customer:
    return Customer(
        id=new_id("cus", wall=call.wall),
        email=None,
        phone=None,
        name=None,
        merchant_ref=merchant_ref,
        blacklisted_at=None,
        blacklist_reason=None,
        metadata={},
        created_at=call.wall,
    )


ASK = {"merchantRef": "u-1"}


async def test_the_answer_is_kept_when_the_work_is_done(client: Client, gateway: Gateway) -> None:
    first = await client.post("/v1/starts", ASK, key="k-1")
    again = await client.post("/v1/starts", ASK, key="k-1")

    assert (first.status, first.json["runs"]) == (201, 1)
    assert (again.status, again.body, again.is_replay) == (201, first.body, True)
    assert (len(gateway.started), gateway.resumed) == (1, [])


async def test_without_a_key_nothing_is_claimed(client: Client, gateway: Gateway) -> None:
    await client.post("/v1/starts", {"merchantRef": "u-1"})
    await client.post("/v1/starts", {"merchantRef": "u-2"})

    assert len(gateway.started) == 2


async def test_a_twin_is_told_that_the_first_is_still_running(
    client: Client, gateway: Gateway
) -> None:
    gateway.is_open.clear()
    first = asyncio.create_task(client.post("/v1/starts", ASK, key="k-1"))
    await gateway.reached.wait()

    twin = await client.post("/v1/starts", ASK, key="k-1")
    other = await client.post("/v1/starts", {"merchantRef": "u-2"}, key="k-1")
    gateway.is_open.set()

    assert (twin.status, twin.code) == (409, "conflict")
    assert (other.status, other.paths) == (422, ["Idempotency-Key"])
    assert (await first).status == 201
    assert len(gateway.started) == 1


async def test_of_fifty_at_once_exactly_one_runs(client: Client, gateway: Gateway) -> None:
    answers = await asyncio.gather(*(client.post("/v1/starts", ASK, key="k-1") for _ in range(50)))

    done = [answer for answer in answers if answer.status == 201]
    assert {answer.status for answer in answers} <= {201, 409}
    assert len({answer.body for answer in done}) == 1
    assert (len(gateway.started), gateway.resumed) == (1, [])


async def test_work_of_a_dead_process_is_resumed_once_its_lease_is_dead(
    client: Client, gateway: Gateway, clock: FixedClock
) -> None:
    gateway.trouble = ProcessKilledError()
    with pytest.raises(Exception, match="disconnected"):
        await client.post("/v1/starts", ASK, key="k-1")
    gateway.trouble = None

    clock.move(LEASE - timedelta(microseconds=1))
    too_early = await client.post("/v1/starts", ASK, key="k-1")
    clock.move(timedelta(microseconds=1))
    answers = await asyncio.gather(*(client.post("/v1/starts", ASK, key="k-1") for _ in range(20)))

    assert too_early.status == 409
    assert gateway.resumed == gateway.started
    assert {answer.status for answer in answers} <= {201, 409}
    last = await client.post("/v1/starts", ASK, key="k-1")
    assert (last.json, last.is_replay) == ({"id": gateway.started[0], "runs": 2}, True)


async def test_work_that_met_trouble_is_resumed_by_the_next_request_at_once(
    client: Client, gateway: Gateway
) -> None:
    gateway.trouble = UnavailableError("The gateway is away.")
    first = await client.post("/v1/starts", ASK, key="k-1")
    gateway.trouble = None

    again = await client.post("/v1/starts", ASK, key="k-1")

    assert (first.status, again.status, again.is_replay) == (503, 201, False)
    assert gateway.resumed == gateway.started


async def test_an_owner_that_lost_its_lease_still_answers_and_the_key_keeps_one_answer(
    client: Client, gateway: Gateway, clock: FixedClock
) -> None:
    gateway.is_open.clear()
    slow = asyncio.create_task(client.post("/v1/starts", ASK, key="k-1"))
    await gateway.reached.wait()
    clock.move(LEASE)
    gateway.reached.clear()
    second = asyncio.create_task(client.post("/v1/starts", ASK, key="k-1"))
    await gateway.reached.wait()
    gateway.is_open.set()

    answers = [await slow, await second]

    kept = await client.post("/v1/starts", ASK, key="k-1")
    assert [answer.status for answer in answers] == [201, 201]
    assert kept.body == answers[1].body
    assert {answer.id for answer in answers} == set(gateway.started)


@pytest.mark.parametrize(
    ("trouble", "answers"),
    [(ConflictError("No."), [409, 409]), (InvalidError("No."), [422, 201])],
)
async def test_a_refusal_after_the_claim_is_kept_unless_it_is_a_validation_failure(
    client: Client, gateway: Gateway, trouble: Exception, answers: list[int]
) -> None:
    gateway.trouble = trouble
    first = await client.post("/v1/starts", ASK, key="k-1")
    gateway.trouble = None

    again = await client.post("/v1/starts", ASK, key="k-1")

    assert [first.status, again.status] == answers
    assert again.is_replay == (again.body == first.body)


async def test_a_refusal_that_rolls_the_claim_back_is_kept(
    client: Client, gateway: Gateway
) -> None:
    await client.post("/v1/starts", ASK)

    first = await client.post("/v1/starts", ASK, key="k-1")
    again = await client.post("/v1/starts", ASK, key="k-1")

    assert (first.status, again.body, again.is_replay) == (409, first.body, True)
    assert len(gateway.started) == 1
