"""First charges of one merchant that are asked for at once: each phase is one transaction for all of them."""

from collections.abc import Sequence
from typing import Final

import structlog

from duro.errors import DuroError
from duro.kit.gather import Gathered
from duro.kit.work import WorkScope
from duro.modules.charging.engine import Charging
from duro.modules.charging.first import Asked, Begun, begin_subscriptions
from duro.modules.charging.model import OpenCharge
from duro.modules.charging.settle import Ending, Settlement, settle_all


class Together:
    """The phases of a first charge, gathered by tenant and mode; the gateway is asked for each by itself."""

    def __init__(self, charging: Charging) -> None:
        self._charging: Final = charging
        # Two starts for one customer follow each other: the second has to see the first.
        self._begins = Gathered(self._begin_all, apart=_customer_of)
        self._settlements = Gathered(self._settle_all)

    async def begin(self, scope: WorkScope, asked: Asked) -> Begun:
        """Phase one of a new subscription."""
        return await self._begins(scope, asked)

    async def charge(self, scope: WorkScope, charge: OpenCharge, ending: Ending) -> None:
        """Phases two and three of a charge that was committed this moment; `ending` is kept with what is recorded."""
        # Nobody has heard of the subscription yet, so nobody can have stopped it.
        answer = await self._charging.ask_one(scope, charge, is_ended=False)
        await self._settlements(scope, Settlement(charge.attempt, answer, ending=ending))

    async def _begin_all(
        self, scope: WorkScope, asked: Sequence[Asked]
    ) -> Sequence[Begun | DuroError]:
        _name_on_log_lines(scope)
        async with scope.begin() as tx:
            return await begin_subscriptions(tx, asked, self._charging)

    async def _settle_all(
        self, scope: WorkScope, settlements: Sequence[Settlement]
    ) -> Sequence[None]:
        _name_on_log_lines(scope)
        await settle_all(scope, settlements, self._charging.links)
        return [None] * len(settlements)


def _name_on_log_lines(scope: WorkScope) -> None:
    """A round has a context of its own, which knows nothing of its callers."""
    structlog.contextvars.bind_contextvars(tenant_id=scope.tenant_id, mode=scope.mode.value)


def _customer_of(asked: Asked) -> str:
    return asked.body.customer_id
