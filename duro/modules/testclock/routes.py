"""The test clock over HTTP; in live mode there is none."""

from typing import Final

from duro.errors import ConflictError, UnavailableError
from duro.kit.call import Call
from duro.kit.limits import LimitClass
from duro.kit.modes import Mode
from duro.kit.registry import Routes
from duro.kit.work import WorkScope
from duro.modules.testclock import service
from duro.modules.testclock.repository import ClockRepository
from duro.modules.testclock.schemas import AdvanceOut, TestClockAdvance, TestClockOut, present

routes: Final = Routes(tag="Test clock")

_TEST_ONLY: Final = frozenset({Mode.TEST})


@routes.get("/v1/test-clock", permission="read", modes=_TEST_ONLY)
async def read_test_clock(call: Call) -> TestClockOut:
    """The time of your test data."""
    own = await ClockRepository(call.tx).find()
    return TestClockOut.model_construct(now=call.now, frozen=own is not None)


async def _finish(call: Call, advance_id: str) -> AdvanceOut:
    return present(await service.wait_for(_scope(call), advance_id))


@routes.post(
    "/v1/test-clock/advance",
    permission="testclock:write",
    modes=_TEST_ONLY,
    transaction="own",
    limit=LimitClass.WRITE,  # it charges in a world of play, and that is the worker's doing
    resume=_finish,
    errors=(ConflictError, UnavailableError),
    example={"by": "P1M"},
)
async def advance_test_clock(call: Call, body: TestClockAdvance) -> AdvanceOut:
    """Move the clock forward and do all that falls due on the way, in order, at its time."""
    while True:
        async with call.begin() as tx:
            advance_id = await service.request_advance(tx, to=body.to, by=body.by)
            if advance_id is not None:
                await call.claim(tx, advance_id)
                break
        await service.wait_until_free(_scope(call))
    return await _finish(call, advance_id)


@routes.post(
    "/v1/test-clock/reset",
    permission="testclock:write",
    modes=_TEST_ONLY,
    errors=(ConflictError,),
)
async def reset_test_clock(call: Call) -> TestClockOut:
    """Erase your test objects (not keys and endpoints) and return to real time."""
    await service.reset(call.tx)
    return TestClockOut.model_construct(now=call.wall, frozen=False)


def _scope(call: Call) -> WorkScope:
    return WorkScope(call.db, call.mode, call.tenant.id)
