"""Follows a merchant's new events through the API and posts each, signed, to an address of this machine."""

import asyncio
import base64
import hashlib
import hmac
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

import aiohttp
import orjson

from duro.errors import UnauthorizedError
from duro.kit.clock import Clock
from duro.kit.json import dumps, instant
from duro.modules.webhooks.signing import signed_headers
from duro.runtime.console import Answer

_SECRET: Final = b"duro listen"
_EVENTS: Final = "/v1/events"
_PAGE: Final = "100"
_EVERY_S: Final = 0.5
_RETRY_MAX_S: Final = 10.0
# An event is dated at the beginning of its transaction, and seen at its end.
_OVERLAP: Final = timedelta(seconds=60)
_TIMEOUT: Final = aiohttp.ClientTimeout(total=15)
_KEPT_BYTES: Final = 2048
_OK: Final = 200
_REFUSED: Final = frozenset({400, 401, 403, 404})

Event = Mapping[str, Any]


class Api(Protocol):
    """The merchant API, as one tenant in one mode."""

    async def send(
        self, method: str, path: str, *, query: Mapping[str, str], body: object
    ) -> Answer: ...


@dataclass(frozen=True, slots=True)
class RemoteApi:
    """The API of an installation elsewhere; the session carries the key."""

    session: aiohttp.ClientSession
    base: str

    async def send(
        self, method: str, path: str, *, query: Mapping[str, str], body: object
    ) -> Answer:
        data = None if body is None else dumps(body)
        url = f"{self.base.rstrip('/')}{path}"
        async with self.session.request(
            method, url, params=query, data=data, allow_redirects=False
        ) as response:
            return Answer(response.status, await response.read())


class NotAnsweredError(Exception):
    """The API gave no page of events now; it may in a moment."""


@dataclass(frozen=True, slots=True)
class Forwarded:
    """What became of one event: the status that the local address answered, or why there is none."""

    id: str
    type: str
    status: int | None
    error: str | None = None


@dataclass(slots=True)
class Follower:
    """Knows which events it has seen. `created_at` of the newest may go back: a reset of the test clock does that."""

    api: Api
    _seen: dict[str, datetime] = field(default_factory=dict)
    _newest_at: datetime | None = None

    async def start(self) -> None:
        """From here on: what there is already is not told."""
        first = await self._page({"limit": "1"})
        if first["items"]:
            self._newest_at = _created_at(first["items"][0])
            await self.poll()

    async def poll(self) -> list[Event]:
        """What is new since the last call, oldest first. Raises `NotAnsweredError`."""
        found = await self._since(self._newest_at)
        if not found and self._newest_at is not None:
            # Even the event that was the newest is gone.
            found = await self._since(None)
        fresh = [event for event in reversed(found) if event["id"] not in self._seen]
        self._newest_at = _created_at(found[0]) if found else None
        self._seen = {event["id"]: _created_at(event) for event in found}
        return fresh

    async def _since(self, newest_at: datetime | None) -> list[Event]:
        """Newest first."""
        query = {"limit": _PAGE}
        if newest_at is not None:
            query["createdFrom"] = instant(newest_at - _OVERLAP)
        found: list[Event] = []
        while True:
            page = await self._page(query)
            found += page["items"]
            if not page["hasMore"]:
                return found
            query["cursor"] = page["nextCursor"]

    async def _page(self, query: Mapping[str, str]) -> dict[str, Any]:
        try:
            answer = await self.api.send("GET", _EVENTS, query=query, body=None)
        except (aiohttp.ClientError, OSError) as error:
            raise NotAnsweredError(str(error) or type(error).__name__) from error
        if answer.status in _REFUSED:
            raise UnauthorizedError(f"The API refuses the key: HTTP {answer.status}.")
        if answer.status != _OK:
            raise NotAnsweredError(f"HTTP {answer.status}")
        page: dict[str, Any] = orjson.loads(answer.body)
        return page


def listening_secret(key: bytes, whose: str) -> str:
    """The same at every start, so that a receiver needs it once; `key` is what only the caller has."""
    digest = hmac.digest(key, _SECRET + b" " + whose.encode(), hashlib.sha256)
    return "whsec_" + base64.b64encode(digest).decode()


async def follow(
    api: Api, *, say: Callable[[str], None], ready: Callable[[], None]
) -> AsyncIterator[Event]:
    """New events as they happen, without an end; while the API is away it says so and tries again."""
    follower = Follower(api)
    wait_s, is_started = _EVERY_S, False
    while True:
        fresh: list[Event] = []
        try:
            if is_started:
                fresh = await follower.poll()
            else:
                await follower.start()
                is_started = True
                ready()
        except NotAnsweredError as error:
            wait_s = min(wait_s * 2, _RETRY_MAX_S)
            say(f"The API does not answer ({error}); trying again in {wait_s:.0f} s.")
        else:
            wait_s = _EVERY_S
        for event in fresh:
            yield event
        await asyncio.sleep(wait_s)


async def forward(
    session: aiohttp.ClientSession, url: str, event: Event, *, secret: str, clock: Clock
) -> Forwarded:
    """Post one event as a delivery would come; a failure is told and not tried again."""
    body = dumps({name: event[name] for name in ("id", "type", "createdAt", "data")})
    event_id, kind = str(event["id"]), str(event["type"])
    headers = signed_headers(
        body, event_id=event_id, event_type=kind, secret_texts=[secret], wall=clock.wall()
    )
    try:
        async with session.post(
            url, data=body, headers=headers, timeout=_TIMEOUT, allow_redirects=False
        ) as response:
            await response.content.read(_KEPT_BYTES)
            return Forwarded(event_id, kind, response.status)
    except TimeoutError:
        return Forwarded(event_id, kind, None, f"no answer within {_TIMEOUT.total:.0f} s")
    except (aiohttp.ClientError, OSError) as error:
        return Forwarded(event_id, kind, None, str(error) or type(error).__name__)


def _created_at(event: Event) -> datetime:
    return datetime.fromisoformat(event["createdAt"])
