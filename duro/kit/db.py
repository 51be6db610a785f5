"""PostgreSQL: pools for each mode, and transactions that belong to one tenant."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Self, TypeAlias

import asyncpg
import orjson

from duro.errors import BusyError, UnavailableError
from duro.kit import json
from duro.kit.bells import Bell, Doorbell, Silent
from duro.kit.clock import Clock
from duro.kit.connections import Use, is_lost, new_pool
from duro.kit.modes import Mode
from duro.kit.sql import Scope, Statement
from duro.kit.unique import NOT_TAKEN, Taken, Translated
from duro.kit.waiting import Waiting

Row: TypeAlias = Mapping[str, Any]
_Ready: TypeAlias = tuple[str, tuple[object, ...]]

# Tenant ids are ours; the check keeps anything else out of the one statement that must be text.
_TENANT: Final = re.compile(r"ten_[0-9A-Z]{26}")
_ACQUIRE_TIMEOUT_S: Final = 10.0
_UNREACHABLE: Final = "The database cannot be reached; try again."
_BUSY: Final = "The database is busy; try again."
# Nothing was done, and the same request may well go through in a moment.
_CONTENDED: Final = (
    asyncpg.DeadlockDetectedError,
    asyncpg.LockNotAvailableError,
    asyncpg.QueryCanceledError,
)
_LOST: Final = (
    OSError,
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
)


@dataclass(frozen=True, slots=True)
class Json:
    """A list as one element of a `jsonb[]`: bare, the driver takes a list of lists for two dimensions."""

    value: object


@dataclass(slots=True)
class Tx:
    """An open transaction of one tenant and mode; whoever opened it commits it.

    `now` is the tenant's business time, `wall` the machine's; both aware, UTC.
    """

    tenant_id: str
    mode: Mode
    _now: datetime | None
    wall: datetime
    _connection: Any
    _bells: dict[Bell, None] = field(default_factory=dict)
    _once_committed: list[Callable[[], None]] = field(default_factory=list)
    _waiting: Waiting = field(default_factory=Waiting)
    _translated: Translated = field(default_factory=Translated)

    @property
    def now(self) -> datetime:
        if self._now is None:
            raise RuntimeError("the tenant's time was not asked for: this is a timeless read")
        return self._now

    async def rows(self, statement: Statement, *args: object) -> list[Row]:
        text, values = await self._ready(statement, args)
        with self._translated:
            found: list[Row] = await self._connection.fetch(text, *values)
        return found

    async def row(self, statement: Statement, *args: object) -> Row | None:
        text, values = await self._ready(statement, args)
        with self._translated:
            found: Row | None = await self._connection.fetchrow(text, *values)
        return found

    async def value(self, statement: Statement, *args: object) -> Any:
        text, values = await self._ready(statement, args)
        with self._translated:
            return await self._connection.fetchval(text, *values)

    async def run(self, statement: Statement, *args: object) -> int:
        """Answers how many rows were touched."""
        text, values = await self._ready(statement, args)
        with self._translated:
            done: str = await self._connection.execute(text, *values)
        return _count(done)

    async def put(
        self,
        statement: Statement,
        *args: object,
        taken: Taken = NOT_TAKEN,
        is_apart: bool = False,
    ) -> None:
        """A write that answers nothing: it waits for the next statement or the commit, and is sent with it.

        `taken` says, by unique constraint, what is raised where it refuses the write, which is wherever it is sent.
        `is_apart` promises that it touches no row that what waits has written, although it is of the same table.
        """
        _demand(statement, Scope.TENANT)
        self._translated.meanings.update(taken)
        if not is_apart and not self._waiting.lets(statement):
            await self.send()
        self._waiting.add(statement, args)

    async def send(self) -> None:
        """Sends what waits."""
        if self._waiting.writes:
            text, values = self._waiting.joined(*self._waiting.writes.pop())
            with self._translated:
                await self._connection.execute(text, self.tenant_id, *values)

    async def _ready(self, statement: Statement, args: tuple[object, ...]) -> _Ready:
        if statement.scope is Scope.PEOPLE:
            await self.send()  # what waits has the tenant for its $1
            return statement.text, args
        _demand(statement, Scope.TENANT)
        if not self._waiting.lets(statement):
            await self.send()
        text, values = self._waiting.joined(statement, args)
        return text, (self.tenant_id, *values)

    def ring(self, work: str) -> None:
        """Have the worker look for work of this kind once this is committed."""
        self._bells[Bell(work, self.mode, self.tenant_id)] = None

    def once_committed(self, then: Callable[[], None]) -> None:
        """Have this done when what the transaction wrote is there for good, and not before."""
        self._once_committed.append(then)

    async def _told_committed(self, doorbell: Doorbell) -> None:
        for then in self._once_committed:
            then()
        if self._bells:
            await doorbell.ring(list(self._bells))


@dataclass(slots=True)
class CoreTx:
    """An open transaction on what belongs to the installation: tenants and credentials."""

    wall: datetime
    _connection: Any

    async def rows(self, statement: Statement, *args: object) -> list[Row]:
        _demand(statement, Scope.CORE)
        with Translated():
            found: list[Row] = await self._connection.fetch(statement.text, *args)
        return found

    async def row(self, statement: Statement, *args: object) -> Row | None:
        _demand(statement, Scope.CORE)
        with Translated():
            found: Row | None = await self._connection.fetchrow(statement.text, *args)
        return found

    async def run(self, statement: Statement, *args: object) -> int:
        _demand(statement, Scope.CORE)
        with Translated():
            done: str = await self._connection.execute(statement.text, *args)
        return _count(done)


@dataclass(frozen=True, slots=True)
class PoolSizes:
    """The most connections of each pool; they open as they are needed."""

    data: int = 12
    core: int = 4
    scan: int = 2


class Database:
    """The pools of one process.

    Each pool's connections take their role and search path as server settings, which survive asyncpg's reset on
    release; a connection of one mode cannot reach the other mode's schema.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        business_now: Statement,
        pools: Mapping[str, Any],
        doorbell: Doorbell | None = None,
    ) -> None:
        self.clock = clock
        self.doorbell: Doorbell = doorbell or Silent()
        self._business_now = business_now
        self._pools = pools
        self._uses = {name: Use(pool.get_max_size()) for name, pool in pools.items()}

    @classmethod
    async def open(
        cls,
        url: str,
        *,
        clock: Clock,
        business_now: Statement,
        sizes: PoolSizes | None = None,
        doorbell: Doorbell | None = None,
    ) -> Self:
        """Connects; `business_now` is the sandbox statement that reads a tenant's test clock."""
        sizes = sizes or PoolSizes()
        pools = {
            "core": _pool(url, "duro_core", "core", sizes.core),
            "sandbox": _pool(url, "duro_sandbox", "sandbox,core", sizes.data),
            "live": _pool(url, "duro_live", "live,core", sizes.data),
            "sandbox_scan": _pool(url, "duro_sandbox_scan", "sandbox,core", sizes.scan),
            "live_scan": _pool(url, "duro_live_scan", "live,core", sizes.scan),
        }
        try:
            await asyncio.gather(*pools.values())
        except _LOST as error:
            raise UnavailableError(f"PostgreSQL cannot be reached: {error}") from error
        return cls(clock=clock, business_now=business_now, pools=pools, doorbell=doorbell)

    async def close(self) -> None:
        await asyncio.gather(*(pool.close() for pool in self._pools.values()))

    def pool_use(self) -> dict[str, tuple[int, int]]:
        """For each pool, how many of its connections are in use and how many are idle."""
        return {
            name: (pool.get_size() - pool.get_idle_size(), pool.get_idle_size())
            for name, pool in self._pools.items()
        }

    @asynccontextmanager
    async def begin(self, mode: Mode, tenant_id: str) -> AsyncIterator[Tx]:
        """A transaction of one tenant: commits at the end, rolls back on an exception."""
        _demand_tenant(tenant_id)
        tx: Tx | None = None
        async with self._transaction(mode.schema, self._opening(mode, tenant_id)) as begun:
            connection, told = begun
            # Nearly every tenant lives at the present: only of the others the time is asked for.
            has_clock = mode is Mode.TEST and _count(told) > 0
            tx = await self._tx(mode, tenant_id, connection, has_clock=has_clock)
            yield tx
            await tx.send()
        await tx._told_committed(self.doorbell)  # noqa: SLF001 - the transaction's own room

    @asynccontextmanager
    async def read(
        self, mode: Mode, tenant_id: str, *, timeless: bool = False
    ) -> AsyncIterator[Tx]:
        """For reads that decide nothing: each statement by itself, and none of them can write.

        A `timeless` one has no `now`, which in test mode is a question of its own.
        """
        _demand_tenant(tenant_id)
        async with self._connected(mode.schema) as connection:
            await connection.serve(tenant_id)
            if timeless:
                yield Tx(tenant_id, mode, None, self.clock.wall(), connection)
            else:
                yield await self._tx(mode, tenant_id, connection)

    async def look(
        self, mode: Mode, tenant_id: str, statement: Statement, *args: object
    ) -> list[Row]:
        """One statement that reads what is committed at this moment, whatever the tenant's time."""
        _demand_tenant(tenant_id)
        _demand(statement, Scope.TENANT)
        async with self._connected(mode.schema) as connection:
            await connection.serve(tenant_id)
            found: list[Row] = await connection.fetch(statement.text, tenant_id, *args)
        return found

    @asynccontextmanager
    async def snapshot(self, mode: Mode, tenant_id: str, *, statement_ms: int) -> AsyncIterator[Tx]:
        """For reads that have to agree: each statement sees the same instant, and none may take longer than that."""
        _demand_tenant(tenant_id)
        opening = (
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; "
            f"SET LOCAL duro.tenant = '{tenant_id}'; SET LOCAL statement_timeout = {statement_ms:d}"
        )
        async with self._transaction(mode.schema, opening) as (connection, _):
            yield await self._tx(mode, tenant_id, connection)

    def _opening(self, mode: Mode, tenant_id: str) -> str:
        """Opens a transaction, says whose rows it may see, and counts the tenant's test clocks: one round trip."""
        opening = f"BEGIN READ WRITE; SET LOCAL duro.tenant = '{tenant_id}'"
        if mode is Mode.LIVE:
            return opening
        return f"{opening}; {self._business_now.text}".replace("$1", f"'{tenant_id}'")

    async def _tx(
        self, mode: Mode, tenant_id: str, connection: Any, *, has_clock: bool = True
    ) -> Tx:
        now = wall = self.clock.wall()
        if has_clock and mode is Mode.TEST:
            now = await connection.fetchval(self._business_now.text, tenant_id) or wall
        return Tx(tenant_id, mode, now, wall, connection)

    @asynccontextmanager
    async def core(self) -> AsyncIterator[CoreTx]:
        """A transaction on tenants and credentials."""
        async with self._transaction("core", "BEGIN READ WRITE") as (connection, _):
            yield CoreTx(self.clock.wall(), connection)

    async def scan(self, mode: Mode, statement: Statement, *args: object) -> list[Row]:
        """Reads over all tenants of one mode, as the role that can do nothing else."""
        _demand(statement, Scope.ALL_TENANTS)
        async with self._connected(f"{mode.schema}_scan") as connection:
            found: list[Row] = await connection.fetch(statement.text, *args)
        return found

    @asynccontextmanager
    async def _transaction(self, pool: str, opening: str) -> AsyncIterator[tuple[Any, str]]:
        """The connection, and what the last statement of the opening was answered with."""
        async with self._connected(pool) as connection:
            told: str = await connection.execute(opening)
            try:
                yield connection, told
            except BaseException:
                if not is_lost(connection):
                    await connection.execute("ROLLBACK")
                raise
            if await connection.execute("COMMIT") != "COMMIT":
                # PostgreSQL answers ROLLBACK to the COMMIT of a transaction in which a statement failed.
                raise RuntimeError(
                    "an error inside the transaction was swallowed; nothing was committed"
                )

    @asynccontextmanager
    async def _connected(self, pool: str) -> AsyncIterator[Any]:
        of = self._pools[pool]
        with self._uses[pool] as is_free:
            try:
                # What need not be waited for needs no timer, which costs a task.
                connection = await of.acquire(timeout=None if is_free else _ACQUIRE_TIMEOUT_S)
            except _LOST as error:
                raise UnavailableError(_UNREACHABLE) from error
            try:
                yield connection
            except _LOST as error:
                # The driver raises the same class for our own wrong arguments: on a healthy connection it is a bug.
                if isinstance(error, asyncpg.InterfaceError) and not is_lost(connection):
                    raise
                raise UnavailableError(_UNREACHABLE) from error
            except _CONTENDED as error:
                raise BusyError(_BUSY) from error
            finally:
                await of.release(connection, timeout=_ACQUIRE_TIMEOUT_S)


def _pool(url: str, role: str, path: str, size: int) -> Any:
    return new_pool(url, role=role, path=path, size=size, init=_teach_json)


async def _teach_json(connection: Any) -> None:
    await connection.set_type_codec(
        "jsonb", schema="pg_catalog", encoder=_to_json, decoder=orjson.loads
    )


def _to_json(value: object) -> str:
    return json.dumps(value.value if isinstance(value, Json) else value).decode()


def _demand_tenant(tenant_id: str) -> None:
    if not _TENANT.fullmatch(tenant_id):
        raise ValueError(f"not a tenant id: {tenant_id!r}")


def _demand(statement: Statement, scope: Scope) -> None:
    if statement.scope is not scope:
        raise TypeError(f"{statement.feature}.{statement.name} is of scope {statement.scope.value}")


def _count(done: str) -> int:
    return int(done.rpartition(" ")[2])
