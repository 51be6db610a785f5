"""Owns `duro` as a process of its own, for tests of starting, stopping and being killed."""

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

MASTER_KEY: Final = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
_READY_S: Final = 30.0
_END_S: Final = 40.0
_ROOT: Final = Path(__file__).parents[2]


def environment(**changes: str) -> dict[str, str]:
    """Without settings of the machine that the tests run on."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("DURO_")}
    return kept | {"PYTHONPATH": str(_ROOT), "PYTHONUNBUFFERED": "1"} | changes


def serving(database_url: str, redis_url: str, **changes: str) -> dict[str, str]:
    """What `duro serve` needs to run beside others."""
    return environment(
        DURO_DATABASE_URL=database_url,
        DURO_REDIS_URL=redis_url,
        DURO_SECURITY__MASTER_KEY=MASTER_KEY,
        DURO_PUBLIC__HOST="127.0.0.1",
        DURO_PUBLIC__PORT="0",
        DURO_CORE__PORT="0",
        DURO_HEALTH__PORT="0",
        DURO_WEBHOOKS__ALLOW_LOOPBACK="true",
        DURO_LOG__FORMAT="json",
        **changes,
    )


@dataclass
class Duro:
    """A running `duro` command and what it says."""

    process: Process
    said: list[str] = field(default_factory=list)
    printed: list[str] = field(default_factory=list)
    is_ready: asyncio.Event = field(default_factory=asyncio.Event)
    ready: dict[str, Any] = field(default_factory=dict)

    async def listen(self) -> None:
        """Until the command has closed both of its streams."""
        await asyncio.gather(self._listen_to_output(), self._listen_to_errors())

    async def _listen_to_output(self) -> None:
        assert self.process.stdout is not None
        async for raw in self.process.stdout:
            self.printed.append(raw.decode())

    async def _listen_to_errors(self) -> None:
        assert self.process.stderr is not None
        async for raw in self.process.stderr:
            line = raw.decode()
            self.said.append(line)
            if '"event":"ready"' in line:
                self.ready = json.loads(line)
                self.is_ready.set()

    def events(self, name: str) -> list[dict[str, Any]]:
        """The logged events of that name."""
        lines = [json.loads(line) for line in self.said if line.startswith("{")]
        return [line for line in lines if line["event"] == name]

    async def end(self) -> int:
        async with asyncio.timeout(_END_S):
            return await self.process.wait()


@asynccontextmanager
async def duro(*words: str, env: dict[str, str]) -> AsyncIterator[Duro]:
    """Starts the command and reads what it says; kills it if it is still there at the end."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "duro", *words, env=env, stdout=PIPE, stderr=PIPE
    )
    command = Duro(process)
    reader = asyncio.create_task(command.listen())
    try:
        yield command
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        await reader


@asynccontextmanager
async def served(*roles: str, env: dict[str, str]) -> AsyncIterator[Duro]:
    """`duro serve`, ready."""
    words = [f"--role={role}" for role in roles]
    async with duro("serve", *words, env=env) as command:
        ready = asyncio.create_task(command.is_ready.wait())
        ended = asyncio.create_task(command.process.wait())
        await asyncio.wait({ready, ended}, timeout=_READY_S, return_when=asyncio.FIRST_COMPLETED)
        ready.cancel()
        ended.cancel()
        assert command.is_ready.is_set(), "".join(command.said)
        yield command
