"""No request that schemathesis can think of makes a server error or an answer that the document does not describe."""

import random
import sys
from pathlib import Path
from typing import Final

import pytest

from bench.fuzzing import Effort, fuzz
from duro.kit.modes import Mode
from duro.runtime.console import operations
from tests.support.api import Server
from tests.support.everything import one_of_everything
from tests.support.system import Merchant

_EXAMPLES: Final = 4


async def test_every_answer_to_every_generated_request_is_the_described_one(
    merchant: Merchant, tenant_b: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server = Server(merchant.client.base, merchant.client.session, merchant.app.ground.db)
    empty = await server.client(tenant_b, Mode.TEST)
    await one_of_everything(merchant)
    seed = random.randrange(2**32)

    report = await fuzz(
        merchant.client.base,
        token=merchant.client.token or "",
        clock_token=empty.token or "",
        effort=Effort(seed, _EXAMPLES),
        folder=tmp_path,
    )

    with capsys.disabled():
        sys.stdout.write(
            f"\nfuzz: seed {seed}, {report.requests} requests over {report.tested} operations\n"
        )
    assert report.failures == [], f"seed {seed}\n{report.said}"
    assert report.tested == report.operations == len(await operations())
    assert report.requests > 30 * report.operations
