"""The OpenAPI 3.1 document, made from the registry that routes and validates."""

from collections.abc import Iterator, Sequence
from typing import Any, Final, TypeAlias, cast

from pydantic.json_schema import JsonSchemaMode, models_json_schema

from duro import __version__
from duro.errors import (
    BadRequestError,
    ConflictError,
    DuroError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    PayloadTooLargeError,
    UnauthorizedError,
    UnavailableError,
    UnsupportedMediaTypeError,
)
from duro.kit.modes import Mode
from duro.kit.registry import Operation, Routes
from duro.kit.schema import Body, Out

Json: TypeAlias = dict[str, Any]

_REF: Final = "#/components/schemas/{model}"
_ALWAYS: Final = (
    BadRequestError,
    UnauthorizedError,
    ForbiddenError,
    InvalidError,
    UnavailableError,
)
_MUTATION: Final = (ConflictError, PayloadTooLargeError, UnsupportedMediaTypeError)
_ERROR: Final[Json] = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message", "docUrl", "requestId"],
            "properties": {
                "code": {"type": "string"},
                "message": {"type": "string"},
                "details": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "required": ["path", "issue"],
                        "properties": {"path": {"type": "string"}, "issue": {"type": "string"}},
                    },
                },
                "docUrl": {"type": "string", "format": "uri"},
                "requestId": {"type": "string"},
            },
        }
    },
}
_IDEMPOTENCY_KEY: Final[Json] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "The same key with the same request gives the first answer again, for at least 24 hours.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
}


def document(routes: Sequence[Routes], *, public_url: str) -> Json:
    """Every operation of `routes`, with the schemas that they share."""
    operations = [operation for group in routes for operation in group.operations]
    paths: dict[str, Json] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Duro",
            "version": __version__,
            "description": "Recovery-first subscription billing.",
        },
        "servers": [{"url": public_url}],
        "security": [{"secretKey": []}],
        "tags": [{"name": group.tag} for group in routes],
        "paths": paths,
        "components": {
            "schemas": _schemas(operations),
            "parameters": {"IdempotencyKey": _IDEMPOTENCY_KEY},
            "securitySchemes": {
                "secretKey": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A secret key: `sk_test_…` or `sk_live_…`; it says the mode.",
                }
            },
        },
    }


def _operation(operation: Operation) -> Json:
    options = operation.options
    described: Json = {
        "operationId": operation.name,
        "tags": [operation.tag],
        "summary": operation.summary,
        "parameters": list(_parameters(operation)),
        "responses": {
            str(operation.status): _reply(operation),
            **{str(error.status): _refusal(error) for error in _errors(operation)},
        },
    }
    if "permission" in options:
        described["x-permission"] = options["permission"]
    if "modes" in options:
        described["x-modes"] = sorted(Mode(mode).value for mode in options["modes"])
    if operation.body is not None:
        described["requestBody"] = _body(operation, operation.body)
    return described


def _parameters(operation: Operation) -> Iterator[Json]:
    for name in operation.parameters:
        schema: Json = {"type": "string", "minLength": 1, "maxLength": 255}
        if name == "id":
            prefix = operation.options["id_prefix"]
            schema = {"type": "string", "pattern": f"^{prefix}_[0-9A-HJKMNP-TV-Z]{{26}}$"}
        yield {"name": name, "in": "path", "required": True, "schema": schema}
    if operation.query is not None:
        yield from _query(operation.query.model_json_schema(by_alias=True))
    if operation.is_mutation:
        yield {"$ref": "#/components/parameters/IdempotencyKey"}


def _query(schema: Json) -> Iterator[Json]:
    defined = schema.get("$defs", {})
    for name, field in schema["properties"].items():
        yield {
            "name": name,
            "in": "query",
            "required": name in schema.get("required", ()),
            "schema": _text(cast(Json, _inlined(field, defined))),
        }


def _inlined(field: object, defined: Json) -> object:
    """The schema without references: a parameter has no place of its own for definitions."""
    if isinstance(field, list):
        return [_inlined(each, defined) for each in field]
    if not isinstance(field, dict):
        return field
    if "$ref" in field:
        return _inlined(defined[field["$ref"].rpartition("/")[2]], defined)
    return {key: _inlined(value, defined) for key, value in field.items() if key != "title"}


def _text(field: Json) -> Json:
    """Absence stands for null in a query: `null` cannot be written there."""
    options = [each for each in field.get("anyOf", ()) if each != {"type": "null"}]
    if len(options) == 1:
        field = {key: value for key, value in field.items() if key != "anyOf"} | options[0]
    return {key: value for key, value in field.items() if (key, value) != ("default", None)}


def _body(operation: Operation, body: type[Body]) -> Json:
    content: Json = {"schema": _ref(body.__name__)}
    if "example" in operation.options:
        content["example"] = operation.options["example"]
    is_required = any(field.is_required() for field in body.model_fields.values())
    return {"required": is_required, "content": {"application/json": content}}


def _reply(operation: Operation) -> Json:
    name = operation.reply.__name__
    content: Json = {"schema": _ref(_page_name(name) if operation.is_page else name)}
    if operation.body is None and "example" in operation.options:
        content["example"] = operation.options["example"]
    return {
        "description": "Created." if operation.status == 201 else "Done.",  # noqa: PLR2004 - HTTP
        "headers": {"Request-Id": {"schema": {"type": "string"}}},
        "content": {"application/json": content},
    }


def _errors(operation: Operation) -> list[type[DuroError]]:
    found: list[type[DuroError]] = [*_ALWAYS, *operation.options.get("errors", ())]
    if operation.parameters or "modes" in operation.options:
        found.append(NotFoundError)
    if operation.is_mutation:
        found.extend(_MUTATION)
    return sorted(found, key=lambda error: error.status)


def _refusal(error: type[DuroError]) -> Json:
    return {
        "description": f"`{error.code}`",
        "headers": {"Request-Id": {"schema": {"type": "string"}}},
        "content": {"application/json": {"schema": _ref("Error")}},
    }


def _schemas(operations: Sequence[Operation]) -> Json:
    wanted: dict[tuple[type[Body | Out], JsonSchemaMode], None] = {}
    for operation in operations:
        if operation.body is not None:
            wanted[operation.body, "validation"] = None
        wanted[operation.reply, "serialization"] = None
    _, found = models_json_schema(list(wanted), by_alias=True, ref_template=_REF)
    schemas: Json = {"Error": _ERROR, **found.get("$defs", {})}
    for operation in operations:
        if operation.is_page:
            schemas[_page_name(operation.reply.__name__)] = _page(operation.reply.__name__)
    return {name: _cleared(schemas[name]) for name in sorted(schemas)}


def _cleared(schema: object) -> object:
    """Without titles, which only repeat the name, and defaults of null, which lie where null is refused."""
    if isinstance(schema, list):
        return [_cleared(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: _cleared(value)
        for key, value in schema.items()
        if (key, value) != ("default", None) and not (key == "title" and isinstance(value, str))
    }


def _page(item: str) -> Json:
    return {
        "type": "object",
        "required": ["items", "nextCursor", "hasMore"],
        "properties": {
            "items": {"type": "array", "items": _ref(item)},
            "nextCursor": {"type": ["string", "null"]},
            "hasMore": {"type": "boolean"},
        },
    }


def _page_name(item: str) -> str:
    return f"{item.removesuffix('Out')}Page"


def _ref(name: str) -> Json:
    return {"$ref": _REF.format(model=name)}
