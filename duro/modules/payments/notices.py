"""Reasons to ask the gateway now: somebody told us of money, which only the gateway's own books can show."""

from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

from duro.billing.rails import PUSH, Rail
from duro.kit.db import Tx
from duro.kit.ids import new_id
from duro.kit.work import WorkScope
from duro.modules.payments.accounts import VirtualAccountRepository
from duro.modules.payments.model import PaymentRequest, RequestStatus
from duro.modules.payments.repository import AttemptRepository
from duro.modules.payments.requests import PaymentRequestRepository

# The work that asks: about attempts, about payment requests, and about virtual accounts.
_ATTEMPTS: Final = "reconcile.attempts"
_REQUESTS: Final = "reconcile.requests"
_ACCOUNTS: Final = "reconcile.accounts"
# To a virtual account money comes by its number.
_BY_REFERENCE: Final = PUSH - {Rail.VIRTUAL_ACCOUNT}

# Takes in at once what the gateway has under a reference of a request, or for the number of an account.
Settle: TypeAlias = Callable[[WorkScope, str], Awaitable[None]]


async def settle_later(_scope: WorkScope, _reference: str) -> None:
    """Leaves it to the work that was rung."""


async def ask_now(tx: Tx, reference: str) -> None:
    """Has whatever goes by that reference, or that account number, looked up as soon as this is committed."""
    if await AttemptRepository(tx).hasten(reference):
        tx.ring(_ATTEMPTS)
    requests = PaymentRequestRepository(tx)
    request = await requests.find_by_reference(reference)
    if request is None:
        request = await _never_told(tx, reference)
    if request is not None:
        # Closed ones too: money may come late.
        await requests.check_at(request.id, tx.now)
        tx.ring(_REQUESTS)
    accounts = VirtualAccountRepository(tx)
    account = await accounts.find_by_number(reference)
    if account is not None:
        await accounts.check_at(account.id, tx.now)
        tx.ring(_ACCOUNTS)


async def _never_told(tx: Tx, reference: str) -> PaymentRequest | None:
    """The request of an attempt that came to nothing before we told its customer. The gateway may have told them by
    itself, so money can come all the same.
    """
    attempt = await AttemptRepository(tx).find_by_reference(reference)
    if attempt is None or attempt.rail not in _BY_REFERENCE or attempt.status.is_open:
        return None
    closed_at = attempt.settled_at or tx.now
    request = PaymentRequest(
        id=new_id("prq", wall=tx.wall),
        attempt_id=attempt.id,
        invoice_id=attempt.invoice_id,
        subscription_id=attempt.subscription_id,
        customer_id=attempt.customer_id,
        rail=attempt.rail,
        status=RequestStatus.VOID,
        amount_minor=attempt.amount_minor,
        received_minor=0,
        currency=attempt.currency,
        reference=attempt.reference,
        details={},
        expires_at=closed_at,
        check_at=tx.now,
        closed_at=closed_at,
        created_at=tx.now,
    )
    await PaymentRequestRepository(tx).add([request])
    return request
