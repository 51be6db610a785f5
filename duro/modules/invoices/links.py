"""Links for a customer who is to pay one invoice: signed, and good for nothing else."""

import base64
import hashlib
import hmac
from dataclasses import dataclass

from duro.kit.modes import Mode


@dataclass(frozen=True, slots=True)
class PayLinks:
    """Makes the address of the pay page of an invoice; `key` signs it."""

    public_url: str
    key: bytes

    def url(self, *, mode: Mode, tenant_id: str, invoice_id: str) -> str:
        subject = f"{mode.value}.{tenant_id}.{invoice_id}"
        digest = hmac.digest(self.key, f"pay:{subject}".encode(), hashlib.sha256)
        signature = base64.urlsafe_b64encode(digest[:18]).decode()
        return f"{self.public_url}/pay/i/{subject}.{signature}"
