"""The gateway of test mode: keeps its own books, and plays every test instrument."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from duro.adapters.gateways.books import Books, RacedError, Verdict
from duro.adapters.gateways.instruments import Reply, Status
from duro.adapters.gateways.pushbooks import NO_MANDATE, PushBooks, account_for
from duro.errors import UnavailableError
from duro.kit.db import Database, Tx
from duro.kit.gather import Gathered
from duro.kit.modes import Mode
from duro.kit.pagination import Seek
from duro.modules.payments.gateway import (
    AccountAnswer,
    AccountAsk,
    Answer,
    BookEntry,
    ChargeRequest,
    Credit,
    Failed,
    Finding,
    MandateAnswer,
    MandateAsk,
    MandateFinding,
    MandateState,
    NotFound,
    PaymentAsk,
    RefundAnswer,
    RefundFinding,
    RefundRequest,
    RequestAnswer,
    Succeeded,
    Unknown,
)
from duro.modules.payments.model import MandateStatus

# A reference is thought to be new until the books say otherwise; of one that arrives at once on two tokens, the loser
# reads what the winner wrote.
_TRIES_MAX: Final = 4
_TIMEOUT_S: Final = 30.0
_UNREACHABLE: Final = "The gateway cannot be reached."
_NO_ANSWER: Final = "The gateway did not answer in time."


@dataclass(frozen=True, slots=True)
class Waits:
    """How long answers take, in seconds of wall time."""

    latency_s: float = 0.0
    timeout_s: float = 0.2
    slow_s: float = 12.0


T = TypeVar("T")


class SimulatedGateway:
    """A `ChargeGateway` whose books are tables of the sandbox, written in transactions of its own.

    A charge is in the books before it is answered, as at a real gateway: a caller that dies in between finds it by
    look-up. Charges of a tenant that arrive together are written together.
    """

    name = "simulated"

    def __init__(self, db: Database, *, waits: Waits | None = None) -> None:
        self._db = db
        self._waits = waits or Waits()
        # Charges of one tenant that arrive together go to the books together.
        self._charges: Gathered[str, ChargeRequest, Verdict | Unknown] = Gathered(self._write)

    async def charge(self, request: ChargeRequest) -> Answer:
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                return await self._charge(request)
        except TimeoutError:
            return Unknown(_NO_ANSWER)

    async def look_up(self, request: ChargeRequest) -> Finding:
        found = await self._at_the_books(
            request.tenant_id, lambda tx: Books(tx).find([request.reference])
        )
        if isinstance(found, Unknown):
            return found
        verdict = found.get(request.reference)
        if verdict is None or verdict.outcome.status is Status.DROPPED:
            return NotFound()
        return _answer(verdict)

    async def refund(self, request: RefundRequest) -> RefundAnswer:
        return await self._at_the_books(request.tenant_id, lambda tx: Books(tx).refund(request))

    async def look_up_refund(self, request: RefundRequest) -> RefundFinding:
        found = await self._at_the_books(
            request.tenant_id, lambda tx: Books(tx).find_refund(request.reference)
        )
        return found or NotFound()

    async def request_payment(self, ask: PaymentAsk) -> RequestAnswer:
        return await self._at_the_books(ask.tenant_id, lambda tx: PushBooks(tx).request(ask))

    async def find_credits(self, tenant_id: str, reference: str) -> Sequence[Credit] | Unknown:
        return await self._at_the_books(tenant_id, lambda tx: PushBooks(tx).credits_of(reference))

    async def cancel_request(self, tenant_id: str, reference: str) -> None:
        """Keeps nobody from paying all the same: money that comes late is what a test is for."""

    async def open_account(self, ask: AccountAsk) -> AccountAnswer:
        await asyncio.sleep(self._waits.latency_s)
        return account_for(ask)

    async def open_mandate(self, ask: MandateAsk) -> MandateAnswer:
        return await self._at_the_books(ask.tenant_id, lambda tx: PushBooks(tx).set_mandate_up(ask))

    async def look_up_mandate(self, ask: MandateAsk) -> MandateFinding:
        found = await self._at_the_books(ask.tenant_id, lambda tx: PushBooks(tx).find_mandate(ask))
        return found or NotFound()

    async def revoke_mandate(self, ask: MandateAsk) -> MandateAnswer:
        """Takes note of nothing: whoever revoked a mandate debits it no more."""
        found = await self.look_up_mandate(ask)
        match found:
            case MandateState():
                return MandateState(MandateStatus.REVOKED)
            case NotFound():
                return Failed(NO_MANDATE)
            case Unknown():
                return found

    async def record_credit(
        self, tx: Tx, *, reference: str, amount_minor: int, currency: str
    ) -> Credit:
        return await PushBooks(tx).record_credit(
            reference=reference, amount_minor=amount_minor, currency=currency
        )

    async def list_charges(self, tx: Tx, *, reference: str | None, seek: Seek) -> list[BookEntry]:
        return await Books(tx).list_charges(reference=reference, seek=seek)

    async def _at_the_books(self, tenant_id: str, do: Callable[[Tx], Awaitable[T]]) -> T | Unknown:
        """What the books say to one question, in a transaction of their own."""
        try:
            async with asyncio.timeout(_TIMEOUT_S), self._db.begin(Mode.TEST, tenant_id) as tx:
                answer = await do(tx)
        except TimeoutError:
            return Unknown(_NO_ANSWER)
        except UnavailableError:
            return Unknown(_UNREACHABLE)
        await asyncio.sleep(self._waits.latency_s)
        return answer

    async def _charge(self, request: ChargeRequest) -> Answer:
        result = await self._charges(request.tenant_id, request)
        await asyncio.sleep(self._waits.latency_s)
        if isinstance(result, Unknown):
            return result
        match result.outcome.reply:
            case Reply.NEVER:
                await asyncio.sleep(self._waits.timeout_s)
                return Unknown(_NO_ANSWER)
            case Reply.LATE:
                await asyncio.sleep(self._waits.slow_s)
            case Reply.AT_ONCE:
                pass
        return _answer(result)

    async def _write(
        self, tenant_id: str, requests: Sequence[ChargeRequest]
    ) -> Sequence[Verdict | Unknown]:
        for turn in range(_TRIES_MAX):
            try:
                async with self._db.begin(Mode.TEST, tenant_id) as tx:
                    return await Books(tx).record(requests, are_new=turn == 0)
            except RacedError:
                continue
            except UnavailableError:
                break
        return [Unknown(_UNREACHABLE)] * len(requests)


def _answer(verdict: Verdict) -> Answer:
    if verdict.outcome.code is not None:
        return Failed(verdict.outcome.code)
    return Succeeded(verdict.amount_minor, verdict.currency)
