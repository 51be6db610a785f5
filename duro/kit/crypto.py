"""Random tokens that carry a checksum, and the digest they are kept as."""

import hashlib
import hmac
import secrets
import zlib
from typing import Final

_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
# 26 characters of 62 hold 154 random bits.
_RANDOM_LENGTH: Final = 26
_CHECKSUM_LENGTH: Final = 6


def new_token(prefix: str) -> str:
    """`prefix`, 26 random characters, and a checksum over both."""
    body = prefix + "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM_LENGTH))
    return body + _checksum(body)


def derived_token(prefix: str, *, key: bytes, subject: str) -> str:
    """As `new_token`, and the same for a subject each time: whoever has `key` can make it again."""
    left = int.from_bytes(hmac.digest(key, f"{prefix}{subject}".encode(), hashlib.sha256))
    body = prefix
    for _ in range(_RANDOM_LENGTH):
        left, digit = divmod(left, len(_ALPHABET))
        body += _ALPHABET[digit]
    return body + _checksum(body)


def is_token(text: str, prefix: str) -> bool:
    """Whether `text` has the form and checksum of such a token; a mistyped one has not."""
    if len(text) != len(prefix) + _RANDOM_LENGTH + _CHECKSUM_LENGTH or not text.isascii():
        return False
    body, checksum = text[:-_CHECKSUM_LENGTH], text[-_CHECKSUM_LENGTH:]
    return body.startswith(prefix) and _checksum(body) == checksum


def sha256(text: str) -> bytes:
    """What a token is kept as; it has too many random bits to need a slow hash."""
    return hashlib.sha256(text.encode()).digest()


def _checksum(text: str) -> str:
    # Not a secret: it only tells a typing error from a key, without a look-up.
    value = zlib.crc32(text.encode())
    digits = ""
    for _ in range(_CHECKSUM_LENGTH):
        value, digit = divmod(value, len(_ALPHABET))
        digits = _ALPHABET[digit] + digits
    return digits
