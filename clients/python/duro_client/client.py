"""The two clients: they send what the generated methods ask for, and try again where that is safe."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from types import TracebackType
from typing import Any, ParamSpec, Self

import httpx
from typing_extensions import override

from duro_client import wire
from duro_client.errors import DuroConnectionError
from duro_client.operations import AsyncOperations, Operations

_BASE_URL = "http://127.0.0.1:8080"
_TIMEOUT_S = 60.0
P = ParamSpec("P")


class Duro(Operations):
    """A blocking client; safe to share between threads."""

    def __init__(
        self,
        api_key: str,
        *,
        base_url: str = _BASE_URL,
        timeout_s: float = _TIMEOUT_S,
        retries_max: int = 2,
    ) -> None:
        self._retries_max = retries_max
        self._http = httpx.Client(
            base_url=base_url,
            timeout=timeout_s,
            headers={"Authorization": f"Bearer {api_key}"},
            follow_redirects=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def each(self, list_page: Callable[P, Any], *args: P.args, **kwargs: P.kwargs) -> Iterator[Any]:
        """Every item of a list, page by page: `duro.each(duro.list_plans, active=True)`."""
        asked: dict[str, Any] = dict(kwargs)
        while True:
            page = list_page(*args, **asked)
            yield from page["items"]
            if page["nextCursor"] is None:
                return
            asked["cursor"] = page["nextCursor"]

    @override
    def _send(self, request: wire.Request) -> Any:
        attempt = 0
        while True:
            status, body, headers = self._try(request, attempt)
            wait_s = wire.pause_s(attempt, status, headers)
            if status is not None and (wait_s is None or attempt >= self._retries_max):
                return wire.answer(status, body, headers)
            time.sleep(wait_s or 0.0)
            attempt += 1

    def _try(self, request: wire.Request, attempt: int) -> tuple[int | None, bytes, httpx.Headers]:
        try:
            response = self._http.request(
                request.method,
                request.path,
                params=request.query,
                content=request.body,
                headers=request.headers,
            )
        except httpx.TransportError as error:
            if attempt >= self._retries_max:
                raise DuroConnectionError(str(error) or type(error).__name__) from error
            return None, b"", httpx.Headers()
        return response.status_code, response.content, response.headers


class AsyncDuro(AsyncOperations):
    """The same for asyncio."""

    def __init__(
        self,
        api_key: str,
        *,
        base_url: str = _BASE_URL,
        timeout_s: float = _TIMEOUT_S,
        retries_max: int = 2,
    ) -> None:
        self._retries_max = retries_max
        self._http = httpx.AsyncClient(
            base_url=base_url,
            timeout=timeout_s,
            headers={"Authorization": f"Bearer {api_key}"},
            follow_redirects=False,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        await self._http.aclose()

    async def each(
        self, list_page: Callable[P, Awaitable[Any]], *args: P.args, **kwargs: P.kwargs
    ) -> AsyncIterator[Any]:
        """Every item of a list, page by page."""
        asked: dict[str, Any] = dict(kwargs)
        while True:
            page = await list_page(*args, **asked)
            for item in page["items"]:
                yield item
            if page["nextCursor"] is None:
                return
            asked["cursor"] = page["nextCursor"]

    @override
    async def _send(self, request: wire.Request) -> Any:
        attempt = 0
        while True:
            status, body, headers = await self._try(request, attempt)
            wait_s = wire.pause_s(attempt, status, headers)
            if status is not None and (wait_s is None or attempt >= self._retries_max):
                return wire.answer(status, body, headers)
            await asyncio.sleep(wait_s or 0.0)
            attempt += 1

    async def _try(
        self, request: wire.Request, attempt: int
    ) -> tuple[int | None, bytes, httpx.Headers]:
        try:
            response = await self._http.request(
                request.method,
                request.path,
                params=request.query,
                content=request.body,
                headers=request.headers,
            )
        except httpx.TransportError as error:
            if attempt >= self._retries_max:
                raise DuroConnectionError(str(error) or type(error).__name__) from error
            return None, b"", httpx.Headers()
        return response.status_code, response.content, response.headers
