"""Attempts whose outcome is not known: the gateway is asked until it knows.

A reference that the gateway never saw is charged again under the same reference, once in a pass, so nothing can be
charged twice; after five passes a person has to look.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Final

from duro.kit.work import Ran, WorkScope
from duro.modules.charging.engine import (
    NO_METHOD,
    Charging,
    charge_once,
    look_up,
    request_for,
)
from duro.modules.charging.settle import Settlement, settle_all
from duro.modules.payments.gateway import ChargeGateway, ChargeRequest, Failed, NotFound
from duro.modules.payments.model import Attempt
from duro.modules.payments.repository import AttemptRepository, PaymentMethodRepository

_PASSES_MAX: Final = 5


async def reconcile_due(charging: Charging, scope: WorkScope, limit: int) -> Ran:
    """Asks the gateway about up to `limit` attempts whose check is due or whose process died."""
    async with scope.begin() as tx:
        attempts = await AttemptRepository(tx).claim_to_reconcile(limit)
    counts = await _settle(charging, scope, attempts)
    counts["lookups"] += len(attempts)
    return Ran(done=len(attempts), counts=counts)


async def settle_open(charging: Charging, scope: WorkScope, invoice_id: str) -> None:
    """Asks the gateway about the open attempts of one invoice now."""
    async with scope.begin() as tx:
        found = await AttemptRepository(tx).of_invoice(invoice_id)
    await _settle(charging, scope, [a for a in found if a.status.is_open and not a.review_reason])


async def _settle(
    charging: Charging, scope: WorkScope, attempts: Sequence[Attempt]
) -> Counter[str]:
    if not attempts:
        return Counter()
    async with scope.begin() as tx:
        methods = await PaymentMethodRepository(tx).find_many(
            [a.payment_method_id for a in attempts if a.payment_method_id]
        )
    gateway = charging.gateways.of(scope.mode)
    bound = asyncio.Semaphore(charging.concurrency)

    async def resolve(attempt: Attempt) -> Settlement:
        method = methods.get(attempt.payment_method_id or "")
        if method is None:
            return Settlement(attempt, Failed(NO_METHOD))
        async with bound:
            return await _resolve(gateway, attempt, request_for(scope, attempt, method.token))

    settlements = await asyncio.gather(*(resolve(attempt) for attempt in attempts))
    return await settle_all(scope, settlements, charging.links)


async def _resolve(gateway: ChargeGateway, attempt: Attempt, request: ChargeRequest) -> Settlement:
    finding = await look_up(gateway, request)
    if not isinstance(finding, NotFound):
        return Settlement(attempt, finding, is_check=True)
    if attempt.checks >= _PASSES_MAX:
        why = f"the gateway does not know the reference after {attempt.checks} passes"
        return Settlement(attempt, None, held=why, is_check=True)
    return Settlement(attempt, await charge_once(gateway, request), is_check=True)
