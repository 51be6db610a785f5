"""Reads what an operation takes out of a request, or refuses it with the path of every wrong field."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias
from urllib.parse import parse_qsl

from aiohttp import hdrs, web
from pydantic import BaseModel, ValidationError

from duro.errors import (
    BadRequestError,
    Detail,
    InvalidError,
    NotFoundError,
    UnsupportedMediaTypeError,
)
from duro.kit.bodies import in_time
from duro.kit.ids import is_id
from duro.kit.json import is_storable, parse, unstorable
from duro.kit.registry import FORM, Operation
from duro.kit.schema import Body, Query, invalid

_TEXT_MAX: Final = 255
_NOT_STORABLE: Final = "Must not hold a NUL character or half of a surrogate pair."
_FIELDS_MAX: Final = 100


class _Nothing(Body):
    """The body of an operation that takes none: empty, or an empty object."""


class _NoQuery(Query):
    """The parameters of an operation that takes none."""


@dataclass(frozen=True, slots=True)
class Intake:
    """What was read: the handler's values by argument, and the bytes of the body."""

    values: dict[str, Any]
    raw: bytes


Check: TypeAlias = Callable[[Mapping[str, str]], None]


class Reader:
    """Reads the requests of one operation."""

    def __init__(self, operation: Operation) -> None:
        self._prefix = operation.options.get("id_prefix")
        self._has_parameters = bool(operation.parameters)
        self._takes_body = operation.is_mutation
        self._media = operation.media
        self._body: type[Body] = operation.body or _Nothing
        self._has_query = operation.query is not None
        self._query: type[Query] = operation.query or _NoQuery

    async def read(self, request: web.Request) -> Intake:
        """Raises `BadRequestError` for what is not JSON and `InvalidError` with every refused field."""
        values: dict[str, Any] = {}
        if self._has_parameters:
            values.update(self._parameters(request.match_info))
        refused: list[Detail] = []
        if self._has_query or request.query_string:
            values["query"] = _validated(self._query, _query(request, refused), refused)
        raw = b""
        if self._takes_body:
            raw = await _raw(request)
            values["body"] = _validated(self._body, self._parsed(request, raw, refused), refused)
        if refused:
            raise InvalidError(_message(refused), details=refused)
        return Intake(values, raw)

    def _parameters(self, found: Mapping[str, str]) -> Mapping[str, str]:
        for name, text in found.items():
            if name == "id" and self._prefix is not None:
                is_fine = is_id(text, self._prefix)
            else:
                is_fine = len(text) <= _TEXT_MAX and is_storable(text)
            if not is_fine:
                raise NotFoundError("There is nothing here by that id.")
        return found

    def _parsed(self, request: web.Request, raw: bytes, refused: list[Detail]) -> object:
        if not raw:
            # An action may be called without a body; where fields are required, each is named.
            return {}
        if (
            request.content_type not in self._media
            or (request.charset or "utf-8").lower() != "utf-8"
        ):
            raise UnsupportedMediaTypeError(
                f"The body must be {' or '.join(self._media)} in UTF-8."
            )
        if request.content_type == FORM:
            return _form(raw, refused)
        value = parse(raw)
        refused.extend(Detail(path, _NOT_STORABLE) for path in unstorable(raw, value))
        return value


async def _raw(request: web.Request) -> bytes:
    if not request.can_read_body:
        return b""
    if request.headers.get(hdrs.CONTENT_ENCODING, "identity") != "identity":
        # A small body can hold a very large one; nobody needs that here.
        raise UnsupportedMediaTypeError("The body must not be compressed.")
    try:
        async with in_time():
            return await request.read()
    except web.RequestPayloadError as error:
        raise BadRequestError("The body cannot be read.") from error


def _query(request: web.Request, refused: list[Detail]) -> dict[str, str]:
    if not request.query_string:
        return {}
    return _fields(request.query.items(), refused)


def _form(raw: bytes, refused: list[Detail]) -> dict[str, str]:
    try:
        pairs = parse_qsl(
            raw.decode("utf-8"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=_FIELDS_MAX,
        )
    except ValueError as error:
        raise BadRequestError("The body is not a form in UTF-8.") from error
    return _fields(pairs, refused)


def _fields(pairs: Iterable[tuple[str, str]], refused: list[Detail]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, text in pairs:
        if not is_storable(name):
            refused.append(Detail("", _NOT_STORABLE))
        elif name in found:
            refused.append(Detail(name, "Must be given once."))
        elif not is_storable(text):
            refused.append(Detail(name, _NOT_STORABLE))
        else:
            found[name] = text
    return found


def _validated(model: type[BaseModel], given: object, refused: list[Detail]) -> BaseModel | None:
    try:
        return model.model_validate(given)
    except ValidationError as error:
        # Text that cannot be kept is refused already, and what stands below it.
        known = [detail.path for detail in refused]
        refused.extend(
            detail
            for detail in invalid(error)
            if not any(f"{detail.path}.".startswith(f"{path}.") for path in known)
        )
    return None


def _message(refused: list[Detail]) -> str:
    if len(refused) == 1:
        return f"{refused[0].path or 'The body'}: {refused[0].issue}"
    return f"{len(refused)} values are not acceptable."
