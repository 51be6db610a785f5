"""Whatever cards, actions and days come in whatever order: the invariants hold after every step."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final, TypeAlias

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from duro.billing.cycle import Interval
from duro.errors import ConflictError
from duro.kit.ids import new_id
from duro.modules.charging.lifecycle import Lifecycle
from duro.modules.payments.testcards import Instrument
from duro.modules.subscriptions.schemas import SubscriptionCancel
from tests.support.billing import Shop
from tests.support.tenants import add_tenant

METHODS: Final = [f"pm_test_{each.value}" for each in Instrument if each is not Instrument.SLOW]


@dataclass(frozen=True)
class Start:
    method: str | None
    interval: Interval
    trial_days: int
    max_cycles: int | None


@dataclass(frozen=True)
class Use:
    which: int
    method: str


@dataclass(frozen=True)
class Act:
    which: int
    action: str


@dataclass(frozen=True)
class Move:
    hours: int


Step: TypeAlias = Start | Use | Act | Move

_WHICH: Final = st.integers(0, 3)
_STEPS: Final = st.one_of(
    st.builds(
        Start,
        method=st.sampled_from([None, *METHODS]),
        interval=st.sampled_from([Interval.DAY, Interval.WEEK, Interval.MONTH]),
        trial_days=st.sampled_from([0, 0, 3]),
        max_cycles=st.sampled_from([None, None, 2]),
    ),
    st.builds(Use, which=_WHICH, method=st.sampled_from(METHODS)),
    st.builds(
        Act,
        which=_WHICH,
        action=st.sampled_from(["pause", "resume", "cancel", "cancel_at_end"]),
    ),
    st.builds(Move, hours=st.sampled_from([1, 6, 24, 25, 72, 24 * 7, 24 * 31])),
)


@settings(
    max_examples=15,
    deadline=None,
    # Each example has a tenant of its own in the test's database.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=st.lists(_STEPS, min_size=4, max_size=14))
async def test_the_invariants_hold_after_every_step(shop: Shop, steps: list[Step]) -> None:
    tenant_id = new_id("ten", wall=shop.clock.wall())
    own = replace(
        shop, tenant_id=await add_tenant(shop.database_url, tenant_id, name="Adunni Gyms")
    )
    ids = [await begin(own, Start(METHODS[0], Interval.WEEK, 0, None))]

    for step in steps:
        await take(own, ids, step)
        if isinstance(step, Move):
            await own.catch_up()
            assert await own.broken(is_at_rest=False) == []

    # The five passes for what was stopped while its charge was unknown come at most an hour apart; what falls due on
    # the way is looked up within minutes.
    for minutes in (*[60] * 6, 1, 2, 4):
        own.clock.move(timedelta(minutes=minutes, seconds=1))
        await own.catch_up()
    assert await own.broken() == []


async def take(shop: Shop, ids: list[str], step: Step) -> None:
    try:
        match step:
            case Start():
                ids.append(await begin(shop, step))
            case Use(which=which, method=method):
                await shop.use(ids[which % len(ids)], method)
            case Act(which=which, action=action):
                await act(shop, ids[which % len(ids)], action)
            case Move(hours=hours):
                shop.clock.move(timedelta(hours=hours))
    except ConflictError:
        # A refusal changes nothing; the invariants say whether that is so.
        return


async def begin(shop: Shop, step: Start) -> str:
    limit = {} if step.max_cycles is None else {"maxCycles": step.max_cycles}
    plan_id = await shop.plan(step.interval, trialDays=step.trial_days, **limit)
    return await shop.subscribe(plan_id, step.method)


async def act(shop: Shop, subscription_id: str, action: str) -> None:
    lifecycle = Lifecycle(shop.charging)
    charge = None
    async with shop.scope.begin() as tx:
        match action:
            case "pause":
                await lifecycle.pause(tx, subscription_id)
            case "resume":
                charge = (await lifecycle.resume(tx, subscription_id)).charge
            case _:
                body = SubscriptionCancel.model_validate({"atPeriodEnd": action != "cancel"})
                await lifecycle.cancel(tx, subscription_id, body)
    if charge is not None:
        await shop.charging.run(shop.scope, [charge])
