"""Owns the merchant and the customer of the pay page; every test is held to the invariants at its end."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.support.invariants import violations
from tests.support.paypage import Customer
from tests.support.stories import Story
from tests.support.system import Merchant, running_merchant, settings_for


@pytest.fixture
async def merchant(database_url: str, redis_url: str, tenant: str) -> AsyncIterator[Merchant]:
    async with running_merchant(settings_for(database_url, redis_url), tenant) as started:
        yield started
        assert await violations(database_url, tenant) == []


@pytest.fixture
async def story(merchant: Merchant, database_url: str) -> Story:
    begun = Story(merchant, database_url)
    await begun.begin()
    return begun


@pytest.fixture
def customer(merchant: Merchant) -> Customer:
    return Customer(merchant)


@pytest.fixture
async def due(story: Story) -> dict[str, Any]:
    """A new subscription whose first invoice nobody has paid."""
    made = await story.merchant.subscribe()
    assert made["payUrl"] is not None
    return made
