"""The OpenAPI 3.1 document, made from the registry that routes and validates."""

import json
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
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
    RateLimitedError,
    UnauthorizedError,
    UnavailableError,
    UnsupportedMediaTypeError,
)
from duro.kit.call import SECRET_ONLY, SESSION_COOKIE, SESSION_ONLY, CredentialKind
from duro.kit.modes import Mode
from duro.kit.registry import JSON, MODE_PARAMETER, Operation, Routes
from duro.kit.schema import Body, Out

Json: TypeAlias = dict[str, Any]

_REF: Final = "#/components/schemas/{model}"
_ALWAYS: Final = (BadRequestError, InvalidError, RateLimitedError, UnavailableError)
_WITH_CREDENTIAL: Final = (UnauthorizedError, ForbiddenError)
_WITH_BODY: Final = (PayloadTooLargeError, UnsupportedMediaTypeError)
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
_HEADERS: Final[Json] = {
    "Request-Id": {
        "description": "Names the request in the logs.",
        "schema": {"type": "string"},
    },
    "RateLimit-Policy": {
        "description": 'The limits that count, as `"key";q=1000;w=5`: a quota and the seconds in which it is restored '
        "(draft-ietf-httpapi-ratelimit-headers-09).",
        "schema": {"type": "string"},
    },
    "RateLimit": {
        "description": 'What is left of each, as `"key";r=999;t=1`: requests, and seconds until the quota is whole.',
        "schema": {"type": "string"},
    },
    "Retry-After": {
        "description": "Seconds until the request would be let in.",
        "schema": {"type": "integer", "minimum": 1},
    },
    "WWW-Authenticate": {
        "description": "How to authenticate.",
        "schema": {"type": "string"},
    },
}
_COUNTED: Final = ("Request-Id", "RateLimit-Policy", "RateLimit")
_HEADERS_OF: Final = {401: ("WWW-Authenticate",), 429: ("Retry-After",)}
_SCHEMES: Final = {
    CredentialKind.SECRET: "secretKey",
    CredentialKind.PUBLISHABLE: "publishableKey",
    CredentialKind.SESSION: "session",
}
_SAID: Final = {
    CredentialKind.SECRET: "A secret key: `sk_test_…` or `sk_live_…`; it says the mode.",
    CredentialKind.PUBLISHABLE: "A publishable key: `pk_test_…` or `pk_live_…`; it says the mode.",
    CredentialKind.SESSION: "The session of a member who has signed in.",
}
_MODE: Final[Json] = {
    "name": MODE_PARAMETER,
    "in": "path",
    "required": True,
    "schema": {"type": "string", "enum": [mode.value for mode in Mode]},
}
_ACCESS_TOKEN: Final = "accessToken"  # noqa: S105 - the name of a scheme, not a token


def document(routes: Sequence[Routes], *, public_url: str) -> Json:
    """Every operation of `routes`, with the schemas that they share."""
    operations = [operation for group in routes for operation in group.operations]
    paths: dict[str, Json] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    granting = [each.path for each in operations if "grants" in each.options]
    token_url = f"{public_url}{granting[0]}" if granting else None
    is_for_members = all(operation.admits == SESSION_ONLY for operation in operations)
    usual = SESSION_ONLY if is_for_members else SECRET_ONLY
    for operation in operations:
        if operation.admits != usual:
            described = paths[operation.path][operation.method.lower()]
            described["security"] = _security(operation.admits, has_tokens=token_url is not None)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Duro",
            "version": __version__,
            "description": "Recovery-first subscription billing.",
        },
        # Members are where this document is.
        "servers": [{"url": "/" if is_for_members else public_url}],
        "security": _security(usual, has_tokens=token_url is not None),
        "tags": [{"name": tag} for tag in dict.fromkeys(group.tag for group in routes)],
        "paths": paths,
        "components": {
            "schemas": _schemas(operations),
            "parameters": {"IdempotencyKey": _IDEMPOTENCY_KEY},
            "headers": _HEADERS,
            "securitySchemes": _schemes(operations, token_url),
        },
    }


def _schemes(operations: Sequence[Operation], token_url: str | None) -> Json:
    schemes: Json = {
        _SCHEMES[kind]: _scheme(kind)
        for kind in CredentialKind
        if any(kind in operation.admits for operation in operations)
    }
    if token_url is not None:
        schemes[_ACCESS_TOKEN] = {
            "type": "oauth2",
            "description": "An access token of an OAuth client; it may do what a secret key may.",
            "flows": {"clientCredentials": {"tokenUrl": token_url, "scopes": {}}},
        }
    return schemes


def _scheme(kind: CredentialKind) -> Json:
    if kind is CredentialKind.SESSION:
        where = {"type": "apiKey", "in": "cookie", "name": SESSION_COOKIE}
    else:
        where = {"type": "http", "scheme": "bearer"}
    return {**where, "description": _SAID[kind]}


def _security(admits: AbstractSet[CredentialKind], *, has_tokens: bool) -> list[Json]:
    """One of these; an empty list asks for none."""
    names = [_SCHEMES[kind] for kind in CredentialKind if kind in admits]
    if has_tokens and CredentialKind.SECRET in admits:
        names.insert(1, _ACCESS_TOKEN)
    return [{name: []} for name in names]


def _operation(operation: Operation) -> Json:
    options = operation.options
    described: Json = {
        "operationId": operation.name,
        "tags": [operation.tag],
        "summary": operation.summary,
        "parameters": list(_parameters(operation)),
        "responses": {
            str(operation.status): _reply(operation),
            **_refusals(operation),
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
    if operation.names_mode:
        yield _MODE
    for name in operation.parameters:
        schema: Json = {"type": "string", "minLength": 1, "maxLength": 255}
        if name == "id":
            prefix = operation.options["id_prefix"]
            schema = {"type": "string", "pattern": f"^{prefix}_[0-9A-HJKMNP-TV-Z]{{26}}$"}
        yield {"name": name, "in": "path", "required": True, "schema": schema}
    if operation.query is not None:
        yield from _query(operation.query.model_json_schema(by_alias=True))
    if operation.takes_key:
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
    return {"required": is_required, "content": dict.fromkeys(operation.media, content)}


def _reply(operation: Operation) -> Json:
    name = operation.reply.__name__
    content: Json = {"schema": _ref(_page_name(name) if operation.is_page else name)}
    if operation.body is None and "example" in operation.options:
        content["example"] = operation.options["example"]
    return {
        "description": "Created." if operation.status == 201 else "Done.",  # noqa: PLR2004 - HTTP
        "headers": _headers(*_COUNTED, *operation.options.get("headers", ())),
        "content": {JSON: content},
    }


def _errors(operation: Operation) -> list[type[DuroError]]:
    found: list[type[DuroError]] = [*_ALWAYS, *operation.options.get("errors", ())]
    if not operation.is_public:
        found.extend(_WITH_CREDENTIAL)
    if operation.parameters or operation.names_mode or "modes" in operation.options:
        found.append(NotFoundError)
    if operation.is_mutation:
        found.extend(_WITH_BODY)
    if operation.takes_key:
        found.append(ConflictError)
    return sorted(found, key=lambda error: error.status)


def _refusals(operation: Operation) -> Json:
    """By status; where several share one, with the codes of all."""
    own = operation.options.get("refusals")
    codes: dict[int, dict[str, None]] = {}
    for error in _errors(operation):
        status = error.status if own is None else own.status(error)
        codes.setdefault(status, {})[error.code if own is None else own.code(error)] = None
    model = "Error" if own is None else own.model.__name__
    return {
        str(status): {
            "description": ", ".join(f"`{code}`" for code in codes[status]),
            "headers": _headers(*_COUNTED, *_HEADERS_OF.get(status, ())),
            "content": {JSON: {"schema": _ref(model)}},
        }
        for status in sorted(codes)
    }


def _headers(*names: str) -> Json:
    return {
        name: {"$ref": f"#/components/headers/{name}"}
        if name in _HEADERS
        else {"schema": {"type": "string"}}
        for name in names
    }


def _schemas(operations: Sequence[Operation]) -> Json:
    wanted: dict[tuple[type[Body | Out], JsonSchemaMode], None] = {}
    for operation in operations:
        if operation.body is not None:
            wanted[operation.body, "validation"] = None
        wanted[operation.reply, "serialization"] = None
        if "refusals" in operation.options:
            wanted[operation.options["refusals"].model, "serialization"] = None
    _, found = models_json_schema(list(wanted), by_alias=True, ref_template=_REF)
    schemas: Json = {"Error": _ERROR, **found.get("$defs", {})}
    for operation in operations:
        if operation.is_page:
            schemas[_page_name(operation.reply.__name__)] = _page(operation.reply.__name__)
    return _shortened({name: _cleared(schemas[name]) for name in sorted(schemas)})


def _shortened(schemas: Json) -> Json:
    """Two models of one name are told apart by their module: `ScheduleStatus`, not its whole path."""
    text = json.dumps(schemas)
    for name in schemas:
        module, _, last = name.rpartition("__")
        if module:
            text = text.replace(name, module.rpartition("__")[2].title() + last)
    shortened: Json = json.loads(text)
    return shortened


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
