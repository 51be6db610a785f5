"""Owns the plain values of the decision log, and reading them back without trusting them."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import TypeAlias

from duro.billing.rails import Rail

Json: TypeAlias = "str | int | float | bool | Sequence[Json] | Mapping[str, Json] | None"


def instant_text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()


def instant_text_or_none(at: datetime | None) -> str | None:
    return None if at is None else instant_text(at)


def instant(value: Json) -> datetime:
    return datetime.fromisoformat(text(value))


def instant_or_none(value: Json) -> datetime | None:
    return None if value is None else instant(value)


def dates(value: Json) -> tuple[date, ...]:
    return tuple(date.fromisoformat(text(day)) for day in items(value))


def rails(value: Json) -> tuple[Rail, ...]:
    return tuple(Rail(text(name)) for name in items(value))


def text(value: Json) -> str:
    if isinstance(value, str):
        return value
    raise TypeError("expected text in a logged decision")


def number(value: Json) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise TypeError("expected a whole number in a logged decision")


def number_or_none(value: Json) -> int | None:
    return None if value is None else number(value)


def flag(value: Json) -> bool:
    if isinstance(value, bool):
        return value
    raise TypeError("expected true or false in a logged decision")


def items(value: Json) -> Sequence[Json]:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return value
    raise TypeError("expected a list in a logged decision")


def mapping(value: Json) -> Mapping[str, Json]:
    if isinstance(value, Mapping):
        return value
    raise TypeError("expected an object in a logged decision")
