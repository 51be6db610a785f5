"""Verifies that a webhook is Duro's (Standard Webhooks, https://www.standardwebhooks.com)."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from typing import Any, Final

TOLERANCE_S: Final = 300
_PREFIX: Final = "whsec_"


class WebhookRefusedError(Exception):
    """Not signed with this secret, altered on the way, or too old."""


def verify(
    body: bytes, headers: Mapping[str, str], *, secret: str, now_s: float | None = None
) -> dict[str, Any]:
    """The event in `body`, if its signature holds over these very bytes and is not five minutes old.

    Raises `WebhookRefusedError`. Deliveries may repeat: remember the event's `id` and answer 2xx again.
    """
    given = {name.lower(): value for name, value in headers.items()}
    try:
        message_id, stamp = given["webhook-id"], given["webhook-timestamp"]
        signatures = given["webhook-signature"]
    except KeyError as error:
        raise WebhookRefusedError(f"there is no {error.args[0]} header") from None
    _demand_fresh(stamp, time.time() if now_s is None else now_s)
    key = base64.b64decode(secret.removeprefix(_PREFIX))
    signed = f"{message_id}.{stamp}.".encode() + body
    expected = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    for signature in signatures.split(" "):
        version, _, value = signature.partition(",")
        if version == "v1" and hmac.compare_digest(value.encode(), expected.encode()):
            event: dict[str, Any] = json.loads(body)
            return event
    raise WebhookRefusedError("no signature holds")


def _demand_fresh(stamp: str, now_s: float) -> None:
    if not stamp.isdecimal() or abs(now_s - int(stamp)) > TOLERANCE_S:
        raise WebhookRefusedError("the timestamp is more than five minutes away")
