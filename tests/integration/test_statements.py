"""Holds every named statement to its scope: whose rows it may touch, and under which role."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import asyncpg
import pytest

from duro.kit.modes import Mode
from duro.kit.sql import Scope, Statement
from tests.support.roles import connected, connected_as
from tests.support.statements import (
    PEOPLES_TABLES,
    SANDBOX_ONLY_TABLES,
    all_statements,
    conjuncts,
    nodes,
    plan_of,
    role_for,
    scans,
    statements_of,
    title,
    words,
)

_CORE_TABLES: Final = frozenset(
    {
        *("tenants", "api_keys", "oauth_clients", "oauth_tokens", "payment_slugs"),
        *("members", "sign_in_links", "sessions"),
    }
)
# A slug says whose it is, as a key does: each is looked up before its tenant is known.
_CORE_FEATURES: Final = frozenset({"tenants", "members", "access", "payment_links"})
_WRITES: Final = frozenset({"INSERT", "UPDATE", "DELETE", "MERGE"})
_INSERTS_ITS_TENANT: Final = re.compile(
    r"INSERT\s+INTO\s+\w+(?:\s+AS\s+\w+)?\s*\(\s*tenant_id\s*,[^)]*\)\s*"
    r"(?:VALUES\s*\(\s*\$1\s*,|SELECT\s+(?:DISTINCT\s+)?\$1(?:::text)?\s*,)"
)


async def test_every_statement_can_be_run_by_its_role(database_url: str, mode: Mode) -> None:
    refused: dict[str, str] = {}
    for scope in Scope:
        for statement in statements_of(mode, scope):
            reason = await _refusal(database_url, statement, mode)
            if reason:
                refused[title(statement)] = reason

    assert refused == {}


async def test_every_tenant_statement_reads_rows_of_its_tenant_alone(
    unsecured_url: str, mode: Mode
) -> None:
    at_fault: dict[str, list[str]] = {}
    async with connected(unsecured_url, search_path=f"{mode.schema},core") as owner:
        for statement in statements_of(mode, Scope.TENANT):
            plan = await plan_of(owner, statement.text)
            if loose := _unscoped(plan):
                at_fault[title(statement)] = loose

    assert at_fault == {}


@pytest.mark.parametrize(
    ("text", "loose"),
    [
        ("SELECT id FROM plans WHERE id = $1", ["plans"]),
        ("SELECT id FROM plans WHERE tenant_id = $1 AND id = $2", []),
        ("SELECT id FROM plans WHERE tenant_id = $1 AND id = $2 OR name = $2", ["plans"]),
        ("SELECT id FROM plans WHERE tenant_id >= $1", ["plans"]),
        ("SELECT id FROM plans WHERE tenant_id = $2 AND id = $1", ["plans"]),
        ("UPDATE plans SET name = $2 WHERE id = $1", ["plans"]),
        ("DELETE FROM plans WHERE tenant_id = $1", []),
        ("SELECT name FROM tenants WHERE id = $1", []),
        ("SELECT name FROM tenants WHERE name = $1", ["tenants"]),
        (
            """SELECT s.id FROM subscriptions s JOIN plans p ON p.id = s.plan_id
                WHERE s.tenant_id = $1""",
            ["p"],
        ),
        (
            """SELECT s.id FROM subscriptions s
                 JOIN plans p ON p.tenant_id = s.tenant_id AND p.id = s.plan_id
                WHERE s.tenant_id = $1""",
            [],
        ),
        (
            """SELECT (SELECT count(*) FROM plans p WHERE p.tenant_id = s.tenant_id)
                 FROM subscriptions s WHERE s.tenant_id = $1""",
            [],
        ),
        (
            """WITH gone AS (DELETE FROM plans WHERE id = $2 RETURNING id)
               SELECT s.id FROM subscriptions s WHERE s.tenant_id = $1""",
            ["plans"],
        ),
    ],
)
async def test_a_statement_without_its_tenant_is_found_out(
    unsecured_url: str, text: str, loose: list[str]
) -> None:
    async with connected(unsecured_url, search_path="sandbox,core") as owner:
        plan = await plan_of(owner, text)

    assert _unscoped(plan) == loose


def test_every_insert_gives_its_tenant_first() -> None:
    inserts = [s for s in all_statements() if s.scope is Scope.TENANT and "INSERT" in words(s)]

    at_fault = [
        title(s)
        for s in inserts
        if s.text.count("INSERT INTO") != len(_INSERTS_ITS_TENANT.findall(s.text))
    ]

    assert at_fault == []


def test_a_statement_over_all_tenants_only_reads() -> None:
    scanning = [s for s in all_statements() if s.scope is Scope.ALL_TENANTS]

    assert [title(s) for s in scanning if words(s) & _WRITES] == []


async def test_a_core_statement_is_about_tenants_and_credentials(database_url: str) -> None:
    at_fault: dict[str, set[str]] = {}
    async with connected_as(database_url, "duro_core", search_path="core") as core:
        for statement in statements_of(Mode.TEST, Scope.CORE):
            plan = await plan_of(core, statement.text)
            others = {n["Relation Name"] for n in nodes(plan) if "Relation Name" in n}
            if others - _CORE_TABLES or statement.feature not in _CORE_FEATURES:
                at_fault[title(statement)] = others

    assert at_fault == {}


async def test_a_statement_about_people_reaches_the_people_it_names(
    unsecured_url: str, mode: Mode
) -> None:
    at_fault: dict[str, set[str]] = {}
    async with connected(unsecured_url, search_path=f"{mode.schema},core") as owner:
        for statement in statements_of(mode, Scope.PEOPLE):
            plan = await plan_of(owner, statement.text)
            tables = {node["Relation Name"] for node in nodes(plan) if "Relation Name" in node}
            found = [conjuncts(node) for node in scans(plan) if node["Relation Name"] in tables]
            if tables - PEOPLES_TABLES or not all(map(_names_its_people, found)):
                at_fault[title(statement)] = tables

    assert at_fault == {}


def _names_its_people(conditions: set[str]) -> bool:
    return any(re.fullmatch(r"(?:\w+\.)?person = ANY \(\$1\)", each) for each in conditions)


def test_no_statement_names_a_schema() -> None:
    named = re.compile(r"\b(?:core|sandbox|live)\.", re.IGNORECASE)

    assert [title(s) for s in all_statements() if named.search(s.text)] == []


def test_only_clocks_and_the_simulated_gateway_need_the_sandbox() -> None:
    sandbox_only = {s.feature for s in all_statements() if words(s) & SANDBOX_ONLY_TABLES}

    assert sandbox_only <= {"testclock", "simulated_gateway", "gateway_invariants"}


@pytest.fixture
async def unsecured_url(database_url: str) -> str:
    """A database without row security, where a plan shows only what the statement itself says."""
    async with connected(database_url) as owner:
        tables = await owner.fetch(
            "SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables"
            " WHERE schemaname IN ('core', 'sandbox', 'live')"
        )
        for table in tables:
            await owner.execute(f"ALTER TABLE {table['name']} DISABLE ROW LEVEL SECURITY")
    return database_url


async def _refusal(database_url: str, statement: Statement, mode: Mode) -> str:
    path = "core" if statement.scope is Scope.CORE else f"{mode.schema},core"
    async with connected_as(
        database_url, role_for(statement, mode), search_path=path
    ) as connection:
        try:
            await plan_of(connection, statement.text)
        except asyncpg.PostgresError as error:
            return str(error)
    return ""


def _unscoped(plan: Mapping[str, Any]) -> list[str]:
    """The tables, by their alias, that a plan reads beyond the tenant in $1."""
    open_ends = {
        node["Alias"]: set(_tenants_of(node)) for node in scans(plan) if not _is_catalog(node)
    }
    settled = {"$1"}
    while found := {alias for alias, ties in open_ends.items() if ties & settled}:
        settled |= {f"{alias}.tenant_id" for alias in found}
        for alias in found:
            del open_ends[alias]
    return sorted(open_ends)


def _is_catalog(node: Mapping[str, Any]) -> bool:
    """The server's own tables hold nobody's rows; only they may be named so."""
    return str(node["Relation Name"]).startswith("pg_")


def _tenants_of(node: Mapping[str, Any]) -> Iterator[str]:
    """What the tenant column of a scanned table must be equal to."""
    column = "id" if node["Relation Name"] == "tenants" else "tenant_id"
    own = rf"(?:{node['Alias']}\.)?{column}"
    for condition in conjuncts(node):
        equal = re.fullmatch(rf"{own} = (\S+)|(\S+) = {own}", condition)
        if equal:
            yield equal[1] or equal[2]
