"""The database roles that the application switches to, as the server knows them."""

from dataclasses import dataclass
from typing import Final

import asyncpg

from duro.errors import UnavailableError

_TIMEOUT_S: Final = 5.0
# Not one of the named statements: those run as these roles, this one looks at them from outside.
_LIST: Final = """
SELECT rolname AS name, rolsuper OR rolbypassrls AS sees_all_rows
  FROM pg_catalog.pg_roles
 WHERE rolname IN ('duro_core', 'duro_sandbox', 'duro_live', 'duro_sandbox_scan', 'duro_live_scan')
 ORDER BY rolname
 LIMIT 10
"""


@dataclass(frozen=True, slots=True)
class Role:
    """A role; one that sees all rows would make row security worthless."""

    name: str
    sees_all_rows: bool


async def list_roles(dsn: str) -> list[Role]:
    """Those of ours that exist."""
    try:
        connection = await asyncpg.connect(dsn, timeout=_TIMEOUT_S)
    except (OSError, TimeoutError, asyncpg.PostgresError) as error:
        raise UnavailableError(f"PostgreSQL cannot be reached: {error}") from error
    try:
        return [Role(row["name"], row["sees_all_rows"]) for row in await connection.fetch(_LIST)]
    finally:
        await connection.close()
