"""Owns the ground of the fault tests.

A short run is part of `./run test`. DURO_TEST_FAULTS=long runs every scenario with many seeds (most of an hour);
DURO_TEST_FAULTS_SEED=7 runs that one seed again.
"""

from pathlib import Path

import pytest

from tests.support.fault_data import prepare
from tests.support.faults import Ground


@pytest.fixture
async def ground(database_url: str, redis_url: str, tmp_path: Path) -> Ground:
    await prepare(database_url)
    return Ground(database_url, redis_url, tmp_path / "children.log")
