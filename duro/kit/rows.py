"""Between database rows and frozen dataclasses."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from enum import StrEnum
from functools import cache
from operator import attrgetter
from typing import Any, ClassVar, Protocol, TypeVar, Union, get_args, get_origin, get_type_hints

import orjson


class _Dataclass(Protocol):
    __dataclass_fields__: ClassVar[dict[str, Any]]


T = TypeVar("T", bound=_Dataclass)


def into(cls: type[T], row: Mapping[str, Any]) -> T:
    """The row as a `cls`: columns are named as its fields; StrEnum fields and tuples are converted."""
    values = dict(row)
    for name, convert in _converters(cls):
        if values[name] is not None:
            values[name] = convert(values[name])
    return cls(**values)


class Parts:
    """A row of several tables, cut into the classes that it holds: each of all its fields, in their order.

    The first `skip` columns belong to none.
    """

    def __init__(self, row: Mapping[str, Any], *, skip: int = 0) -> None:
        self._left = list(row.values())[skip:]

    def take(self, cls: type[T]) -> T:
        """The next columns as a `cls`."""
        size = len(_names(cls))
        taken, self._left = self._left[:size], self._left[size:]
        for place, convert in _converters_at(cls):
            if taken[place] is not None:
                taken[place] = convert(taken[place])
        return cls(*taken)

    def find(self, cls: type[T]) -> T | None:
        """The same, or None where the first of them is null: an outer join found nothing."""
        if self._left[0] is None:
            self._left = self._left[len(_names(cls)) :]
            return None
        return self.take(cls)


def columns(items: Iterable[_Dataclass], *names: str) -> list[list[Any]]:
    """One list for each name, in the order of the items: the arguments of an `unnest`."""
    rows = list(items)
    return [[read(row) for row in rows] for read in map(attrgetter, names)]


def records(items: Iterable[_Dataclass], *names: str) -> str:
    """The items with these fields as a JSON array: the rows of a `json_to_recordset`; instants to the microsecond.

    One text costs the driver a fraction of what a list for each column does.
    """
    read = attrgetter(*names)
    return orjson.dumps([dict(zip(names, read(item), strict=True)) for item in items]).decode()


@cache
def _names(cls: type[_Dataclass]) -> Sequence[str]:
    return tuple(field.name for field in fields(cls))


@cache
def _converters(cls: type[_Dataclass]) -> Sequence[tuple[str, Callable[[Any], Any]]]:
    hints = get_type_hints(cls)
    found = ((field.name, _converter(hints[field.name])) for field in fields(cls))
    return [(name, convert) for name, convert in found if convert is not None]


@cache
def _converters_at(cls: type[_Dataclass]) -> Sequence[tuple[int, Callable[[Any], Any]]]:
    names = _names(cls)
    return [(names.index(name), convert) for name, convert in _converters(cls)]


def _converter(hint: Any) -> Callable[[Any], Any] | None:
    options = get_args(hint) if _is_optional(hint) else (hint,)
    for option in options:
        if isinstance(option, type) and issubclass(option, StrEnum):
            return option
        if get_origin(option) is tuple:
            return tuple
    return None


def _is_optional(hint: Any) -> bool:
    return get_origin(hint) is Union or type(hint).__name__ == "UnionType"
