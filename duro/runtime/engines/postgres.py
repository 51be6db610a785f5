"""Owns the private PostgreSQL server: starting it, its first role and database, stopping it."""

import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

from duro.runtime.engines.cluster import SUPERUSER, ensure_cluster
from duro.runtime.engines.datadir import DataDir
from duro.runtime.engines.errors import EngineError, engine_failed
from duro.runtime.engines.processes import (
    EngineProcess,
    Privileges,
    find_survivors,
    run_to_end,
    wait_until,
)

OWNER: Final = "duro_owner"
DATABASE: Final = "duro"
# Crash recovery replays at most `max_wal_size` of log; on a slow disk that takes minutes.
_START_PATIENCE_S: Final = 300.0
# The last children of a killed server let go of its shared memory within moments.
_SHARED_MEMORY_PATIENCE_S: Final = 10.0
# Fast shutdown, then immediate (recovers at the next start), then what nothing can ignore.
STOP_STEPS: Final = ((signal.SIGINT, 10.0), (signal.SIGQUIT, 4.0), (signal.SIGKILL, 2.0))
_SETTINGS: Final = {
    "listen_addresses": "",
    "port": "5432",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "max_wal_size": "2GB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "warning",
    "log_checkpoints": "off",
    "logging_collector": "off",
}
_THROW_AWAY_SETTINGS: Final = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    # A vacuum at work would keep its database from being dropped.
    "autovacuum": "off",
}
# psql fills in the :'variables'. Every line may run again after a crash between them.
_PROVISION: Final = """\
SELECT format('CREATE ROLE %I LOGIN NOSUPERUSER CREATEROLE CREATEDB', :'owner')
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'owner') \\gexec
SELECT format('ALTER ROLE %I PASSWORD %L', :'owner', :'password') \\gexec
SELECT format('CREATE DATABASE %I OWNER %I', :'database', :'owner')
 WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'database') \\gexec
"""


@dataclass(frozen=True, slots=True)
class PostgresPlan:
    """Everything that is decided before PostgreSQL starts."""

    data: DataDir
    bin_folder: Path
    psql: Path
    privileges: Privileges
    sockets: Path
    is_durable: bool


class Postgres:
    def __init__(self, plan: PostgresPlan) -> None:
        self._plan = plan
        self.process: EngineProcess | None = None

    @property
    def url(self) -> str:
        host = quote(str(self._plan.sockets), safe="/")
        password = self._plan.data.secrets().owner
        return f"postgresql://{OWNER}:{password}@/{DATABASE}?host={host}"

    async def start(self) -> None:
        """Make the cluster when there is none, start the server, make the owner's database."""
        plan = self._plan
        await ensure_cluster(
            data=plan.data,
            bin_folder=plan.bin_folder,
            privileges=plan.privileges,
            is_durable=plan.is_durable,
        )
        await self._start_server()
        if not plan.data.record.is_provisioned:
            await self._provision()
            plan.data.update(is_provisioned=True)

    async def stop(self) -> None:
        if self.process is not None:
            await self.process.stop(STOP_STEPS)

    async def _start_server(self) -> None:
        deadline = time.monotonic() + _SHARED_MEMORY_PATIENCE_S
        while True:
            process = self._launch()
            if await self._is_ready(process):
                return
            said = process.said()
            if "pre-existing shared memory block" in said and time.monotonic() < deadline:
                continue
            raise engine_failed(
                engine="PostgreSQL",
                said=said,
                data_dir=self._plan.data.path,
                log_file=process.log_file,
            )

    def _launch(self) -> EngineProcess:
        plan = self._plan
        self._drop_misleading_pid_file()
        settings = _SETTINGS | {"unix_socket_directories": str(plan.sockets)}
        if not plan.is_durable:
            settings |= _THROW_AWAY_SETTINGS
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        self.process = EngineProcess.start(
            [plan.bin_folder / "postgres", "-D", plan.data.cluster, *options],
            privileges=plan.privileges,
            log_file=plan.data.log / "postgres.log",
            die_signal=None if plan.is_durable else signal.SIGQUIT,
        )
        return self.process

    def _drop_misleading_pid_file(self) -> None:
        """Remove the pid file of a dead server when its number is another process's by now.

        PostgreSQL would take that process for a server and refuse. In every other case the file
        stays: PostgreSQL finds the children of a killed server through it.
        """
        file = self._plan.data.cluster / "postmaster.pid"
        if not file.exists():
            return
        number = file.read_text().split("\n", 1)[0]
        is_taken = Path("/proc", number).exists() if number.isdigit() else False
        if is_taken and int(number) not in find_survivors(self._plan.data.cluster):
            file.unlink()

    async def _is_ready(self, process: EngineProcess) -> bool:
        """Wait until the server takes connections; false when it ended instead."""
        await wait_until(
            lambda: self._says_ready(process) or not process.is_alive(),
            patience_s=_START_PATIENCE_S,
        )
        return process.is_alive() and self._says_ready(process)

    def _says_ready(self, process: EngineProcess) -> bool:
        # The same file that pg_ctl reads: the first line is the process, the eighth its state.
        try:
            lines = (self._plan.data.cluster / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return lines[:1] == [str(process.pid)] and lines[7:8] == ["ready   "]

    async def _provision(self) -> None:
        secrets = self._plan.data.secrets()
        code, said = await run_to_end(
            [self._plan.psql, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", "postgres"],
            text_in=(
                f"\\set owner '{OWNER}'\n\\set database '{DATABASE}'\n"
                f"\\set password '{secrets.owner}'\n{_PROVISION}"
            ),
            extra_env={
                "PGHOST": str(self._plan.sockets),
                "PGUSER": SUPERUSER,
                "PGPASSWORD": secrets.superuser,
            },
        )
        if code != 0:
            raise EngineError(
                f"The database of Duro could not be made: {said.strip()}. Start again; if it "
                "stays, start anew with --reset."
            )
