"""Links by which whoever got an optional message has no more of them: signed, and good for nothing else."""

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass
from typing import Final

from duro.kit.ids import is_id
from duro.kit.modes import Mode

# 24 characters of base64 hold 18 bytes without a bit to spare, so no other text is the same signature.
_SIGNATURE_BYTES: Final = 18
_TOKEN: Final = re.compile(r"(test|live)\.(ten_\w{26})\.(msg_\w{26})\.([\w-]{24})", re.ASCII)


@dataclass(frozen=True, slots=True)
class OptOut:
    """What a token opens: whoever got this message."""

    mode: Mode
    tenant_id: str
    message_id: str


@dataclass(frozen=True, slots=True)
class OptOutLinks:
    """Makes and reads the address where somebody says that it is enough; `key` signs it. They do not end."""

    public_url: str
    key: bytes

    def url(self, *, mode: Mode, tenant_id: str, message_id: str) -> str:
        subject = f"{mode.value}.{tenant_id}.{message_id}"
        return f"{self.public_url}/messages/stop/{subject}.{self._sign(subject)}"

    def read(self, token: str) -> OptOut | None:
        """What the token opens; None for what was not made here."""
        found = _TOKEN.fullmatch(token)
        if found is None:
            return None
        mode, tenant_id, message_id, signature = found.groups()
        expected = self._sign(token.removesuffix(f".{signature}"))
        if not hmac.compare_digest(signature.encode(), expected.encode()):
            return None
        if not (is_id(tenant_id, "ten") and is_id(message_id, "msg")):
            return None
        return OptOut(Mode(mode), tenant_id, message_id)

    def _sign(self, subject: str) -> str:
        digest = hmac.digest(self.key, f"stop:{subject}".encode(), hashlib.sha256)
        return base64.urlsafe_b64encode(digest[:_SIGNATURE_BYTES]).decode()
