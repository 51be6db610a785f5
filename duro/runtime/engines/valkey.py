"""Owns the private Redis-compatible server: its configuration, starting and stopping it."""

import asyncio
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

from duro.runtime.engines.datadir import DataDir, write_private
from duro.runtime.engines.errors import engine_failed
from duro.runtime.engines.processes import POLL_S, EngineProcess, Privileges

_START_PATIENCE_S: Final = 60.0
STOP_STEPS: Final = ((signal.SIGTERM, 8.0), (signal.SIGKILL, 2.0))


def config_file(data: DataDir) -> Path:
    return data.path / "redis.conf"


@dataclass(frozen=True, slots=True)
class ValkeyPlan:
    """Everything that is decided before the server starts."""

    data: DataDir
    program: Path
    privileges: Privileges
    sockets: Path
    is_durable: bool


class Valkey:
    def __init__(self, plan: ValkeyPlan) -> None:
        self._plan = plan
        self._socket = plan.sockets / "redis.sock"
        self.process: EngineProcess | None = None

    @property
    def url(self) -> str:
        password = self._plan.data.secrets().redis
        return f"unix://{quote(str(self._socket), safe='/')}?password={password}"

    async def start(self) -> None:
        plan = self._plan
        (plan.data.path / "redis").mkdir(mode=0o700, exist_ok=True)
        # A file of mode 0600: the command line is everybody's to read.
        write_private(config_file(plan.data), self._config())
        process = self.process = EngineProcess.start(
            [plan.program, config_file(plan.data)],
            privileges=plan.privileges,
            log_file=plan.data.log / "redis.log",
            die_signal=None if plan.is_durable else signal.SIGKILL,
        )
        try:
            async with asyncio.timeout(_START_PATIENCE_S):
                while process.is_alive():
                    if await self._answers():
                        return
                    await asyncio.sleep(POLL_S)
        except TimeoutError:
            pass
        raise engine_failed(
            engine="The Redis-compatible server",
            said=process.said(),
            data_dir=plan.data.path,
            log_file=process.log_file,
        )

    async def stop(self) -> None:
        if self.process is not None:
            await self.process.stop(STOP_STEPS)

    async def _answers(self) -> bool:
        try:
            reader, writer = await asyncio.open_unix_connection(str(self._socket))
        except OSError:
            return False
        try:
            writer.write(f"AUTH {self._plan.data.secrets().redis}\r\nPING\r\n".encode())
            # While it loads its file it refuses the PING, so both lines are asked for.
            return await reader.readline() == b"+OK\r\n" and await reader.readline() == b"+PONG\r\n"
        except OSError:
            return False
        finally:
            writer.close()

    def _config(self) -> str:
        lines = {
            "port": "0",
            "unixsocket": _quoted(self._socket),
            "unixsocketperm": "700",
            "requirepass": self._plan.data.secrets().redis,
            "dir": _quoted(self._plan.data.path / "redis"),
            "appendonly": "yes",
            "appendfsync": "everysec" if self._plan.is_durable else "no",
            "save": '""',
            "daemonize": "no",
            "loglevel": "warning",
            "maxmemory-policy": "noeviction",
            # Survivors are recognised by the configuration file on their command line.
            "set-proc-title": "no",
        }
        return "".join(f"{name} {value}\n" for name, value in lines.items())


def _quoted(path: Path) -> str:
    escaped = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
