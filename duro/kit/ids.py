"""Identifiers: a prefix and 26 characters of Crockford base32 over a UUIDv7 (RFC 9562)."""

import re
import secrets
import threading
from datetime import UTC, datetime, timedelta
from typing import Final

_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS: Final = [a + b for a in _ALPHABET for b in _ALPHABET]
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
_ID: Final = re.compile(r"[a-z]{2,4}_[0-7][0-9A-HJKMNP-TV-Z]{25}")
_RANDOM_BITS: Final = 74
_lock = threading.Lock()
_last: list[int] = [0, 0]


def new_id(prefix: str, *, wall: datetime) -> str:
    """A new id such as `sub_01JD…`; ids of one process sort in the order they were made.

    `wall` is wall time, so that ids keep their order under a moved test clock.
    """
    return f"{prefix}_{_base32(_uuid7((wall - _EPOCH) // _MILLISECOND))}"


def is_id(text: str, prefix: str) -> bool:
    """Whether `text` has the form of an id with that prefix."""
    return text.startswith(f"{prefix}_") and _ID.fullmatch(text) is not None


def _uuid7(unix_ms: int) -> int:
    # Inside one millisecond (or when the clock steps back) the random part counts up, so order is kept.
    with _lock:
        if unix_ms > _last[0]:
            # A clear top bit leaves room to count up within the millisecond.
            _last[0], _last[1] = unix_ms, secrets.randbits(_RANDOM_BITS - 1)
        else:
            _last[1] += 1 + secrets.randbits(32)
        stamp, tail = _last
    return (stamp << 80) | (7 << 76) | ((tail >> 62) << 64) | (2 << 62) | (tail & ((1 << 62) - 1))


def _base32(value: int) -> str:
    return "".join([_PAIRS[(value >> shift) & 1023] for shift in range(120, -1, -10)])
