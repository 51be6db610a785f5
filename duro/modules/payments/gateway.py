"""The port to whoever moves the money, and the answers it can give."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeAlias

from duro.errors import GatewayNotConfiguredError
from duro.kit.db import Tx
from duro.kit.modes import Mode
from duro.kit.pagination import Seek


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
    """The customer has to act first, until `expires_at`."""

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


Answer: TypeAlias = Succeeded | Failed | Pending | Unknown
Finding: TypeAlias = Answer | NotFound
RefundAnswer: TypeAlias = Succeeded | Failed | Unknown
RefundFinding: TypeAlias = RefundAnswer | NotFound


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
