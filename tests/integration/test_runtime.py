"""The process: its roles on their ports, its health, and its stop."""

import asyncio
import signal
import socket
import time
from typing import Any

import aiohttp
import pytest
from pydantic import SecretStr

from duro.adapters.egress import GuardedEgress
from duro.kit.db import Database
from duro.kit.envelope import Envelope, read_master_key
from duro.kit.modes import Mode
from duro.modules.access.service import create_key
from duro.modules.webhooks.endpoints import EndpointService
from duro.runtime.errors import StartError
from duro.runtime.serve import Role, running
from duro.settings import (
    CoreSettings,
    DatabaseSettings,
    HealthSettings,
    PublicSettings,
    RedisSettings,
    SecuritySettings,
    Settings,
)
from tests.support.process import MASTER_KEY, served, serving
from tests.support.receiver import hanging, running_receiver, until
from tests.support.roles import app_role, connected_as

NOBODY = "redis://127.0.0.1:1/0"


def settings_of(database_url: str, redis_url: str, **sections: object) -> Settings:
    chosen: dict[str, Any] = {
        "database": DatabaseSettings(url=SecretStr(database_url)),
        "redis": RedisSettings(url=SecretStr(redis_url)),
        "security": SecuritySettings(master_key=SecretStr(MASTER_KEY)),
        "public": PublicSettings(host="127.0.0.1", port=0),
        "core": CoreSettings(port=0),
        "health": HealthSettings(port=0),
    }
    return Settings(**(chosen | sections))


async def read(url: str) -> tuple[int, str, str]:
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        return answer.status, answer.content_type, await answer.text()


async def test_every_role_has_its_port_and_the_process_is_ready(
    database_url: str, redis_url: str
) -> None:
    async with running(settings_of(database_url, redis_url)) as process:
        alive = await read(f"{process.health_url}/healthz")
        ready = await read(f"{process.health_url}/readyz")
        api = await read(f"{process.public_url}/v1/plans")
        figures = await read(f"{process.health_url}/metrics")

    assert alive[0] == 200
    assert ready[0] == 200
    assert '"status": "ready"' in ready[2]
    assert api[0] == 401
    assert 'duro_queue_jobs{queue="billing"}' in figures[2]
    assert 'duro_db_connections{pool="core",state="idle"}' in figures[2]
    assert 'duro_http_request_seconds_count{operation="list_plans",status="401"}' in figures[2]


async def test_roles_are_served_alone(database_url: str, redis_url: str) -> None:
    async with running(settings_of(database_url, redis_url), roles={Role.WORKER}) as process:
        assert process.public_url is None
        assert process.core_url is None
        assert (await read(f"{process.health_url}/readyz"))[0] == 200


async def test_core_says_what_is_coming_and_answers_everything_else_with_json(
    database_url: str, redis_url: str
) -> None:
    async with running(settings_of(database_url, redis_url), roles={Role.CORE}) as process:
        home = await read(f"{process.core_url}/")
        other = await read(f"{process.core_url}/v1/plans")

    assert (home[0], home[1]) == (200, "text/html")
    assert (other[0], other[1]) == (404, "application/json")


async def test_a_link_that_nobody_made_opens_nothing(database_url: str, redis_url: str) -> None:
    async with running(settings_of(database_url, redis_url), roles={Role.PUBLIC}) as process:
        page = await read(f"{process.public_url}/pay/i/test.ten_1.inv_1.abc")

    assert (page[0], page[1]) == (404, "text/html")
    assert "This link opens nothing" in page[2]


@pytest.mark.parametrize(("role", "status"), [(Role.PUBLIC, 200), (Role.WORKER, 503)])
async def test_without_redis_requests_are_answered_and_a_worker_is_not_ready(
    database_url: str, role: Role, status: int
) -> None:
    async with running(settings_of(database_url, NOBODY), roles={role}) as process:
        ready = await read(f"{process.health_url}/readyz")
        figures = await read(f"{process.health_url}/metrics")

    assert ready[0] == status
    assert ('"degraded"' in ready[2]) == (role is Role.PUBLIC)
    assert figures[0] == 200


async def test_database_that_is_not_migrated_is_refused_with_what_to_run(
    empty_database_url: str, redis_url: str
) -> None:
    with pytest.raises(StartError, match="duro migrate up"):
        async with running(settings_of(empty_database_url, redis_url)):
            pass


async def test_taken_port_is_named_with_the_option_that_changes_it(
    database_url: str, redis_url: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        chosen = settings_of(database_url, redis_url, core=CoreSettings(port=port))

        with pytest.raises(StartError, match=rf"Port {port} \(core\) is taken.*--core-port"):
            async with running(chosen):
                pass


async def test_missing_master_key_is_named(database_url: str, redis_url: str) -> None:
    chosen = settings_of(database_url, redis_url, security=SecuritySettings())

    with pytest.raises(StartError, match="DURO_SECURITY__MASTER_KEY"):
        async with running(chosen):
            pass


async def test_second_signal_ends_at_once(
    db: Database, database_url: str, redis_url: str, tenant: str
) -> None:
    async with running_receiver() as receiver:
        receiver.react = hanging()
        await add_endpoint(db, tenant, receiver.url)
        await add_events(database_url, tenant, 5)
        async with served("worker", env=serving(database_url, redis_url)) as command:
            await until(lambda: len(receiver.received) >= 1)
            began_s = time.monotonic()
            command.process.send_signal(signal.SIGTERM)
            await asyncio.sleep(0.5)
            command.process.send_signal(signal.SIGTERM)
            code = await command.end()

    assert code == 128 + signal.SIGTERM
    assert time.monotonic() - began_s < 5


async def add_endpoint(db: Database, tenant_id: str, url: str) -> None:
    envelope = Envelope([read_master_key(MASTER_KEY)])
    async with GuardedEgress(allow_loopback=True) as egress:
        await EndpointService(db, envelope, egress).add(Mode.TEST, tenant_id, url=url)


async def add_events(database_url: str, tenant_id: str, count: int) -> None:
    async with connected_as(database_url, app_role(Mode.TEST), search_path="sandbox") as connection:
        await connection.execute("SELECT set_config('duro.tenant', $1, false)", tenant_id)
        await connection.execute(
            "INSERT INTO events (tenant_id, id, type, object_id, data, created_at) "
            "SELECT $1, 'evt_' || n, 'invoice_created', 'inv_' || n, '{}', '2026-01-01' "
            "FROM generate_series(1, $2) n",
            tenant_id,
            count,
        )


async def count_deliveries(database_url: str, tenant_id: str) -> dict[str, int]:
    async with connected_as(database_url, app_role(Mode.TEST), search_path="sandbox") as connection:
        await connection.execute("SELECT set_config('duro.tenant', $1, false)", tenant_id)
        rows = await connection.fetch(
            "SELECT status, count(*) AS count FROM webhook_deliveries GROUP BY status"
        )
    return {row["status"]: row["count"] for row in rows}


async def test_stop_under_load_is_in_time_and_loses_no_delivery(
    db: Database, database_url: str, redis_url: str, tenant: str
) -> None:
    async with running_receiver() as receiver:
        await add_endpoint(db, tenant, receiver.url)
        await add_events(database_url, tenant, 1500)
        env = serving(database_url, redis_url)
        async with served("worker", env=env) as first:
            await until(lambda: len(receiver.received) >= 200)
            began_s = time.monotonic()
            first.process.send_signal(signal.SIGTERM)
            code = await first.end()
            took_s = time.monotonic() - began_s
        delivered = await count_deliveries(database_url, tenant)

        assert code == 0
        assert took_s < 25
        assert delivered["delivered"] == len(receiver.received) < 1500

        async with served("worker", env=env) as second:
            await until(lambda: len(set(receiver.event_ids)) == 1500, patience_s=30)
            # The last answers are written down after they were received.
            second.process.send_signal(signal.SIGTERM)
            assert await second.end() == 0

    assert len(receiver.received) == 1500
    assert await count_deliveries(database_url, tenant) == {"delivered": 1500}


async def test_stop_answers_the_requests_under_way_and_keeps_what_it_answered(
    db: Database, database_url: str, redis_url: str, tenant: str
) -> None:
    async with db.core() as tx:
        key = await create_key(tx, tenant_id=tenant, mode=Mode.TEST)
    created: list[str] = []
    statuses: set[int] = set()

    async def create(session: aiohttp.ClientSession, url: str) -> None:
        while True:
            async with session.post(url, json={"name": "Ada"}) as answer:
                statuses.add(answer.status)
                created.append((await answer.json())["id"])

    async with (
        served("public", env=serving(database_url, redis_url)) as command,
        aiohttp.ClientSession(headers={"Authorization": f"Bearer {key.token}"}) as session,
    ):
        url = f"{command.ready['public_url']}/v1/customers"
        callers = [asyncio.create_task(create(session, url)) for _ in range(8)]
        await until(lambda: len(created) >= 100)
        command.process.send_signal(signal.SIGTERM)
        endings = await asyncio.gather(*callers, return_exceptions=True)
        code = await command.end()

    assert code == 0
    assert statuses == {201}
    assert all(isinstance(ending, aiohttp.ClientConnectionError) for ending in endings)
    async with connected_as(database_url, app_role(Mode.TEST), search_path="sandbox") as connection:
        await connection.execute("SELECT set_config('duro.tenant', $1, false)", tenant)
        kept = {row["id"] for row in await connection.fetch("SELECT id FROM customers")}
    assert set(created) <= kept
