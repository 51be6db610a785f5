"""An entry is understood from its handler's annotations, or refused when the module is loaded."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from duro.kit.call import NOBODY_KNOWN, Call, Visit
from duro.kit.limits import LimitClass
from duro.kit.modes import Mode
from duro.kit.pagination import ListQuery, Page
from duro.kit.registry import Options, Routes
from duro.kit.schema import Body, Out

READ: Options = {"permission": "read"}


class ThingAsk(Body):
    name: str


class ThingOut(Out):
    id: str


def test_an_operation_is_read_from_its_annotations() -> None:
    routes = Routes(tag="Things")

    @routes.post("/v1/things/{id}/parts/{partName}", permission="x", id_prefix="thg", status=201)
    async def add_part(body: ThingAsk, thing_id: str, call: Call, part: str) -> ThingOut:
        """Add a part.

        More about it.
        """
        raise NotImplementedError

    (operation,) = routes.operations
    assert (operation.name, operation.method, operation.status) == ("add_part", "POST", 201)
    assert operation.summary == "Add a part."
    assert operation.arguments == ("body", "id", "call", "partName")
    assert (operation.body, operation.query) == (ThingAsk, None)
    assert (operation.reply, operation.is_page) == (ThingOut, False)


def test_a_list_answers_a_page() -> None:
    routes = Routes(tag="Things")

    @routes.get("/v1/things", permission="read")
    async def list_things(call: Call, query: ListQuery) -> Page[ThingOut]:
        raise NotImplementedError

    (operation,) = routes.operations
    assert (operation.reply, operation.is_page, operation.query) == (ThingOut, True, ListQuery)
    assert (operation.summary, operation.status) == ("List things.", 200)


async def no_reply(call: Call) -> None: ...
async def odd_reply(call: Call) -> dict[str, Any]: ...  # type: ignore[empty-body]  # only described
async def odd_body(call: Call, body: ThingOut) -> ThingOut: ...  # type: ignore[empty-body]  # as above
async def no_id(call: Call) -> ThingOut: ...  # type: ignore[empty-body]  # as above
async def two_ids(call: Call, one: str, two: str) -> ThingOut: ...  # type: ignore[empty-body]  # as above
async def number_id(call: Call, one: int) -> ThingOut: ...  # type: ignore[empty-body]  # as above
async def fine(call: Call, thing_id: str) -> ThingOut: ...  # type: ignore[empty-body]  # as above
async def with_body(call: Call, body: ThingAsk) -> ThingOut: ...  # type: ignore[empty-body]  # as above


async def thing(call: Call) -> ThingOut: ...  # type: ignore[empty-body]  # as above
async def visited(visit: Visit) -> ThingOut: ...  # type: ignore[empty-body]  # as above


async def resume(call: Call, resource_id: str) -> ThingOut:
    raise NotImplementedError


@pytest.mark.parametrize(
    ("method", "path", "handler", "options"),
    [
        ("get", "/v1/things", no_reply, READ),
        ("get", "/v1/things", odd_reply, READ),
        ("post", "/v1/things", odd_body, {"permission": "x"}),
        ("get", "/v1/things", with_body, READ),
        ("get", "/v1/things/{ref}", fine, {}),
        ("post", "/v1/things", with_body, {}),
        ("get", "/v1/things/{id}", no_id, {**READ, "id_prefix": "thg"}),
        ("get", "/v1/things/{id}", two_ids, {**READ, "id_prefix": "thg"}),
        ("get", "/v1/things/{id}", number_id, {**READ, "id_prefix": "thg"}),
        ("get", "/v1/things/{id}", fine, READ),
        ("get", "/v1/things/{ref}", fine, {**READ, "id_prefix": "thg"}),
        ("delete", "/v1/things", with_body, {"permission": "x"}),
        ("post", "/v1/things", with_body, {"permission": "x", "transaction": "own"}),
        ("post", "/v1/things", with_body, {"permission": "x", "timeless": True}),
        ("get", "/v1/things", visited, READ),
        ("get", "/v1/things/{ref}", fine, {"credential": NOBODY_KNOWN}),
        ("post", "/v1/things", visited, {"credential": NOBODY_KNOWN, "permission": "x"}),
        ("get", "/v1/things", visited, {"credential": NOBODY_KNOWN, "modes": {Mode.TEST}}),
    ],
)
def test_an_entry_without_sense_is_refused(
    method: str, path: str, handler: Callable[..., Awaitable[Any]], options: Options
) -> None:
    with pytest.raises(TypeError, match=handler.__name__):
        getattr(Routes(tag="Things"), method)(path, **options)(handler)


def test_an_operation_with_transactions_of_its_own_can_be_resumed() -> None:
    routes = Routes(tag="Things")

    routes.post("/v1/things", permission="x", transaction="own", resume=resume)(with_body)

    assert routes.operations[0].owns_transactions


def test_a_public_operation_has_no_key_to_repeat_it_by() -> None:
    routes = Routes(tag="Things")

    routes.post("/v1/things", credential=NOBODY_KNOWN)(visited)

    (operation,) = routes.operations
    assert (operation.is_public, operation.is_mutation, operation.takes_key) == (True, True, False)


@pytest.mark.parametrize(
    ("method", "options", "limit"),
    [
        ("get", READ, LimitClass.READ),
        ("patch", {"permission": "x"}, LimitClass.WRITE),
        ("post", {"permission": "x"}, LimitClass.WRITE),
        ("post", {"permission": "x", "transaction": "own", "resume": resume}, LimitClass.MONEY),
        ("post", {"permission": "x", "limit": LimitClass.MONEY}, LimitClass.MONEY),
        (
            "post",
            {"permission": "x", "transaction": "own", "resume": resume, "limit": LimitClass.WRITE},
            LimitClass.WRITE,
        ),
    ],
)
def test_an_operation_counts_as_what_it_does(
    method: str, options: Options, limit: LimitClass
) -> None:
    routes = Routes(tag="Things")

    getattr(routes, method)("/v1/things", **options)(thing)

    assert routes.operations[0].limit is limit
