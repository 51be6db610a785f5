"""What WhatsApp tells of messages after it took them: signed, and written to the message that it knows by that id."""

import hashlib
import hmac
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import structlog

from duro.errors import InvalidError, UnauthorizedError
from duro.kit.db import Database
from duro.kit.json import parse
from duro.kit.modes import Mode
from duro.modules.messages.model import Receipt
from duro.modules.messages.repository import OutboxRepository, tenants_of

log = structlog.get_logger(__name__)

SIGNATURE_HEADER: Final = "X-Hub-Signature-256"
_PREFIX: Final = "sha256="
_ID_MAX: Final = 255
_TOLD: Final = frozenset(receipt.value for receipt in Receipt)
_REASON_MAX: Final = 500


class ReceiptSignatureError(UnauthorizedError):
    """Whoever sent this does not know the app's secret."""

    challenge = SIGNATURE_HEADER


@dataclass(frozen=True, slots=True)
class Told:
    """One status of one message."""

    provider_id: str
    receipt: Receipt
    at: datetime
    error: str | None


@dataclass(frozen=True, slots=True)
class Receipts:
    """Takes delivery statuses for all tenants; without a secret, none."""

    db: Database
    app_secret: str | None = None
    verify_token: str | None = None

    def answer(self, mode: str, token: str, challenge: str) -> str | None:
        """What proves to WhatsApp that this address is ours; None for whoever asks with another token."""
        if self.verify_token is None or mode != "subscribe":
            return None
        is_ours = hmac.compare_digest(token.encode(), self.verify_token.encode())
        return challenge if is_ours else None

    async def take(self, raw: bytes, signature: str) -> None:
        """Looks at nothing before the signature; what is about nobody's message is logged."""
        self._demand_signed(raw, signature)
        body = parse(raw)
        if not isinstance(body, dict):
            raise InvalidError("The body is no notice.")
        for told in _told(body):
            await self._note(told)

    def _demand_signed(self, raw: bytes, signature: str) -> None:
        if self.app_secret is None:
            raise ReceiptSignatureError("WhatsApp is not set up here.")
        expected = hmac.digest(self.app_secret.encode(), raw, hashlib.sha256).hex()
        # In bytes, because text that is not ASCII cannot be compared in constant time.
        if not hmac.compare_digest(f"{_PREFIX}{expected}".encode(), signature.encode()):
            raise ReceiptSignatureError(f"{SIGNATURE_HEADER} is not the signature of this body.")

    async def _note(self, told: Told) -> None:
        is_known = False
        for mode in Mode:
            for tenant_id in await tenants_of(self.db, mode, told.provider_id):
                is_known = True
                async with self.db.begin(mode, tenant_id) as tx:
                    await OutboxRepository(tx).note_receipt(
                        told.provider_id, told.receipt, at=told.at, error=told.error
                    )
        if not is_known:
            log.info("receipt_of_nobody", receipt=told.receipt.value)


def _told(body: dict[str, Any]) -> Iterator[Told]:
    """Every status in the nest of lists; what has another form is passed over."""
    for entry in _dicts(body.get("entry")):
        for change in _dicts(entry.get("changes")):
            value = change.get("value")
            for status in _dicts(value.get("statuses") if isinstance(value, dict) else None):
                if (told := _one(status)) is not None:
                    yield told


def _one(status: dict[str, Any]) -> Told | None:
    provider_id, word, stamp = status.get("id"), status.get("status"), status.get("timestamp")
    is_whole = isinstance(provider_id, str) and 0 < len(provider_id) <= _ID_MAX
    stamp = str(stamp)[:12]
    if not is_whole or word not in _TOLD or not (stamp.isascii() and stamp.isdecimal()):
        return None
    errors = [str(each.get("title") or each.get("code")) for each in _dicts(status.get("errors"))]
    try:
        at = datetime.fromtimestamp(int(stamp), UTC)
    except (ValueError, OverflowError):
        return None
    reason = "; ".join(errors)[:_REASON_MAX].replace("\0", "") or None
    return Told(str(provider_id), Receipt(word), at, reason)


def _dicts(value: object) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
