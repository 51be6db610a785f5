"""Owns the running system whose dashboard the tests speak to."""

from collections.abc import AsyncIterator

import pytest

from duro.kit.clock import FixedClock
from tests.support.dashboard import Office, running_office
from tests.support.system import settings_for


@pytest.fixture
async def office(database_url: str, redis_url: str, clock: FixedClock) -> AsyncIterator[Office]:
    """On a clock that stands still until the test moves it."""
    async with running_office(settings_for(database_url, redis_url), clock=clock) as started:
        yield started
