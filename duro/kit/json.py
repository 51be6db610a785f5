"""JSON at the edge: a strict reader that refuses what is ambiguous, and a fast writer."""

import json
import re
from datetime import UTC, datetime
from itertools import chain
from typing import Any, Final

import orjson

from duro.errors import BadRequestError

_DEPTH_MAX: Final = 32
# More digits than any amount has: such a number is clipped, so that validation refuses it by its path.
_DIGITS_MAX: Final = 30
_CLIPPED: Final = 10**_DIGITS_MAX
_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")
_MAY_BE_UNSTORABLE: Final = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")


def parse(raw: bytes) -> object:
    """The value that `raw` spells in JSON (RFC 8259), read strictly.

    Raises `BadRequestError` for what is not JSON, a duplicate key, NaN or an infinity, more than 32 levels, or bytes
    that are not UTF-8.
    """
    try:
        value: object = _DECODER.decode(raw.decode("utf-8"))
    except UnicodeDecodeError:
        raise BadRequestError("The body is not UTF-8.") from None
    except RecursionError:
        raise _too_deep() from None
    except json.JSONDecodeError as error:
        raise BadRequestError(
            f"The body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}."
        ) from None
    # Fewer brackets than levels allowed cannot be too deep; nearly every body ends here.
    if raw.count(b"{") + raw.count(b"[") > _DEPTH_MAX:
        _demand_shallow(value)
    return value


def dumps(value: object) -> bytes:
    """Compact JSON; instants as RFC 3339 in UTC with three decimals and `Z`."""
    return orjson.dumps(value, default=_plain, option=orjson.OPT_PASSTHROUGH_DATETIME)


def instant(at: datetime) -> str:
    """RFC 3339 in UTC with three decimals (cut, not rounded) and `Z`."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def unstorable(raw: bytes, value: object) -> list[str]:
    """Paths of text in a parsed body that PostgreSQL cannot keep: NUL and lone surrogates."""
    if not _MAY_BE_UNSTORABLE.search(raw):
        return []
    found: list[str] = []
    _look_for_unstorable(value, "", found)
    return found


def is_storable(text: str) -> bool:
    """Whether PostgreSQL can keep this text."""
    return _UNSTORABLE.search(text) is None


def _look_for_unstorable(value: object, path: str, found: list[str]) -> None:
    # Depth is bounded by `parse`.
    if isinstance(value, str):
        if not is_storable(value):
            found.append(path)
    elif isinstance(value, dict):
        for key, item in value.items():
            # A key that cannot be kept cannot be shown either; its parent stands for it.
            if is_storable(key):
                _look_for_unstorable(item, f"{path}.{key}" if path else key, found)
            else:
                found.append(path)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _look_for_unstorable(item, f"{path}.{index}" if path else str(index), found)


def _demand_shallow(value: object) -> None:
    level = [value]
    for _ in range(_DEPTH_MAX):
        level = list(chain.from_iterable(map(_children, level)))
    if any(isinstance(item, dict | list) for item in level):
        raise _too_deep()


def _children(value: object) -> list[object]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _too_deep() -> BadRequestError:
    return BadRequestError(f"The body is nested more than {_DEPTH_MAX} levels deep.")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise BadRequestError("The body has an object in which a key stands twice.")
    return found


def _integer(digits: str) -> int:
    if len(digits) <= _DIGITS_MAX:
        return int(digits)
    return -_CLIPPED if digits.startswith("-") else _CLIPPED


def _constant(name: str) -> None:
    raise BadRequestError(f"The body is not JSON: {name} is not a JSON number.")


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return instant(value)
    raise TypeError(f"{type(value).__name__} is not JSON")


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_integer, parse_constant=_constant
)
