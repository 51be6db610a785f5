"""`duro plans list` and the like: a command for every operation of the merchant API, made from its registry."""

import inspect
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Final, get_args

import typer
from typing_extensions import override

from duro.cli import events
from duro.cli.frame import (
    AsJson,
    DataDir,
    ExampleGroup,
    Exit,
    ModeOption,
    TenantOption,
    finish,
    new_group,
    run,
    say,
    with_example,
)
from duro.kit.modes import Mode

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

    from duro.kit.registry import Operation
    from duro.runtime.console import Answer

_PARAMETER: Final = re.compile(r"\{[A-Za-z]+\}")
_VERBS: Final = {"GET": "get", "POST": "create", "PATCH": "update", "DELETE": "archive"}
# Those have commands of their own, or are of no use on a command line.
_ELSEWHERE: Final = ("/v1/test-clock", "/v1/oauth", "/v1/recovery/backtest")
# Commands that are written out, in groups that are made from the registry.
_WRITTEN: Final[Mapping[str, Sequence[Callable[[typer.Typer], None]]]] = {
    "events": (events.add_resend,)
}
_COLUMNS_MAX: Final = 7
_OWN: Final = frozenset({"tenant", "mode", "data_dir", "as_json", "data"})
_REFUSED: Final = 400
_BROKEN: Final = 500
_UNAVAILABLE: Final = 503


@dataclass(frozen=True, slots=True)
class Place:
    """Where an operation stands on the command line: `duro <group> <command>`."""

    group: str
    command: str


class ResourceGroup(ExampleGroup):
    """The commands that are written out, and those of the registry, which are looked up when they are needed."""

    @override
    def list_commands(self, ctx: Any) -> list[str]:
        return [*super().list_commands(ctx), *_groups()]

    @override
    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        written = super().get_command(ctx, cmd_name)
        if written is not None:
            return written
        found = _groups().get(cmd_name)
        return None if found is None else typer.main.get_command(_group_app(cmd_name, found))


def places(operations: Iterable["Operation"]) -> dict[Place, "Operation"]:
    """Every operation under its own name."""
    shown = [entry for entry in operations if not entry.path.startswith(_ELSEWHERE)]
    paths = Counter(entry.path for entry in shown)
    return {_place(entry, paths): entry for entry in shown}


def _place(entry: "Operation", paths: Mapping[str, int]) -> Place:
    before, *after = _PARAMETER.split(entry.path.removeprefix("/v1/"))
    names = [name for name in before.split("/") if name]
    action = "-".join(part.strip("/") for part in after if part.strip("/"))
    is_collection = bool(after) or any(path.startswith(f"{entry.path}/{{") for path in paths)
    if not is_collection:
        verb = f"{_VERBS[entry.method]}-" if entry.is_mutation else ""
        return Place(names[0], verb + ("-".join(names[1:]) or _VERBS[entry.method]))
    if names[-1] == "ref":
        return Place("-".join(names[:-1]), "get-by-ref")
    if not after:
        return Place("-".join(names), "create" if entry.is_mutation else "list")
    if action and entry.is_mutation and paths[entry.path] > 1:
        # What one resource has of another is both shown and made: `customers mandates` and `create-mandates`.
        action = f"{_VERBS[entry.method]}-{action}"
    return Place("-".join(names), action or _VERBS[entry.method])


@cache
def _groups() -> dict[str, dict[str, "Operation"]]:
    from duro.runtime.console import operations

    async def found() -> list["Operation"]:
        return await operations()

    groups: dict[str, dict[str, Operation]] = {}
    for place, entry in sorted(places(run(found)).items(), key=lambda pair: pair[0].group):
        groups.setdefault(place.group, {})[place.command] = entry
    return groups


def _group_app(name: str, entries: Mapping[str, "Operation"]) -> typer.Typer:
    first = next(iter(entries))
    app = new_group(
        example=f"duro {name} {first}", text=f"{next(iter(entries.values())).tag}, by the API."
    )
    for command, entry in entries.items():
        arguments = "".join(f" {each.upper()}" for each in entry.parameters)
        with_example(app, command, f"duro {name} {command}{arguments}")(_command(entry))
    for add in _WRITTEN.get(name, ()):
        add(app)
    if len(app.registered_commands) == 1:
        # With one command alone, the group would be taken for that command.
        app.callback()(lambda: None)
    return app


def _command(entry: "Operation") -> Callable[..., None]:
    def command(**given: Any) -> None:  # noqa: ANN401 - what typer has read
        _send(entry, given)

    parameters = list(_parameters(entry))
    # typer reads a function's signature; this one is written from the registry.
    command.__dict__["__signature__"] = inspect.Signature(parameters)
    command.__annotations__ = {each.name: each.annotation for each in parameters}
    command.__doc__ = entry.summary
    return command


def _parameters(entry: "Operation") -> Iterable[inspect.Parameter]:
    for name in entry.parameters:
        argument = Annotated[str, typer.Argument(metavar=name.upper())]
        yield _parameter(_python_name(name), argument, inspect.Parameter.empty)
    for field in _fields(entry):
        option = typer.Option(f"--{field.flag}", help=field.help, show_default=False)
        yield _parameter(field.name, Annotated[str | None, option])
    if entry.body is not None:
        data = typer.Option("--data", help="The whole body as JSON.", show_default=False)
        yield _parameter("data", Annotated[str | None, data])
    yield _parameter("tenant", TenantOption)
    yield _parameter("mode", ModeOption, Mode.TEST)
    yield _parameter("data_dir", DataDir)
    yield _parameter("as_json", AsJson, default=False)


def _parameter(name: str, annotation: object, default: object = None) -> inspect.Parameter:
    kind = inspect.Parameter.KEYWORD_ONLY
    return inspect.Parameter(name, kind, default=default, annotation=annotation)


@dataclass(frozen=True, slots=True)
class _Field:
    """A field of a body or a query as an option."""

    name: str
    alias: str
    info: "FieldInfo"

    @property
    def flag(self) -> str:
        return self.name.rstrip("_").replace("_", "-")

    @property
    def help(self) -> str:
        words = self.info.description or ""
        return f"{words} (needed)".strip() if self.info.is_required() else words

    def read(self, text: str) -> object:
        """The JSON value that the option spells."""
        kinds = set(_types(self.info.annotation))
        if dict in kinds and not text.startswith("{"):
            return dict(pair.partition("=")[::2] for pair in text.split(","))
        if kinds & {int, bool, float, dict, list, tuple}:
            try:
                return json.loads(text)
            except ValueError as error:
                raise finish(Exit.USAGE, f"--{self.flag}: {text!r} is not a JSON value.") from error
        return text


def _fields(entry: "Operation") -> list[_Field]:
    found = []
    for model in (entry.body, entry.query):
        for name, info in model.model_fields.items() if model is not None else ():
            # A name that another option has already keeps to the body's JSON.
            if name not in _OWN:
                found.append(_Field(name, info.alias or name, info))
    return found


def _types(annotation: object) -> Iterable[object]:
    parts = get_args(annotation)
    if not parts:
        return [annotation]
    origin = getattr(annotation, "__origin__", None)
    inner = [found for part in parts for found in _types(part)]
    return [origin, *inner] if isinstance(origin, type) else inner


def _send(entry: "Operation", given: Mapping[str, Any]) -> None:
    from duro.runtime.console import console
    from duro.runtime.target import opened

    path, query, body = _request(entry, given)

    async def main() -> "Answer":
        async with opened(given["data_dir"]) as session:
            owner = await session.choose_tenant(given["tenant"])
            async with console(session, owner, given["mode"]) as desk:
                return await desk.send(entry.method, path, query=query, body=body)

    _show(entry, run(main), as_json=given["as_json"])


def _request(
    entry: "Operation", given: Mapping[str, Any]
) -> tuple[str, dict[str, str], dict[str, object] | None]:
    path = entry.path
    for name in entry.parameters:
        path = path.replace(f"{{{name}}}", given[_python_name(name)])
    chosen = {field: given[field.name] for field in _fields(entry) if given[field.name] is not None}
    if entry.query is not None:
        return path, {field.alias: text for field, text in chosen.items()}, None
    if entry.body is None:
        return path, {}, None
    body: dict[str, object] = {}
    if given["data"] is not None:
        try:
            body = json.loads(given["data"])
        except ValueError as error:
            raise finish(Exit.USAGE, f"--data is not JSON: {error}") from error
    return path, {}, body | {field.alias: field.read(text) for field, text in chosen.items()}


def _show(entry: "Operation", answer: "Answer", *, as_json: bool) -> None:
    from duro.cli.output import show_one, show_rows

    found = json.loads(answer.body)
    if answer.status >= _REFUSED:
        raise _refusal(answer.status, found["error"])
    if as_json:
        typer.echo(json.dumps(found, indent=2))
    elif entry.is_page:
        show_rows([_row(item) for item in found["items"]], as_json=False, empty="There is none.")
        if found["hasMore"]:
            say(f"There is more: --cursor {found['nextCursor']}")
    else:
        show_one(found, as_json=False)


def _row(item: Mapping[str, object]) -> dict[str, object]:
    plain = {name: value for name, value in item.items() if not isinstance(value, dict | list)}
    return dict(list(plain.items())[:_COLUMNS_MAX])


def _refusal(status: int, error: Mapping[str, Any]) -> typer.Exit:
    details = [f"  {each['path']}: {each['issue']}" for each in error.get("details", [])]
    code = Exit.REFUSED
    if status >= _BROKEN:
        code = Exit.NOT_REACHABLE if status == _UNAVAILABLE else Exit.FAILED
    return finish(code, "\n".join([error["message"], *details]))


def _python_name(parameter: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", parameter).lower()
