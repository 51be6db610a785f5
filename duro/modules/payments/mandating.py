"""Direct debit mandates: given, asked about until the bank lets them stand, and revoked."""

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

import structlog

from duro.billing.rails import Rail
from duro.errors import ConflictError
from duro.kit.db import Tx
from duro.kit.schema import refuse
from duro.kit.work import Ran, WorkScope
from duro.modules.payments.gateway import (
    ChargeGateway,
    Failed,
    Gateways,
    MandateAnswer,
    MandateAsk,
    MandateFinding,
    MandateState,
    NotFound,
    Unknown,
)
from duro.modules.payments.mandates import MandateRepository
from duro.modules.payments.methods import PATH, mandate_of, resolve_method
from duro.modules.payments.model import Mandate, MandateStatus
from duro.modules.payments.repository import PaymentMethodRepository

log: Final = structlog.get_logger()

FIRST_CHECK: Final = timedelta(minutes=1)
_SLOWEST_CHECK: Final = timedelta(hours=1)
# Nobody asks a bank for longer: it has forgotten the mandate, or the customer never approved it.
_PATIENCE: Final = timedelta(days=14)
# Banks answer "do not honour" to debits that follow an activation too soon (NIBSS e-mandates).
WINDOW: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class OpenMandate:
    """A mandate, and the token by which its gateway knows it."""

    mandate: Mandate
    token: str


async def begin(tx: Tx, *, customer_id: str, method_id: str) -> OpenMandate:
    """The mandate of the customer's direct debit method, or of the test instrument of that name.

    It is to be committed before the gateway is asked. Raises `ConflictError` for one that was revoked.
    """
    method = await resolve_method(tx, customer_id=customer_id, method_id=method_id)
    if method.rail is not Rail.DIRECT_DEBIT:
        raise refuse(PATH, "Must be a direct debit method.")
    mandate = await mandate_of(tx, method, wait=FIRST_CHECK)
    if mandate.status is MandateStatus.REVOKED:
        raise ConflictError(
            f"The mandate {mandate.id} was revoked; the customer has to give another."
        )
    return OpenMandate(mandate, method.token)


async def set_up(gateways: Gateways, scope: WorkScope, mandate_id: str) -> None:
    """Has the gateway set a pending mandate up, and records how it stands."""
    async with scope.begin() as tx:
        opened = await _opened(tx, await MandateRepository(tx).get(mandate_id))
    if opened.mandate.status is MandateStatus.PENDING:
        await _follow(gateways.of(scope.mode), scope, opened)


async def begin_to_revoke(tx: Tx, mandate_id: str) -> Mandate:
    """From the commit on nothing is debited; the gateway is told until it has heard."""
    mandates = MandateRepository(tx)
    mandate = await mandates.lock(mandate_id)
    if mandate.status is MandateStatus.REVOKED:
        return mandate
    revoked = _revoked(mandate, tx.now, check_at=tx.now + FIRST_CHECK)
    await mandates.save(revoked)
    return revoked


async def finish_to_revoke(gateways: Gateways, scope: WorkScope, mandate_id: str) -> None:
    """Tells the gateway, if it has not heard yet."""
    async with scope.begin() as tx:
        opened = await _opened(tx, await MandateRepository(tx).get(mandate_id))
    if opened.mandate.check_at is not None:
        await _follow(gateways.of(scope.mode), scope, opened)


async def reconcile_due(gateways: Gateways, scope: WorkScope, limit: int) -> Ran:
    """Asks the gateway about up to `limit` mandates whose check is due."""
    async with scope.begin() as tx:
        claimed = await MandateRepository(tx).claim_to_check(limit)
        opened = [await _opened(tx, mandate) for mandate in claimed]
    counts: Counter[str] = Counter()
    for each in opened:
        counts += await _follow(gateways.of(scope.mode), scope, each)
    return Ran(done=len(claimed), counts=counts)


async def _opened(tx: Tx, mandate: Mandate) -> OpenMandate:
    method = await PaymentMethodRepository(tx).get(mandate.payment_method_id)
    return OpenMandate(mandate, method.token)


async def _follow(gateway: ChargeGateway, scope: WorkScope, opened: OpenMandate) -> Counter[str]:
    """Asks the gateway, outside any transaction, and records what it says."""
    async with scope.begin() as tx:
        now = tx.now
    finding = await _ask(gateway, scope, opened, now)
    async with scope.begin() as tx:
        mandates = MandateRepository(tx)
        mandate = await mandates.lock(opened.mandate.id)
        if mandate.check_at is None or mandate.status is not opened.mandate.status:
            # Somebody else heard of it, or it was revoked meanwhile.
            return Counter()
        heard = after(mandate, finding, tx.now)
        await mandates.save(heard)
    if heard.status is mandate.status:
        return Counter()
    log.info("mandate_changed", mandate_id=heard.id, status=heard.status.value)
    return Counter({f"mandates_{heard.status.value}": 1})


async def _ask(
    gateway: ChargeGateway, scope: WorkScope, opened: OpenMandate, now: datetime
) -> MandateAnswer | MandateFinding:
    ask = MandateAsk(token=opened.token, tenant_id=scope.tenant_id, at=now)
    if opened.mandate.status is MandateStatus.REVOKED or _is_given_up(opened.mandate, now):
        return await _safely(gateway, gateway.revoke_mandate, ask)
    finding = await _safely(gateway, gateway.look_up_mandate, ask)
    if isinstance(finding, NotFound):
        # The gateway was never told, or the request was lost: it begins when the customer gave it.
        begun = await _safely(
            gateway, gateway.open_mandate, replace(ask, at=opened.mandate.created_at)
        )
        if not isinstance(begun, MandateState):
            return begun
        return await _safely(gateway, gateway.look_up_mandate, ask)
    return finding


async def _safely(
    gateway: ChargeGateway,
    call: Callable[[MandateAsk], Awaitable[MandateAnswer | MandateFinding]],
    ask: MandateAsk,
) -> MandateAnswer | MandateFinding:
    try:
        return await call(ask)
    except Exception as error:  # the boundary to foreign code
        log.exception("gateway_raised", gateway=gateway.name)
        return Unknown(type(error).__name__)


def after(mandate: Mandate, finding: MandateAnswer | MandateFinding, now: datetime) -> Mandate:
    """The mandate once the gateway was asked about it."""
    if mandate.status is MandateStatus.REVOKED:
        has_heard = not isinstance(finding, Unknown) or _is_given_up(mandate, now)
        return replace(mandate, check_at=None if has_heard else _next_check(mandate, now))
    if _is_given_up(mandate, now):
        return _revoked(mandate, now, check_at=None)
    match finding:
        case MandateState(status=MandateStatus.ACTIVE, activated_at=told):
            at = told or now
            return replace(
                mandate,
                status=MandateStatus.ACTIVE,
                check_at=None,
                activated_at=at,
                ready_at=at + WINDOW,
            )
        case MandateState(status=MandateStatus.REVOKED) | Failed():
            return _revoked(mandate, now, check_at=None)
        case MandateState() | NotFound() | Unknown():
            return replace(mandate, check_at=_next_check(mandate, now))


def _is_given_up(mandate: Mandate, now: datetime) -> bool:
    since = mandate.revoked_at or mandate.created_at
    return now >= since + _PATIENCE


def _next_check(mandate: Mandate, now: datetime) -> datetime:
    """Ever less often: as long again as it has been waited for."""
    since = mandate.revoked_at or mandate.created_at
    return now + min(max(now - since, FIRST_CHECK), _SLOWEST_CHECK)


def _revoked(mandate: Mandate, now: datetime, *, check_at: datetime | None) -> Mandate:
    return replace(mandate, status=MandateStatus.REVOKED, check_at=check_at, revoked_at=now)
