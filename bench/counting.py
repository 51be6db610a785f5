"""A database that counts what is sent to it: every statement, and every transaction's begin and end."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from typing_extensions import override

from duro.kit.db import Database

_ASKING: Final = frozenset({"execute", "fetch", "fetchrow", "fetchval"})


class CountingDatabase(Database):
    """Counts round trips by the first line of their statement."""

    def __init__(self, **parts: Any) -> None:  # noqa: ANN401 - the parts of a Database
        super().__init__(**parts)
        self.sent: Counter[str] = Counter()

    @asynccontextmanager
    @override
    async def _connected(self, pool: str) -> AsyncIterator[Any]:
        async with super()._connected(pool) as connection:
            yield _Counted(connection, self.sent)


@dataclass(frozen=True, slots=True)
class _Counted:
    connection: Any
    sent: Counter[str]

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the driver's method is
        method = getattr(self.connection, name)
        if name not in _ASKING:
            return method

        def call(text: str, *args: object) -> Any:  # noqa: ANN401 - as above
            line = text.partition("\n")[0]
            self.sent["BEGIN" if line.startswith("BEGIN") else line] += 1
            return method(text, *args)

        return call
