"""What a gateway tells by itself: its signature is checked, it is kept once, and then it is a reason to ask.

A notice is never the proof of a payment: the gateway's own books say what came.
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Final

import structlog
from pydantic import ConfigDict, StringConstraints, ValidationError

from duro.billing.rails import PUSH
from duro.errors import InvalidError, NotFoundError, UnauthorizedError, UnavailableError
from duro.kit.db import Database, Tx
from duro.kit.json import parse, unstorable
from duro.kit.modes import Mode
from duro.kit.schema import AmountMinor, Body, invalid
from duro.modules.payments.gateway import Gateways
from duro.modules.payments.notices import ask_now
from duro.modules.payments.repository import AttemptRepository
from duro.modules.payments.requests import PaymentRequestRepository
from duro.modules.payments.told import CallbackRepository, tenants_told_of

log: Final = structlog.get_logger()

SIGNATURE_HEADER: Final = "Duro-Gateway-Signature"


class GatewayUnknownError(NotFoundError):
    """No gateway of this installation has that name."""


class SignatureError(UnauthorizedError):
    """Whoever sent this does not know the gateway's key."""

    challenge = SIGNATURE_HEADER


class Notice(Body):
    """What every notice says; gateways add what they like."""

    model_config = ConfigDict(extra="ignore")

    id: Annotated[str, StringConstraints(min_length=1, max_length=255)]
    type: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    reference: Annotated[str, StringConstraints(min_length=1, max_length=255)]
    amount: AmountMinor
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
    status: Annotated[str, StringConstraints(min_length=1, max_length=64)]


@dataclass(frozen=True, slots=True)
class CallbackKeys:
    """The key of each gateway's signatures, made from one key of the installation."""

    key: bytes

    def sign(self, gateway: str, body: bytes) -> str:
        """Hex HMAC-SHA256 of the bytes of the body."""
        own = hmac.digest(self.key, gateway.encode(), hashlib.sha256)
        return hmac.digest(own, body, hashlib.sha256).hex()

    def demand(self, gateway: str, body: bytes, signature: str) -> None:
        """Raises `SignatureError` unless the signature is the gateway's, of these bytes."""
        # In bytes, because text that is not ASCII cannot be compared in constant time.
        good = hmac.compare_digest(self.sign(gateway, body).encode(), signature.lower().encode())
        if not good:
            raise SignatureError(f"{SIGNATURE_HEADER} is not the signature of this body.")


@dataclass(frozen=True, slots=True)
class Callbacks:
    """Takes callbacks of the installation's gateways."""

    db: Database
    gateways: Gateways
    keys: CallbackKeys

    def modes_of(self, gateway: str) -> list[Mode]:
        """The modes that the gateway serves. Raises `GatewayUnknownError`."""
        modes = [mode for mode, each in self.gateways.by_mode.items() if each.name == gateway]
        if not modes:
            raise GatewayUnknownError("There is no gateway of that name.")
        return modes

    async def take(self, gateway: str, raw: bytes, signature: str) -> None:
        """Looks at nothing before the signature; a reference that is nobody's is logged.

        Raises `UnavailableError` for what is told too early to be kept for good: gateways tell it again.
        """
        modes = self.modes_of(gateway)
        self.keys.demand(gateway, raw, signature)
        notice, body = _read(raw)
        is_known = is_early = False
        for mode in modes:
            for tenant_id in await tenants_told_of(self.db, mode, notice.reference):
                is_known = True
                async with self.db.begin(mode, tenant_id) as tx:
                    await _note(tx, gateway, notice, body)
                    is_early |= await _is_early(tx, notice.reference)
        if is_early:
            raise UnavailableError("What this is for is not written down yet; tell it again.")
        if not is_known:
            log.warning("callback_of_nobody", gateway=gateway, reference=notice.reference)


async def _note(tx: Tx, gateway: str, notice: Notice, body: Mapping[str, object]) -> None:
    """A repeat is a reason to ask as well: the first may have been too early."""
    times_told = await CallbackRepository(tx).keep(
        gateway=gateway, gateway_id=notice.id, reference=notice.reference, body=body
    )
    await ask_now(tx, notice.reference)
    attempt = await AttemptRepository(tx).find_by_reference(notice.reference)
    if attempt is None:
        return
    if (attempt.amount_minor, attempt.currency) != (notice.amount, notice.currency):
        log.warning(
            "callback_amount_differs",
            gateway=gateway,
            reference=notice.reference,
            told_minor=notice.amount,
            told_currency=notice.currency,
            times_told=times_told,
        )


async def _is_early(tx: Tx, reference: str) -> bool:
    """Whether it is for a request that is still being opened. Should that come to nothing, nobody would look for the
    money by this notice.
    """
    attempt = await AttemptRepository(tx).find_by_reference(reference)
    if attempt is None or attempt.rail not in PUSH or not attempt.status.is_open:
        return False
    return await PaymentRequestRepository(tx).find_by_reference(reference) is None


def _read(raw: bytes) -> tuple[Notice, Mapping[str, object]]:
    """The notice, and all that was said."""
    body = parse(raw)
    if not isinstance(body, dict) or unstorable(raw, body):
        raise InvalidError("The body is no notice.")
    try:
        return Notice.model_validate(body), body
    except ValidationError as error:
        raise InvalidError("The body is no notice.", details=invalid(error)) from None
