"""The port to whoever moves the money, and the answers it can give."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeAlias

from duro.billing.rails import Rail
from duro.errors import GatewayNotConfiguredError
from duro.kit.db import Tx
from duro.kit.modes import Mode
from duro.kit.pagination import Seek
from duro.modules.payments.model import MandateStatus, VirtualAccount


@dataclass(frozen=True, slots=True)
class ChargeRequest:
    """What is to be charged. `reference` is ours and makes a repeat harmless; `at` is business time."""

    reference: str
    amount_minor: int
    currency: str
    token: str
    tenant_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Succeeded:
    """The money moved: this much of it, which the caller compares with what was asked for."""

    amount_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class Failed:
    """Finally declined, nothing moved; the code is the gateway's own."""

    code: str


@dataclass(frozen=True, slots=True)
class Pending:
    """The customer has to act first, until `expires_at`.

    For a payment request the action is what to show: `ussd`, or `bankName`, `accountNumber` and `accountName`.
    """

    action: Mapping[str, str]
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Unknown:
    """No answer that can be trusted: the money may or may not have moved."""

    reason: str


@dataclass(frozen=True, slots=True)
class NotFound:
    """The gateway knows no such reference."""


@dataclass(frozen=True, slots=True)
class RefundRequest:
    """What is to go back of a charge, which has its own reference."""

    reference: str
    charge_reference: str
    amount_minor: int
    currency: str
    tenant_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class PaymentAsk:
    """What a customer is to pay by themselves. `account` is theirs, for rail virtual_account only."""

    reference: str
    rail: Rail
    amount_minor: int
    currency: str
    customer_name: str | None
    email: str | None
    phone: str | None
    account: VirtualAccount | None
    tenant_id: str
    at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Credit:
    """Money that came in, as the gateway's books tell it.

    `reference` is that of a payment request, or the number of a virtual account; `id` is the gateway's own.
    """

    id: str
    reference: str
    amount_minor: int
    currency: str
    paid_at: datetime


@dataclass(frozen=True, slots=True)
class AccountAsk:
    """Whose virtual account is to be opened; `reference` is ours and makes a repeat harmless."""

    reference: str
    customer_name: str | None
    email: str | None
    phone: str | None
    tenant_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class OpenedAccount:
    """A permanent account number; what comes to it is found by that number."""

    bank_name: str
    account_number: str
    account_name: str


@dataclass(frozen=True, slots=True)
class MandateAsk:
    """Which mandate the gateway is asked to set up, told about, or to end; `token` names it."""

    token: str
    tenant_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class MandateState:
    """What the gateway says of a mandate; `activated_at` is its instant, if it tells one."""

    status: MandateStatus
    activated_at: datetime | None = None


Answer: TypeAlias = Succeeded | Failed | Pending | Unknown
Finding: TypeAlias = Answer | NotFound
RefundAnswer: TypeAlias = Succeeded | Failed | Unknown
RefundFinding: TypeAlias = RefundAnswer | NotFound
RequestAnswer: TypeAlias = Pending | Failed | Unknown
AccountAnswer: TypeAlias = OpenedAccount | Failed | Unknown
MandateAnswer: TypeAlias = MandateState | Failed | Unknown
MandateFinding: TypeAlias = MandateState | NotFound | Unknown


class ChargeGateway(Protocol):
    """Moves money, once per reference; trouble on the way is an `Unknown`, not an exception.

    Every call ends within the gateway's own time-out of 30 s.
    """

    @property
    def name(self) -> str: ...

    async def charge(self, request: ChargeRequest) -> Answer:
        """Charge once, however often the same reference is sent."""
        ...

    async def look_up(self, request: ChargeRequest) -> Finding:
        """What became of the reference; `Unknown` if the gateway cannot say now."""
        ...

    async def refund(self, request: RefundRequest) -> RefundAnswer:
        """Give back once, however often the same reference is sent."""
        ...

    async def look_up_refund(self, request: RefundRequest) -> RefundFinding:
        """What became of the refund's reference; `Unknown` if the gateway cannot say now."""
        ...

    async def request_payment(self, ask: PaymentAsk) -> RequestAnswer:
        """What the customer needs to pay; the same however often the same reference is sent."""
        ...

    async def find_credits(self, tenant_id: str, reference: str) -> Sequence[Credit] | Unknown:
        """All that came for a request's reference, or to a virtual account's number; oldest first."""
        ...

    async def cancel_request(self, tenant_id: str, reference: str) -> None:
        """Best effort: money that comes all the same is still found."""
        ...

    async def open_account(self, ask: AccountAsk) -> AccountAnswer:
        """A permanent account number; the same however often the same reference is sent."""
        ...

    async def open_mandate(self, ask: MandateAsk) -> MandateAnswer:
        """Set a mandate up, once for each token, and say how it stands."""
        ...

    async def look_up_mandate(self, ask: MandateAsk) -> MandateFinding:
        """How a mandate stands at `ask.at`; `Unknown` if the gateway cannot say now."""
        ...

    async def revoke_mandate(self, ask: MandateAsk) -> MandateAnswer:
        """End a mandate for good; one that is ended already stays so."""
        ...


@dataclass(frozen=True, slots=True)
class Gateways:
    """The gateway of each mode."""

    by_mode: Mapping[Mode, ChargeGateway]

    def of(self, mode: Mode) -> ChargeGateway:
        gateway = self.by_mode.get(mode)
        if gateway is None:
            raise GatewayNotConfiguredError(f"There is no payment gateway for {mode.value} mode.")
        return gateway


@dataclass(frozen=True, slots=True)
class BookEntry:
    """One charge as the gateway itself remembers it."""

    reference: str
    amount_minor: int
    currency: str
    status: str
    code: str | None
    charged_at: datetime

    @property
    def id(self) -> str:
        return self.reference

    @property
    def created_at(self) -> datetime:
        return self.charged_at


class GatewayBooks(Protocol):
    """The books of a gateway that lets us read them: the simulated one."""

    async def list_charges(self, tx: Tx, *, reference: str | None, seek: Seek) -> list[BookEntry]:
        """Newest first; one more than the page holds."""
        ...

    async def record_credit(
        self, tx: Tx, *, reference: str, amount_minor: int, currency: str
    ) -> Credit:
        """Money comes in now, for a request's reference or to an account's number."""
        ...
