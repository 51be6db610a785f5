"""Writes of a transaction that wait for the next statement, and are sent with it as one."""

import re
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Final

from duro.kit.sql import Statement

_WORD: Final = re.compile(r"\w+")
_WRITTEN: Final = re.compile(r"\b(?:INSERT INTO|(?<!DO )UPDATE|DELETE FROM) (\w+)")
_PLACE: Final = re.compile(r"\$(\d+)")


@dataclass(slots=True)
class Waiting:
    """The writes of one transaction, in their order."""

    writes: list[tuple[Statement, tuple[object, ...]]] = field(default_factory=list)
    _tables: set[str] = field(default_factory=set)

    def add(self, statement: Statement, args: tuple[object, ...]) -> None:
        """One more that waits."""
        self.writes.append((statement, args))
        self._tables |= _written(statement)

    def lets(self, statement: Statement) -> bool:
        """Whether the statement may go with what waits.

        The parts of one statement see the same instant, and none what another writes. So it may name no table that
        is written before it; a `WITH` of its own, which may write, has to stand alone.
        """
        if not self.writes:
            return True
        stands_alone = statement.text.startswith("WITH")
        return not stands_alone and _words(statement).isdisjoint(self._tables)

    def joined(
        self, statement: Statement, args: tuple[object, ...]
    ) -> tuple[str, tuple[object, ...]]:
        """The text and the arguments that do what waits, and then answer the statement; nothing waits any more."""
        if not self.writes:
            return statement.text, args
        parts, self.writes = [*self.writes, (statement, args)], []
        self._tables.clear()
        text = _joined(tuple(each for each, _ in parts))
        return text, tuple(value for _, values in parts for value in values)


@cache
def _words(statement: Statement) -> frozenset[str]:
    return frozenset(_WORD.findall(statement.text))


@cache
def _written(statement: Statement) -> frozenset[str]:
    return frozenset(_WRITTEN.findall(statement.text))


@cache
def _joined(statements: tuple[Statement, ...]) -> str:
    """The last statement, with the writes before it as its `WITH`; $1 is the tenant's for all, the others count on."""
    texts, count = [], 1
    for statement in statements:
        texts.append(_PLACE.sub(partial(_moved, by=count - 1), statement.text))
        count += max(int(place) for place in _PLACE.findall(statement.text)) - 1
    *writes, last = texts
    named = (f"write_{place} AS (\n{text})" for place, text in enumerate(writes, 1))
    return f"WITH {', '.join(named)}\n{last}"


def _moved(place: re.Match[str], *, by: int) -> str:
    number = int(place[1])
    return f"${number if number == 1 else number + by}"
