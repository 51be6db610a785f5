"""Owns a browser for the tests of pages: a headless Chromium, spoken to over its own debugging protocol."""

import asyncio
import json
import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, Final

import aiohttp

PROGRAM: Final = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)

_FLAGS: Final = (
    *("--headless=new", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    "--remote-debugging-port=0",
)
_PATIENCE_S: Final = 30


@dataclass(slots=True)
class Tab:
    """One page: what it asked for, what it complained of, and what it can be told."""

    socket: aiohttp.ClientWebSocketResponse
    asked: list[tuple[str, str]] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    _numbers: "count[int]" = field(default_factory=lambda: count(1))
    _waiting: dict[int, "asyncio.Future[dict[str, Any]]"] = field(default_factory=dict)

    async def open(self, url: str) -> None:
        await self.command("Page.navigate", url=url)
        await self.until("document.readyState === 'complete'")

    async def evaluate(self, script: str) -> Any:  # noqa: ANN401 - whatever the script gives
        found = await self.command("Runtime.evaluate", expression=script, returnByValue=True)
        return found["result"].get("value")

    async def until(self, script: str) -> None:
        """Waits until the script gives something true."""
        await _until(lambda: self.evaluate(f"!!({script})"), what=script)

    async def type(self, text: str) -> None:
        """Into what has the focus."""
        await self.command("Input.insertText", text=text)

    async def command(self, method: str, **parameters: object) -> dict[str, Any]:
        number = next(self._numbers)
        self._waiting[number] = asyncio.get_running_loop().create_future()
        await self.socket.send_json({"id": number, "method": method, "params": parameters})
        answer = await self._waiting[number]
        assert "error" not in answer, answer
        found: dict[str, Any] = answer.get("result", {})
        return found

    async def listen(self) -> None:
        async for message in self.socket:
            told = json.loads(message.data)
            if "id" in told:
                self._waiting.pop(told["id"]).set_result(told)
            else:
                self._note(told["method"], told["params"])

    def _note(self, method: str, told: dict[str, Any]) -> None:
        if method == "Network.requestWillBeSent":
            self.asked.append((told["request"]["method"], told["request"]["url"]))
        elif method == "Runtime.exceptionThrown":
            self.complaints.append(told["exceptionDetails"]["text"])
        elif method == "Runtime.consoleAPICalled" and told["type"] == "error":
            self.complaints.append(str(told["args"]))
        elif method == "Log.entryAdded" and told["entry"]["level"] == "error":
            self.complaints.append(told["entry"]["text"])


@asynccontextmanager
async def browsing(folder: Path) -> AsyncIterator[Tab]:
    """A browser that keeps its things in `folder`."""
    assert PROGRAM is not None
    # Chromium's own sandbox refuses to run as root, as tests in a container do.
    as_root = ("--no-sandbox",) if os.geteuid() == 0 else ()
    program = await asyncio.create_subprocess_exec(
        *(PROGRAM, *_FLAGS, *as_root, f"--user-data-dir={folder}", "about:blank"),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(await _address(session, folder), max_msg_size=0) as socket,
        ):
            tab = Tab(socket)
            listener = asyncio.create_task(tab.listen())
            for domain in ("Page", "Runtime", "Log", "Network"):
                await tab.command(f"{domain}.enable")
            yield tab
            listener.cancel()
    finally:
        program.terminate()
        await program.wait()


async def _address(session: aiohttp.ClientSession, folder: Path) -> str:
    """Of the first page; Chromium writes the port that it has found into a file."""
    written = folder / "DevToolsActivePort"

    async def find() -> str | None:
        if not written.exists() or not (lines := written.read_text("utf-8").splitlines()):
            return None
        async with session.get(f"http://127.0.0.1:{lines[0]}/json") as answer:
            pages = [each for each in await answer.json() if each["type"] == "page"]
        return str(pages[0]["webSocketDebuggerUrl"]) if pages else None

    return str(await _until(find, what="a page of the browser"))


async def _until(look: Callable[[], Awaitable[Any]], *, what: str) -> Any:  # noqa: ANN401 - as found
    try:
        async with asyncio.timeout(_PATIENCE_S):
            while not (found := await look()):
                await asyncio.sleep(0.1)
            return found
    except TimeoutError:
        raise AssertionError(f"waited {_PATIENCE_S} s in vain for: {what}") from None
