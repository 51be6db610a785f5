"""A database that counts what is sent to it: every statement, and every transaction's begin and end."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from typing_extensions import override

from duro.kit.db import Database


class CountingDatabase(Database):
    """Counts round trips by the first line of their statement."""

    def __init__(self, **parts: Any) -> None:  # noqa: ANN401 - the parts of a Database
        super().__init__(**parts)
        self.sent: Counter[str] = Counter()

    @asynccontextmanager
    @override
    async def _transaction(self, pool: str, opening: str) -> AsyncIterator[Any]:
        self.sent["BEGIN"] += 1
        async with super()._transaction(pool, opening) as connection:
            yield _Counted(connection, self.sent)
        self.sent["COMMIT"] += 1


@dataclass(frozen=True, slots=True)
class _Counted:
    connection: Any
    sent: Counter[str]

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the driver's method is
        method = getattr(self.connection, name)

        def call(text: str, *args: object) -> Any:  # noqa: ANN401 - as above
            self.sent[text.partition("\n")[0]] += 1
            return method(text, *args)

        return call
