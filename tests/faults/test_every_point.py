"""A process dies, or loses its connection, at every single await point of a charge.

Every run has a tenant of its own and is struck one point later than the one before; then one new start recovers all.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

import pytest
from typing_extensions import override

from duro.modules.payments.testcards import Instrument
from tests.support.fault_child import Fault, Kind
from tests.support.fault_data import add_due_renewals, count_settled, new_tenant, until_retries
from tests.support.faults import IS_LONG, LATER, Ground

# Runs at once; they only share the database.
_AT_ONCE = 3


@dataclass(frozen=True)
class Scenario:
    """What is done before, and what is struck."""

    name: str
    card: Instrument
    work: str
    is_paid: bool = True
    # What runs undisturbed before it, and whether the recovery case is then due.
    before: Sequence[str] = ()
    is_retry: bool = False

    @override
    def __str__(self) -> str:
        return self.name


_RENEW = "billing.renew"
_RETRY = "dunning.process"
_RECONCILE = "reconcile.attempts"
RENEWAL = Scenario("a renewal", Instrument.OK, _RENEW)
RETRY = Scenario(
    *("a retry", Instrument.DO_NOT_HONOR_ONCE, _RETRY), before=(_RENEW,), is_retry=True
)
LOOK_UP = Scenario("a look-up", Instrument.TIMEOUT_CHARGED, _RECONCILE, before=(_RENEW,))
SECOND_CHARGE = Scenario(
    *("the same charge again", Instrument.TIMEOUT_NOT_CHARGED, _RECONCILE), before=(_RENEW,)
)
MORE = (
    Scenario("a declined renewal", Instrument.DO_NOT_HONOR, _RENEW, is_paid=False),
    Scenario("a renewal with a lost answer", Instrument.TIMEOUT_CHARGED, _RENEW),
    Scenario("a renewal with a lost request", Instrument.TIMEOUT_NOT_CHARGED, _RENEW),
    Scenario(
        *("a declined retry", Instrument.DO_NOT_HONOR, _RETRY),
        before=(_RENEW,),
        is_retry=True,
        is_paid=False,
    ),
    Scenario("a fan-out", Instrument.OK, "webhook.fanout", before=(_RENEW,)),
)
# Of the first two a short run strikes every point, of the others each third.
SHORT = [
    (RENEWAL, Kind.KILL, 1),
    (RETRY, Kind.KILL, 1),
    (LOOK_UP, Kind.KILL, 3),
    (SECOND_CHARGE, Kind.KILL, 3),
    (RENEWAL, Kind.CUT, 3),
]
LONG = [
    (scenario, kind, 1)
    for scenario in (RENEWAL, RETRY, LOOK_UP, SECOND_CHARGE, *MORE)
    for kind in Kind
]


@pytest.mark.parametrize(("scenario", "kind", "stride"), LONG if IS_LONG else SHORT, ids=str)
async def test_one_charge_settles_wherever_it_is_struck(
    ground: Ground, scenario: Scenario, kind: Kind, stride: int, say: Callable[[str], None]
) -> None:
    tenant_ids, ahead = await _prepare(ground, scenario, 1)
    orders = {"works": (scenario.work,), "tenant_ids": tenant_ids, "ahead": ahead}
    points = (await ground.run(**orders)).points
    chosen = range(1, len(points) + 1, stride)
    tenant_ids, ahead = await _prepare(ground, scenario, len(chosen))
    turn = asyncio.Semaphore(_AT_ONCE)

    async def strike(at: int, tenant_id: str) -> str | None:
        async with turn:
            fault = Fault(kind, at)
            end = await ground.run(**orders | {"tenant_ids": (tenant_id,), "fault": fault})
        return end.struck

    struck = await asyncio.gather(*map(strike, chosen, tenant_ids))

    assert struck == [points[at - 1] for at in chosen]
    await ground.recover(ahead=ahead + LATER)
    assert await ground.contradictions() == []
    settled = len(chosen) + 1 if scenario.is_paid else 0
    assert await count_settled(ground.database_url) == {"invoices": settled, "charges": settled}
    say(f"{scenario}, {kind}: struck at {len(chosen)} of {len(points)} await points")


async def _prepare(
    ground: Ground, scenario: Scenario, runs: int
) -> tuple[tuple[str, ...], timedelta]:
    """A tenant for each run, and how far the clock is then moved for the work to be due."""
    url = ground.database_url
    tenant_ids = tuple([await new_tenant(url) for _ in range(runs)])
    for tenant_id in tenant_ids:
        await add_due_renewals(url, tenant_id, 1, card=scenario.card)
    if not scenario.before:
        return tenant_ids, timedelta(0)
    await ground.run(works=scenario.before, tenant_ids=tenant_ids)
    return tenant_ids, await until_retries(url) if scenario.is_retry else LATER
