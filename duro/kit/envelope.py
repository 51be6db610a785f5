"""Envelope encryption of secrets at rest: a data key for each secret, wrapped by the installation's master key."""

import base64
import binascii
import hashlib
import secrets
from collections.abc import Sequence
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES: Final = 32
_VERSION: Final = b"\x01"
_KEY_ID_BYTES: Final = 8
_NONCE_BYTES: Final = 12
_TAG_BYTES: Final = 16
_HEADER_BYTES: Final = len(_VERSION) + _KEY_ID_BYTES
_WRAPPED_BYTES: Final = _NONCE_BYTES + KEY_BYTES + _TAG_BYTES


class SealBrokenError(Exception):
    """A sealed secret cannot be opened: no key for it, another context, or changed bytes."""


class Envelope:
    """Seals with the first key and opens with any of them.

    Layout: version, key id, wrapped data key, ciphertext; each part is bound to the header and to a `context` that says
    what the secret is and whose, so that a sealed value copied to another row does not open there.
    """

    def __init__(self, keys: Sequence[bytes]) -> None:
        if not keys or any(len(key) != KEY_BYTES for key in keys):
            raise ValueError(f"a master key has {KEY_BYTES} bytes")
        self._keys = {_key_id(key): AESGCM(key) for key in keys}
        self._current = _key_id(keys[0])

    def seal(self, secret: bytes, context: str) -> bytes:
        header = _VERSION + self._current
        bound = header + context.encode()
        data_key = secrets.token_bytes(KEY_BYTES)
        wrapped = _encrypt(self._keys[self._current], data_key, bound)
        return header + wrapped + _encrypt(AESGCM(data_key), secret, bound)

    def open(self, sealed: bytes, context: str) -> bytes:
        """Raises `SealBrokenError`."""
        header, rest = sealed[:_HEADER_BYTES], sealed[_HEADER_BYTES:]
        master = self._keys.get(header[len(_VERSION) :])
        if header[: len(_VERSION)] != _VERSION or master is None:
            raise SealBrokenError("sealed by a master key that this installation does not have")
        bound = header + context.encode()
        data_key = _decrypt(master, rest[:_WRAPPED_BYTES], bound)
        return _decrypt(AESGCM(data_key), rest[_WRAPPED_BYTES:], bound)


def read_master_key(text: str) -> bytes:
    """The key that `security.master_key` spells: 32 bytes in base64. Raises `ValueError`."""
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except binascii.Error as error:
        raise ValueError("the master key is not base64") from error
    if len(key) != KEY_BYTES:
        raise ValueError(f"the master key has {len(key)} bytes, not {KEY_BYTES}")
    return key


def _key_id(key: bytes) -> bytes:
    # Names the key without a register of names; a hash of 256 random bits tells nothing about them.
    return hashlib.sha256(b"duro master key id" + key).digest()[:_KEY_ID_BYTES]


def _encrypt(cipher: AESGCM, plain: bytes, bound: bytes) -> bytes:
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return nonce + cipher.encrypt(nonce, plain, bound)


def _decrypt(cipher: AESGCM, sealed: bytes, bound: bytes) -> bytes:
    try:
        return cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], bound)
    except (InvalidTag, ValueError) as error:
        raise SealBrokenError("the sealed bytes do not belong here or were changed") from error
