"""Owns the merchant of the billing stories; every story is held to the invariants at its end."""

from collections.abc import AsyncIterator

import pytest

from duro.settings import MailSettings
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


@pytest.fixture
async def caught(database_url: str, redis_url: str, tenant: str) -> AsyncIterator[Story]:
    """The same merchant where an inbox takes all messages, as in `duro dev`."""
    chosen = settings_for(database_url, redis_url)
    chosen = chosen.model_copy(update={"mail": MailSettings(catch=True)})
    async with running_merchant(chosen, tenant) as started:
        begun = Story(started, database_url)
        await begun.begin()
        yield begun
        assert await violations(database_url, tenant) == []
