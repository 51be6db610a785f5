"""Owns finding every named statement, and what PostgreSQL plans to do for one."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from duro.kit.modes import Mode
from duro.kit.share import share
from duro.kit.sql import Scope, Statement, queries
from tests.support.roles import Connection, app_role, scan_role

SANDBOX_ONLY_TABLES: Final = frozenset(
    {
        "test_clocks",
        "clock_advances",
        "simulated_tokens",
        "simulated_charges",
        "simulated_refunds",
        "simulated_requests",
        "simulated_credits",
    }
)
# Their rows belong to a person, and to a tenant only in test mode.
PEOPLES_TABLES: Final = frozenset({"contact_caps"})
_WORD: Final = re.compile(r"\w+")
_LITERAL: Final = re.compile(r"'(?:[^']|'')*'")


def all_statements() -> list[Statement]:
    files = sorted((share("sql") / "queries").glob("*.sql"))
    return [found for file in files for found in queries(file.stem).statements.values()]


def statements_of(mode: Mode, scope: Scope) -> list[Statement]:
    """The statements that the mode has: only the sandbox has clocks and a simulated gateway."""
    of_scope = [found for found in all_statements() if found.scope is scope]
    if mode is Mode.TEST:
        return of_scope
    return [found for found in of_scope if not words(found) & SANDBOX_ONLY_TABLES]


def title(statement: Statement) -> str:
    return f"{statement.feature}.{statement.name}"


def words(statement: Statement) -> set[str]:
    """Names and keywords of a statement, without what its literals say; keywords are upper."""
    return set(_WORD.findall(_LITERAL.sub("''", statement.text)))


def role_for(statement: Statement, mode: Mode) -> str:
    match statement.scope:
        case Scope.TENANT | Scope.PEOPLE:
            return app_role(mode)
        case Scope.ALL_TENANTS:
            return scan_role(mode)
        case Scope.CORE:
            return "duro_core"


async def plan_of(connection: Connection, text: str) -> Mapping[str, Any]:
    """The plan for any arguments; making it also asks for every privilege that running it needs."""
    await connection.execute("SET plan_cache_mode = force_generic_plan")
    await connection.execute(f"PREPARE planned AS {text}")
    try:
        count = await connection.fetchval(
            "SELECT cardinality(parameter_types) FROM pg_prepared_statements WHERE name = 'planned'"
        )
        nulls = f"({', '.join(['NULL'] * count)})" if count else ""
        found = await connection.fetchval(f"EXPLAIN (FORMAT JSON) EXECUTE planned{nulls}")
    finally:
        await connection.execute("DEALLOCATE planned")
    plan: Mapping[str, Any] = json.loads(found)[0]["Plan"]
    return plan


def nodes(plan: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes(child)


def scans(plan: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The parts of a plan that read a table."""
    return [
        node
        for node in nodes(plan)
        if "Relation Name" in node and node["Node Type"] != "ModifyTable"
    ]


def conjuncts(node: Mapping[str, Any]) -> set[str]:
    """What every row that a scan lets through fulfils."""
    found: set[str] = set()
    for key in ("Index Cond", "Recheck Cond", "Filter"):
        found |= set(_split(node.get(key, "")))
    return found


def _split(condition: str) -> list[str]:
    """The parts of a condition between its outermost ANDs; one part when those are ORs."""
    inner = _unwrap(condition)
    parts, depth, start = [], 0, 0
    for index, letter in enumerate(inner):
        depth += (letter == "(") - (letter == ")")
        if depth == 0 and inner.startswith(" AND ", index):
            parts.append(inner[start:index])
            start = index + len(" AND ")
    parts.append(inner[start:])
    return [_unwrap(part) for part in parts]


def _unwrap(text: str) -> str:
    """Without a pair of parentheses around the whole."""
    depth = 0
    for index, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if depth == 0:
            return text[1:-1] if text.startswith("(") and index == len(text) - 1 else text
    return text
