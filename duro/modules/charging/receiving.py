"""Looking for money that push rails brought: what the gateway's books say of open requests, of requests that were
closed lately, and of customers' own account numbers.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import structlog

from duro.billing.rails import Rail
from duro.errors import UnavailableError
from duro.kit.work import Ran, WorkScope
from duro.modules.charging import outcome, requested
from duro.modules.charging.engine import Charging
from duro.modules.charging.model import changes_for
from duro.modules.charging.push import LATE_LOOK, LATE_LOOKS_END
from duro.modules.charging.receive import Arrival, receive, receive_at_account
from duro.modules.charging.settle import lock_cases
from duro.modules.payments.accounts import VirtualAccountRepository
from duro.modules.payments.gateway import ChargeGateway, Credit, Unknown
from duro.modules.payments.model import PaymentRequest, RequestStatus, VirtualAccount
from duro.modules.payments.repository import AttemptRepository
from duro.modules.payments.requests import PaymentRequestRepository

log: Final = structlog.get_logger()

# What fails by a fault of ours is set aside for this long and then tried again.
_SET_ASIDE: Final = timedelta(hours=1)
# The gateway cannot say now: asked again after this long.
_ASK_AGAIN: Final = timedelta(minutes=5)
# An account is for good: once in a while it is looked at without a notice.
_ACCOUNT_LOOK: Final = timedelta(days=1)


async def check_requests_due(charging: Charging, scope: WorkScope, limit: int) -> Ran:
    """Asks the gateway about up to `limit` requests; those whose time is over expire."""
    async with scope.begin() as tx:
        due = await PaymentRequestRepository(tx).find_to_check(limit)
    bound = asyncio.Semaphore(charging.concurrency)

    async def one(request: PaymentRequest) -> Counter[str]:
        async with bound:
            return await _check_kept_apart(charging, scope, request)

    counts: Counter[str] = Counter(lookups=len(due))
    for checked in await asyncio.gather(*(one(request) for request in due)):
        counts += checked
    return Ran(done=len(due), counts=counts)


async def check_accounts_due(charging: Charging, scope: WorkScope, limit: int) -> Ran:
    """Asks the gateway what came to up to `limit` virtual accounts."""
    async with scope.begin() as tx:
        due = await VirtualAccountRepository(tx).find_to_check(limit)
    counts: Counter[str] = Counter(lookups=len(due))
    for account in due:
        counts += await _check_account(charging, scope, account)
    return Ran(done=len(due), counts=counts)


async def settle_now(charging: Charging, scope: WorkScope, reference: str) -> None:
    """What the gateway has under that reference of a request, or for that account number, is recorded at once."""
    async with scope.begin() as tx:
        request = await PaymentRequestRepository(tx).find_by_reference(reference)
        account = await VirtualAccountRepository(tx).find_by_number(reference)
    if request is not None:
        await check_request(charging, scope, request.id)
    if account is not None:
        await _check_account(charging, scope, account)


async def check_request(charging: Charging, scope: WorkScope, request_id: str) -> Counter[str]:
    """What came for one request is recorded; if its time is over and it was not paid, it expires."""
    async with scope.begin() as tx:
        request = await PaymentRequestRepository(tx).get(request_id)
        account = None
        if request.rail is Rail.VIRTUAL_ACCOUNT:
            account = await VirtualAccountRepository(tx).find_of_customer(request.customer_id)
    if account is not None:
        # What comes to it names no request.
        counts = await _check_account(charging, scope, account)
        return counts + await _move_on(charging, scope, request.id)
    gateway = charging.gateways.of(scope.mode)
    found = await _credits_of(gateway, scope, request.reference)
    if isinstance(found, Unknown):
        async with scope.begin() as tx:
            await PaymentRequestRepository(tx).check_at(request.id, tx.now + _ASK_AGAIN)
        return Counter()
    counts = Counter()
    for credit in found:
        async with scope.begin() as tx:
            arrival = Arrival(gateway.name, credit)
            counts += await receive(tx, charging.links, arrival=arrival, request_id=request.id)
    return counts + await _move_on(charging, scope, request.id)


async def _move_on(charging: Charging, scope: WorkScope, request_id: str) -> Counter[str]:
    """The request expires, or is looked at again later."""
    async with scope.begin() as tx:
        requests = PaymentRequestRepository(tx)
        seen = await requests.get(request_id)
        attempt = await AttemptRepository(tx).get(seen.attempt_id)
        case = (await lock_cases(tx, [attempt], with_rails=True))[attempt.id]
        request = await requests.get(request_id)
        if request.status is RequestStatus.OPEN and request.expires_at <= tx.now:
            changes = await changes_for(tx, charging.links)
            outcome.expire(changes, case, request)
            await changes.write()
            return changes.counts
        await requests.check_at(request.id, _next_check(request, tx.now))
        return Counter()


def _next_check(request: PaymentRequest, now: datetime) -> datetime | None:
    if request.status is RequestStatus.OPEN:
        return requested.next_look(request.created_at, request.expires_at, now)
    closed_at = request.closed_at or now
    later = now + LATE_LOOK
    return later if later <= closed_at + LATE_LOOKS_END else None


async def _check_kept_apart(
    charging: Charging, scope: WorkScope, request: PaymentRequest
) -> Counter[str]:
    try:
        return await check_request(charging, scope, request.id)
    except UnavailableError:
        raise
    except Exception:  # the boundary that keeps a bad row from its neighbours
        log.exception("request_not_checked", request_id=request.id)
    async with scope.begin() as tx:
        await PaymentRequestRepository(tx).check_at(request.id, tx.now + _SET_ASIDE)
    return Counter(errors=1)


async def _check_account(
    charging: Charging, scope: WorkScope, account: VirtualAccount
) -> Counter[str]:
    gateway = charging.gateways.of(scope.mode)
    found = await _credits_of(gateway, scope, account.account_number)
    counts: Counter[str] = Counter()
    wait = _ACCOUNT_LOOK
    try:
        for credit in [] if isinstance(found, Unknown) else found:
            async with scope.begin() as tx:
                counts += await receive_at_account(
                    tx, charging.links, arrival=Arrival(gateway.name, credit), account=account
                )
    except UnavailableError:
        raise
    except Exception:  # the boundary that keeps a bad row from its neighbours
        log.exception("account_not_checked", account_id=account.id)
        counts["errors"] += 1
        wait = _SET_ASIDE
    if isinstance(found, Unknown):
        wait = _ASK_AGAIN
    async with scope.begin() as tx:
        await VirtualAccountRepository(tx).check_at(account.id, tx.now + wait)
    return counts


async def _credits_of(
    gateway: ChargeGateway, scope: WorkScope, reference: str
) -> Sequence[Credit] | Unknown:
    try:
        return await gateway.find_credits(scope.tenant_id, reference)
    except Exception as error:  # the boundary to foreign code
        log.exception("gateway_raised", reference=reference, gateway=gateway.name)
        return Unknown(type(error).__name__)
