"""The guides keep their word: each sample, run unchanged, answers what the page says."""

import asyncio
import json
import os
import shutil
import sys
from pathlib import Path

import pytest

from duro.runtime.dev import READY_FILE
from tests.support.samples import (
    DOCS,
    Sample,
    blocks,
    disagreements,
    guide,
    run_in_one_shell,
    samples,
)
from tests.support.system import Merchant

pytestmark = pytest.mark.skipif(
    shutil.which("curl") is None, reason="the commands of the guides need curl"
)
_QUICK_START = samples(guide("quick-start"))
_OTHERS = sorted(
    path.stem
    for path in (DOCS / "guides").glob("*.md")
    if samples(path.read_text("utf-8")) and path.stem != "quick-start"
)


async def test_the_quick_start_answers_what_its_page_says(
    merchant: Merchant, tmp_path: Path
) -> None:
    assert await _broken_promises(merchant, tmp_path, _QUICK_START) == []

    shown = [sample for sample in _QUICK_START if sample.shown]
    assert len(shown) == len(_QUICK_START) - 1, "all but setting up show an answer"


@pytest.mark.parametrize("name", _OTHERS)
async def test_a_guide_that_goes_on_in_the_same_shell_answers_what_its_page_says(
    merchant: Merchant, tmp_path: Path, name: str
) -> None:
    set_up = _QUICK_START[0]

    assert await _broken_promises(merchant, tmp_path, [set_up, *samples(guide(name))]) == []


async def test_the_python_client_answers_what_its_page_says(merchant: Merchant) -> None:
    (program,) = blocks(guide("tools"), "python")
    (shown,) = blocks(guide("tools"), "text")
    told = {
        "URL": merchant.app.public_url or "",
        "KEY": merchant.client.token or "",
        "PYTHONPATH": str(DOCS.parent / "clients" / "python"),
    }

    run = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", program),
        env={**os.environ, **told},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, complained = (part.decode() for part in await run.communicate())

    assert run.returncode == 0, complained
    assert said == shown


async def _broken_promises(merchant: Merchant, folder: Path, told: list[Sample]) -> list[str]:
    ready = {"publicUrl": merchant.app.public_url, "secretKey": merchant.client.token}
    (folder / ".duro").mkdir()
    (folder / ".duro" / READY_FILE).write_text(json.dumps(ready), encoding="utf-8")

    said = await run_in_one_shell([sample.commands for sample in told], folder=folder)

    return [
        difference
        for sample, text in zip(told, said, strict=True)
        if sample.shown
        for difference in disagreements(sample, text)
    ]
