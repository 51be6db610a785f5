"""Links for a customer who is to pay one invoice: signed, good for nothing else, and over after a month."""

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from duro.kit.ids import is_id
from duro.kit.modes import Mode

# Longer than any invoice is worked: the newest message has the newest link.
LIFETIME: Final = timedelta(days=30)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DAY: Final = timedelta(days=1)
# 24 characters of base64 hold 18 bytes without a bit to spare, so no other text is the same signature.
_SIGNATURE_BYTES: Final = 18
_TOKEN: Final = re.compile(
    r"(test|live)\.(ten_\w{26})\.(inv_\w{26})\.([1-9][0-9]{0,5})\.([\w-]{24})", re.ASCII
)


@dataclass(frozen=True, slots=True)
class PayTicket:
    """What a token opens: one invoice, until an instant of business time."""

    mode: Mode
    tenant_id: str
    invoice_id: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class PayLinks:
    """Makes and reads the address of the pay page of an invoice; `key` signs it."""

    public_url: str
    key: bytes

    def url(self, *, mode: Mode, tenant_id: str, invoice_id: str, now: datetime) -> str:
        token = self.token(mode=mode, tenant_id=tenant_id, invoice_id=invoice_id, now=now)
        return f"{self.public_url}/pay/i/{token}"

    def token(self, *, mode: Mode, tenant_id: str, invoice_id: str, now: datetime) -> str:
        """The same through one day of UTC: it ends with a day, at least 30 days from now."""
        last = -((_EPOCH - now - LIFETIME) // _DAY)
        subject = f"{mode.value}.{tenant_id}.{invoice_id}.{last}"
        return f"{subject}.{self._sign(subject)}"

    def read(self, token: str) -> PayTicket | None:
        """What the token opens, also when its time is over; None for what was not made here."""
        found = _TOKEN.fullmatch(token)
        if found is None:
            return None
        mode, tenant_id, invoice_id, last, signature = found.groups()
        expected = self._sign(token.removesuffix(f".{signature}"))
        if not hmac.compare_digest(signature.encode(), expected.encode()):
            return None
        if not (is_id(tenant_id, "ten") and is_id(invoice_id, "inv")):
            return None
        return PayTicket(Mode(mode), tenant_id, invoice_id, _EPOCH + int(last) * _DAY)

    def _sign(self, subject: str) -> str:
        digest = hmac.digest(self.key, f"pay:{subject}".encode(), hashlib.sha256)
        return base64.urlsafe_b64encode(digest[:_SIGNATURE_BYTES]).decode()
