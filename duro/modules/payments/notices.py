"""Reasons to ask the gateway now: somebody told us of money, which only the gateway's own books can show."""

from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

from duro.kit.db import Tx
from duro.kit.work import WorkScope
from duro.modules.payments.accounts import VirtualAccountRepository
from duro.modules.payments.repository import AttemptRepository
from duro.modules.payments.requests import PaymentRequestRepository

# The work that asks: about attempts, about payment requests, and about virtual accounts.
_ATTEMPTS: Final = "reconcile.attempts"
_REQUESTS: Final = "reconcile.requests"
_ACCOUNTS: Final = "reconcile.accounts"

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
    if request is not None:
        # Closed ones too: money may come late.
        await requests.check_at(request.id, tx.now)
        tx.ring(_REQUESTS)
    accounts = VirtualAccountRepository(tx)
    account = await accounts.find_by_number(reference)
    if account is not None:
        await accounts.check_at(account.id, tx.now)
        tx.ring(_ACCOUNTS)
