"""The README keeps its word: what it tells a newcomer to type recovers a payment."""

import asyncio
import json
import re
import shutil
from pathlib import Path

import pytest

from duro.runtime.dev import READY_FILE
from tests.support.system import Merchant

_README = Path(__file__).resolve().parents[2] / "README.md"


@pytest.mark.skipif(shutil.which("curl") is None, reason="the README's commands need curl")
async def test_the_commands_of_the_readme_recover_a_payment(
    merchant: Merchant, tmp_path: Path
) -> None:
    commands = _block_with("/v1/test-clock/advance")
    ready = {"publicUrl": merchant.app.public_url, "secretKey": merchant.client.token}
    (tmp_path / ".duro").mkdir()
    (tmp_path / ".duro" / READY_FILE).write_text(json.dumps(ready), encoding="utf-8")

    shell = await asyncio.create_subprocess_exec(
        *("bash", "-eu", "-o", "pipefail", "-c", commands),
        cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, complained = (part.decode() for part in await shell.communicate())

    assert shell.returncode == 0, complained
    status_before, case, counts, status_after = said.splitlines()
    assert (status_before, status_after) == ("past_due", "active")
    assert "insufficient funds, waiting for the 28th" in case
    assert "'nextAction': 'retry_payday'" in case
    assert "'recovered': 1" in counts


def _block_with(text: str) -> str:
    blocks = re.findall(
        r"^```bash\n(.*?)^```", _README.read_text("utf-8"), re.MULTILINE | re.DOTALL
    )
    (found,) = [block for block in blocks if text in block]
    return str(found)
