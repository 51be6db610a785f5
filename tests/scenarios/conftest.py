"""Owns the merchant of the billing stories; every story is held to the invariants at its end."""

from collections.abc import AsyncIterator

import pytest

from tests.support.invariants import violations
from tests.support.stories import Story
from tests.support.system import Merchant, running_merchant, settings_for


@pytest.fixture
async def merchant(database_url: str, redis_url: str, tenant: str) -> AsyncIterator[Merchant]:
    """A whole running system, used as one merchant."""
    async with running_merchant(settings_for(database_url, redis_url), tenant) as started:
        yield started
        assert await violations(database_url, tenant) == []


@pytest.fixture
async def story(merchant: Merchant, database_url: str) -> Story:
    """The merchant on the day the stories begin."""
    begun = Story(merchant, database_url)
    await begun.begin()
    return begun
