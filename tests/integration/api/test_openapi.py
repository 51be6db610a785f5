"""The described API is the served one."""

from collections.abc import Sequence

from openapi_spec_validator import OpenAPIV31SpecValidator

from duro.kit.registry import Routes
from tests.support.api import PUBLIC_URL, Server


async def test_the_document_is_valid_openapi_3_1_and_open_to_everyone(server: Server) -> None:
    answer = await server.stranger().get("/openapi.json")

    assert answer.status == 200
    assert answer.json["openapi"] == "3.1.0"
    assert answer.json["servers"] == [{"url": PUBLIC_URL}]
    OpenAPIV31SpecValidator(answer.json).validate()


async def test_every_operation_is_described_with_what_it_takes_and_answers(
    server: Server, routes: Sequence[Routes]
) -> None:
    paths = (await server.stranger().get("/openapi.json")).json["paths"]

    described = {each["operationId"] for path in paths.values() for each in path.values()}
    assert described == {each.name for group in routes for each in group.operations}
    for group in routes:
        for operation in group.operations:
            entry = paths[operation.path][operation.method.lower()]
            assert ("requestBody" in entry) == (operation.body is not None)
            assert str(operation.status) in entry["responses"]
            assert {"400", "401", "403", "422", "503"} <= entry["responses"].keys()


async def test_what_changes_something_takes_an_idempotency_key(server: Server) -> None:
    paths = (await server.stranger().get("/openapi.json")).json["paths"]

    reference = {"$ref": "#/components/parameters/IdempotencyKey"}
    for path in paths.values():
        for method, entry in path.items():
            assert (reference in entry["parameters"]) == (method != "get")
            assert ("409" in entry["responses"]) == (method != "get")


async def test_a_plan_is_described_as_it_is_read(server: Server) -> None:
    schemas = (await server.stranger().get("/openapi.json")).json["components"]["schemas"]

    asked = schemas["PlanCreate"]
    assert asked["required"] == ["name", "amount", "interval"]
    assert asked["additionalProperties"] is False
    amount = asked["properties"]["amount"]
    assert (amount["type"], amount["minimum"], amount["maximum"]) == ("integer", 1, 10**14)
    assert asked["properties"]["metadata"]["maxProperties"] == 50
    changed = schemas["PlanUpdate"]["properties"]
    assert changed["name"]["type"] == "string"
    assert {"type": "null"} in changed["maxCycles"]["anyOf"]
    assert "default" not in changed["name"]
    shown = schemas["PlanOut"]
    assert list(shown["properties"]) == [
        *("id", "name", "amount", "currency", "interval", "intervalCount", "trialDays"),
        *("maxCycles", "allowMultiple", "active", "metadata", "createdAt"),
    ]
    assert shown["required"] == list(shown["properties"])


async def test_a_list_is_described_with_its_parameters(server: Server) -> None:
    document = (await server.stranger().get("/openapi.json")).json

    entry = document["paths"]["/v1/plans"]["get"]
    taken = {each["name"]: each["schema"] for each in entry["parameters"]}
    assert list(taken) == ["limit", "cursor", "createdFrom", "createdTo", "active"]
    assert taken["limit"] == {"type": "integer", "minimum": 1, "maximum": 100, "default": 20}
    assert taken["createdFrom"] == {"type": "string", "format": "date-time"}
    assert taken["active"] == {"type": "boolean"}
    reply = entry["responses"]["200"]["content"]["application/json"]["schema"]
    assert reply == {"$ref": "#/components/schemas/PlanPage"}
