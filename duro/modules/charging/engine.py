"""The charging engine: intents are committed, the gateway is asked, the answers are recorded.

Every charge goes through here, written for batches; a single one is a batch of one. No transaction is open while the
gateway is asked. A crash on the way leaves a pending attempt, which the reconcile work settles.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog

from duro.billing.rails import Rail
from duro.kit.ids import new_id
from duro.kit.work import WorkScope
from duro.modules.charging.model import OpenCharge, Withdrawn
from duro.modules.charging.outcome import FIRST_CHECK
from duro.modules.charging.requested import LIFETIME
from duro.modules.charging.settle import Settlement, pull_rail, settle_all
from duro.modules.invoices.links import PayLinks
from duro.modules.invoices.model import Invoice
from duro.modules.payments.gateway import (
    Answer,
    ChargeGateway,
    ChargeRequest,
    Failed,
    Finding,
    Gateways,
    PaymentAsk,
    Unknown,
)
from duro.modules.payments.model import Attempt, AttemptStatus, PaymentMethod, Purpose
from duro.modules.recovery.seen import Payer
from duro.modules.subscriptions.repository import find_ended

log: Final = structlog.get_logger()

# Longer than the gateway's own time-out of 30 s: only a process that died lets it run out.
_LEASE: Final = timedelta(seconds=60)
NO_METHOD: Final = "no_payment_method"


@dataclass(frozen=True, slots=True)
class Charging:
    """What every charge needs: the gateways, the links in messages, and how many calls at once."""

    gateways: Gateways
    links: PayLinks
    concurrency: int = 100

    async def run(self, scope: WorkScope, charges: Sequence[OpenCharge]) -> Counter[str]:
        """Phases two and three for attempts that are committed."""
        answers = await self.ask(scope, charges)
        settlements = [
            Settlement(charge.attempt, answer)
            for charge, answer in zip(charges, answers, strict=True)
        ]
        return await settle_all(scope, settlements, self.links)

    async def ask(
        self, scope: WorkScope, charges: Sequence[OpenCharge]
    ) -> list[Answer | Withdrawn]:
        """Phase two: the gateway's answer to each charge whose subscription was not stopped meanwhile."""
        answers: list[Answer | Withdrawn] = []
        # In waves, so that no call begins long after the look at what was stopped.
        for begin in range(0, len(charges), self.concurrency):
            answers += await self._ask_wave(scope, charges[begin : begin + self.concurrency])
        return answers

    async def _ask_wave(
        self, scope: WorkScope, charges: Sequence[OpenCharge]
    ) -> list[Answer | Withdrawn]:
        ended: set[str] = set()
        if any(charge.asks_gateway for charge in charges):
            ended = await find_ended(scope, {charge.attempt.subscription_id for charge in charges})
        asked = (
            self.ask_one(scope, charge, is_ended=charge.attempt.subscription_id in ended)
            for charge in charges
        )
        return await asyncio.gather(*asked)

    async def ask_one(
        self, scope: WorkScope, charge: OpenCharge, *, is_ended: bool
    ) -> Answer | Withdrawn:
        """The gateway's answer to one; it is not asked for a subscription that was stopped."""
        gateway = self.gateways.of(scope.mode)
        if is_ended:
            return Withdrawn()
        if charge.refusal is not None:
            return Failed(charge.refusal)
        if charge.payer is not None:
            return await request_once(gateway, ask_for(scope, charge.attempt, charge.payer))
        if charge.token is None:
            return Failed(NO_METHOD)
        return await charge_once(gateway, request_for(scope, charge.attempt, charge.token))


async def charge_once(gateway: ChargeGateway, request: ChargeRequest) -> Answer:
    """The gateway's answer; its exceptions are unknowns, because the money may have moved."""
    try:
        return await gateway.charge(request)
    except Exception as error:  # the boundary to foreign code
        log.exception("gateway_raised", reference=request.reference, gateway=gateway.name)
        return Unknown(type(error).__name__)


async def request_once(gateway: ChargeGateway, ask: PaymentAsk) -> Answer:
    """How it can be paid; asking again under the same reference gives the same answer."""
    try:
        return await gateway.request_payment(ask)
    except Exception as error:  # the boundary to foreign code
        log.exception("gateway_raised", reference=ask.reference, gateway=gateway.name)
        return Unknown(type(error).__name__)


async def look_up(gateway: ChargeGateway, request: ChargeRequest) -> Finding:
    """What became of a reference; exceptions are unknowns as well."""
    try:
        return await gateway.look_up(request)
    except Exception as error:  # the boundary to foreign code
        log.exception("gateway_raised", reference=request.reference, gateway=gateway.name)
        return Unknown(type(error).__name__)


def request_for(scope: WorkScope, attempt: Attempt, token: str) -> ChargeRequest:
    return ChargeRequest(
        reference=attempt.reference,
        amount_minor=attempt.amount_minor,
        currency=attempt.currency,
        token=token,
        tenant_id=scope.tenant_id,
        at=attempt.created_at,
    )


def ask_for(scope: WorkScope, attempt: Attempt, payer: Payer) -> PaymentAsk:
    return PaymentAsk(
        reference=attempt.reference,
        rail=attempt.rail,
        amount_minor=attempt.amount_minor,
        currency=attempt.currency,
        customer_name=payer.customer.name,
        email=payer.customer.email,
        phone=payer.customer.phone,
        account=payer.account,
        tenant_id=scope.tenant_id,
        at=attempt.created_at,
        expires_at=attempt.created_at + LIFETIME,
    )


def open_charge(
    *,
    invoice: Invoice,
    payer: Payer,
    purpose: Purpose,
    now: datetime,
    wall: datetime,
    rail: Rail | None = None,
) -> OpenCharge:
    """The intent to charge what is owed of an invoice, to be committed before the gateway is asked.

    On `rail` if there is one to charge by, else on the payer's preferred one.
    """
    chosen = rail if rail is not None and rail in payer.methods else pull_rail(payer)
    method = payer.methods.get(chosen)
    attempt = _attempt(invoice, purpose, chosen, method, now=now, wall=wall)
    return OpenCharge(attempt, method.token if method else None)


def open_request(
    *,
    invoice: Invoice,
    payer: Payer,
    purpose: Purpose,
    now: datetime,
    wall: datetime,
    rail: Rail,
) -> OpenCharge:
    """The intent to ask the payer for what is owed of an invoice by a push rail."""
    return OpenCharge(_attempt(invoice, purpose, rail, None, now=now, wall=wall), None, payer)


def _attempt(
    invoice: Invoice,
    purpose: Purpose,
    rail: Rail,
    method: PaymentMethod | None,
    *,
    now: datetime,
    wall: datetime,
) -> Attempt:
    attempt_id = new_id("txn", wall=wall)
    return Attempt(
        id=attempt_id,
        invoice_id=invoice.id,
        subscription_id=invoice.subscription_id or "",
        customer_id=invoice.customer_id,
        payment_method_id=method.id if method else None,
        purpose=purpose,
        status=AttemptStatus.PENDING,
        amount_minor=invoice.owed_minor,
        currency=invoice.currency,
        rail=rail,
        # Lower case letters, digits and hyphens are what every gateway accepts as a reference.
        reference=attempt_id.lower().replace("_", "-"),
        failure_code=None,
        failure_category=None,
        settled_at=None,
        check_at=now + FIRST_CHECK,
        checks=0,
        lease_until=wall + _LEASE,
        review_reason=None,
        created_at=now,
        fingerprint=method.fingerprint if method else None,
    )
