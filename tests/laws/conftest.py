"""Owns the running system that the laws of the whole API are tried on, with everything in it twice."""

from collections.abc import AsyncIterator

import pytest

from tests.support.system import Merchant, running_merchant, settings_for


@pytest.fixture
async def merchant(database_url: str, redis_url: str, tenant: str) -> AsyncIterator[Merchant]:
    async with running_merchant(settings_for(database_url, redis_url), tenant) as started:
        yield started
