"""A client generated in another language, by tools that nobody here wrote, type-checks and works."""

import shutil
from pathlib import Path
from typing import Final

import orjson
import pytest

from tests.support.npm import installed, run_program
from tests.support.system import Merchant

_SOURCES: Final = Path(__file__).with_name("typescript")


@pytest.fixture
async def modules() -> Path:
    """`node_modules` with the tools of the lock, installed once in the user's cache."""
    return await installed(_SOURCES, "typescript")


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
    generated, said = await run_program(
        folder, bin_ / "openapi-typescript", "openapi.json", *options
    )
    assert generated == 0, said
    checked, said = await run_program(folder, bin_ / "tsc")
    assert checked == 0, said
    ran, said = await run_program(
        folder, "node", "out/use.js", merchant.client.base, merchant.client.token or ""
    )
    assert ran == 0, said

    assert orjson.loads(said) == {
        "status": "active",
        "payUrl": None,
        "amounts": [500_000],
        "missing": "not_found",
    }
