"""A client generated in another language, by tools that nobody here wrote, type-checks and works."""

import asyncio
import hashlib
import os
import shutil
import tempfile
from asyncio.subprocess import PIPE, STDOUT
from pathlib import Path
from typing import Final

import orjson
import pytest

from tests.support.system import Merchant

_SOURCES: Final = Path(__file__).with_name("typescript")
_PATIENCE_S: Final = 120
# What npm says when its lock is at fault, not the network: then the test fails.
_OUR_FAULT: Final = ("EUSAGE", "EINTEGRITY", "EJSONPARSE")


@pytest.fixture
async def modules() -> Path:
    """`node_modules` with the tools of the lock, installed once in the user's cache."""
    if shutil.which("npm") is None or shutil.which("node") is None:
        pytest.skip("there is no npm or no node here")
    lock = (_SOURCES / "package-lock.json").read_bytes()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "duro"
    installed = cache / f"typescript-{hashlib.sha256(lock).hexdigest()[:16]}"
    if not installed.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as name:
            fresh = Path(name, "fresh")
            shutil.copytree(_SOURCES, fresh)
            await _install(fresh)
            # Another run may have been quicker; both are the same.
            if not installed.exists():
                fresh.rename(installed)
    return installed / "node_modules"


async def test_a_typescript_client_of_the_document_type_checks_and_subscribes(
    merchant: Merchant, modules: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "program"
    shutil.copytree(_SOURCES, folder)
    (folder / "node_modules").symlink_to(modules)
    (folder / "package.json").write_text('{"type": "module"}')
    (folder / "openapi.json").write_bytes((await merchant.client.get("/openapi.json")).body)
    bin_ = modules / ".bin"

    # Without this option the tool takes a field with a default for one that must be given.
    options = ("--default-non-nullable=false", "-o=duro.ts")
    generated, said = await _run(folder, bin_ / "openapi-typescript", "openapi.json", *options)
    assert generated == 0, said
    checked, said = await _run(folder, bin_ / "tsc")
    assert checked == 0, said
    ran, said = await _run(
        folder, "node", "out/use.js", merchant.client.base, merchant.client.token or ""
    )
    assert ran == 0, said

    assert orjson.loads(said) == {
        "status": "active",
        "payUrl": None,
        "amounts": [500_000],
        "missing": "not_found",
    }


async def _install(folder: Path) -> None:
    try:
        async with asyncio.timeout(_PATIENCE_S):
            code, said = await _run(folder, "npm", "ci", "--ignore-scripts", "--no-audit")
    except TimeoutError:
        pytest.skip(f"npm did not answer within {_PATIENCE_S} s")
    if code != 0 and not any(each in said for each in _OUR_FAULT):
        pytest.skip(f"npm cannot have the packages: {said[-500:]}")
    assert code == 0, said


async def _run(folder: Path, *command: str | Path) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(*command, cwd=folder, stdout=PIPE, stderr=STDOUT)
    try:
        said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    return process.returncode, said.decode(errors="replace")
