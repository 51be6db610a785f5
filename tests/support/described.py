"""Owns the operations of the OpenAPI document as the tests walk them."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

_OF_PREFIX: Final = re.compile(r"\^([a-z]+)_")


@dataclass(frozen=True)
class Described:
    """One operation with the document it stands in."""

    method: str
    path: str
    raw: dict[str, Any]
    document: dict[str, Any]

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def security(self) -> list[Any]:
        found: list[Any] = self.raw.get("security", self.document["security"])
        return found

    @property
    def parameters(self) -> list[dict[str, Any]]:
        return [self.resolved(each) for each in self.raw["parameters"]]

    @property
    def query(self) -> list[str]:
        return [each["name"] for each in self.parameters if each["in"] == "query"]

    @property
    def media(self) -> list[str]:
        return list(self.raw.get("requestBody", {}).get("content", ()))

    @property
    def body(self) -> dict[str, Any]:
        """The schema of the body; of one without any, an empty one."""
        if not self.media:
            return {}
        return self.resolved(self.raw["requestBody"]["content"][self.media[0]]["schema"])

    @property
    def example(self) -> Mapping[str, Any]:
        if not self.media:
            return {}
        found: Mapping[str, Any] = self.raw["requestBody"]["content"][self.media[0]].get(
            "example", {}
        )
        return found

    def path_with(self, ids: Mapping[str, str], **others: str) -> str:
        """The path with the id of the right prefix in it."""
        path = self.path
        for each in self.parameters:
            if each["in"] == "path":
                prefix = _OF_PREFIX.match(each["schema"].get("pattern", ""))
                found = ids[prefix[1]] if prefix else others[each["name"]]
                path = path.replace(f"{{{each['name']}}}", found)
        return path

    def resolved(self, schema: dict[str, Any]) -> dict[str, Any]:
        """What a reference stands for."""
        while "$ref" in schema:
            found: Any = self.document
            for part in schema["$ref"].removeprefix("#/").split("/"):
                found = found[part]
            schema = found
        return schema


def described(document: dict[str, Any]) -> Iterator[Described]:
    for path, methods in document["paths"].items():
        for method, raw in methods.items():
            yield Described(method.upper(), path, raw, document)


def properties(operation: Described) -> dict[str, Any]:
    """The fields of its body."""
    found: dict[str, Any] = operation.body.get("properties", {})
    return found


def integers(operation: Described) -> Iterator[tuple[str, dict[str, Any], bool]]:
    """The fields that are whole numbers, or lists of them (then True)."""
    for name, schema in properties(operation).items():
        for option in schema.get("anyOf", [schema]):
            one = operation.resolved(option)
            if one.get("type") == "integer":
                yield name, one, False
            if one.get("type") == "array" and one["items"].get("type") == "integer":
                yield name, one["items"], True
