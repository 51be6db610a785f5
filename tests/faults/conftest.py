"""Owns the ground of the fault tests, and says at the end what they counted.

A short run is part of `./run test`. DURO_TEST_FAULTS=long runs every scenario with many seeds (most of an hour);
DURO_TEST_FAULTS_SEED=7 runs that one seed again.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from tests.support.fault_data import prepare
from tests.support.faults import Ground

_FIGURES = pytest.StashKey[list[str]]()
Say: TypeAlias = Callable[[str], None]


@pytest.fixture
async def ground(database_url: str, redis_url: str, tmp_path: Path) -> Ground:
    await prepare(database_url)
    return Ground(database_url, redis_url, tmp_path / "children.log")


@pytest.fixture
def say(request: pytest.FixtureRequest) -> Say:
    """Keeps a figure, with its seed, for the summary of the run."""
    return request.config.stash.setdefault(_FIGURES, []).append


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    if figures := config.stash.get(_FIGURES, []):
        terminalreporter.section("faults")
        for line in figures:
            terminalreporter.write_line(line)
