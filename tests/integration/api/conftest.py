"""Owns the public application that the API tests speak to."""

from collections.abc import AsyncIterator, Sequence

import aiohttp
import pytest
from aiohttp.test_utils import TestServer

from duro.kit.clock import FixedClock
from duro.kit.db import Database
from duro.kit.gate import Gate, bearer
from duro.kit.http import build_app
from duro.kit.modes import Mode
from duro.kit.registry import Routes
from duro.modules.access.service import Authenticator
from duro.modules.catalog.routes import routes as plan_routes
from duro.modules.customers.routes import routes as customer_routes
from tests.support.api import PUBLIC_URL, Client, Server


@pytest.fixture
def routes() -> Sequence[Routes]:
    """What the application offers; a test module may override it."""
    return (plan_routes, customer_routes)


@pytest.fixture
async def server(
    db: Database, clock: FixedClock, routes: Sequence[Routes]
) -> AsyncIterator[Server]:
    app = build_app(
        routes=routes,
        db=db,
        clock=clock,
        gate=Gate(bearer(Authenticator(db, clock))),
        public_url=PUBLIC_URL,
    )
    async with TestServer(app) as running, aiohttp.ClientSession() as session:
        yield Server(str(running.make_url("")).rstrip("/"), session, db)


@pytest.fixture
async def client(server: Server, tenant: str) -> Client:
    """A client with a secret test key of `tenant`."""
    return await server.client(tenant, Mode.TEST)
