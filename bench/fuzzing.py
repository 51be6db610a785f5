"""schemathesis against a running Duro: every operation of its document, every check, one seed."""

import asyncio
import sys
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson

# The clock moves for a whole tenant and a reset erases all it has, so they are tried by a tenant of their own.
_CLOCK: Final = "^/v1/test-clock"
_SETTINGS: Final = """\
request-timeout = 60.0
continue-on-failure = true
# One thread: several that parse at once make CPython 3.11 raise "recursion depth mismatch" (python/cpython#106905).
workers = 1

[headers]
Authorization = "Bearer {token}"

[generation]
max-examples = {examples}
database = "none"

# A document cannot say that a cursor was given out by this list, that `to` lies after `from`, or that no other request
# had this key: 422 answers such values. Anything else that refuses a valid request (400, 413, 415) is a failure.
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "401", "403", "404", "409", "422", "429"]

# Two thousand made customers cost a core for half a minute, and every bound of the body would be tried with them.
[[operations]]
include-path = "/v1/recovery/backtest"
generation.max-examples = 3
phases.coverage.enabled = false

# A new customer is there and has no account yet: that this is not found is what the document says.
[[operations]]
include-path = "/v1/customers/{{id}}/virtual-account"
checks.ensure_resource_availability.enabled = false
"""


@dataclass(frozen=True, slots=True)
class Effort:
    """How hard it tries: cases of each operation and phase; with `seconds`, again and again until they are over."""

    seed: int
    examples: int
    seconds: int | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """What one or more runs found; `said` is the whole account of schemathesis where there is a failure."""

    operations: int
    tested: int
    requests: int
    failures: Sequence[str]
    said: str

    def __add__(self, other: "Report") -> "Report":
        return Report(
            self.operations + other.operations,
            self.tested + other.tested,
            self.requests + other.requests,
            [*self.failures, *other.failures],
            self.said + other.said,
        )


async def fuzz(
    public_url: str, *, token: str, clock_token: str, effort: Effort, folder: Path
) -> Report:
    """Every operation; `clock_token` is of a tenant without data, for the test clock."""
    everything, clock = await asyncio.gather(
        _run(public_url, token, ("--exclude-path-regex", _CLOCK), effort, folder / "all"),
        _run(public_url, clock_token, ("--include-path-regex", _CLOCK), effort, folder / "clock"),
    )
    return everything + clock


async def _run(
    public_url: str, token: str, chosen: Sequence[str], effort: Effort, folder: Path
) -> Report:
    folder.mkdir(parents=True)
    settings, report = folder / "schemathesis.toml", folder / "report.json"
    settings.write_text(_SETTINGS.format(token=token, examples=effort.examples))
    bounds = () if effort.seconds is None else (f"--max-time={effort.seconds}",)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "schemathesis.cli", f"--config-file={settings}"),
        *("run", f"{public_url}/openapi.json", f"--url={public_url}", f"--seed={effort.seed}"),
        *("--phases=examples,coverage,fuzzing,stateful", "--warnings=off", *bounds, *chosen),
        *("--report=json", f"--report-json-path={report}"),
        cwd=folder,
        stdout=PIPE,
        stderr=STDOUT,
    )
    said, _ = await process.communicate()
    return _read(report, said.decode(errors="replace"))


def _read(report: Path, said: str) -> Report:
    if not report.exists():
        raise RuntimeError(f"schemathesis did not run:\n{said}")
    found: dict[str, Any] = orjson.loads(report.read_bytes())
    failures = [
        f"{failure['title']} ({failure['count']}): {', '.join(failure['operations'])}"
        for failure in found["failures"]
    ]
    failures += [f"{error['title']} ({error['count']})" for error in found["errors"]]
    if found["stop_reason"] not in ("completed", "max_time"):
        failures.append(f"it stopped early: {found['stop_reason']}")
    return Report(
        operations=found["operations"]["selected"],
        tested=found["operations"]["tested"],
        requests=found["test_cases"]["generated"],
        failures=failures,
        said=said if failures else "",
    )
