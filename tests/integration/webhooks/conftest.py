"""Owns the merchants and receivers of the webhook tests."""

from collections.abc import AsyncIterator

import pytest

from duro.adapters.egress import GuardedEgress
from duro.kit.clock import FixedClock
from duro.kit.db import Database
from duro.kit.modes import Mode
from tests.support.receiver import Receiver, running_receiver
from tests.support.webhooks import TIMEOUT_S, Enrol, Merchant


@pytest.fixture
async def egress() -> AsyncIterator[GuardedEgress]:
    async with GuardedEgress(allow_loopback=True, timeout_s=TIMEOUT_S) as way_out:
        yield way_out


@pytest.fixture
def enrol(db: Database, clock: FixedClock, database_url: str, egress: GuardedEgress) -> Enrol:
    """Makes a merchant of a tenant and a mode."""
    return lambda tenant_id, mode: Merchant(db, clock, database_url, tenant_id, mode, egress)


@pytest.fixture
def merchant(enrol: Enrol, tenant: str) -> Merchant:
    return enrol(tenant, Mode.TEST)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with running_receiver() as running:
        yield running


@pytest.fixture
async def other() -> AsyncIterator[Receiver]:
    async with running_receiver() as running:
        yield running
