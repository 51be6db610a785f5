"""Where a checkout session opens: its token is made from its id, so that a reminder can name it again."""

from dataclasses import dataclass

from duro.kit.crypto import derived_token
from duro.kit.modes import Mode


@dataclass(frozen=True, slots=True)
class CheckoutLinks:
    """Makes tokens and addresses of sessions; only who has `key` can."""

    public_url: str
    key: bytes

    def token(self, *, mode: Mode, tenant_id: str, session_id: str) -> str:
        subject = f"{tenant_id}.{session_id}"
        return derived_token(f"cs_{mode.value}_", key=self.key, subject=subject)

    def url(self, token: str) -> str:
        return f"{self.public_url}/checkout/{token}"
