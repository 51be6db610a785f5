"""The laws of the house: sizes, words and papers that no other tool watches."""

import ast
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections import Counter
from collections.abc import Iterator
from configparser import ConfigParser
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import Any, Final, TypeVar

import pytest
from packaging.requirements import Requirement

import duro
from duro.errors import DuroError
from duro.settings import load_settings

N = TypeVar("N", bound=ast.AST)

_ROOT: Final = Path(__file__).resolve().parents[2]
_FUNCTION_LINES_MAX: Final = 50
_FILE_LINES_MAX: Final = 400
_SQL: Final = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH)\s+\S")
# Statements of the product live in sql/queries; these few are about the database itself.
_MAY_SPEAK_SQL: Final = {
    "duro/kit/migrations.py",  # keeps the record of what was applied
    "duro/kit/roles.py",  # looks at our roles from outside, as none of them
    "duro/kit/schema_dump.py",  # reads the catalogue
    "duro/runtime/engines/postgres.py",  # makes the owner before there is a database
}
# A list and not a ban: what a pure module may need is known, what it must not is endless.
_BILLING_MAY_IMPORT: Final = {
    *("__future__", "bisect", "calendar", "collections", "dataclasses", "datetime", "enum"),
    *("fractions", "functools", "itertools", "math", "operator", "types", "typing", "zoneinfo"),
    "duro",
}
_PYTHON: Final = sorted(
    str(path.relative_to(_ROOT))
    for folder in ("duro", "tests", "bench")
    for path in (_ROOT / folder).rglob("*.py")
)
_MARKDOWN: Final = sorted(
    str(path.relative_to(_ROOT)) for path in (*_ROOT.glob("*.md"), *_ROOT.glob("docs/**/*.md"))
)
_LINK: Final = re.compile(r"\]\(([^)\s]+)\)")
_FENCE: Final = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_NEXT_SENTENCE: Final = re.compile(r"[\w`)*]\. [A-Z`*]")
_HEADING: Final = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)
_PIN: Final = re.compile(r"^([a-z0-9-]+)==(\S+)")


def test_no_file_and_no_function_is_too_long() -> None:
    long = [
        f"{path}: {lines} lines"
        for path in _PYTHON
        if (lines := len(_read(path).splitlines())) > _FILE_LINES_MAX
    ]

    long += [
        f"{path}:{node.lineno}: {lines} lines"
        for path, node in _nodes(ast.FunctionDef, ast.AsyncFunctionDef)
        if (lines := (node.end_lineno or 0) - node.lineno + 1) > _FUNCTION_LINES_MAX
    ]

    assert long == []


def test_every_module_opens_by_saying_what_it_owns() -> None:
    said = {path: ast.get_docstring(_tree(path)) or "" for path in _PYTHON}

    silent = [path for path, text in said.items() if not text.split("\n\n")[0].endswith(".")]

    assert silent == []


def test_only_the_clock_reads_the_time() -> None:
    readers = [
        f"{path}:{node.lineno}"
        for path, node in _nodes(ast.Attribute)
        if ast.unparse(node).endswith(("datetime.now", "datetime.utcnow", "date.today"))
    ]

    assert [place for place in readers if not place.startswith("duro/kit/clock.py:")] == []


def test_no_statement_hides_in_python() -> None:
    hidden = [
        f"{path}:{node.lineno}"
        for path, node in _nodes(ast.Constant)
        if isinstance(node.value, str) and _SQL.match(node.value)
    ]

    ours = [place for place in hidden if place.startswith("duro/")]
    assert [place for place in ours if place.partition(":")[0] not in _MAY_SPEAK_SQL] == []


def test_billing_imports_nothing_that_reads_the_world() -> None:
    worldly = [
        f"{path}: {name}"
        for path in _PYTHON
        if path.startswith("duro/billing/")
        for name in _imported(_tree(path))
        if name not in _BILLING_MAY_IMPORT
    ]

    assert worldly == []


def test_every_setting_stands_in_duro_toml(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("DURO_DATABASE_URL", "DURO_REDIS_URL", "DURO_DATA_DIR"):
        monkeypatch.delenv(name, raising=False)

    known = {shown.key for shown in load_settings(file=tmp_path / "none.toml").shown()}

    # In live mode there is no gateway to choose yet, so there is nothing to write down.
    assert set(_documented_settings()) == known - {"gateway.live"}


def test_every_public_error_code_is_declared_once() -> None:
    codes = Counter(kind.__dict__["code"] for kind in _kinds(DuroError) if "code" in kind.__dict__)

    assert [code for code, times in codes.items() if times > 1] == []


def test_the_papers_list_exactly_the_public_error_codes() -> None:
    told = re.findall(r"^## ([a-z_]+)$", _read("docs/errors.md"), re.MULTILINE)

    assert sorted(told) == sorted({kind.code for kind in _kinds(DuroError)})


def test_links_between_papers_lead_somewhere() -> None:
    broken = [
        f"{path}: {link}"
        for path in _MARKDOWN
        for link in _links(path)
        if not _leads_somewhere(path, link)
    ]

    assert broken == []


def test_papers_have_one_sentence_on_a_line() -> None:
    crowded = [
        f"{path}: {line}"
        for path in _MARKDOWN
        for line in _FENCE.sub("", _read(path)).splitlines()
        if not line.startswith("|") and _NEXT_SENTENCE.search(line.lstrip("-0123456789. "))
    ]

    assert crowded == []


def test_the_lock_names_no_index_and_hashes_everything() -> None:
    text = _read("requirements.lock")
    entries = re.split(r"^(?=\S)", text, flags=re.MULTILINE)[1:]

    strangers = [entry for entry in entries if not _PIN.match(entry)]
    bare = [entry for entry in entries if "--hash=sha256:" not in entry]

    assert strangers == []
    assert bare == []
    assert "://" not in text


def test_the_lock_has_what_the_project_asks_for() -> None:
    pins = map(_PIN.match, _read("requirements.lock").splitlines())
    locked = {found[1]: found[2] for found in pins if found}

    missing = [
        str(asked)
        for asked in _requirements()
        if asked.name not in locked or not asked.specifier.contains(locked[asked.name])
    ]

    assert missing == []


def test_the_wheel_carries_everything_that_is_not_python(tmp_path: Path) -> None:
    source = tmp_path / "source"
    for name in ("duro", "sql", "templates", "docs"):
        shutil.copytree(_ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(_ROOT / name, source / name)

    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel"]
    subprocess.run(build, cwd=source, check=True, capture_output=True)  # noqa: S603 - our own Python

    (wheel,) = (source / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        names = set(packed.namelist())
        (points,) = [name for name in names if name.endswith("entry_points.txt")]
        scripts = ConfigParser()
        scripts.read_string(packed.read(points).decode())
    shared = {
        f"duro/_share/{path.relative_to(_ROOT)}"
        for folder in ("sql", "templates", "docs")
        for path in (_ROOT / folder).rglob("*")
        if path.is_file()
    }
    assert shared - names == set()
    assert not [name for name in names if name.startswith(("tests/", "bench/"))]
    assert dict(scripts["console_scripts"]) == {"duro": "duro.cli:main"}


@cache
def _read(path: str) -> str:
    return (_ROOT / path).read_text(encoding="utf-8")


@cache
def _tree(path: str) -> ast.Module:
    return ast.parse(_read(path))


def _nodes(*kinds: type[N]) -> Iterator[tuple[str, N]]:
    """Every node of the kinds, with its file."""
    for path in _PYTHON:
        for node in ast.walk(_tree(path)):
            if isinstance(node, kinds):
                yield path, node


def _imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").partition(".")[0]


def _documented_settings() -> Iterator[str]:
    section = ""
    for line in _read("duro.toml").splitlines():
        if found := re.fullmatch(r"# \[([a-z]+)\]", line):
            section = f"{found[1]}."
        elif found := re.match(r"# ([a-z_]+) = ", line):
            yield section + found[1]


@cache
def _kinds(base: type[DuroError]) -> list[type[DuroError]]:
    """The error and everything below it, in every module there is."""
    for module in walk_packages(duro.__path__, "duro."):
        import_module(module.name)
    found = [base]
    for kind in found:
        found += [below for below in kind.__subclasses__() if below.__module__.startswith("duro.")]
    return found


def _links(path: str) -> list[str]:
    """What leads to another file; addresses of the running server are followed by the tests of its pages."""
    prose = _FENCE.sub("", _read(path))
    return [link for link in _LINK.findall(prose) if "://" not in link and link[0] != "/"]


def _leads_somewhere(path: str, link: str) -> bool:
    name, _, anchor = link.partition("#")
    target = ((_ROOT / path).parent / name).resolve() if name else _ROOT / path
    if not target.exists():
        return False
    if not anchor:
        return True
    return anchor in {
        _slug(title) for title in _HEADING.findall(_FENCE.sub("", target.read_text()))
    }


def _slug(title: str) -> str:
    """As the common forges make a heading's anchor."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def _requirements() -> list[Requirement]:
    project: dict[str, Any] = tomllib.loads(_read("pyproject.toml"))
    texts = [
        *project["project"]["dependencies"],
        *project["project"]["optional-dependencies"]["embedded"],
        *project["dependency-groups"]["dev"],
    ]
    return [Requirement(text) for text in texts]
