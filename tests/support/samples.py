"""Owns the samples of the guides: finds them in the Markdown, runs them, and holds answers to what the page says."""

import asyncio
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

DOCS: Final = Path(__file__).resolve().parents[2] / "docs"
ANY: Final = "…"

_FENCE: Final = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_REST_OF_OBJECT: Final = re.compile(rf"([{{,]\s*){ANY}(\s*}})")
_ANY_VALUE: Final = re.compile(rf"([:\[,]\s*){ANY}")
_END: Final = "-- the next sample --"


@dataclass(frozen=True, slots=True)
class Sample:
    """Commands of a page, and what it shows as their answer: JSON, lines of text, or nothing."""

    commands: str
    shown: str
    is_json: bool


def guide(name: str) -> str:
    return (DOCS / "guides" / f"{name}.md").read_text(encoding="utf-8")


def blocks(text: str, language: str) -> list[str]:
    return [body for named, body in _FENCE.findall(text) if named == language]


def samples(text: str) -> list[Sample]:
    """Every block of bash, with the block that follows it if that is an answer."""
    found = _FENCE.findall(text)
    return [
        Sample(body, answer if kind in ("json", "text") else "", is_json=kind == "json")
        for (language, body), (kind, answer) in pairwise([*found, ("", "")])
        if language == "bash"
    ]


async def run_in_one_shell(scripts: Sequence[str], *, folder: Path) -> list[str]:
    """What each printed, run unchanged and one after the other; fails when one of them fails."""
    script = f"echo; echo '{_END}'\n".join(scripts)
    shell = await asyncio.create_subprocess_exec(
        *("bash", "-eu", "-o", "pipefail", "-c", script),
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, complained = (part.decode() for part in await shell.communicate())
    assert shell.returncode == 0, complained + said
    return said.split(f"\n{_END}\n")


def disagreements(sample: Sample, said: str) -> list[str]:
    """Where the answer is another than the page shows."""
    if sample.is_json:
        return _differences(_documents(_read(sample.shown)), _documents(said), "answer")
    shown, got = sample.shown.split("\n"), said.replace("\r", "").rstrip("\n").split("\n")
    return _differences([line for line in shown if line], [line for line in got if line], "lines")


def _read(shown: str) -> str:
    """As JSON: `…` at the end of an object or list stands for more, elsewhere for any value."""
    return _ANY_VALUE.sub(rf'\1"{ANY}"', _REST_OF_OBJECT.sub(rf'\1"{ANY}": "{ANY}"\2', shown))


def _documents(text: str) -> list[Any]:
    decoder, found, at = json.JSONDecoder(), [], 0
    while rest := text[at:].lstrip():
        value, length = decoder.raw_decode(rest)
        at = len(text) - len(rest) + length
        found.append(value)
    return found


def _differences(shown: Any, said: Any, place: str) -> list[str]:  # noqa: ANN401 - JSON
    match shown, said:
        case dict(), dict():
            return _in_objects(shown, said, place)
        case list(), list():
            return _in_lists(shown, said, place)
        case str(), _ if shown == ANY:
            return []
        case str(), str():
            pattern = ".*".join(map(re.escape, shown.split(ANY)))
            is_same = re.fullmatch(pattern, said, re.DOTALL) is not None
        case _:
            is_same = type(shown) is type(said) and shown == said
    return [] if is_same else [f"{place}: {shown!r} is shown, {said!r} came"]


def _in_objects(shown: dict[str, Any], said: dict[str, Any], place: str) -> list[str]:
    wanted = {key: value for key, value in shown.items() if key != ANY}
    found = [f"{place}.{key} is shown and did not come" for key in wanted.keys() - said.keys()]
    if ANY not in shown:
        found += [f"{place}.{key} came and is not shown" for key in said.keys() - wanted.keys()]
    for key in wanted.keys() & said.keys():
        found += _differences(wanted[key], said[key], f"{place}.{key}")
    return found


def _in_lists(shown: list[Any], said: list[Any], place: str) -> list[str]:
    is_cut = bool(shown) and shown[-1] == ANY
    wanted = shown[:-1] if is_cut else shown
    if len(said) < len(wanted) or (len(said) > len(wanted) and not is_cut):
        return [f"{place}: {len(wanted)} are shown, {len(said)} came"]
    return [
        difference
        for index, value in enumerate(wanted)
        for difference in _differences(value, said[index], f"{place}[{index}]")
    ]
