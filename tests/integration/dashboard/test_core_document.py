"""The core role describes its own operations, and refuses what is no JSON of theirs."""

from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from duro.modules.members.model import Role
from duro.runtime.console import core_operations, operations
from tests.support.dashboard import Office, path_of
from tests.support.described import described

_NOT_JSON = (b"{", b"{}{}", b'{"to":"a","to":"b"}', b'{"to":NaN}', b"\xff", b"[" * 40 + b"]" * 40)


@pytest.fixture
async def document(office: Office) -> dict[str, Any]:
    return (await office.stranger().get("/openapi.json")).json


async def test_the_document_is_valid_and_holds_every_operation(document: dict[str, Any]) -> None:
    OpenAPIV31SpecValidator(document).validate()

    found = {(each.method, each.path, each.raw["operationId"]) for each in described(document)}

    assert found == {(each.method, each.path, each.name) for each in await core_operations()}
    assert document["servers"] == [{"url": "/"}]
    (scheme,) = document["components"]["securitySchemes"].values()
    assert (scheme["in"], scheme["name"]) == ("cookie", "__Host-duro_session")


async def test_every_operation_asks_for_a_session_and_none_takes_an_idempotency_key(
    document: dict[str, Any],
) -> None:
    for operation in described(document):
        assert operation.security == [{"session": []}]
        assert "Idempotency-Key" not in {each["name"] for each in operation.parameters}
        assert ("{mode}" in operation.path) == ("mode" in {e["name"] for e in operation.parameters})


async def test_examples_are_accepted(document: dict[str, Any]) -> None:
    bodies = {each.name: each.body for each in await core_operations() if each.body is not None}
    examples = {each.raw["operationId"]: each.example for each in described(document)}

    assert len(bodies) >= 6
    for name, body in bodies.items():
        assert examples[name], name
        body.model_validate(examples[name])


async def test_keys_and_sessions_have_no_operation_in_common() -> None:
    names = {each.name for each in await operations()}
    paths = {each.path for each in await operations()}
    core = await core_operations()

    assert not names & {each.name for each in core}
    assert not any(path.startswith("/dashboard") for path in paths)
    assert all(each.path.startswith("/dashboard/api/") for each in core)


async def test_what_is_no_json_is_refused_by_every_change(office: Office, tenant: str) -> None:
    ada = await office.signed_in(tenant, Role.OWNER)
    changes = [each for each in await core_operations() if each.body is not None]
    large = b'{"x":"' + b"x" * 1024 * 1024 + b'"}'

    for entry in changes:
        statuses = [(await ada.send(entry.method, path_of(entry), raw)).status for raw in _NOT_JSON]
        unknown = await ada.send(entry.method, path_of(entry), {"nothing": 1})
        asked = await ada.send(entry.method, f"{path_of(entry)}?nothing=1", None)
        too_large = await ada.send(entry.method, path_of(entry), large)

        assert (entry.name, statuses) == (entry.name, [400] * len(_NOT_JSON))
        assert (entry.name, unknown.status, asked.status) == (entry.name, 422, 422)
        assert "nothing" in unknown.paths
        assert too_large.status == 413
