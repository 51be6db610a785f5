"""Owns tenants for tests that are not about making tenants."""

from datetime import UTC, datetime

from tests.support.roles import connected_as

_INSERT = "INSERT INTO core.tenants (id, name, created_at) VALUES ($1, $2, $3)"
_CREATED_AT = datetime(2026, 1, 1, tzinfo=UTC)


async def add_tenant(database_url: str, tenant_id: str, *, name: str) -> str:
    async with connected_as(database_url, "duro_core") as connection:
        await connection.execute(_INSERT, tenant_id, name, _CREATED_AT)
    return tenant_id
