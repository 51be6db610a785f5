"""Between database rows and frozen dataclasses."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from enum import StrEnum
from functools import cache
from operator import attrgetter
from typing import Any, ClassVar, Protocol, TypeVar, Union, get_args, get_origin, get_type_hints


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


def columns(items: Iterable[_Dataclass], *names: str) -> list[list[Any]]:
    """One list for each name, in the order of the items: the arguments of an `unnest`."""
    rows = list(items)
    return [[read(row) for row in rows] for read in map(attrgetter, names)]


@cache
def _converters(cls: type[_Dataclass]) -> Sequence[tuple[str, Callable[[Any], Any]]]:
    hints = get_type_hints(cls)
    found = ((field.name, _converter(hints[field.name])) for field in fields(cls))
    return [(name, convert) for name, convert in found if convert is not None]


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
