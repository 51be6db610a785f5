"""Operations: one entry holds path, types, errors and example; routing, validation and OpenAPI are made from it."""

import inspect
import re
from collections.abc import Awaitable, Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import (
    Any,
    Final,
    Literal,
    TypeAlias,
    TypedDict,
    TypeVar,
    Unpack,
    get_args,
    get_origin,
    get_type_hints,
)

from duro.errors import DuroError
from duro.kit.call import SECRET_ONLY, Call, CredentialKind
from duro.kit.limits import LimitClass
from duro.kit.modes import Mode
from duro.kit.pagination import Page
from duro.kit.schema import Body, Out, Query

Reply: TypeAlias = Out | Page[Any]
Handler: TypeAlias = Callable[..., Awaitable[Reply]]
Resume: TypeAlias = Callable[[Call, str], Awaitable[Reply]]
H = TypeVar("H", bound=Handler)

# Whose data it is about: the call knows it, so that no handler takes it.
MODE_PARAMETER: Final = "mode"
_PARAMETER: Final = re.compile(r"\{([A-Za-z]+)\}")
_NAMED: Final = frozenset({"call", "visit", "body", "query"})
JSON: Final = "application/json"
FORM: Final = "application/x-www-form-urlencoded"


# Options that make sense for a tenant only.
_OF_A_TENANT: Final = frozenset({"permission", "modes", "transaction", "timeless", "resume"})


@dataclass(frozen=True, slots=True)
class Refusals:
    """Another form of refusals, for an operation whose standard asks for one."""

    model: type[Out]
    status: Callable[[type[DuroError]], int]
    code: Callable[[type[DuroError]], str]
    show: Callable[[DuroError], Out]


class Options(TypedDict, total=False):
    """What an operation says about itself beside its handler's annotations."""

    permission: str  # needed wherever there is a credential
    status: int  # 201 for what creates; default 200
    errors: tuple[type[DuroError], ...]  # besides those that every operation can give
    example: Mapping[str, object]  # a body, or the reply of an operation without one
    id_prefix: str  # the form of `{id}`; anything else is not found
    modes: AbstractSet[Mode]  # elsewhere not found; default both
    transaction: Literal["edge", "own"]  # default edge
    timeless: (
        bool  # what a read shows depends on no time, so nobody asks for the tenant's; default false
    )
    credential: AbstractSet[CredentialKind]  # default secret; none of them: public, takes a `Visit`
    limit: LimitClass  # default: money for own transactions, else by the method
    media: tuple[str, ...]  # content types of the body; default JSON
    headers: Mapping[str, str]  # of each of its answers
    refusals: Refusals  # default those of docs/errors.md
    grants: Literal["client_credentials"]  # the OAuth flow whose access tokens it gives
    resume: Resume  # finishes what a dead process began; needed where an own transaction changes something


class ReadByMembers(TypedDict):
    """What a feature says of all that members look at, so that each operation need not."""

    permission: str
    credential: AbstractSet[CredentialKind]


class DoneByMembers(ReadByMembers):
    """The same of what they do, where the services open their own transactions."""

    transaction: Literal["own"]


@dataclass(frozen=True, slots=True)
class Operation:
    """One entry of the registry."""

    name: str
    method: str
    path: str
    tag: str
    summary: str
    handler: Handler
    parameters: tuple[str, ...]  # of the path, in order
    arguments: tuple[
        str, ...
    ]  # of the handler: `call`, `body`, `query`, or a parameter of the path
    body: type[Body] | None
    query: type[Query] | None
    reply: type[Out]
    is_page: bool
    options: Options

    @property
    def is_mutation(self) -> bool:
        return self.method != "GET"

    @property
    def admits(self) -> AbstractSet[CredentialKind]:
        return self.options.get("credential", SECRET_ONLY)

    @property
    def is_public(self) -> bool:
        return not self.admits

    @property
    def takes_key(self) -> bool:
        """Whether an idempotency key counts: it belongs to a tenant and its programs, not to a stranger or a member."""
        return self.is_mutation and not self.is_public and CredentialKind.SESSION not in self.admits

    @property
    def names_mode(self) -> bool:
        """Whether the path says whose data it is about, because the credential does not."""
        return f"{{{MODE_PARAMETER}}}" in self.path

    @property
    def limit(self) -> LimitClass:
        """Own transactions are those of work that calls a gateway, but for what members do."""
        if not self.is_mutation:
            natural = LimitClass.READ
        else:
            calls_a_gateway = self.owns_transactions and self.takes_key
            natural = LimitClass.MONEY if calls_a_gateway else LimitClass.WRITE
        return self.options.get("limit", natural)

    @property
    def media(self) -> tuple[str, ...]:
        return self.options.get("media", (JSON,))

    @property
    def status(self) -> int:
        return self.options.get("status", 200)

    @property
    def owns_transactions(self) -> bool:
        return self.options.get("transaction", "edge") == "own"


@dataclass(frozen=True, slots=True)
class Routes:
    """The operations of one feature under one heading.

    A handler's annotations say what it takes: `call: Call` (a public one `visit: Visit`), `body` a `Body`, `query` a
    `Query`, and one `str` for each `{parameter}` of the path but `{mode}`, in their order, under any name; and what it
    answers: an `Out` or a `Page` of one.
    """

    tag: str
    operations: list[Operation] = field(default_factory=list)

    def get(self, path: str, **options: Unpack[Options]) -> Callable[[H], H]:
        return self._entry("GET", path, options)

    def post(self, path: str, **options: Unpack[Options]) -> Callable[[H], H]:
        return self._entry("POST", path, options)

    def put(self, path: str, **options: Unpack[Options]) -> Callable[[H], H]:
        return self._entry("PUT", path, options)

    def patch(self, path: str, **options: Unpack[Options]) -> Callable[[H], H]:
        return self._entry("PATCH", path, options)

    def delete(self, path: str, **options: Unpack[Options]) -> Callable[[H], H]:
        return self._entry("DELETE", path, options)

    def _entry(self, method: str, path: str, options: Options) -> Callable[[H], H]:
        def enter(handler: H) -> H:
            operation = _describe(handler, method=method, path=path, tag=self.tag, options=options)
            self.operations.append(operation)
            return handler

        return enter


def _describe(handler: Handler, *, method: str, path: str, tag: str, options: Options) -> Operation:
    name = handler.__name__
    hints = get_type_hints(handler)
    parameters = tuple(name for name in _PARAMETER.findall(path) if name != MODE_PARAMETER)
    reply, is_page = _reply(name, hints.pop("return", None))
    operation = Operation(
        name=name,
        method=method,
        path=path,
        tag=tag,
        summary=_summary(handler),
        handler=handler,
        parameters=parameters,
        arguments=_arguments(handler, hints, parameters),
        body=_model(name, hints, "body", Body),
        query=_model(name, hints, "query", Query),
        reply=reply,
        is_page=is_page,
        options=options,
    )
    _demand_sense(operation)
    return operation


def _demand_sense(operation: Operation) -> None:
    name, options = operation.name, operation.options
    if not operation.is_public and "permission" not in options:
        raise TypeError(f"{name} asks for a credential and names no permission")
    if operation.is_public and ("call" in operation.arguments or _OF_A_TENANT & options.keys()):
        raise TypeError(f"{name} is public, so it has no tenant, mode or permission")
    if not operation.is_public and "visit" in operation.arguments:
        raise TypeError(f"{name} has a credential: it takes a Call, not a Visit")
    if options.get("timeless") and operation.is_mutation:
        raise TypeError(f"{name} changes something, and that has a time")
    if operation.takes_key and operation.owns_transactions and "resume" not in options:
        raise TypeError(f"{name} opens its own transactions and cannot be resumed after a crash")
    if operation.method in ("GET", "DELETE") and operation.body is not None:
        raise TypeError(f"{name} is a {operation.method} and takes a body")
    if ("id" in operation.parameters) != ("id_prefix" in options):
        raise TypeError(f"{name} must have both {{id}} and id_prefix, or neither")


def _summary(handler: Handler) -> str:
    words = inspect.getdoc(handler) or handler.__name__.replace("_", " ").capitalize() + "."
    return words.partition("\n")[0]


def _reply(name: str, hint: object) -> tuple[type[Out], bool]:
    is_page = get_origin(hint) is Page
    shown = get_args(hint)[0] if is_page else hint
    if not (isinstance(shown, type) and issubclass(shown, Out)):
        raise TypeError(f"{name} must answer an Out or a Page of one, not {hint!r}")
    return shown, is_page


M = TypeVar("M", Body, Query)


def _model(name: str, hints: Mapping[str, Any], argument: str, base: type[M]) -> type[M] | None:
    hint = hints.get(argument)
    if hint is None:
        return None
    if not (isinstance(hint, type) and issubclass(hint, base)):
        raise TypeError(f"{name} takes `{argument}` as {hint!r}, which is no {base.__name__}")
    return hint


def _arguments(
    handler: Handler, hints: Mapping[str, Any], parameters: tuple[str, ...]
) -> tuple[str, ...]:
    name = handler.__name__
    texts = [argument for argument in hints if argument not in _NAMED]
    if len(texts) != len(parameters) or any(hints[text] is not str for text in texts):
        raise TypeError(f"{name} must take one str for each of {list(parameters)}, in order")
    if len(hints) != len(inspect.signature(handler).parameters):
        raise TypeError(f"{name} must annotate all it takes")
    from_path = dict(zip(texts, parameters, strict=True))
    return tuple(from_path.get(argument, argument) for argument in hints)
