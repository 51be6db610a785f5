"""Owns the processes of the engines: starting, watching, stopping, and finding survivors."""

import asyncio
import math
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

POLL_S: Final = 0.02
IS_LINUX: Final = os.uname().sysname == "Linux"
_LAUNCHER: Final = Path(__file__).with_name("launch.py")
_ENGINE_NAMES: Final = frozenset({"postgres", "initdb", "valkey-server", "redis-server"})
_LOG_MAX_BYTES: Final = 8 * 1024 * 1024
_TAIL_BYTES: Final = 8 * 1024


@dataclass(frozen=True, slots=True)
class Privileges:
    """As whom an engine runs: as we do, in a user namespace, or as another user."""

    switch: str | None = None
    """`--userns` or `--user`, an option of the launcher."""
    uid: int = 0
    gid: int = 0

    def options(self) -> list[str]:
        return [self.switch, f"{self.uid}:{self.gid}"] if self.switch else []


AS_WE_ARE: Final = Privileges()


def spawn(
    program: Sequence[str | Path],
    *,
    privileges: Privileges,
    output: int,
    stdin: int = subprocess.DEVNULL,
    extra_env: Mapping[str, str] | None = None,
    die_signal: signal.Signals | None = None,
) -> subprocess.Popen[bytes]:
    """Start a program in a process session of its own, so that Ctrl-C does not reach it."""
    # Only Linux can tie a child's life to its parent's.
    tie = ["--die-with", f"{os.getpid()}:{int(die_signal)}"] if die_signal and IS_LINUX else []
    launcher: list[str | Path] = [sys.executable, "-I", "-S", _LAUNCHER]
    return subprocess.Popen(  # noqa: S603 - our own launcher and binaries that find_binaries chose
        [*launcher, *privileges.options(), *tie, "--", *program],
        stdin=stdin,
        stdout=output,
        stderr=output,
        env=_environment() | dict(extra_env or {}),
        # A directory that every user may be in: the engine may not enter the current one.
        cwd="/",
        start_new_session=True,
    )


def _environment() -> dict[str, str]:
    # Not settings: only what programs need to be found and loaded. PGHOST, PGDATA and their
    # kind must not reach the engines, nor any secret of the person who starts them.
    kept = ("PATH", "HOME", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
    return {name: os.environ[name] for name in kept if name in os.environ} | {"LC_ALL": "C"}


async def run_to_end(
    program: Sequence[str | Path],
    *,
    privileges: Privileges = AS_WE_ARE,
    text_in: str = "",
    extra_env: Mapping[str, str] | None = None,
) -> tuple[int, str]:
    """Exit code and everything the program said; it dies with us when we are cancelled."""
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as told:
        told.write(text_in.encode())
        told.seek(0)
        process = spawn(
            program,
            privileges=privileges,
            output=said.fileno(),
            stdin=told.fileno(),
            extra_env=extra_env,
        )
        try:
            await wait_until(lambda: process.poll() is not None, patience_s=math.inf)
        finally:
            process.kill()
            process.wait()
        said.seek(0)
        return process.returncode, said.read().decode(errors="replace")


class EngineProcess:
    """One running engine and its log."""

    def __init__(self, process: subprocess.Popen[bytes], log_file: Path, log_start: int) -> None:
        self._process = process
        self._log_start = log_start
        self.log_file = log_file

    @classmethod
    def start(
        cls,
        program: Sequence[str | Path],
        *,
        privileges: Privileges,
        log_file: Path,
        die_signal: signal.Signals | None,
    ) -> "EngineProcess":
        log_file.parent.mkdir(mode=0o700, exist_ok=True)
        if log_file.exists() and log_file.stat().st_size > _LOG_MAX_BYTES:
            log_file.replace(log_file.with_suffix(".log.1"))
        log = os.open(log_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            log_start = os.fstat(log).st_size
            process = spawn(program, privileges=privileges, output=log, die_signal=die_signal)
        finally:
            os.close(log)
        return cls(process, log_file, log_start)

    @property
    def pid(self) -> int:
        return self._process.pid

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def said(self) -> str:
        """The end of what it wrote to its log since it was started."""
        with self.log_file.open("rb") as log:
            end = log.seek(0, os.SEEK_END)
            log.seek(max(self._log_start, end - _TAIL_BYTES))
            return log.read().decode(errors="replace")

    async def stop(self, steps: Sequence[tuple[signal.Signals, float]]) -> None:
        await stop(is_alive=self.is_alive, send=self._process.send_signal, steps=steps)


async def stop(
    *,
    is_alive: Callable[[], bool],
    send: Callable[[int], object],
    steps: Sequence[tuple[signal.Signals, float]],
) -> None:
    """Send each signal in turn and wait its seconds, until the process is gone."""
    for number, patience_s in steps:
        if not is_alive():
            return
        send(number)
        await wait_until(lambda: not is_alive(), patience_s=patience_s)


async def wait_until(claim: Callable[[], bool], *, patience_s: float) -> bool:
    """Poll until `claim` holds; false when it did not within `patience_s` seconds."""
    deadline = time.monotonic() + patience_s
    while not claim():
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(POLL_S)
    return True


def find_survivors(argument: Path) -> list[int]:
    """Engines of an earlier life: their command line names `argument`, a path of ours."""
    wanted = str(argument)
    return [
        pid
        for pid, words in _processes()
        if wanted in words[1:] and _is_engine(words) and _sees_our_files(pid)
    ]


def _is_engine(words: Sequence[str]) -> bool:
    return Path(words[0]).name in _ENGINE_NAMES or str(_LAUNCHER) in words


def _sees_our_files(pid: int) -> bool:
    # Root sees the processes of containers too; the same path means another folder there.
    try:
        return Path(f"/proc/{pid}/root").samefile("/")
    except OSError:
        return False


def _processes() -> Iterator[tuple[int, list[str]]]:
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            line = (folder / "cmdline").read_bytes()
        except OSError:
            continue  # it ended while we looked
        words = [os.fsdecode(word) for word in line.split(b"\0")[:-1]]
        if words and folder.name != str(os.getpid()):
            yield int(folder.name), words


async def stop_survivors(argument: Path, steps: Sequence[tuple[signal.Signals, float]]) -> int:
    """Stop the engines that name `argument`; how many there were."""
    survivors = find_survivors(argument)

    def send(number: int) -> None:
        for pid in find_survivors(argument):
            os.kill(pid, number)

    await stop(is_alive=lambda: bool(find_survivors(argument)), send=send, steps=steps)
    return len(survivors)
