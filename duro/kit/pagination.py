"""Keyset pages: newest first by (created_at, id), with an opaque cursor that belongs to one list."""

import base64
import binascii
import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final, Generic, Protocol, TypeVar

import orjson
from pydantic import Field

from duro.errors import InvalidError
from duro.kit.modes import Mode
from duro.kit.schema import WHOLE_NUMBER, InstantIn, Out, Query, refuse

LIMIT_DEFAULT: Final = 20
LIMIT_MAX: Final = 100
_CURSOR_MAX: Final = 512
_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
# No row is older or newer, so a first page needs no statement of its own.
_BEGINNING: Final = datetime(1900, 1, 1, tzinfo=UTC)
_END: Final = datetime(9000, 1, 1, tzinfo=UTC)
_LAST_MICROSECOND: Final = (_END - _EPOCH) // _MICROSECOND


class Listed(Protocol):
    """What can stand in a list."""

    @property
    def id(self) -> str: ...
    @property
    def created_at(self) -> datetime: ...


T = TypeVar("T", bound=Listed)
O = TypeVar("O", bound=Out)  # noqa: E741 - the usual name of an output type


class ListQuery(Query):
    """What every list takes; its own filters are added in a subclass."""

    limit: Annotated[int, Field(ge=1, le=LIMIT_MAX), WHOLE_NUMBER] = LIMIT_DEFAULT
    cursor: Annotated[
        str, Field(description="`nextCursor` of the page before; empty: first page")
    ] = ""
    created_from: InstantIn | None = None
    created_to: Annotated[InstantIn | None, Field(description="Exclusive.")] = None


@dataclass(frozen=True, slots=True)
class Page(Generic[O]):
    """One page as it is shown."""

    items: Sequence[O]
    next_cursor: str | None
    has_more: bool


@dataclass(frozen=True, slots=True)
class Seek:
    """Where a page begins and ends.

    A statement asks `(created_at, id) < (before_at, before_id)`, `created_at >= since_at`, newest first, and for
    `fetch` rows: one more than the page holds, which says whether there is a next one.
    """

    owner: str
    limit: int
    before_at: datetime
    before_id: str
    since_at: datetime

    @property
    def fetch(self) -> int:
        return self.limit + 1

    def page(self, found: Sequence[T], present: Callable[[T], O]) -> Page[O]:
        """The page of what a statement found, each item shown by `present`."""
        shown = found[: self.limit]
        has_more = len(found) > self.limit
        cursor = _encode(self.owner, shown[-1]) if has_more else None
        return Page([present(item) for item in shown], cursor, has_more)


def seek(query: ListQuery, *, name: str, mode: Mode, tenant_id: str) -> Seek:
    """The place that `query` asks for; `name` is the list's own, so that cursors are not mixed up."""
    owner = _owner(name, mode, tenant_id)
    after = _decode(owner, query.cursor) if query.cursor else (_END, "")
    before_at, before_id = min(after, (query.created_to or _END, ""))
    return Seek(
        owner=owner,
        limit=query.limit,
        before_at=before_at,
        before_id=before_id,
        since_at=max(query.created_from or _BEGINNING, _BEGINNING),
    )


def _owner(name: str, mode: Mode, tenant_id: str) -> str:
    return hashlib.sha256(f"{name} {mode} {tenant_id}".encode()).hexdigest()[:16]


def _encode(owner: str, last: Listed) -> str:
    place = [owner, (last.created_at - _EPOCH) // _MICROSECOND, last.id]
    return base64.urlsafe_b64encode(orjson.dumps(place)).decode().rstrip("=")


def _decode(owner: str, cursor: str) -> tuple[datetime, str]:
    if len(cursor) > _CURSOR_MAX:
        raise _misused()
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        place = orjson.loads(raw)
    except (binascii.Error, ValueError):
        raise _misused() from None
    match place:
        case [str() as whose, int() as us, str() as last_id] if (
            whose == owner and abs(us) < _LAST_MICROSECOND and _ID.fullmatch(last_id)
        ):
            return _EPOCH + us * _MICROSECOND, last_id
        case _:
            raise _misused()


def _misused() -> InvalidError:
    return refuse("cursor", "Must be a `nextCursor` of this list, or empty.")
