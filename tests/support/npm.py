"""Owns packages of npm that tests use: installed once from a lock in the user's cache, or a reason why not."""

import asyncio
import hashlib
import os
import shutil
import tempfile
from asyncio.subprocess import PIPE, STDOUT
from pathlib import Path
from typing import Final

import pytest

_PATIENCE_S: Final = 120
# What npm says when its lock is at fault, not the network: then the test fails.
_OUR_FAULT: Final = ("EUSAGE", "EINTEGRITY", "EJSONPARSE")


async def installed(sources: Path, name: str) -> Path:
    """`node_modules` with what the lock in `sources` names; skips the test where there is none to be had."""
    if shutil.which("npm") is None or shutil.which("node") is None:
        pytest.skip("there is no npm or no node here")
    lock = (sources / "package-lock.json").read_bytes()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "duro"
    place = cache / f"{name}-{hashlib.sha256(lock).hexdigest()[:16]}"
    if not place.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as temporary:
            fresh = Path(temporary, "fresh")
            shutil.copytree(sources, fresh)
            await _install(fresh)
            # Another run may have been quicker; both are the same.
            if not place.exists():
                fresh.rename(place)
    return place / "node_modules"


async def run_program(folder: Path, *command: str | Path) -> tuple[int | None, str]:
    """How a program ended, and all it said."""
    process = await asyncio.create_subprocess_exec(*command, cwd=folder, stdout=PIPE, stderr=STDOUT)
    try:
        said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    return process.returncode, said.decode(errors="replace")


async def _install(folder: Path) -> None:
    try:
        async with asyncio.timeout(_PATIENCE_S):
            code, said = await run_program(folder, "npm", "ci", "--ignore-scripts", "--no-audit")
    except TimeoutError:
        pytest.skip(f"npm did not answer within {_PATIENCE_S} s")
    if code != 0 and not any(each in said for each in _OUR_FAULT):
        pytest.skip(f"npm cannot have the packages: {said[-500:]}")
    assert code == 0, said
