"""What test clocks offer to the runtime, and how they hold other work back while a clock is moved."""

from collections.abc import Sequence
from dataclasses import replace

from duro.kit.modes import Mode
from duro.kit.module import Module
from duro.kit.work import DueWork, Ran, WorkScope
from duro.modules.testclock.mover import Mover
from duro.modules.testclock.repository import LIST_TENANTS_WITH_ADVANCES, NEXT_ADVANCE
from duro.modules.testclock.routes import routes
from duro.modules.testclock.service import is_advancing

_EVERY_S = 15


def build(*, works: Sequence[DueWork]) -> Module:
    """`works` is the due work of all other features, which an advance does in this order."""
    advance = DueWork(
        name="testclock.advance",
        every_s=_EVERY_S,
        list_due=LIST_TENANTS_WITH_ADVANCES,
        next_due=NEXT_ADVANCE,
        run=Mover(works).run,
        modes=(Mode.TEST,),
    )
    return Module(name="testclock", routes=(routes,), work=(advance,))


def held_back(work: DueWork) -> DueWork:
    """The same work, which leaves a test tenant alone while its clock is being moved."""

    async def run(scope: WorkScope, limit: int) -> Ran:
        if scope.mode is Mode.TEST and await is_advancing(scope):
            return Ran(0)
        return await work.run(scope, limit)

    return replace(work, run=run)
