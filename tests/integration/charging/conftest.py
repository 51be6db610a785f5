"""Owns the shop that charging is put under attack in."""

from collections.abc import Iterator

import pytest
import structlog

from duro.kit.clock import FixedClock
from duro.kit.db import Database
from tests.support.billing import Shop


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    # Errors are provoked by the hundred here, and a traceback with its variables takes longer than what it tells of.
    with structlog.testing.capture_logs():
        yield


@pytest.fixture
def shop(db: Database, clock: FixedClock, database_url: str, tenant: str) -> Shop:
    return Shop.open(db, clock, database_url, tenant)
