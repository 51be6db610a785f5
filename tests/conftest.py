"""Owns the fixtures that every kind of test shares: engines, databases, a clock that stands still, tenants, figures."""

from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from typing import TypeAlias

import pytest

from duro.kit.clock import FixedClock
from duro.kit.db import Database
from duro.kit.ids import new_id
from duro.kit.modes import Mode
from duro.kit.sql import queries
from tests.support.cluster import Cluster, running_cluster
from tests.support.tenants import add_tenant

_FIGURES = pytest.StashKey[list[str]]()
Say: TypeAlias = Callable[[str], None]
WALL = datetime(2026, 1, 28, 9, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """The engines of this run; started by the first test that needs them."""
    with running_cluster() as running:
        yield running


@pytest.fixture
def database_url(cluster: Cluster) -> Iterator[str]:
    """A migrated database of this test alone; the address is the owner's."""
    url = cluster.new_database()
    yield url
    cluster.drop_database(url)


@pytest.fixture
def empty_database_url(cluster: Cluster) -> Iterator[str]:
    """A database that nobody has migrated."""
    url = cluster.empty_database()
    yield url
    cluster.drop_database(url)


@pytest.fixture
def redis_url(cluster: Cluster) -> str:
    """An empty logical database of Redis."""
    return cluster.empty_redis()


@pytest.fixture
def clock() -> FixedClock:
    """Wall time of `db`: stands at `WALL` until the test moves it; a test module may override it."""
    return FixedClock(WALL)


@pytest.fixture
async def db(database_url: str, clock: FixedClock) -> AsyncIterator[Database]:
    """The pools of a process, over this test's database."""
    database = await Database.open(
        database_url, clock=clock, business_now=queries("testclock")["read_business_now"]
    )
    yield database
    await database.close()


@pytest.fixture(params=list(Mode))
def mode(request: pytest.FixtureRequest) -> Mode:
    """Runs the test once in each mode."""
    chosen: Mode = request.param
    return chosen


@pytest.fixture
async def tenant(database_url: str, clock: FixedClock) -> str:
    """The id of a tenant."""
    return await add_tenant(database_url, new_id("ten", wall=clock.wall()), name="Adunni Gyms")


@pytest.fixture
async def tenant_b(database_url: str, clock: FixedClock) -> str:
    """The id of another tenant, whose rows the first must never see."""
    return await add_tenant(database_url, new_id("ten", wall=clock.wall()), name="Bello Foods")


@pytest.fixture
def say(request: pytest.FixtureRequest) -> Say:
    """Keeps a figure, with its seed, for the summary of the run."""
    return request.config.stash.setdefault(_FIGURES, []).append


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    if figures := config.stash.get(_FIGURES, []):
        terminalreporter.section("figures")
        for line in figures:
            terminalreporter.write_line(line)
