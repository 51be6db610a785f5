"""Whom the embedded engines run as: root in two ways, plain users, and users without a name."""

import asyncio
import json
import os
import stat
import sys
from asyncio.subprocess import DEVNULL
from pathlib import Path
from typing import Final

import pytest

from duro.runtime.engines import EngineError, launch, remove_data, start_engines
from tests.support.engines import CHILD_ENV, ask, child, read_mark, told_by, write_mark

LAUNCHER: Final = launch.__file__
NOBODY: Final = 65534
NAMELESS: Final = 54321

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as several users")


async def test_root_runs_engines_in_a_user_namespace_where_only_root_may_enter(
    tmp_path: Path,
) -> None:
    tmp_path.chmod(0o700)

    async with await start_engines(data_dir=tmp_path / "data", unroot="userns") as running:
        seen_inside = Path(f"/proc/{running.pids()['postgres']}/uid_map").read_text().split()
        await write_mark(running.engines)

    # One id is mapped: not root inside, and root's files outside.
    assert seen_inside[0] != "0"
    assert seen_inside[1:] == ["0", "1"]
    assert (tmp_path / "data" / "pg").stat().st_uid == 0


async def test_root_runs_engines_as_another_user_from_copies_that_are_recorded_and_removed(
    tmp_path: Path,
) -> None:
    tmp_path.chmod(0o700)
    data_dir, said = tmp_path / "data", list[str]()

    async with await start_engines(
        data_dir=data_dir, durable=False, unroot="copy", log=said.append
    ) as running:
        await write_mark(running.engines)
    outside = Path(json.loads((data_dir / "duro-data.json").read_text())["outside"])
    async with await start_engines(data_dir=data_dir, durable=False) as running:
        owner = Path(f"/proc/{running.pids()['postgres']}").stat().st_uid
        kept = await read_mark(running.engines)
    modes = {part: stat.S_IMODE((outside / part).stat().st_mode) for part in ("pg", "run")}
    await remove_data(data_dir)

    assert str(outside) in said[0]
    assert owner == NOBODY
    assert kept == ("kept", "kept")
    assert modes == {"pg": 0o700, "run": 0o700}
    assert not outside.exists()
    assert not data_dir.exists()


async def test_root_below_a_folder_of_another_user_falls_back_to_copies(tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir(mode=0o700)
    os.chown(theirs, NOBODY, NOBODY)
    said: list[str] = []

    async with await start_engines(
        data_dir=theirs / "data", durable=False, log=said.append
    ) as running:
        assert await ask(running.engines.database_url, "SELECT 1") == 1
    await remove_data(theirs / "data")

    assert "user namespace" in said[0]


async def test_folder_of_another_user_is_refused(tmp_path: Path) -> None:
    os.chown(tmp_path, NOBODY, NOBODY)

    with pytest.raises(EngineError, match=f"belongs to the user with id {NOBODY}"):
        await start_engines(data_dir=tmp_path)


def give(folder: Path, uid: int) -> None:
    """Make `folder` another user's, and let that user come to it."""
    for parent in folder.parents:
        if parent.stat().st_uid == 0 and parent.stat().st_mode & 0o077 == 0:
            parent.chmod(0o711)
    os.chown(folder, uid, uid)


def launched_as(uid: int) -> list[str]:
    return [sys.executable, "-I", "-S", str(LAUNCHER), "--user", f"{uid}:{uid}", "--"]


@pytest.mark.parametrize("uid", [NOBODY, NAMELESS])
async def test_plain_user_runs_engines_even_without_a_name(tmp_path: Path, uid: int) -> None:
    python = await python_for(uid)
    home = tmp_path / "data"
    home.mkdir()
    give(home, uid)

    async with child(home, before=[*launched_as(uid), python]) as process:
        told = await told_by(process)
        await process.communicate()

    assert told["user"] == "duro_owner"
    assert home.stat().st_uid == uid
    assert (home / "pg").stat().st_uid == uid


async def python_for(uid: int) -> str:
    """A Python that this user can run, and that can read this checkout and its packages."""
    question = "import duro.runtime.engines as e; e.find_binaries()"
    for python in (os.path.realpath(sys.executable), "/usr/bin/python3"):
        process = await asyncio.create_subprocess_exec(
            *launched_as(uid),
            python,
            "-c",
            question,
            env=CHILD_ENV,
            stderr=DEVNULL,
        )
        if await process.wait() == 0:
            return python
    pytest.skip("this checkout or every Python 3.11 is out of reach of a plain user")
