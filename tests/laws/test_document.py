"""The document of the whole system is valid OpenAPI 3.1, and says of each operation what a reader needs."""

from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from duro.runtime.console import operations
from tests.support.described import described
from tests.support.system import Merchant


@pytest.fixture
async def document(merchant: Merchant) -> dict[str, Any]:
    answer = await merchant.client.get("/openapi.json")
    assert answer.status == 200
    return answer.json


async def test_the_whole_document_is_valid_and_holds_every_operation(
    document: dict[str, Any],
) -> None:
    OpenAPIV31SpecValidator(document).validate()

    found = {(each.method, each.path, each.raw["operationId"]) for each in described(document)}
    assert found == {(each.method, each.path, each.name) for each in await operations()}
    names = [name for _, _, name in found]
    assert len(set(names)) == len(names)


async def test_every_operation_has_a_summary_and_every_body_an_example_that_is_accepted(
    document: dict[str, Any],
) -> None:
    bodies = {each.name: each.body for each in await operations() if each.body is not None}

    for operation in described(document):
        assert operation.raw["summary"], operation.name
        if operation.media:
            assert operation.example, operation.name
            bodies[operation.raw["operationId"]].model_validate(operation.example)
