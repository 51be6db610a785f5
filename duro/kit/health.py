"""The health port of every role: is the process alive, can it work, and its figures."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from aiohttp import web

from duro.errors import DuroError
from duro.kit import metrics

Probe: TypeAlias = Callable[[], Awaitable[None]]

_PATIENCE_S: Final = 3.0


class NotReadyError(Exception):
    """A probe's finding; the message is shown on the health port."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing the process needs; without a needed one it is not ready, else only degraded."""

    name: str
    probe: Probe
    is_needed: bool = True


def build_health_app(
    *, checks: Sequence[Check], refresh: Callable[[], Awaitable[None]]
) -> web.Application:
    """`refresh` brings the gauges up to date before the figures are read."""

    async def healthz(_request: web.Request) -> web.Response:
        return web.json_response({"status": "alive"})

    async def readyz(_request: web.Request) -> web.Response:
        found = await asyncio.gather(*(_probe(check) for check in checks))
        troubles = [check for check, said in zip(checks, found, strict=True) if said != "ok"]
        is_ready = not any(check.is_needed for check in troubles)
        status = "ready" if not troubles else "degraded" if is_ready else "not_ready"
        names = [check.name for check in checks]
        return web.json_response(
            {"status": status, "checks": dict(zip(names, found, strict=True))},
            status=200 if is_ready else 503,
        )

    async def figures(_request: web.Request) -> web.Response:
        await refresh()
        return web.Response(body=metrics.render(), headers={"Content-Type": metrics.CONTENT_TYPE})

    app = web.Application()
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/metrics", figures)
    return app


async def _probe(check: Check) -> str:
    try:
        async with asyncio.timeout(_PATIENCE_S):
            await check.probe()
    except TimeoutError:
        return f"no answer within {_PATIENCE_S:.0f} s"
    except (NotReadyError, DuroError) as error:
        return str(error)
    except Exception as error:  # noqa: BLE001 - a probe reports what it meets, it does not fail the port
        return f"failed: {type(error).__name__}"
    return "ok"
