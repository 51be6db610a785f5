"""Requests and answers without any network: what is sent, what came back, and whether to try again."""

import json
import random
import urllib.parse
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final

from duro_client.errors import Detail, DuroApiError

VERSION: Final = "0.1.0"
_FIRST_PAUSE_S: Final = 0.5
_LONGEST_PAUSE_S: Final = 30.0
_WORTH_ANOTHER_TRY: Final = frozenset({429, 502, 503, 504})
_REFUSED: Final = 400


class Unset(Enum):
    """An argument that was left out, which is another thing than `None`."""

    UNSET = "unset"


UNSET: Final = Unset.UNSET


@dataclass(frozen=True, slots=True)
class Request:
    """One request, ready to be sent any number of times."""

    method: str
    path: str
    query: dict[str, str]
    body: bytes | None
    headers: dict[str, str] = field(default_factory=dict)


def request(
    method: str,
    path: str,
    *,
    query: Mapping[str, object] | None = None,
    body: Mapping[str, object] | None = None,
    idempotency_key: str | None = None,
) -> Request:
    """What is left out is not sent; a change gets an idempotency key of its own if it has none."""
    headers = {"Accept": "application/json", "User-Agent": f"duro-client-python/{VERSION}"}
    data = None
    if method != "GET":
        headers["Idempotency-Key"] = idempotency_key or str(uuid.uuid4())
    if body is not None:
        headers["Content-Type"] = "application/json"
        given = {name: value for name, value in body.items() if value is not UNSET}
        data = json.dumps(given, separators=(",", ":")).encode()
    asked = {name: value for name, value in (query or {}).items() if value is not UNSET}
    return Request(
        method, path, {name: _text(value) for name, value in asked.items()}, data, headers
    )


def segment(text: str) -> str:
    """An id as one segment of a path, whatever it holds."""
    return urllib.parse.quote(text, safe="")


def answer(status: int, body: bytes, headers: Mapping[str, str]) -> Any:
    """The JSON of an answer; a refusal raises `DuroApiError`."""
    if status < _REFUSED:
        return json.loads(body)
    raise _refusal(status, body, headers)


def pause_s(attempt: int, status: int | None, headers: Mapping[str, str]) -> float | None:
    """Seconds to wait before the next try, or None when another try is of no use.

    `status` is None where no answer came; `attempt` counts from 0.
    """
    if status is not None and status not in _WORTH_ANOTHER_TRY:
        return None
    asked = headers.get("Retry-After", "")
    if asked.isdecimal():
        return min(float(asked), _LONGEST_PAUSE_S)
    # Spread, so that many clients that failed together do not come back together.
    return _FIRST_PAUSE_S * (1 << attempt) * random.uniform(0.75, 1.25)  # noqa: S311 - no secret


def _refusal(status: int, body: bytes, headers: Mapping[str, str]) -> DuroApiError:
    request_id = headers.get("Request-Id")
    try:
        error = json.loads(body)["error"]
        return DuroApiError(
            status=status,
            code=error["code"],
            message=error["message"],
            details=[Detail(each["path"], each["issue"]) for each in error.get("details", [])],
            request_id=error.get("requestId", request_id),
        )
    except (ValueError, KeyError, TypeError):
        # Somebody between us and Duro answered.
        text = body[:200].decode(errors="replace")
        return DuroApiError(status=status, code="unknown", message=text, request_id=request_id)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
