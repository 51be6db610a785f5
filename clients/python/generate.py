"""Writes the client's types and operations from the OpenAPI document: `python clients/python/generate.py`."""

import asyncio
import keyword
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from duro.runtime.console import describe

Schema = Mapping[str, Any]
FOLDER: Final = Path(__file__).parent / "duro_client"
_MODELS: Final = "models.py"
_OPERATIONS: Final = "operations.py"
_PLAIN: Final = {
    "string": "str",
    "integer": "int",
    "number": "float",
    "boolean": "bool",
    "null": "None",
    "anything": "Any",
}
# A form for other programs than this one, which has a key.
_LEFT_OUT: Final = frozenset({"create_access_token"})


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a method."""

    name: str
    sent_as: str
    type: str
    is_required: bool


def generate(document: Schema) -> dict[str, str]:
    """The text of each generated file."""
    return {_MODELS: _formatted(_models(document)), _OPERATIONS: _formatted(_clients(document))}


def _models(document: Schema) -> str:
    schemas: Mapping[str, Schema] = document["components"]["schemas"]
    lines = [
        '"""The objects of the API; generated from its OpenAPI document, not written by hand."""',
        "",
        "from __future__ import annotations",
        "",
        "from typing import Any, Literal, NotRequired, TypeAlias, TypedDict",
        "",
    ]
    for name, schema in schemas.items():
        if "enum" in schema:
            lines.append(f"{name}: TypeAlias = {_type(schema)}")
    for name, schema in schemas.items():
        if "enum" not in schema:
            lines += _typed_dict(name, schema)
    return "\n".join(lines)


def _typed_dict(name: str, schema: Schema) -> list[str]:
    required = set(schema.get("required", ()))
    told = schema.get("description")
    hints = {
        field: _type(kind) if field in required else f"NotRequired[{_type(kind)}]"
        for field, kind in schema.get("properties", {}).items()
    }
    if any(map(keyword.iskeyword, hints)):
        # A field named like a word of the language cannot stand in the body of a class.
        pairs = ", ".join(f'"{field}": {hint!r}' for field, hint in hints.items())
        return ["", "", f'{name} = TypedDict("{name}", {{{pairs}}})']
    lines = ["", "", f"class {name}(TypedDict):"]
    lines += [f'    """{_first_sentence(told)}"""', ""] if told else []
    lines += [f"    {field}: {hint}" for field, hint in hints.items()]
    return lines if hints or told else [*lines, "    pass"]


def _clients(document: Schema) -> str:
    entries = [
        (method, path, entry)
        for path, methods in document["paths"].items()
        for method, entry in methods.items()
        if entry["operationId"] not in _LEFT_OUT
    ]
    models = sorted({_reply(entry) for _, _, entry in entries} | set(_named(entries, document)))
    head = [
        '"""A method for each operation; generated from the OpenAPI document, not written by hand."""',
        "",
        "from typing import Any, Literal",
        "",
        "from duro_client import wire",
        f"from duro_client.models import {', '.join(models)}",
        "from duro_client.wire import UNSET, Request, Unset",
        "",
    ]
    sync = ["", "class Operations:", '    """Every operation, blocking."""', ""]
    sync += ["    def _send(self, request: Request) -> Any:", "        raise NotImplementedError"]
    later = ["", "", "class AsyncOperations:", '    """Every operation, for asyncio."""', ""]
    later += [
        "    async def _send(self, request: Request) -> Any:",
        "        raise NotImplementedError",
    ]
    for method, path, entry in entries:
        sync += _method(method, path, entry, document, is_async=False)
        later += _method(method, path, entry, document, is_async=True)
    return "\n".join([*head, *sync, *later])


def _method(
    method: str, path: str, entry: Schema, document: Schema, *, is_async: bool
) -> list[str]:
    places = re.findall(r"\{(\w+)\}", path)
    query = list(_query(entry))
    body = list(_body(entry, document))
    head = "async def" if is_async else "def"
    wait = "await " if is_async else ""
    lines = ["", f"    {head} {entry['operationId']}(", "        self,"]
    lines += [f"        {_snake(place)}: str," for place in places]
    named = sorted([*query, *body], key=lambda each: not each.is_required)
    if named or method != "get":
        lines.append("        *,")
    lines += [f"        {_declared(each)}," for each in named]
    if method != "get":
        lines.append("        idempotency_key: str | None = None,")
    lines += [f"    ) -> {_reply(entry)}:", f'        """{_first_sentence(entry["summary"])}"""']
    where = re.sub(r"\{(\w+)\}", lambda found: f"{{wire.segment({_snake(found[1])})}}", path)
    lines += ["        request = wire.request(", f'            "{method.upper()}",']
    lines.append(f'            {"f" if places else ""}"{where}",')
    if query:
        lines.append(f"            query={_mapping(query)},")
    if method != "get":
        lines.append(f"            body={_mapping(body)},")
        lines.append("            idempotency_key=idempotency_key,")
    lines += ["        )", f"        answer: {_reply(entry)} = {wait}self._send(request)"]
    return [*lines, "        return answer"]


def _query(entry: Schema) -> Iterator[Argument]:
    for each in entry.get("parameters", ()):
        if each.get("in") == "query":
            yield Argument(
                _snake(each["name"]), each["name"], _type(each["schema"]), each["required"]
            )


def _body(entry: Schema, document: Schema) -> Iterator[Argument]:
    content = entry.get("requestBody", {}).get("content", {})
    if not content:
        return
    name = next(iter(content.values()))["schema"]["$ref"].rpartition("/")[2]
    schema = document["components"]["schemas"][name]
    required = set(schema.get("required", ()))
    for field, kind in schema.get("properties", {}).items():
        yield Argument(_snake(field), field, _type(kind), field in required)


def _named(entries: Iterable[tuple[str, str, Schema]], document: Schema) -> Iterator[str]:
    """The models that the arguments speak of."""
    schemas = document["components"]["schemas"]
    for _, _, entry in entries:
        for each in (*_query(entry), *_body(entry, document)):
            yield from (word for word in re.findall(r"\w+", each.type) if word in schemas)


def _reply(entry: Schema) -> str:
    done = next(answer for code, answer in entry["responses"].items() if code.startswith("2"))
    name: str = done["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
    return name


def _type(schema: Schema) -> str:
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    if "enum" in schema or "const" in schema:
        values = schema.get("enum", [schema.get("const")])
        return f"Literal[{', '.join(repr(value) for value in values)}]"
    if "anyOf" in schema:
        found = list(dict.fromkeys(_type(each) for each in schema["anyOf"]))
        return " | ".join(sorted(found, key=lambda each: each == "None"))
    kind = schema.get("type", "anything")
    if kind == "array":
        return f"list[{_type(schema.get('items', {}))}]"
    if kind == "object":
        inner = schema.get("additionalProperties")
        return f"dict[str, {_type(inner) if isinstance(inner, dict) else 'Any'}]"
    # JSON Schema has lists of types as well: `["string", "null"]`.
    return " | ".join(_PLAIN[each] for each in ([kind] if isinstance(kind, str) else kind))


def _declared(argument: Argument) -> str:
    if argument.is_required:
        return f"{argument.name}: {argument.type}"
    return f"{argument.name}: {argument.type} | Unset = UNSET"


def _mapping(arguments: Iterable[Argument]) -> str:
    pairs = ", ".join(f'"{each.sent_as}": {each.name}' for each in arguments)
    return f"{{{pairs}}}"


def _snake(name: str) -> str:
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    return f"{snake}_" if keyword.iskeyword(snake) else snake


def _first_sentence(text: str) -> str:
    return " ".join(text.split())


def _formatted(text: str) -> str:
    """As the repository formats its code, so that the files stand in its checks."""
    command = [
        sys.executable,
        "-m",
        "ruff",
        "format",
        "--quiet",
        "--stdin-filename",
        "made.py",
        "-",
    ]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=True)
    return done.stdout


def main() -> None:
    for name, text in generate(asyncio.run(describe())).items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
