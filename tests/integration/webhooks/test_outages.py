"""Holds deliveries to receivers that are down for 72 hours of test-clock time, flap, stall, reset and flood.

A short run has some dozen events; with DURO_TEST_FAULTS=long they are ten thousand, which takes most of an hour.
"""

import asyncio
import resource
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

import pytest
from aiohttp import web
from typing_extensions import override

from duro.adapters.egress import GuardedEgress
from duro.kit.clock import FixedClock, SystemClock, monotonic_s
from duro.kit.modes import Mode
from duro.modules.events.model import EventType
from tests.conftest import WALL
from tests.support.faults import IS_LONG
from tests.support.receiver import Reaction, Receiver, running_receiver
from tests.support.verifiers import Message, NpmVerifier, npm_verifier
from tests.support.webhooks import Enrol, Merchant

EVENTS: Final = 10_000 if IS_LONG else 60
OUTAGE: Final = timedelta(hours=72)
# How old a stamp may be when it is looked at: a tenth of what receivers allow.
_FRESH_S: Final = 30
# What the way out waits for those in trouble, so that days of it pass in minutes, and for those that are well.
_PATIENCE_S: Final = 0.25
_PATIENCE_WELL_S: Final = 15.0
_CHUNK: Final = b"x" * 65536
_GIGABYTE: Final = 1024**3


class RunningClock(FixedClock):
    """The machine's: stamps are compared with it."""

    @override
    def wall(self) -> datetime:
        return SystemClock().wall()


@pytest.fixture
def clock() -> FixedClock:
    return RunningClock(WALL)


@pytest.fixture
async def egress() -> AsyncIterator[GuardedEgress]:
    async with GuardedEgress(allow_loopback=True, timeout_s=_PATIENCE_S) as way_out:
        yield way_out


@dataclass
class Troubled:
    """A receiver that is in trouble until it is mended, with the bytes that it took under each id."""

    receiver: Receiver
    secret: str
    bodies: dict[str, set[bytes]] = field(default_factory=dict)


@dataclass
class Judge:
    """Looks at all that arrives, at once, while its stamps are fresh."""

    npm: NpmVerifier | None
    why_no_npm: str = ""
    judged: int = 0
    oldest_s: float = 0.0

    async def look(self, troubled: list[Troubled]) -> None:
        """Verified by all, fresh, and the same bytes under the same id."""
        messages = []
        for each in troubled:
            for got in each.receiver.received:
                assert got.headers["webhook-id"] == got.headers["Duro-Event-Id"] == got.json["id"]
                assert got.headers["Duro-Signature"].startswith(
                    f"t={got.headers['webhook-timestamp']},"
                )
                each.bodies.setdefault(got.event_id, set()).add(got.body)
                messages.append(Message(each.secret, got.headers, got.body))
            each.receiver.received.clear()
        wall_s = SystemClock().wall().timestamp()
        for message in messages:
            assert message.by_library()
            assert message.by_hand()
            self.oldest_s = max(self.oldest_s, wall_s - int(message.headers["webhook-timestamp"]))
        if self.npm is not None:
            assert all(await self.npm.judge(messages))
        self.judged += len(messages)
        assert self.oldest_s < _FRESH_S

    @property
    def said(self) -> str:
        by_npm = f"not by npm: {self.why_no_npm}" if self.npm is None else "and by npm in Node"
        return (
            f"{self.judged:,} messages verified by the package of Python, by hand, {by_npm};"
            f" the oldest stamp was {self.oldest_s:.0f} s old"
        )


@pytest.fixture
async def judge() -> AsyncIterator[Judge]:
    async with AsyncExitStack() as stack:
        try:
            judge = Judge(await stack.enter_async_context(npm_verifier()))
        except pytest.skip.Exception as skipped:
            # The others judge without it; that it judges too is a test of the signatures.
            judge = Judge(None, str(skipped))
        yield judge


async def _flap(request: web.Request) -> web.StreamResponse:
    return web.Response(status=503 if hash(request.headers["webhook-signature"]) % 4 else 200)


async def _stall(_: web.Request) -> web.StreamResponse:
    await asyncio.sleep(_PATIENCE_S * 2)
    return web.Response()


async def _reset(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def _flood(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(status=500, headers={"Content-Length": str(_GIGABYTE)})
    await response.prepare(request)
    for _ in range(_GIGABYTE // len(_CHUNK)):
        await response.write(_CHUNK)
    return response


TROUBLES: Final[tuple[Reaction, ...]] = (_flap, _stall, _reset, _flood)


async def test_nothing_is_lost_through_72_hours_of_trouble(
    enrol: Enrol, tenant: str, judge: Judge, say: Callable[[str], None]
) -> None:
    merchant = enrol(tenant, Mode.TEST)
    began_at, began_s = await _set_time(merchant, WALL), monotonic_s()
    async with AsyncExitStack() as stack:
        troubled = [await _receiving(stack, merchant, trouble) for trouble in TROUBLES]
        down_port = _free_port()
        down = await merchant.add(f"http://127.0.0.1:{down_port}/hooks")
        event_ids = await _many_events(merchant)
        now = began_at
        while now < began_at + OUTAGE:
            await _deliver_all(merchant, troubled, judge)
            now = await _go_on(merchant, began_at + OUTAGE)
        receiver = await stack.enter_async_context(running_receiver(down_port))
        troubled.append(Troubled(receiver, down.secret))
        for each in troubled:
            each.receiver.react = None
        patient = GuardedEgress(allow_loopback=True, timeout_s=_PATIENCE_WELL_S)
        mended = replace(merchant, egress=await stack.enter_async_context(patient))
        for _ in range(3):
            await _deliver_all(mended, troubled, judge)
            await _go_on(mended, began_at + timedelta(days=6))
        made = await _demand_all_arrived(merchant, troubled, event_ids)

    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    say(
        f"outages: {EVENTS:,} events to {len(troubled)} receivers in trouble for 72 h, {made:,} attempts, 0 lost,"
        f" in {monotonic_s() - began_s:,.0f} s with at most {peak_mb} MB; {judge.said}"
    )


async def _receiving(stack: AsyncExitStack, merchant: Merchant, trouble: Reaction) -> Troubled:
    receiver = await stack.enter_async_context(running_receiver())
    receiver.react = trouble
    shown = await merchant.add(receiver.url)
    return Troubled(receiver, shown.secret)


async def _many_events(merchant: Merchant) -> set[str]:
    """Of many subscriptions, because those of one wait for each other."""
    event_ids: set[str] = set()
    for number in range(EVENTS // 2):
        event_ids.update(
            await merchant.happen(*[EventType.INVOICE_CREATED] * 2, object_id=f"sub_{number}")
        )
    return event_ids


async def _deliver_all(merchant: Merchant, troubled: list[Troubled], judge: Judge) -> None:
    """All that is due now."""
    await merchant.run(merchant.fan_out, EVENTS)
    while (await merchant.run(merchant.deliver)).done:
        await judge.look(troubled)


async def _go_on(merchant: Merchant, until: datetime) -> datetime:
    """To the instant at which everything that waits is due, and not beyond the end."""
    (row,) = await merchant.query("SELECT max(next_attempt_at) AS at FROM webhook_deliveries")
    return await _set_time(merchant, min(row["at"] or until, until))


async def _set_time(merchant: Merchant, at: datetime) -> datetime:
    await merchant.query(
        "INSERT INTO test_clocks (tenant_id, now) VALUES ($1, $2)"
        " ON CONFLICT (tenant_id) DO UPDATE SET now = $2",
        merchant.tenant_id,
        at,
    )
    return at


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


async def _demand_all_arrived(
    merchant: Merchant, troubled: list[Troubled], event_ids: set[str]
) -> int:
    """How many attempts that took."""
    rows = await merchant.query("SELECT status, count(*) FROM webhook_deliveries GROUP BY status")
    assert {row["status"]: row["count"] for row in rows} == {"delivered": EVENTS * len(troubled)}
    for each in troubled:
        assert set(each.bodies) == event_ids
        assert all(len(bodies) == 1 for bodies in each.bodies.values())
    attempts = await merchant.query(
        "SELECT max(attempts) AS most, min(attempts) AS least FROM webhook_deliveries"
    )
    assert attempts[0]["least"] == 1
    assert 8 <= attempts[0]["most"] <= 9
    counted = await merchant.query(
        "SELECT sum(attempts) AS made, (SELECT count(*) FROM webhook_attempts) AS logged"
        "  FROM webhook_deliveries"
    )
    assert counted[0]["made"] == counted[0]["logged"]
    assert (
        await merchant.query("SELECT id FROM webhook_endpoints WHERE disabled_at IS NOT NULL") == []
    )
    made: int = counted[0]["made"]
    return made
