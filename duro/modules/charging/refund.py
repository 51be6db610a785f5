"""Refunds: what is left of a charge goes back in three phases, as a charge comes in, and an unknown is looked up.

The row of the invoice is held while a refund is begun, so refunds of one invoice follow each other, and one without an
answer counts as taken.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

import structlog

from duro.billing.rails import Rail
from duro.errors import ConflictError, UnavailableError
from duro.kit.db import Tx
from duro.kit.ids import new_id
from duro.kit.schema import refuse
from duro.kit.work import Ran, WorkScope
from duro.modules.charging.engine import Charging
from duro.modules.charging.model import Changes, changes_for
from duro.modules.charging.outcome import FIRST_CHECK, SLOWEST_CHECK
from duro.modules.invoices.model import Invoice
from duro.modules.invoices.repository import InvoiceRepository
from duro.modules.ledger.model import refunded
from duro.modules.payments.gateway import (
    ChargeGateway,
    Failed,
    NotFound,
    RefundAnswer,
    RefundFinding,
    RefundRequest,
    Succeeded,
    Unknown,
)
from duro.modules.payments.model import Attempt, AttemptStatus, Refund, RefundStatus
from duro.modules.payments.refunds import RefundRepository
from duro.modules.payments.repository import AttemptRepository
from duro.modules.payments.requests import PaymentRequestRepository
from duro.modules.recovery import aftermath
from duro.modules.recovery.repository import RecoveryRepository
from duro.modules.subscriptions.model import Subscription
from duro.modules.subscriptions.repository import SubscriptionRepository

log: Final = structlog.get_logger()

_LEASE: Final = timedelta(seconds=60)
_PASSES_MAX: Final = 5


@dataclass(frozen=True, slots=True)
class OpenRefund:
    """A refund that is committed, and what the gateway is asked for it."""

    refund: Refund
    request: RefundRequest


async def begin(
    tx: Tx, invoice_id: str, *, amount_minor: int | None, reason: str | None
) -> OpenRefund:
    """Phase one: all that is left, or so much of it."""
    invoice = await InvoiceRepository(tx).lock(invoice_id)
    captured = _captured(await AttemptRepository(tx).of_invoice(invoice_id))
    if captured is None:
        raise ConflictError("No money was captured for this invoice.")
    if amount_minor is not None and amount_minor > captured.amount_minor:
        raise refuse("amount", f"Must not be above the {captured.amount_minor} that were captured.")
    left = captured.amount_minor - await RefundRepository(tx).taken_of(invoice_id)
    amount = left if amount_minor is None else amount_minor
    if left == 0 or amount > left:
        raise ConflictError(f"Of {captured.amount_minor} captured, {left} can still be refunded.")
    refund_id = new_id("rfd", wall=tx.wall)
    refund = Refund(
        id=refund_id,
        invoice_id=invoice.id,
        attempt_id=captured.id,
        status=RefundStatus.PENDING,
        amount_minor=amount,
        currency=captured.currency,
        reason=reason,
        # As of charges: lower case letters, digits and hyphens are what every gateway accepts.
        reference=refund_id.lower().replace("_", "-"),
        failure_code=None,
        check_at=tx.now + FIRST_CHECK,
        checks=0,
        lease_until=tx.wall + _LEASE,
        review_reason=None,
        settled_at=None,
        created_at=tx.now,
    )
    await RefundRepository(tx).add(refund)
    (opened,) = await _asked(tx, [refund], {captured.id: captured})
    return opened


async def run(charging: Charging, scope: WorkScope, opened: OpenRefund) -> Counter[str]:
    """Phases two and three."""
    answer = await _ask(charging.gateways.of(scope.mode), opened.request)
    return await _settle_once(charging, scope, opened.refund.id, answer)


async def finish(charging: Charging, scope: WorkScope, refund_id: str) -> None:
    """Settles what a dead process left open of a refund."""
    async with scope.begin() as tx:
        found = await _opened(tx, [await RefundRepository(tx).get(refund_id)])
    for opened in found:
        if opened.refund.status.is_open and opened.refund.review_reason is None:
            await _reconcile(charging, scope, opened)


async def reconcile_due(charging: Charging, scope: WorkScope, limit: int) -> Ran:
    """Asks the gateway about up to `limit` refunds whose check is due or whose process died."""
    async with scope.begin() as tx:
        opened = await _opened(tx, await RefundRepository(tx).claim_to_reconcile(limit))
    bound = asyncio.Semaphore(charging.concurrency)

    async def one(refund: OpenRefund) -> Counter[str]:
        async with bound:
            return await _reconcile_kept_apart(charging, scope, refund)

    counts: Counter[str] = Counter(lookups=len(opened))
    for settled in await asyncio.gather(*(one(refund) for refund in opened)):
        counts += settled
    return Ran(done=len(opened), counts=counts)


async def _reconcile_kept_apart(
    charging: Charging, scope: WorkScope, opened: OpenRefund
) -> Counter[str]:
    try:
        return await _reconcile(charging, scope, opened)
    except UnavailableError:
        raise
    except Exception:  # the boundary that keeps a bad row from its neighbours
        log.exception("refund_not_settled", refund_id=opened.refund.id)
    async with scope.begin() as tx:
        refund = await RefundRepository(tx).lock(opened.refund.id)
        if refund.status.is_open:
            later = replace(refund, check_at=tx.now + SLOWEST_CHECK, lease_until=None)
            await RefundRepository(tx).save(later)
    return Counter(errors=1)


async def _reconcile(charging: Charging, scope: WorkScope, opened: OpenRefund) -> Counter[str]:
    """Looks the reference up; one that the gateway never saw is sent again, once in a pass."""
    gateway = charging.gateways.of(scope.mode)
    finding = await _look_up(gateway, opened.request)
    if not isinstance(finding, NotFound):
        return await _settle_once(charging, scope, opened.refund.id, finding)
    if opened.refund.checks >= _PASSES_MAX:
        return await _settle_once(charging, scope, opened.refund.id, None)
    answer = await _ask(gateway, opened.request)
    return await _settle_once(charging, scope, opened.refund.id, answer, is_check=True)


async def _ask(gateway: ChargeGateway, request: RefundRequest) -> RefundAnswer:
    try:
        return await gateway.refund(request)
    except Exception as error:  # the boundary to foreign code
        log.exception("gateway_raised", reference=request.reference, gateway=gateway.name)
        return Unknown(type(error).__name__)


async def _look_up(gateway: ChargeGateway, request: RefundRequest) -> RefundFinding:
    try:
        return await gateway.look_up_refund(request)
    except Exception as error:  # the boundary to foreign code
        log.exception("gateway_raised", reference=request.reference, gateway=gateway.name)
        return Unknown(type(error).__name__)


async def _settle_once(
    charging: Charging,
    scope: WorkScope,
    refund_id: str,
    answer: RefundAnswer | None,
    *,
    is_check: bool = False,
) -> Counter[str]:
    """Phase three; without an answer a person has to look."""
    async with scope.begin() as tx:
        changes = await changes_for(tx, charging.links)
        seen = await RefundRepository(tx).get(refund_id)
        # Lock order: subscription, invoice, schedule, attempt, refund.
        (attempt,) = await AttemptRepository(tx).of_ids([seen.attempt_id])
        subscription = await SubscriptionRepository(tx).lock(attempt.subscription_id)
        invoice = await InvoiceRepository(tx).lock(seen.invoice_id)
        cases = await RecoveryRepository(tx).lock_of_invoices([invoice.id])
        (attempt,) = await AttemptRepository(tx).lock_many([attempt.id])
        refund = await RefundRepository(tx).lock(refund_id)
        if not refund.status.is_open:
            return Counter()
        checked = replace(refund, checks=refund.checks + is_check)
        settled = _answered(checked, answer, changes)
        await RefundRepository(tx).save(settled)
        if settled.status is RefundStatus.SUCCEEDED:
            _record(changes, subscription, invoice, attempt, settled)
            _tell(changes, subscription, settled)
            case = cases.get(invoice.id)
            if case is not None and case.recovered_by is not None:
                changes.take(
                    aftermath.refund(
                        schedule=case,
                        refund_id=refund.id,
                        amount_minor=refund.amount_minor,
                        is_whole=_is_whole(invoice, attempt, refund),
                        now=tx.now,
                    )
                )
        await changes.write()
    return changes.counts


def _answered(refund: Refund, answer: RefundAnswer | None, changes: Changes) -> Refund:
    now = changes.tx.now
    closed = replace(refund, check_at=None, lease_until=None, review_reason=None)
    match answer:
        case Succeeded(amount_minor=amount, currency=currency):
            if (amount, currency) != (refund.amount_minor, refund.currency):
                return _held(refund, f"the gateway answered {amount} {currency}", changes)
            changes.counts["refunds"] += 1
            return replace(closed, status=RefundStatus.SUCCEEDED, settled_at=now)
        case Failed(code=code):
            changes.counts["refunds_failed"] += 1
            return replace(closed, status=RefundStatus.FAILED, failure_code=code, settled_at=now)
        case Unknown():
            changes.counts["unknown"] += 1
            wait = min(max(now - refund.created_at, FIRST_CHECK), SLOWEST_CHECK)
            return replace(
                refund, status=RefundStatus.UNKNOWN, check_at=now + wait, lease_until=None
            )
        case None:
            why = f"the gateway does not know the reference after {_PASSES_MAX} passes"
            return _held(refund, why, changes)


def _held(refund: Refund, why: str, changes: Changes) -> Refund:
    changes.counts["held"] += 1
    return replace(
        refund,
        status=RefundStatus.UNKNOWN,
        check_at=None,
        lease_until=None,
        review_reason=why,
    )


def _record(
    changes: Changes,
    subscription: Subscription,
    invoice: Invoice,
    attempt: Attempt,
    refund: Refund,
) -> None:
    back = replace(
        invoice, amount_refunded_minor=invoice.amount_refunded_minor + refund.amount_minor
    )
    changes.invoices[back.id] = back
    changes.postings.append(refunded(refund.id, refund.amount_minor, refund.currency))
    if _is_whole(invoice, attempt, refund) and attempt.review_reason is not None:
        # It was flagged to be refunded, and that is done.
        changes.attempts[attempt.id] = replace(attempt, review_reason=None)
    in_invoice = (invoice.period_starts_at, invoice.period_ends_at)
    if (subscription.period_starts_at, subscription.period_ends_at) == in_invoice:
        # What went back is no credit any more that a downgrade could give.
        price = max((subscription.period_price_minor or 0) - refund.amount_minor, 0)
        subscription = replace(subscription, period_price_minor=price)
        changes.subscriptions[subscription.id] = subscription
    changes.record(
        "subscription_payment_refunded",
        subscription,
        back,
        amount=refund.amount_minor,
        refund={
            "id": refund.id,
            "transactionId": refund.attempt_id,
            "amount": refund.amount_minor,
            "currency": refund.currency,
            "reason": refund.reason,
        },
    )


def _tell(changes: Changes, subscription: Subscription, refund: Refund) -> None:
    """By day: whoever gets money back has not asked for it just now."""
    tx = changes.tx
    # To the page of what was paid, also where something else is open to pay.
    url = changes.links.url(
        mode=tx.mode, tenant_id=tx.tenant_id, invoice_id=refund.invoice_id, now=tx.now
    )
    data = {
        "invoiceId": refund.invoice_id,
        "amount": refund.amount_minor,
        "currency": refund.currency,
        "url": url,
    }
    changes.tell("refund", subscription, refund.id, data)


def _is_whole(invoice: Invoice, attempt: Attempt, refund: Refund) -> bool:
    return invoice.amount_refunded_minor + refund.amount_minor == attempt.amount_minor


def _captured(attempts: Sequence[Attempt]) -> Attempt | None:
    """The one charge that settled, of which the database allows one for an invoice; what was too much is credit."""
    settled = (row for row in attempts if row.status is AttemptStatus.SUCCEEDED)
    return next((row for row in settled if not row.is_excess), None)


async def _opened(tx: Tx, refunds: Sequence[Refund]) -> list[OpenRefund]:
    attempts = {
        row.id: row for row in await AttemptRepository(tx).of_ids([r.attempt_id for r in refunds])
    }
    return await _asked(tx, refunds, attempts)


async def _asked(
    tx: Tx, refunds: Sequence[Refund], attempts: Mapping[str, Attempt]
) -> list[OpenRefund]:
    """What the gateway is asked for each; what came to a customer's own account, it knows by that account's number."""
    by_account = [row.id for row in attempts.values() if row.rail is Rail.VIRTUAL_ACCOUNT]
    requests = await PaymentRequestRepository(tx).of_attempts(by_account) if by_account else {}
    numbers = {key: row.details["accountNumber"] for key, row in requests.items()}
    return [
        OpenRefund(
            row,
            _request(tx, row, numbers.get(row.attempt_id, attempts[row.attempt_id].reference)),
        )
        for row in refunds
    ]


def _request(tx: Tx, refund: Refund, charge_reference: str) -> RefundRequest:
    return RefundRequest(
        reference=refund.reference,
        charge_reference=charge_reference,
        amount_minor=refund.amount_minor,
        currency=refund.currency,
        tenant_id=tx.tenant_id,
        at=refund.created_at,
    )
