"""`duro serve` as a process of its own, watched from outside: where it is reached and how much memory it holds."""

import asyncio
import base64
import os
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import orjson

from bench.ground import Ground

_READY_S: Final = 30.0
_STOP_S: Final = 30.0
_POLL_S: Final = 0.02
_SAMPLE_S: Final = 0.1
_KIB: Final = 1024
# Far above what one client can ask for: what is measured is the work, not the refusal.
UNLIMITED: Final = {
    f"DURO_LIMITS__{name}": "100000"
    for name in ("KEY_PER_S", "KEY_BURST", "IP_PER_S", "IP_BURST", "AUTH_PER_S", "AUTH_BURST")
}
MASTER_KEY: Final = base64.b64encode(b"\x07" * 32).decode()


@dataclass(slots=True)
class Memory:
    """Resident memory of a process over time, in MB of 1,000,000 bytes."""

    samples_mb: list[float] = field(default_factory=list)

    @property
    def start_mb(self) -> float:
        return self.samples_mb[0]

    @property
    def peak_mb(self) -> float:
        return max(self.samples_mb)

    @property
    def end_mb(self) -> float:
        return self.samples_mb[-1]


@dataclass(frozen=True, slots=True)
class Served:
    """A process that is ready."""

    pid: int
    ready: dict[str, Any]
    memory: Memory

    @property
    def public_url(self) -> str:
        return str(self.ready["public_url"])

    def cpu_s(self) -> float:
        return cpu_s(self.pid)


def cpu_s(pid: int) -> float:
    """Processor time a process has used so far, which other load on the machine hardly changes."""
    numbers = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(numbers[11]) + int(numbers[12])) / os.sysconf("SC_CLK_TCK")


@asynccontextmanager
async def serving(ground: Ground, *roles: str, **settings: str) -> AsyncIterator[Served]:
    """`duro serve` with these roles against the benchmark's engines, until the block ends.

    `settings` as the environment spells them: `DURO_LIMITS__KEY_PER_S="2000"`.
    """
    log_file = ground.folder / "serve.log"
    with log_file.open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "duro", "serve", *(f"--role={role}" for role in roles)),
            *("--public-port=0", "--core-port=0", "--health-port=0"),
            stdin=DEVNULL,
            stderr=log,
            env=_environment(ground) | settings,
        )
    memory = Memory()
    sampler: asyncio.Task[None] | None = None
    try:
        ready = await _ready(process, log_file)
        sampler = asyncio.create_task(_sample(process.pid, memory))
        yield Served(process.pid, ready, memory)
    finally:
        if sampler is not None:
            sampler.cancel()
            await asyncio.wait([sampler])
        await _stop(process)


def _environment(ground: Ground) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("DURO_")}
    return inherited | {
        "DURO_DATABASE_URL": ground.database_url,
        "DURO_REDIS_URL": ground.engines.redis_url,
        "DURO_SECURITY__MASTER_KEY": MASTER_KEY,
        "DURO_PUBLIC__HOST": "127.0.0.1",
        "DURO_LOG__FORMAT": "json",
    }


async def _ready(process: Process, log_file: Path) -> dict[str, Any]:
    async with asyncio.timeout(_READY_S):
        while process.returncode is None:
            for line in log_file.read_bytes().splitlines():
                if b'"event":"ready"' in line and line.endswith(b"}"):
                    found: dict[str, Any] = orjson.loads(line)
                    return found
            await asyncio.sleep(_POLL_S)
    raise RuntimeError(log_file.read_text()[-2000:])


async def _sample(pid: int, memory: Memory) -> None:
    while True:
        memory.samples_mb.append(_resident_mb(pid))
        await asyncio.sleep(_SAMPLE_S)


def _resident_mb(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * _KIB / 1e6
    raise ProcessLookupError(pid)


async def _stop(process: Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        async with asyncio.timeout(_STOP_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
