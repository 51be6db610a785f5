"""Attempts whose outcome is not known: the gateway is asked until it knows.

A reference that the gateway never saw is charged again under the same reference, once in a pass, so nothing can be
charged twice; after five passes a person has to look. If the subscription was stopped meanwhile nothing is charged
again: the passes only make sure that the first request is not still on its way. So it is where a card was forbidden
meanwhile.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from duro.billing.rails import PUSH
from duro.kit.work import Ran, WorkScope
from duro.modules.charging.capping import blocked_since, refusals_of
from duro.modules.charging.engine import NO_METHOD, Charging, look_up, request_for
from duro.modules.charging.model import BLOCKED, OpenCharge, Withdrawn
from duro.modules.charging.payers import askers_of
from duro.modules.charging.settle import Settlement, settle_all
from duro.modules.payments.gateway import Answer, Failed, Finding, NotFound, Unknown
from duro.modules.payments.model import Attempt, PaymentMethod
from duro.modules.payments.repository import AttemptRepository, PaymentMethodRepository
from duro.modules.subscriptions.repository import find_ended

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
        asked = await askers_of(tx, [a for a in attempts if a.rail in PUSH])
    charges = [
        OpenCharge(a, _token(methods.get(a.payment_method_id or "")), asked.get(a.id))
        for a in attempts
    ]
    settlements: list[Settlement] = []
    missing: list[OpenCharge] = []
    for charge, finding in zip(charges, await _look_up(charging, scope, charges), strict=True):
        if isinstance(finding, NotFound):
            missing.append(charge)
        else:
            settlements.append(Settlement(charge.attempt, finding))
    settlements += await _charge_again(charging, scope, missing)
    return await settle_all(scope, settlements, charging.links)


async def _look_up(
    charging: Charging, scope: WorkScope, charges: Sequence[OpenCharge]
) -> list[Finding]:
    gateway = charging.gateways.of(scope.mode)
    bound = asyncio.Semaphore(charging.concurrency)

    async def find(charge: OpenCharge) -> Finding:
        if charge.payer is not None:
            # Asking again under the same reference moves nothing, and is answered as at first.
            return NotFound()
        if charge.token is None:
            had_method = charge.attempt.payment_method_id is not None
            return Unknown("its method is gone") if had_method else Failed(NO_METHOD)
        async with bound:
            return await look_up(gateway, request_for(scope, charge.attempt, charge.token))

    return await asyncio.gather(*(find(charge) for charge in charges))


async def _charge_again(
    charging: Charging, scope: WorkScope, missing: Sequence[OpenCharge]
) -> list[Settlement]:
    missing, blocked = await _within_caps(scope, missing)
    spent = [charge for charge in missing if charge.attempt.checks >= _PASSES_MAX]
    again = [charge for charge in missing if charge.attempt.checks < _PASSES_MAX]
    answers = await charging.ask(scope, again)
    return [
        *await _give_up(scope, spent),
        *(_next_pass(charge, answer) for charge, answer in zip(again, answers, strict=True)),
        *(_without_its_card(charge) for charge in blocked),
    ]


async def _within_caps(
    scope: WorkScope, missing: Sequence[OpenCharge]
) -> tuple[list[OpenCharge], list[OpenCharge]]:
    """What was refused as it was opened was never asked for, and is not now; apart, those that were allowed and whose
    card the bank has forbidden since.
    """
    if not missing:
        return [], []
    async with scope.begin() as tx:
        attempts = [charge.attempt for charge in missing]
        refused = await refusals_of(tx, attempts)
        forbidden = await blocked_since(tx, attempts) - refused.keys()
    kept = [
        replace(charge, refusal=refused.get(charge.attempt.id))
        for charge in missing
        if charge.attempt.id not in forbidden
    ]
    return kept, [charge for charge in missing if charge.attempt.id in forbidden]


def _without_its_card(charge: OpenCharge) -> Settlement:
    """Not asked again; the passes only make sure that the first request is not still on its way."""
    if charge.attempt.checks < _PASSES_MAX:
        answer: Answer = Unknown("its card is forbidden, and it is not known to the gateway yet")
    else:
        answer = Failed(BLOCKED)
    return Settlement(charge.attempt, answer, is_check=True)


def _next_pass(charge: OpenCharge, answer: Answer | Withdrawn) -> Settlement:
    if isinstance(answer, Withdrawn):
        answer = Unknown("stopped, and not known to the gateway yet")
    return Settlement(charge.attempt, answer, is_check=True)


async def _give_up(scope: WorkScope, spent: Sequence[OpenCharge]) -> list[Settlement]:
    if not spent:
        return []
    stopped = await find_ended(scope, {charge.attempt.subscription_id for charge in spent})
    why = f"the gateway does not know the reference after {_PASSES_MAX} passes"
    return [
        Settlement(charge.attempt, Withdrawn(), is_check=True)
        if charge.attempt.subscription_id in stopped
        else Settlement(charge.attempt, None, held=why, is_check=True)
        for charge in spent
    ]


def _token(method: PaymentMethod | None) -> str | None:
    return None if method is None else method.token
