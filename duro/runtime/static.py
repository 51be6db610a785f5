"""The files of `templates/static`: each address carries the file's digest, so it can be kept for ever."""

import asyncio
import gzip
import hashlib
from dataclasses import dataclass
from functools import cache
from typing import Final

from aiohttp import web

from duro.kit.share import share

_TYPES: Final = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_FOR_EVER: Final = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class _File:
    body: bytes
    digest: str
    content_type: str


def add_static(app: web.Application) -> None:
    app.router.add_get("/static/{digest}/{name:.+}", _show)


def static_url(name: str) -> str:
    """The address of the file as it is now."""
    return f"/static/{_read(name).digest}/{name}"


async def _show(request: web.Request) -> web.StreamResponse:
    name = request.match_info["name"]
    if name not in _names():
        raise web.HTTPNotFound
    file = _read(name)
    # A page of another version, while processes are being replaced: better this file than none, but not for ever.
    is_same = request.match_info["digest"] == file.digest
    headers = {
        "Cache-Control": _FOR_EVER if is_same else "no-cache",
        "Vary": "Accept-Encoding",
        "X-Content-Type-Options": "nosniff",
    }
    body = file.body
    if "gzip" in request.headers.get("Accept-Encoding", ""):
        headers["Content-Encoding"] = "gzip"
        # The largest takes a tenth of a second, once.
        body = await asyncio.to_thread(_zipped, name)
    return web.Response(body=body, content_type=file.content_type, charset="utf-8", headers=headers)


@cache
def _names() -> frozenset[str]:
    """What may be asked for; a name is never put together with a path before it is known."""
    folder = share("templates") / "static"
    return frozenset(
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.suffix in _TYPES
    )


@cache
def _read(name: str) -> _File:
    path = share("templates") / "static" / name
    body = path.read_bytes()
    digest = hashlib.sha256(body).hexdigest()[:16]
    return _File(body, digest, _TYPES[path.suffix])


@cache
def _zipped(name: str) -> bytes:
    return gzip.compress(_read(name).body, mtime=0)
