"""Owns bringing a database to the shape that `sql/migrations` describes, and saying how far it is."""

import hashlib
import re
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias, cast

import asyncpg

from duro.errors import UnavailableError
from duro.kit.share import share

Phase: TypeAlias = Literal["pre", "post"]
_Connection: TypeAlias = Any  # asyncpg ships no types

_OLDEST_SERVER: Final = 15
_CONNECT_TIMEOUT_S: Final = 10.0
_LOCK_KEY: Final = 0x6475726F
_FILE: Final = re.compile(r"(\d{4})_(pre|post)_([a-z0-9_]+)\.sql")
_PLACEHOLDER: Final = re.compile(r"(?<!:):(app_role|scan_role)\b")
_ENDS_TRANSACTION: Final = re.compile(
    r"^\s*(BEGIN|START TRANSACTION|COMMIT|ROLLBACK)\s*;", re.IGNORECASE | re.MULTILINE
)
# A second run waits for the first one; afterwards it finds nothing to do.
_PATIENCE: Final = "SET lock_timeout = '60s'"
_LOCK: Final = "SELECT pg_advisory_lock($1)"
# A table lock that is not had soon would make every query behind it wait as well.
_LIMITS: Final = "SET LOCAL lock_timeout = '3s'; SET LOCAL statement_timeout = '10min'"
_SEARCH_PATH: Final = "SELECT set_config('search_path', $1, true)"
_HAS_RECORD: Final = "SELECT to_regclass('core.migrations') IS NOT NULL"
_READ_RECORD: Final = """
SELECT scope, number, name, checksum, applied_at
  FROM core.migrations
 ORDER BY applied_at, scope, number
"""
_WRITE_RECORD: Final = """
INSERT INTO core.migrations (scope, number, name, checksum)
VALUES ($1, $2, $3, $4)
RETURNING scope, number, name, checksum, applied_at
"""
# Roles belong to the cluster, where our lock does not reach: another database may be making them.
_RACED: Final = (
    asyncpg.UniqueViolationError,
    asyncpg.DuplicateObjectError,
    asyncpg.InternalServerError,
)
_ROLE_TRIES: Final = 10


class MigrationError(Exception):
    """The database cannot be migrated as things are; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Target:
    """A schema that the files of one folder are applied to."""

    scope: str
    folder: str
    schema: str
    roles: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Migration:
    """One file for one target."""

    target: Target
    number: int
    phase: Phase
    name: str
    path: Path
    text: str
    checksum: str

    @property
    def title(self) -> str:
        return f"{self.target.folder}/{self.path.name} in {self.target.schema}"


@dataclass(frozen=True, slots=True)
class Applied:
    """What the database says about a migration that it has."""

    scope: str
    number: int
    name: str
    checksum: str
    applied_at: datetime


@dataclass(frozen=True, slots=True)
class Status:
    """A migration of this version, and when the database got it; None while it is pending."""

    scope: str
    number: int
    phase: Phase
    name: str
    applied_at: datetime | None
    is_altered: bool


_SANDBOX: Final = {"app_role": "duro_sandbox", "scan_role": "duro_sandbox_scan"}
_LIVE: Final = {"app_role": "duro_live", "scan_role": "duro_live_scan"}
TARGETS: Final = (
    Target("core", "core", "core", {}),
    Target("data:sandbox", "data", "sandbox", _SANDBOX),
    Target("data:live", "data", "live", _LIVE),
    Target("sandbox", "sandbox", "sandbox", _SANDBOX),
)


async def migrate(
    dsn: str, *, phases: Collection[Phase] = ("pre", "post"), folder: Path | None = None
) -> list[Applied]:
    """Apply what is pending, as the owner that `dsn` names; what was applied, in order."""
    migrations = load(folder)
    async with _connected(dsn) as connection:
        await _lock(connection)
        await _set_up(connection)
        plan = _plan(migrations, applied=await _applied(connection), phases=phases)
        return [await _apply(connection, migration) for migration in plan]


async def status(dsn: str, *, folder: Path | None = None) -> list[Status]:
    """Every migration of this version, in the order they are applied in."""
    migrations = load(folder)
    async with _connected(dsn) as connection:
        known = {(a.scope, a.number): a for a in await _applied(connection)}
    return [_status(m, known.get((m.target.scope, m.number))) for m in migrations]


async def verify(dsn: str, *, folder: Path | None = None) -> int:
    """How many applied files are unaltered; raises `MigrationError` when one is not.

    A database that a newer version has migrated further is fine: old code runs on a new schema.
    """
    found = await status(dsn, folder=folder)
    for entry in found:
        if entry.is_altered:
            raise _altered(f"{entry.scope} {entry.number:04} {entry.name}")
    return sum(entry.applied_at is not None for entry in found)


def load(folder: Path | None = None) -> list[Migration]:
    """The migrations of this version, in the order they are applied in."""
    root = folder or share("sql") / "migrations"
    found = [_read(path, target) for target in TARGETS for path in _files(root / target.folder)]
    for scope, group in groupby(found, key=lambda migration: migration.target.scope):
        for expected, migration in enumerate(group, start=1):
            if migration.number != expected:
                raise MigrationError(
                    f"{migration.path} has number {migration.number:04} where {expected:04} "
                    f"follows in {scope}: numbers leave no gap and are used once"
                )
    return found


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*.sql") if not path.name.startswith("."))


def _read(path: Path, target: Target) -> Migration:
    named = _FILE.fullmatch(path.name)
    if named is None:
        raise MigrationError(f"{path} is not named NNNN_pre_name.sql or NNNN_post_name.sql")
    source = path.read_text(encoding="utf-8")
    if _ENDS_TRANSACTION.search(source):
        raise MigrationError(f"{path} begins or ends a transaction; each file runs inside one")
    return Migration(
        target=target,
        number=int(named[1]),
        phase=cast(Phase, named[2]),
        name=named[3],
        path=path,
        text=_fill(source, path=path, roles=target.roles),
        checksum=hashlib.sha256(source.encode()).hexdigest(),
    )


def _fill(source: str, *, path: Path, roles: Mapping[str, str]) -> str:
    def role(found: re.Match[str]) -> str:
        if found[1] not in roles:
            raise MigrationError(f"{path} names {found[0]}, which only the data schemas have")
        return f'"{roles[found[1]]}"'

    return _PLACEHOLDER.sub(role, source)


def _plan(
    migrations: Sequence[Migration], *, applied: Sequence[Applied], phases: Collection[Phase]
) -> list[Migration]:
    known = {(a.scope, a.number): a.checksum for a in applied}
    plan: list[Migration] = []
    left_out: dict[str, Migration] = {}
    for migration in migrations:
        scope = migration.target.scope
        checksum = known.get((scope, migration.number))
        if checksum is not None:
            if checksum != migration.checksum:
                raise _altered(migration.title)
        elif migration.phase not in phases:
            left_out.setdefault(scope, migration)
        elif scope in left_out:
            raise MigrationError(
                f"{migration.title} cannot be applied before {left_out[scope].title}, which is of "
                "the other phase and pending: finish the earlier upgrade first"
            )
        else:
            plan.append(migration)
    return plan


def _status(migration: Migration, applied: Applied | None) -> Status:
    return Status(
        scope=migration.target.scope,
        number=migration.number,
        phase=migration.phase,
        name=migration.name,
        applied_at=applied.applied_at if applied else None,
        is_altered=applied is not None and applied.checksum != migration.checksum,
    )


def _altered(which: str) -> MigrationError:
    return MigrationError(
        f"{which} was applied with another text than it has now: restore the file and put the "
        "change into a new migration"
    )


@asynccontextmanager
async def _connected(dsn: str) -> AsyncIterator[_Connection]:
    try:
        connection = await asyncpg.connect(
            dsn,
            timeout=_CONNECT_TIMEOUT_S,
            server_settings={"application_name": "duro migrate", "timezone": "UTC"},
        )
    except (OSError, TimeoutError, asyncpg.CannotConnectNowError) as error:
        raise UnavailableError(f"PostgreSQL cannot be reached: {error}") from error
    except asyncpg.PostgresError as error:
        raise MigrationError(f"PostgreSQL refuses the connection: {error}") from error
    try:
        found = connection.get_server_version().major
        if found < _OLDEST_SERVER:
            raise MigrationError(f"PostgreSQL {found} is too old: {_OLDEST_SERVER} or newer")
        yield connection
    finally:
        await connection.close()


async def _lock(connection: _Connection) -> None:
    try:
        await connection.execute(_PATIENCE)
        await connection.execute(_LOCK, _LOCK_KEY)
    except asyncpg.LockNotAvailableError as error:
        raise MigrationError("another migration of this database is running") from error


async def _set_up(connection: _Connection) -> None:
    folder = share("sql") / "setup"
    roles, schemas = ((folder / f"{name}.sql").read_text() for name in ("roles", "schemas"))
    try:
        await _race(connection, roles)
        await connection.execute(schemas)
    except asyncpg.PostgresError as error:
        raise MigrationError(f"roles and schemas cannot be made: {error}") from error


async def _race(connection: _Connection, script: str) -> None:
    for tries_left in reversed(range(_ROLE_TRIES)):
        try:
            await connection.execute(script)
        except _RACED:
            if not tries_left:
                raise
        else:
            return


async def _applied(connection: _Connection) -> list[Applied]:
    if not await connection.fetchval(_HAS_RECORD):
        return []
    return [Applied(**row) for row in await connection.fetch(_READ_RECORD)]


async def _apply(connection: _Connection, migration: Migration) -> Applied:
    try:
        async with connection.transaction():
            await connection.execute(_LIMITS)
            await connection.execute(_SEARCH_PATH, migration.target.schema)
            await connection.execute(migration.text)
            row = await connection.fetchrow(
                _WRITE_RECORD,
                migration.target.scope,
                migration.number,
                migration.name,
                migration.checksum,
            )
    except asyncpg.PostgresError as error:
        raise MigrationError(
            f"{migration.title} failed{_place(migration, error)}: {error}. Nothing of it was kept."
        ) from error
    return Applied(**row)


def _place(migration: Migration, error: Exception) -> str:
    position = getattr(error, "position", None)
    if position is None:
        return ""
    return f" at line {migration.text.count(chr(10), 0, int(position)) + 1}"
