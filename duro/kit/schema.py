"""Bases and field types of what comes in and goes out over HTTP."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Annotated, Any, Final, TypeAlias

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    Strict,
    StringConstraints,
    ValidationError,
    WithJsonSchema,
)
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError, core_schema

from duro.errors import Detail, InvalidError
from duro.kit.json import is_storable

AMOUNT_MAX_MINOR: Final = 10**14
_METADATA_KEYS_MAX: Final = 50
_RFC3339: Final = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)", re.ASCII | re.IGNORECASE
)
_WHOLE_NUMBER: Final = re.compile(r"-?\d{1,18}", re.ASCII)
_ISSUES: Final = {
    "extra_forbidden": "Unknown field.",
    "missing": "Required.",
    "model_type": "Must be a JSON object.",
    "model_attributes_type": "Must be a JSON object.",
    "int_type": "Must be a whole number without a decimal point.",
    "string_type": "Must be a string.",
    "bool_type": "Must be true or false.",
    "dict_type": "Must be a JSON object.",
    "list_type": "Must be a list.",
}


class Body(BaseModel):
    """A request body: strict types, camelCase names, nothing unknown."""

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        alias_generator=to_camel,
        hide_input_in_errors=True,
    )

    def changes(self) -> dict[str, Any]:
        """The fields that were given, by their Python names; for a PATCH, where absent and null differ."""
        return {name: getattr(self, name) for name in self.model_fields_set}


class Query(BaseModel):
    """The parameters behind the `?`; they arrive as text, so field types here read text."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, alias_generator=to_camel, hide_input_in_errors=True
    )


class Out(BaseModel):
    """An object as it is shown: camelCase, nullable fields present, instants with three decimals.

    Made with the Python names: `PlanOut(created_at=…)`.
    """

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=False,
        serialize_by_alias=True,
    )

    @classmethod
    def spell(cls, fields: Mapping[str, Any]) -> dict[str, Any]:
        """The fields under the names they are shown by: a snapshot without the cost of the object."""
        spelled = _spelling(cls)
        return {spelled[name]: value for name, value in fields.items()}


@cache
def _spelling(model: type[Out]) -> Mapping[str, str]:
    return {name: field.alias or name for name, field in model.model_fields.items()}


def invalid(error: ValidationError) -> list[Detail]:
    """Every refused field of a validation, in the caller's spelling."""
    return [
        Detail(_path(each["loc"]), _ISSUES.get(each["type"]) or _sentence(each["msg"]))
        for each in error.errors(include_url=False, include_context=False, include_input=False)
    ]


def refuse(path: str, issue: str) -> InvalidError:
    """One refused field."""
    return InvalidError("A value is not acceptable.", details=[Detail(path, issue)])


def _path(loc: tuple[int | str, ...]) -> str:
    # pydantic names the key itself as `[key]` when a mapping's key is refused.
    path = ".".join(str(part) for part in loc if part != "[key]")
    return path if is_storable(path) else ""


def _sentence(message: str) -> str:
    return message.replace("Input should", "Must").rstrip(".") + "."


def _to_instant(value: object) -> datetime:
    if isinstance(value, datetime):
        return value
    if isinstance(value, str) and _RFC3339.fullmatch(value):
        try:
            return datetime.fromisoformat(value.upper()).astimezone(UTC)
        except (ValueError, OverflowError):
            # The form is right and the date is not, such as 30 February: refused below.
            pass
    raise PydanticCustomError("instant", "Must be an RFC 3339 instant such as 2026-01-28T09:00:00Z")


def _to_whole_number(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and _WHOLE_NUMBER.fullmatch(value):
        return int(value)
    raise PydanticCustomError("whole_number", "Must be a whole number")


def _to_flag(value: object) -> bool:
    if isinstance(value, bool):
        return value
    if value in ("true", "false"):
        return value == "true"
    raise PydanticCustomError("flag", "Must be true or false")


def _not_blank(text: str) -> str:
    if not text.strip():
        raise PydanticCustomError("blank", "Must not be blank")
    return text


def _few_keys(found: dict[str, str]) -> dict[str, str]:
    if len(found) > _METADATA_KEYS_MAX:
        raise PydanticCustomError("metadata", "Must have at most 50 keys")
    return found


def _schema(**words: str) -> WithJsonSchema:
    return WithJsonSchema(words, mode="validation")


class _NotNull:
    """For a field that may be absent and, when it is given, is not null: `Annotated[Name | None, NOT_NULL] = None`."""

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        schema = handler(source)
        if schema["type"] != "nullable":
            raise TypeError("NOT_NULL is for a type that is otherwise nullable")
        inner: core_schema.CoreSchema = schema["schema"]
        return inner


NOT_NULL: Final = _NotNull()
# For an enumeration in a Body: JSON has text only, so the text of a member is accepted.
Choice: Final = Strict(strict=False)

AmountMinor: TypeAlias = Annotated[
    int,
    Field(ge=1, le=AMOUNT_MAX_MINOR, description="Minor units (kobo): 500000 is ₦5,000.00."),
]
Metadata: TypeAlias = Annotated[
    dict[
        Annotated[str, StringConstraints(min_length=1, max_length=40)],
        Annotated[str, StringConstraints(max_length=500)],
    ],
    AfterValidator(_few_keys),
    Field(
        json_schema_extra={"maxProperties": _METADATA_KEYS_MAX},
        description="Your own keys and values; a change replaces all of them.",
    ),
]
Name: TypeAlias = Annotated[
    str, StringConstraints(min_length=1, max_length=200), AfterValidator(_not_blank)
]
# An instant that comes in, in a Body or a Query.
InstantIn: TypeAlias = Annotated[
    datetime, BeforeValidator(_to_instant), _schema(type="string", format="date-time")
]
# Numbers and flags of a Query; the bounds of a number stand before it: `Annotated[int, Field(ge=1), WHOLE_NUMBER]`.
WHOLE_NUMBER: Final = BeforeValidator(_to_whole_number)
Flag: TypeAlias = Annotated[bool, BeforeValidator(_to_flag), _schema(type="boolean")]
