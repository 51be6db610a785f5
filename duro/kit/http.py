"""The public application: routes every operation, and gives each answer its id and its shape."""

import re
from collections.abc import Callable, Collection, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final, TypeAlias

import structlog
from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware

from duro.errors import (
    BadRequestError,
    DuroError,
    NotFoundError,
    PayloadTooLargeError,
)
from duro.kit import idempotency
from duro.kit.clock import Clock, monotonic_s
from duro.kit.db import Database
from duro.kit.edge import Edge, Ports
from duro.kit.gate import LIMIT_HEADERS, Gate
from duro.kit.ids import new_id
from duro.kit.json import dumps
from duro.kit.limits import LimitClass
from duro.kit.modes import Mode
from duro.kit.openapi import document
from duro.kit.registry import JSON, MODE_PARAMETER, Operation, Routes

BODY_MAX_BYTES: Final = 1024 * 1024
REQUEST_ID_HEADER: Final = "Request-Id"
REQUEST_ID: Final = web.RequestKey("request_id", str)
OPERATION: Final = web.RequestKey("operation", str)
_PAGES: Final = web.AppKey("pages", dict[Handler, "Page"])
_ENTRY: Final = web.RequestKey("entry", Operation)

log = structlog.get_logger(__name__)

# Told of each answer: operation, status, seconds.
Observe: TypeAlias = Callable[[str, int, float], None]


@dataclass(frozen=True, slots=True)
class Renderer:
    """Refusals in the one shape of `docs/errors.md`."""

    docs_url: str

    def __call__(self, error: DuroError, request_id: str) -> bytes:
        shown: dict[str, object] = {"code": error.code, "message": error.message}
        if error.details:
            shown["details"] = [{"path": d.path, "issue": d.issue} for d in error.details]
        shown |= {"docUrl": f"{self.docs_url}#{error.code}", "requestId": request_id}
        return dumps({"error": shown})


# A refusal as a page of its own.
Refuse: TypeAlias = Callable[[web.Request, DuroError], web.Response]


@dataclass(frozen=True, slots=True)
class Page:
    """A handler that is no operation: what it is called, how it is counted, and how it refuses."""

    name: str
    limit: LimitClass = LimitClass.READ
    refuse: Refuse | None = None


def add_page(app: web.Application, route: str, handler: Handler, page: Page) -> None:
    """`route` is a method and a path."""
    method, _, path = route.partition(" ")
    app[_PAGES][handler] = page
    app.router.add_route(method, path, handler)
    if method == hdrs.METH_GET:
        app.router.add_route(hdrs.METH_HEAD, path, handler)


class MethodNotAllowedError(BadRequestError):
    """The path is known and the method is not."""

    status = 405


def build_app(
    *,
    routes: Sequence[Routes],
    db: Database,
    clock: Clock,
    gate: Gate,
    public_url: str,
    observe: Observe | None = None,
) -> web.Application:
    """An application with every operation of `routes` and `/openapi.json`; pages may be added to it."""
    render = Renderer(f"{public_url}/docs/errors")
    handlers: set[Handler] = set()
    app = web.Application(
        client_max_size=BODY_MAX_BYTES,
        middlewares=[_outermost(clock, render, observe), _count_others(gate, handlers)],
    )
    app[_PAGES] = {}
    ports = Ports(db=db, render=render, gate=gate)
    paths = {operation.path for group in routes for operation in group.operations}
    for group in routes:
        for operation in group.operations:
            handler = _handler(Edge(operation, ports), clock)
            handlers.add(handler)
            path = _routed(operation.path, paths).replace(*_MODES)
            app.router.add_route(operation.method, path, handler)
            if operation.method == "GET":
                app.router.add_route("HEAD", path, handler)
    described = dumps(document(routes, public_url=public_url))
    app.router.add_get("/openapi.json", _constant(described))
    return app


_MODES: Final = (f"{{{MODE_PARAMETER}}}", f"{{{MODE_PARAMETER}:{'|'.join(Mode)}}}")


def _routed(path: str, paths: Collection[str]) -> str:
    """The path for the router: a name that is a path of its own, such as `/recovery/backtest`, is no `{id}`."""
    head, _, last = path.rpartition("/")
    beside = (other.rpartition("/") for other in paths)
    named = [re.escape(name) for above, _, name in beside if above == head and name[:1] != "{"]
    if not last.startswith("{") or not named:
        return path
    return f"{head}/{{{last[1:-1]}:(?!(?:{'|'.join(sorted(named))})$)[^{{}}/]+}}"


def _handler(edge: Edge, clock: Clock) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        request[OPERATION] = edge.operation.name
        request[_ENTRY] = edge.operation
        answer = await edge.answer(request, request_id=request[REQUEST_ID], wall=clock.wall())
        response = _response(answer.status, answer.body)
        if answer.is_replay:
            response.headers[idempotency.REPLAYED_HEADER] = "true"
        return response

    return handle


def _constant(body: bytes) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        request[OPERATION] = "read_openapi"
        return _response(200, body)

    return handle


def _count_others(gate: Gate, counted: AbstractSet[Handler]) -> Middleware:
    """Pages and unknown paths count against the address; operations count for themselves."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.match_info.handler not in counted:
            page = _page_of(request)
            if page is not None:
                request[OPERATION] = page.name
            await gate.admit_visitor(request, LimitClass.READ if page is None else page.limit)
        return await handler(request)

    return middleware


def _outermost(clock: Clock, render: Renderer, observe: Observe | None) -> Middleware:
    """The request's id, one shape for every refusal, and no bug's text in an answer."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        started_s = monotonic_s()
        request_id = new_id("req", wall=clock.wall())
        request[REQUEST_ID] = request_id
        # A connection's requests share one context: what the last one bound must not stay.
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        response = await _answered(request, handler, render)
        response.headers[REQUEST_ID_HEADER] = request_id
        response.headers.update(request.get(LIMIT_HEADERS, {}))
        if _ENTRY in request:
            response.headers.update(request[_ENTRY].options.get("headers", {}))
        if observe is not None:
            name = request.get(OPERATION, "none")
            observe(name, response.status, monotonic_s() - started_s)
        return response

    return middleware


async def _answered(request: web.Request, handler: Handler, render: Renderer) -> web.StreamResponse:
    try:
        return await handler(request)
    except DuroError as error:
        return _refusal(request, error, render)
    except web.HTTPException as error:
        return _aiohttp_refusal(request, error, render)
    except (
        Exception
    ):  # the boundary: whatever else is raised is a bug, logged here and shown to nobody
        log.exception("request_failed", method=request.method, operation=request.get(OPERATION))
        return _refusal(request, DuroError("Something went wrong on our side."), render)


def _refusal(request: web.Request, error: DuroError, render: Renderer) -> web.Response:
    """In the form of the operation or page, if it has one of its own."""
    page = _page_of(request)
    if page is not None and page.refuse is not None:
        shown = page.refuse(request, error)
        shown.headers.update(error.headers)
        return shown
    own = request[_ENTRY].options.get("refusals") if _ENTRY in request else None
    if own is None:
        response = _response(error.status, render(error, request[REQUEST_ID]))
    else:
        response = _response(own.status(type(error)), dumps(own.show(error).model_dump()))
    response.headers.update(error.headers)
    return response


def _page_of(request: web.Request) -> Page | None:
    return request.app[_PAGES].get(request.match_info.handler)


def _aiohttp_refusal(
    request: web.Request, error: web.HTTPException, render: Renderer
) -> web.StreamResponse:
    """What aiohttp itself refuses: an unknown path or method, a body over the limit."""
    refusal: DuroError
    match error:
        case web.HTTPNotFound():
            refusal = NotFoundError("There is nothing at this path.")
        case web.HTTPMethodNotAllowed():
            refusal = MethodNotAllowedError("This path has no such method.")
        case web.HTTPRequestEntityTooLarge():
            refusal = PayloadTooLargeError("The body is over 1 MiB.")
        case _:
            return error
    response = _refusal(request, refusal, render)
    if isinstance(error, web.HTTPMethodNotAllowed):
        response.headers[hdrs.ALLOW] = ", ".join(sorted(error.allowed_methods))
    return response


def _response(status: int, body: bytes) -> web.Response:
    return web.Response(status=status, body=body, headers={hdrs.CONTENT_TYPE: JSON})
