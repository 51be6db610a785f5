"""What it means that a unique constraint refused a write."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, TypeAlias

import asyncpg

# By constraint, what is raised instead.
Taken: TypeAlias = Mapping[str, Callable[[], Exception]]
NOT_TAKEN: Final[Taken] = MappingProxyType({})


class UniqueViolationError(Exception):
    """A unique constraint refused the change; `constraint` is its name in the migrations."""

    def __init__(self, constraint: str) -> None:
        super().__init__(constraint)
        self.constraint = constraint


class Translated:
    """Turns the driver's unique violation into what it means here; only the kit names the driver."""

    __slots__ = ("meanings",)

    def __init__(self) -> None:
        self.meanings: dict[str, Callable[[], Exception]] = {}

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, asyncpg.UniqueViolationError):
            constraint = error.constraint_name or ""
            meaning = self.meanings.get(constraint)
            raise (meaning() if meaning else UniqueViolationError(constraint)) from error
