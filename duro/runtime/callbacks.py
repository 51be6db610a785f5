"""The place where gateways call back: raw bytes and a signature in, an empty object out."""

import hashlib
import hmac
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler

from duro.kit.bodies import read_bounded
from duro.modules.payments.callbacks import SIGNATURE_HEADER, CallbackKeys, Callbacks

PATH: Final = "/gateways/{name}/callback"
BODY_MAX_BYTES: Final = 64 * 1024
_KEY: Final = b"duro gateway callbacks"
_NAME_MAX: Final = 64


def callback_keys(master_key: bytes) -> CallbackKeys:
    """The keys that gateways sign with."""
    return CallbackKeys(hmac.digest(master_key, _KEY, hashlib.sha256))


def callback_handler(callbacks: Callbacks) -> Handler:
    """Answers 200 to whatever is signed and understood, so that the gateway does not tell it for ever."""

    async def handle(request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"][:_NAME_MAX]
        callbacks.modes_of(name)
        raw = await read_bounded(request, BODY_MAX_BYTES)
        await callbacks.take(name, raw, request.headers.get(SIGNATURE_HEADER, ""))
        return web.json_response({})

    return handle
