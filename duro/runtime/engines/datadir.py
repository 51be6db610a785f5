"""Owns the data directory of the engines: its marker, its lock, its secrets and where sockets go."""

import fcntl
import json
import os
import secrets
import shutil
import stat
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

from duro.runtime.engines.errors import EngineError
from duro.runtime.engines.processes import IS_LINUX

FORMAT: Final = 1
# The kernel keeps 108 bytes for a socket's path on Linux and 104 elsewhere, one of them for NUL.
SOCKET_PATH_BYTES_MAX: Final = 107 if IS_LINUX else 103
_LONGEST_SOCKET_NAME: Final = ".s.PGSQL.5432"
# A comma separates folders for PostgreSQL and hosts for its clients; quotes and @ mean more there.
_UNSAFE_IN_SOCKET_PATHS: Final = frozenset(',"@\\')
_MARKER: Final = "duro-data.json"
_LOCK: Final = "duro.lock"
_SECRETS: Final = "secrets.json"
# What may lie in a directory that nobody has used yet.
_UNUSED: Final = frozenset({_LOCK, "lost+found"})


@dataclass(frozen=True, slots=True)
class Secrets:
    """Passwords of the engines, made once per data directory."""

    superuser: str
    owner: str
    redis: str


@dataclass(frozen=True, slots=True)
class Record:
    """What the data directory says about itself."""

    made_by: str = "duro"
    format: int = FORMAT
    is_provisioned: bool = False
    """The role and the database of the owner exist."""
    outside: str | None = None
    """Folder with PostgreSQL's own files when root had to hand them to another user."""
    sockets: str | None = None
    """Short private folder of the sockets when the directory's own path is too long."""


class DataDir:
    """A data directory that this process holds the lock of."""

    def __init__(self, path: Path, lock: int, record: Record) -> None:
        self._lock = lock
        self.path = path
        self.record = record

    @property
    def cluster(self) -> Path:
        return (Path(self.record.outside) if self.record.outside else self.path) / "pg"

    @property
    def log(self) -> Path:
        return self.path / "log"

    def update(self, *, is_provisioned: bool | None = None, outside: Path | None = None) -> None:
        changed = self.record
        if is_provisioned is not None:
            changed = replace(changed, is_provisioned=is_provisioned)
        if outside is not None:
            changed = replace(changed, outside=str(outside))
        self._save(changed)

    def refuse_lost_cluster(self) -> None:
        """Never make an empty database where there was a full one."""
        if self.record.is_provisioned and not (self.cluster / "PG_VERSION").is_file():
            raise EngineError(
                f"The files of the database were in {self.cluster}, and they are gone. Put them "
                "back, or start anew with --reset (and `duro restore`, if there is a backup)."
            )

    def secrets(self) -> Secrets:
        """The passwords, made at the first call."""
        file = self.path / _SECRETS
        if file.exists():
            return Secrets(**json.loads(file.read_text()))
        if (self.cluster / "PG_VERSION").exists():
            raise EngineError(
                f"{file} is missing, and without its passwords the data below {self.path} cannot "
                "be opened. Put it back from a backup, or start anew with --reset."
            )
        made = Secrets(*(secrets.token_urlsafe(24) for _ in range(3)))
        write_private(file, json.dumps(asdict(made), indent=2))
        return made

    def make_socket_dir(self) -> Path:
        """An empty folder of mode 0700 whose sockets have a path that the kernel takes."""
        self.drop_socket_dir()
        own = self.path / "run"
        if fits_sockets(own):
            own.mkdir(mode=0o700)
            return own
        short = make_short_dir((tempfile.gettempdir(), "/tmp", "/var/tmp"))  # noqa: S108 - mkdtemp makes a private folder there
        self._save(replace(self.record, sockets=str(short)))
        return short

    def drop_socket_dir(self) -> None:
        """Remove the folder of the sockets, also one that a crash left behind."""
        shutil.rmtree(self.path / "run", ignore_errors=True)
        if self.record.sockets is not None:
            short = Path(self.record.sockets)
            # The name was in a folder that others write to: it may be theirs by now.
            if is_private_dir(short):
                shutil.rmtree(short)
            self._save(replace(self.record, sockets=None))

    def release(self) -> None:
        os.close(self._lock)

    def _save(self, record: Record) -> None:
        write_private(self.path / _MARKER, json.dumps(asdict(record), indent=2))
        self.record = record


def open_data_dir(path: Path) -> DataDir:
    """Make or recognise a data directory and take its lock."""
    path = path.expanduser().absolute()
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = path.resolve()
    is_ours = (path / _MARKER).is_file()
    if not is_ours:
        _refuse_foreign(path)
    _refuse_other_owner(path)
    path.chmod(0o700)
    lock = _take_lock(path)
    try:
        data = DataDir(path, lock, _read_record(path))
        if not (path / _MARKER).is_file():
            data.update()
    except BaseException:
        os.close(lock)
        raise
    return data


def fits_sockets(folder: Path) -> bool:
    name = os.fsencode(folder / _LONGEST_SOCKET_NAME)
    return len(name) <= SOCKET_PATH_BYTES_MAX and _UNSAFE_IN_SOCKET_PATHS.isdisjoint(str(folder))


def make_short_dir(bases: Sequence[str]) -> Path:
    for base in bases:
        # mkdtemp ends the name with eight characters of its own.
        if fits_sockets(Path(base) / "duro-12345678") and os.access(base, os.W_OK | os.X_OK):
            return Path(tempfile.mkdtemp(prefix="duro-", dir=base))
    raise EngineError(
        f"The path of the data directory is too long for sockets, and none of {', '.join(bases)} "
        "can be used instead. Choose a shorter --data-dir."
    )


def is_private_dir(path: Path) -> bool:
    try:
        status = path.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid()


def write_private(file: Path, text: str) -> None:
    """Replace a file in one step; only its owner can read it at any moment."""
    descriptor, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
    try:
        with os.fdopen(descriptor, "w") as new:
            new.write(text)
            new.flush()
            os.fsync(new.fileno())
        Path(name).replace(file)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _refuse_foreign(path: Path) -> None:
    for entry in path.iterdir():
        if entry.name not in _UNUSED and not entry.name.startswith(f".{_MARKER}."):
            raise EngineError(
                f"{path} is not empty and was not made by Duro (it holds {entry.name} but no "
                f"{_MARKER}). Choose an empty or new directory with --data-dir."
            )


def _refuse_other_owner(path: Path) -> None:
    owner = path.stat().st_uid
    if owner != os.geteuid():
        raise EngineError(
            f"{path} belongs to the user with id {owner}, and PostgreSQL runs only as the owner "
            "of its data. Start as that user, or choose another place with --data-dir."
        )


def _take_lock(path: Path) -> int:
    # Python's descriptors are not inherited, so the lock dies with this process and no engine
    # that survives us can keep it.
    lock = os.open(path / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        holder = os.read(lock, 32).decode().strip() or "unknown"
        os.close(lock)
        raise EngineError(
            f"{path} is in use by the process {holder}. Stop that one first (kill {holder}), or "
            "choose another place with --data-dir."
        ) from error
    os.ftruncate(lock, 0)
    os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
    return lock


def _read_record(path: Path) -> Record:
    marker = path / _MARKER
    if not marker.exists():
        return Record()
    try:
        said = json.loads(marker.read_text())
        version = said["format"] if said["made_by"] == "duro" else 0
    except (ValueError, TypeError, KeyError) as error:
        raise EngineError(
            f"{marker} cannot be read, so {path} may not be Duro's. Put the file back from a "
            "backup, or choose another place with --data-dir."
        ) from error
    if version != FORMAT:
        raise EngineError(
            f"{path} has the data format {version}, this Duro knows {FORMAT}. Use the Duro that "
            "wrote it, or choose another place with --data-dir."
        )
    return Record(**said)
