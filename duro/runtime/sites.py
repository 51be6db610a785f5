"""Listening sockets and the web servers on them."""

import errno
import socket
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from duro.runtime.errors import StartError

_BACKLOG: Final = 1024
# A stop may take 25 s in all; requests under way get most of it.
_LAST_REQUESTS_S: Final = 20.0


@dataclass(frozen=True, slots=True)
class Listener:
    """A bound socket that nobody is served on yet; binding first tells the port before the app is built."""

    socket: socket.socket

    @property
    def port(self) -> int:
        found: int = self.socket.getsockname()[1]
        return found

    @property
    def url(self) -> str:
        host, port = self.socket.getsockname()[:2]
        shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "::1": "[::1]"}.get(host, host)  # noqa: S104 - shown, not bound
        return f"http://{shown}:{port}"


def listen(host: str, port: int, *, key: str) -> Listener:
    """Binds; `key` is the setting to name when the port cannot be had."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        bound = socket.socket(family, kind, protocol)
    except OSError as error:
        raise StartError(f"{_option(key, 'host')} {host!r} is no address here: {error}") from error
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
        bound.listen(_BACKLOG)
    except OSError as error:
        bound.close()
        raise StartError(_why(error, host, port, key)) from error
    bound.setblocking(False)  # noqa: FBT003 - the socket API has no keyword here
    return Listener(bound)


async def serve_on(listener: Listener, app: web.Application) -> web.AppRunner:
    """Serves until the runner's `cleanup()`."""
    runner = web.AppRunner(
        app,
        handle_signals=False,
        access_log=None,
        shutdown_timeout=_LAST_REQUESTS_S,
        # Nobody takes a compressed body; unpacked while the rest of a refused one is passed over, a broken one would
        # cut the connection under the answer.
        auto_decompress=False,
    )
    await runner.setup()
    await web.SockSite(runner, listener.socket, backlog=_BACKLOG).start()
    return runner


def _why(error: OSError, host: str, port: int, key: str) -> str:
    choose = (
        f"choose another with --{key}-port, {_variable(key)}, or `port` in `[{key}]` of duro.toml"
    )
    match error.errno:
        case errno.EADDRINUSE:
            return f"Port {port} ({key}) is taken by another program: stop it, or {choose}."
        case errno.EACCES:
            return f"Port {port} ({key}) needs more rights than this user has: {choose}."
        case _:
            return f"{host}:{port} ({key}) cannot be listened on: {error.strerror}."


def _variable(key: str) -> str:
    return f"DURO_{key.upper()}__PORT"


def _option(key: str, name: str) -> str:
    return f"{key}.{name}"
