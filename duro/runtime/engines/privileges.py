"""Owns running PostgreSQL although we are root, which it refuses: a user namespace, else a copy."""

import asyncio
import os
import pwd
import shutil
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, Literal, TypeAlias

from duro.runtime.engines.binaries import Binaries
from duro.runtime.engines.datadir import DataDir
from duro.runtime.engines.errors import EngineError
from duro.runtime.engines.processes import AS_WE_ARE, IS_LINUX, Privileges, run_to_end

Unroot: TypeAlias = Literal["auto", "userns", "copy"]
# Whose id PostgreSQL sees inside a user namespace; outside, its files stay ours.
_INNER_NAMES: Final = ("daemon", "bin", "nobody")
_COPIED: Final = ("bin/postgres", "bin/initdb", "lib/postgresql", "share")
_PROGRAMS: Final = "programs"


async def choose_privileges(
    *, data: DataDir, binaries: Binaries, unroot: Unroot, log: Callable[[str], None], is_kept: bool
) -> tuple[Privileges, Path]:
    """As whom PostgreSQL runs, and the folder of the programs it runs from.

    `is_kept` is false for throw-away data, which may lie in a temporary folder.
    """
    is_root = os.geteuid() == 0
    if is_root and not IS_LINUX:
        raise EngineError("PostgreSQL refuses to run as root. Start as another user.")
    if not is_root and _has_name(os.geteuid()):
        return AS_WE_ARE, binaries.postgres_bin
    if data.record.outside is None and unroot != "copy":
        user = _user_named(_INNER_NAMES)
        namespace = Privileges("--userns", user.pw_uid, user.pw_gid)
        refusal = await _try_namespace(namespace, data=data, binaries=binaries)
        if refusal is None:
            return namespace, binaries.postgres_bin
        _refuse_change(data, must_stay=unroot == "userns" or not is_root, refusal=refusal)
        log(f"PostgreSQL cannot run in a user namespace here: {refusal}")
    user = _user_named(["nobody"])
    outside = Path(data.record.outside) if data.record.outside else None
    if outside is None or not outside.is_dir():
        outside = _make_outside(user, is_kept=is_kept)
        data.update(outside=outside)
    # The supervisor stopped what used these; PostgreSQL would look at their old owner's number.
    for leftover in (outside / "run").iterdir():
        leftover.unlink()
    log(f"PostgreSQL refuses root: it runs as {user.pw_name}, its files are in {outside}")
    bin_folder = await asyncio.to_thread(_copy_programs, binaries, outside)
    return Privileges("--user", user.pw_uid, user.pw_gid), bin_folder


def is_reachable(folder: Path) -> bool:
    """Whether every user may enter `folder` and run programs in it."""
    is_open = all(p.stat().st_mode & 0o001 for p in (folder, *folder.parents))
    return is_open and not os.statvfs(folder).f_flag & os.ST_NOEXEC


def _has_name(uid: int) -> bool:
    # Containers run programs under numbers that no file names, and initdb demands a name.
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True


async def _try_namespace(
    privileges: Privileges, *, data: DataDir, binaries: Binaries
) -> str | None:
    """Why PostgreSQL cannot run in a user namespace; None when it can."""
    # Root's power to enter everything ends at the exec, so the question is asked after it.
    question = 'test -w "$1" && test -x "$2" && exec "$2" --version'
    code, said = await run_to_end(
        ["/bin/sh", "-c", question, "sh", data.path, binaries.tool("postgres")],
        privileges=privileges,
    )
    if code == 0:
        return None
    return said.strip() or f"it may not enter {data.path} or {binaries.postgres_bin}"


def _refuse_change(data: DataDir, *, must_stay: bool, refusal: str) -> None:
    if must_stay:
        raise EngineError(
            f"PostgreSQL cannot run in a user namespace here: {refusal}. Start as a user that "
            "/etc/passwd names, or set DURO_DATABASE_URL and DURO_REDIS_URL."
        )
    if (data.cluster / "PG_VERSION").exists():
        raise EngineError(
            f"The data in {data.path} was made by root where user namespaces are allowed, and "
            f"here they are not ({refusal}). Start where they are, or choose another --data-dir."
        )


def _user_named(names: Sequence[str]) -> pwd.struct_passwd:
    for name in names:
        with suppress(KeyError):
            return pwd.getpwnam(name)
    raise EngineError(
        f"PostgreSQL refuses to run as root, and this machine has no user {' or '.join(names)} to "
        "run it as. Start as another user, or set DURO_DATABASE_URL and DURO_REDIS_URL."
    )


def _make_outside(user: pwd.struct_passwd, *, is_kept: bool) -> Path:
    """A folder that `user` can reach, with a place for sockets and one for programs in it."""
    outside = _new_folder(is_kept=is_kept)
    outside.chmod(0o711)
    sockets = outside / "run"
    sockets.mkdir(mode=0o700)
    os.chown(sockets, user.pw_uid, user.pw_gid)
    (outside / _PROGRAMS).mkdir()
    (outside / _PROGRAMS).chmod(0o755)
    return outside


def _new_folder(*, is_kept: bool) -> Path:
    # Temporary folders are swept by age, so data that is kept goes there only as a last resort.
    bases = ("/var/lib", "/var/tmp", "/tmp") if is_kept else ("/var/tmp", "/tmp")  # noqa: S108 - mkdtemp makes a private folder there
    for base in map(Path, bases):
        if base.is_dir() and os.access(base, os.W_OK) and is_reachable(base):
            return Path(tempfile.mkdtemp(prefix="duro-", dir=base))
    raise EngineError(
        "PostgreSQL refuses to run as root, and no folder was found that another user could run "
        f"it in ({', '.join(bases)}). Start as another user, or set DURO_DATABASE_URL and "
        "DURO_REDIS_URL."
    )


def _copy_programs(binaries: Binaries, outside: Path) -> Path:
    """The folder of programs that another user can run, copied when they came in a wheel."""
    if binaries.wheel_root is None:
        return binaries.postgres_bin
    install = binaries.postgres_bin.parent
    inside = install.relative_to(binaries.wheel_root)
    source = binaries.tool("postgres").stat()
    target = outside / _PROGRAMS / f"{source.st_size}-{source.st_mtime_ns}"
    if not target.exists():
        unfinished = target.with_suffix(".new")
        shutil.rmtree(unfinished, ignore_errors=True)
        for part in _COPIED:
            _copy(install / part, unfinished / inside / part)
        # Its programs look for their libraries beside the package.
        libraries = f"{inside.parts[0]}.libs"
        if (binaries.wheel_root / libraries).is_dir():
            _copy(binaries.wheel_root / libraries, unfinished / libraries)
        _open_to_all(unfinished)
        for older in target.parent.iterdir():
            if older != unfinished:
                shutil.rmtree(older)
        unfinished.replace(target)
    return target / inside / binaries.postgres_bin.name


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target)
    else:
        shutil.copy2(source, target)


def _open_to_all(root: Path) -> None:
    for path in (root, *root.rglob("*")):
        path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
