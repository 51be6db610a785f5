"""Owns what a person is told when an embedded engine cannot run, always with what to do next."""

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from duro.errors import DuroError

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_FORBIDDEN = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
_NO_FOLDER = frozenset({errno.EEXIST, errno.ENOTDIR})
_MIB = 1024 * 1024


class EngineError(DuroError):
    """An embedded engine cannot run here; the message says what to do."""


def disk_full(where: Path) -> EngineError:
    existing = next(p for p in (where, *where.parents) if p.exists())
    free_mib = shutil.disk_usage(existing).free // _MIB
    return EngineError(
        f"The disk that holds {where} is full ({free_mib} MiB free). A new data directory needs "
        "about 100 MiB: free some space, or choose another place with --data-dir."
    )


@contextmanager
def explained(where: Path) -> Iterator[None]:
    """Turn a refusal by the file system below `where` into an `EngineError`."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise disk_full(where) from error
        if error.errno in _FORBIDDEN:
            raise EngineError(
                f"{error.filename or where} cannot be written ({error.strerror}). Start as the "
                "user who owns it, or choose another place with --data-dir."
            ) from error
        if error.errno in _NO_FOLDER:
            raise EngineError(
                f"{error.filename or where} is not a folder. Choose another place with --data-dir."
            ) from error
        raise


def engine_failed(*, engine: str, said: str, data_dir: Path, log_file: Path) -> EngineError:
    """What the last words of a dead engine mean."""
    if "No space left on device" in said or "Disk quota exceeded" in said:
        if "shared memory segment" in said:
            return EngineError(
                f"{engine} found too little shared memory in /dev/shm. In a container, give it "
                "more (docker run --shm-size=256m …)."
            )
        return disk_full(data_dir)
    if "could not map anonymous shared memory" in said or "Cannot allocate memory" in said:
        return EngineError(
            f"{engine} found too little memory: it needs about 300 MiB. Stop something else, or "
            "set DURO_DATABASE_URL and DURO_REDIS_URL to servers that run elsewhere."
        )
    last = "\n  ".join(said.strip().splitlines()[-6:]) or "(it said nothing)"
    return EngineError(
        f"{engine} did not start. Its last words:\n  {last}\nThe whole log is {log_file}."
    )
