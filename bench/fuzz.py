"""schemathesis at length; the suite does the same for a minute (tests/laws/test_fuzz.py)."""

import secrets
from typing import Final

from bench.fuzzing import Effort, fuzz
from bench.ground import Ground
from bench.merchant import merchant
from bench.serving import UNLIMITED, serving
from bench.table import Line

_S: Final = 60
_FULL_S: Final = 900
_EXAMPLES: Final = 30


async def run(ground: Ground, *, is_full: bool) -> list[Line]:
    seed = secrets.randbelow(2**32)
    seconds = _FULL_S if is_full else _S
    async with (
        serving(ground, "public", "worker", **UNLIMITED) as served,
        merchant(ground, served.public_url) as one,
        merchant(ground, served.public_url) as other,
    ):
        report = await fuzz(
            served.public_url,
            token=one.token,
            clock_token=other.token,
            effort=Effort(seed, _EXAMPLES, seconds),
            folder=ground.folder / "fuzz",
        )
    print(report.said, end="")
    return [
        Line(
            work=f"generated requests that are answered as described, {seconds} s, seed {seed}",
            measured=f"{report.requests:,} over {report.tested} of {report.operations} operations, "
            f"{len(report.failures)} kinds of failure",
            target="0 failures, every operation",
            is_met=not report.failures and report.tested == report.operations,
        )
    ]
