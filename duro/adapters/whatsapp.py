"""WhatsApp by the Cloud API: template messages, and authentication templates for codes."""

import asyncio
from dataclasses import dataclass, field
from typing import Any, Final

import aiohttp

from duro.errors import BadRequestError
from duro.kit.json import dumps, parse
from duro.modules.messages.channels import Answer, Postponed, Refused, Taken, WhatsApp

_TIMEOUT_S: Final = 25.0
_ANSWER_MAX_BYTES: Final = 64 * 1024
_SAID_MAX: Final = 300
_TOO_MANY: Final = 429
_SERVER_FAULT: Final = 500
_SUCCESS: Final = range(200, 300)
# Ours to mend, or over by themselves: sign-in, permission, limits, and trouble of the service.
# https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes
_TEMPORARY: Final = frozenset(
    {
        *(0, 1, 2, 3, 4, 10, 190),
        *(80007, 130429, 131000, 131005, 131016, 131042, 131048, 131056, 131057),
        *(133004, 133005),
    }
)
_PERMISSIONS: Final = range(200, 300)


@dataclass(slots=True)
class CloudApi:
    """Sends as one phone number."""

    base_url: str
    phone_number_id: str
    token: str = field(repr=False)
    timeout_s: float = _TIMEOUT_S
    _session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def send(self, message: WhatsApp) -> Answer:
        try:
            async with asyncio.timeout(self.timeout_s):
                return await self._post(body_of(message))
        except TimeoutError:
            return Postponed(f"no answer within {self.timeout_s:.0f} s")
        except (aiohttp.ClientError, OSError) as error:
            return Postponed(f"no answer: {type(error).__name__}")

    async def _post(self, body: dict[str, Any]) -> Answer:
        url = f"{self.base_url.rstrip('/')}/{self.phone_number_id}/messages"
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        async with self._opened().post(
            url, data=dumps(body), headers=headers, allow_redirects=False
        ) as response:
            raw = await response.content.read(_ANSWER_MAX_BYTES)
            return _judged(response.status, raw)

    def _opened(self) -> aiohttp.ClientSession:
        """Made at first use, for it belongs to the running loop."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=None), trust_env=False
            )
        return self._session


def body_of(message: WhatsApp) -> dict[str, Any]:
    """The request: the template's places in order, and the end of its button's address."""
    components: list[dict[str, Any]] = []
    if message.parameters:
        components.append({"type": "body", "parameters": _texts(*message.parameters)})
    end = message.code if message.code is not None else message.link_end
    if end is not None:
        # A button that copies a code is a button with an address, as far as the API is concerned.
        button = {"type": "button", "sub_type": "url", "index": "0", "parameters": _texts(end)}
        components.append(button)
    return {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": message.to.removeprefix("+"),
        "type": "template",
        "biz_opaque_callback_data": message.message_id,
        "template": {
            "name": message.template,
            "language": {"code": message.language},
            "components": components,
        },
    }


def _texts(*values: str) -> list[dict[str, str]]:
    return [{"type": "text", "text": value} for value in values]


def _judged(status: int, raw: bytes) -> Answer:
    body = _object(raw)
    if status in _SUCCESS:
        messages = body.get("messages")
        first = messages[0] if isinstance(messages, list) and messages else None
        known = first.get("id") if isinstance(first, dict) else None
        # It was taken, whatever it is called there.
        return Taken(known if isinstance(known, str) and known else "unknown")
    error = body.get("error")
    error = error if isinstance(error, dict) else {}
    code = error.get("code")
    said = f"HTTP {status}, {code}: {error.get('message', '')}".replace("\0", "")[:_SAID_MAX]
    is_busy = status == _TOO_MANY or status >= _SERVER_FAULT
    if is_busy or not isinstance(code, int) or code in _TEMPORARY or code in _PERMISSIONS:
        return Postponed(said)
    return Refused(said)


def _object(raw: bytes) -> dict[str, Any]:
    try:
        body = parse(raw)
    except BadRequestError:
        return {}
    return body if isinstance(body, dict) else {}
