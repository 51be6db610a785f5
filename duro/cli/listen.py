"""`duro listen`: a merchant's test events on a local address, without a public one."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final
from urllib.parse import urlsplit

import typer

from duro.cli.frame import AsJson, DataDir, Exit, TenantOption, finish, run, say
from duro.kit.modes import Mode

if TYPE_CHECKING:
    from duro.runtime.listening import Api, Forwarded

_KEY: Final = "DURO_API_KEY"
_ForwardTo = Annotated[
    str, typer.Option("--forward-to", help="Where to post them, for example localhost:4000/hooks.")
]
_ApiUrl = Annotated[
    str | None,
    typer.Option(
        help=f"Of an installation elsewhere, with a test key in {_KEY}.", show_default=False
    ),
]
_Events = Annotated[
    str | None,
    typer.Option(help="Event types, with commas between; default: all.", show_default=False),
]


def listen(
    forward_to: _ForwardTo,
    events: _Events = None,
    api_url: _ApiUrl = None,
    tenant: TenantOption = None,
    *,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Follow new test events and post them, signed, to a local address, until Ctrl-C."""
    from duro.modules.events.model import EventType

    target = _address(forward_to)
    types = {name.strip() for name in (events or "").split(",") if name.strip()}
    if unknown := sorted(types - frozenset(EventType)):
        raise finish(Exit.USAGE, f"There is no event {', '.join(unknown)}.")
    if api_url is not None and not os.environ.get(_KEY, "").startswith("sk_test_"):
        raise finish(Exit.USAGE, f"--api-url needs a test key (sk_test_…) in {_KEY}.")

    async def main() -> None:
        async with _opened(api_url, data_dir, tenant) as (api, secret):
            await _forward_all(api, target, secret, types, as_json=as_json)

    run(main)


async def _forward_all(
    api: "Api", target: str, secret: str, types: set[str], *, as_json: bool
) -> None:
    import aiohttp

    from duro.kit.clock import SystemClock
    from duro.runtime.listening import follow, forward

    clock = SystemClock()

    def ready() -> None:
        if as_json:
            typer.echo(json.dumps({"forwardTo": target, "secret": secret}))
        else:
            typer.echo(f"Signing secret: {secret}")
            say(f"Ready: new test events go to {target}. Ctrl-C ends it.")

    async def forward_each() -> None:
        async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
            async for event in follow(api, say=say, ready=ready):
                if not types or event["type"] in types:
                    _show(
                        await forward(session, target, event, secret=secret, clock=clock),
                        as_json=as_json,
                    )

    await _until_stopped(forward_each)


async def _until_stopped(work: Callable[[], Coroutine[None, None, None]]) -> None:
    """Until Ctrl-C or SIGTERM, which is how it is meant to end, or until it fails."""
    loop = asyncio.get_running_loop()
    working = asyncio.ensure_future(work())
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, working.cancel)
    await asyncio.wait({working})
    if not working.cancelled():
        working.result()


@asynccontextmanager
async def _opened(
    api_url: str | None, data_dir: Path | None, tenant: str | None
) -> AsyncIterator[tuple["Api", str]]:
    """The API, and the secret that what is forwarded is signed with."""
    import aiohttp

    from duro.runtime.console import console
    from duro.runtime.listening import RemoteApi, listening_secret
    from duro.runtime.target import find_settings, opened

    if api_url is not None:
        key = os.environ[_KEY]
        headers = {"Authorization": f"Bearer {key}"}
        timeout = aiohttp.ClientTimeout(total=30)
        async with aiohttp.ClientSession(headers=headers, timeout=timeout) as session:
            yield RemoteApi(session, api_url), listening_secret(key.encode(), "key")
        return
    sealed = find_settings(data_dir).security.master_key
    async with opened(data_dir) as target:
        owner = await target.choose_tenant(tenant)
        master_key = b"" if sealed is None else sealed.get_secret_value().encode()
        async with console(target, owner, Mode.TEST) as desk:
            yield desk, listening_secret(master_key, owner.id)


def _address(text: str) -> str:
    """`4000/hooks` and `localhost:4000/hooks` are short for what they look like."""
    if text.partition("/")[0].isdecimal():
        text = f"localhost:{text}"
    url = text if "://" in text else f"http://{text}"
    try:
        parts = urlsplit(url)
        is_address = parts.scheme in {"http", "https"} and bool(parts.hostname)
        _ = parts.port
    except ValueError:
        is_address = False
    if not is_address:
        raise finish(Exit.USAGE, f"{text} is no address to post to.")
    return url


def _show(forwarded: "Forwarded", *, as_json: bool) -> None:
    result = forwarded.error if forwarded.status is None else str(forwarded.status)
    if as_json:
        row = {
            "id": forwarded.id,
            "type": forwarded.type,
            "status": forwarded.status,
            "error": forwarded.error,
        }
        typer.echo(json.dumps(row))
    else:
        typer.echo(f"{forwarded.id}  {forwarded.type}  {result}")
