"""How connections to PostgreSQL are opened, and what is done with one between two uses."""

from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeAlias
from weakref import WeakKeyDictionary

import asyncpg

Init: TypeAlias = Callable[[Any], Awaitable[None]]

_STATEMENT_TIMEOUT: Final = "30s"
_LOCK_TIMEOUT: Final = "10s"
_CONNECT_TIMEOUT_S: Final = 10.0
_COMMAND_TIMEOUT_S: Final = 35.0


class ServingConnection(asyncpg.Connection):  # type: ignore[misc,no-any-unimported]  # the driver ships no types
    """Remembers whose rows its session may see outside a transaction; inside, SET LOCAL says it."""

    served = ""

    async def serve(self, tenant_id: str) -> None:
        if self.served != tenant_id:
            # If this fails halfway, the next one does not rely on it.
            self.served = ""
            await self.execute(f"SET duro.tenant = '{tenant_id}'")
            self.served = tenant_id


class Use:
    """How many connections of a pool are borrowed or waited for now, and how many were at most.

    On entry it says whether one that was open before is free.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._now = 0
        self._most = 0

    def __enter__(self) -> bool:
        is_free = self._now < self._most
        self._now += 1
        return is_free

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        # What was waited for in vain was never open.
        if error is None:
            self._most = max(self._most, min(self._now, self._size))
        self._now -= 1


def new_pool(url: str, *, role: str, path: str, size: int, init: Init) -> Any:
    """Its connections open as they are needed, as `role` and with this search path."""
    return asyncpg.create_pool(
        url,
        min_size=0,
        max_size=size,
        timeout=_CONNECT_TIMEOUT_S,
        command_timeout=_COMMAND_TIMEOUT_S,
        statement_cache_size=1000,
        max_cached_statement_lifetime=0,
        init=init,
        connection_class=ServingConnection,
        reset=_Settle(),
        server_settings={
            "search_path": path,
            "role": role,
            # What is not said to write, cannot: `begin` and `core` say so.
            "default_transaction_read_only": "on",
            "application_name": "duro",
            "timezone": "UTC",
            "statement_timeout": _STATEMENT_TIMEOUT,
            "lock_timeout": _LOCK_TIMEOUT,
            "idle_in_transaction_session_timeout": "60s",
            # Generic plans: these statements read by key, and planning each again costs more than it finds.
            "plan_cache_mode": "force_generic_plan",
            "jit": "off",
        },
    )


class _Settle:
    """What is done with a connection between two uses."""

    def __init__(self) -> None:
        self._uses: WeakKeyDictionary[Any, int] = WeakKeyDictionary()

    async def __call__(self, connection: Any) -> None:
        # Nothing here outlives its transaction (SET LOCAL, transaction locks), so the driver's reset would be a round
        # trip for nothing; a connection whose rollback failed is thrown away.
        if connection.is_in_transaction():
            connection.terminate()
            return
        uses = self._uses[connection] = self._uses.get(connection, 0) + 1
        # A plan made for a small table reads a large one row by row, and so do those behind foreign keys, which are
        # kept as well. Made anew whenever the uses have doubled, no plan is far behind what this connection wrote.
        if uses.bit_count() == 1:
            await connection.execute("DISCARD PLANS")


def is_lost(connection: Any) -> bool:
    """Whether nothing can be asked of it any more."""
    try:
        lost: bool = connection.is_closed()
    except asyncpg.InterfaceError:
        # The pool takes a connection that was lost away from its borrower, who can then ask it nothing.
        return True
    return lost
