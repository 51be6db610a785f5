"""Secrets of endpoints, the bytes that are sent, and both families of signature headers."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from duro.kit import json
from duro.kit.json import instant

_PREFIX: Final = "whsec_"
_SECRET_BYTES: Final = 32


def new_secret() -> str:
    """A secret as Standard Webhooks writes it: a prefix and base64 of random bytes."""
    return _PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def write_body(*, event_id: str, event_type: str, created_at: datetime, data: object) -> bytes:
    """The body of every attempt of an event: the same bytes for the same stored event."""
    return json.dumps(
        {"id": event_id, "type": event_type, "createdAt": instant(created_at), "data": data}
    )


def signed_headers(
    body: bytes, *, event_id: str, event_type: str, secret_texts: Sequence[str], wall: datetime
) -> dict[str, str]:
    """The headers of one attempt, signed with each secret, the newest first.

    `Duro-Signature` is keyed with the whole secret as text, `webhook-signature` with the bytes that it encodes.
    """
    stamp = str(int(wall.timestamp()))
    ours = f"{stamp}.".encode() + body
    standard = f"{event_id}.{stamp}.".encode() + body
    duro = [f"v1={_hmac(text.encode(), ours).hex()}" for text in secret_texts]
    trio = [f"v1,{_base64(_hmac(_decoded(text), standard))}" for text in secret_texts]
    return {
        "Content-Type": "application/json",
        "User-Agent": "Duro-Webhooks/1",
        "Duro-Event-Id": event_id,
        "Duro-Event-Type": event_type,
        "Duro-Signature": ",".join([f"t={stamp}", *duro]),
        "webhook-id": event_id,
        "webhook-timestamp": stamp,
        "webhook-signature": " ".join(trio),
    }


def _decoded(secret_text: str) -> bytes:
    return base64.b64decode(secret_text.removeprefix(_PREFIX), validate=True)


def _hmac(key: bytes, message: bytes) -> bytes:
    return hmac.digest(key, message, hashlib.sha256)


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
