"""Holds row security to its purpose: a statement that lost its tenant filter answers as before."""

import json
import random
import re
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import Final, TypeAlias

import asyncpg
import pytest

from duro.kit.modes import Mode
from duro.kit.sql import Scope
from tests.support.roles import Connection, app_role, connected, connected_as
from tests.support.rows import DUE, TEXT, make_rows
from tests.support.statements import statements_of, title, words

Answer: TypeAlias = tuple[str, list[str]]

_FILTER: Final = re.compile(r"(?:\w+\.)?tenant_id\s*=\s*\$1\b")
_SEED: Final = "20260120"
_TRIES: Final = 40
_YEAR: Final = timedelta(days=365)
# Arguments that meet the rows of tests/support/rows.py, and some that do not.
_ARGUMENTS: Final[Mapping[str, Sequence[object]]] = {
    "text": [TEXT],
    "timestamptz": [DUE - _YEAR, DUE, DUE + _YEAR],
    "int4": [0, 1, 100],
    "int8": [0, 1, 100],
    "bool": [True, False],
    "jsonb": ["{}"],
    "bytea": [bytes(32)],
}
_RECORD: Final = re.compile(r"json_to_recordset\(\$\d+::json\)\s+AS \w*\s*\(([^)]*)\)")
_KINDS: Final = {"integer": "int4", "bigint": "int8", "boolean": "bool"}
_CHECKS: Final = """
SELECT conrelid::regclass::text AS of_table, conname AS name
  FROM pg_constraint
 WHERE connamespace = $1::text::regnamespace
   AND contype = 'c'
"""


async def test_a_statement_without_its_filter_answers_as_if_there_were_no_other_tenant(
    unchecked_url: str, mode: Mode, tenant: str, tenant_b: str
) -> None:
    alone, beside = await _alone_and_beside(unchecked_url, mode, tenant, tenant_b)

    assert [name for name, answers in alone.items() if answers != beside[name]] == []


async def test_without_row_security_the_same_statements_do_leak(
    unchecked_url: str, mode: Mode, tenant: str, tenant_b: str
) -> None:
    """Shows that the test above can fail: its rows and arguments do meet the other tenant."""
    async with connected(unchecked_url) as owner:
        for (table,) in await owner.fetch(
            "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname = $1",
            mode.schema,
        ):
            await owner.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")

    alone, beside = await _alone_and_beside(unchecked_url, mode, tenant, tenant_b)

    # An invariant looks for what contradicts itself, and most of these rows do not.
    tried = [name for name in alone if not name.partition(".")[0].endswith("invariants")]
    tight = [name for name in tried if alone[name] == beside[name]]
    assert len(tight) < len(tried) / 5, tight


async def test_no_insert_is_accepted_in_the_name_of_another_tenant(
    unchecked_url: str, mode: Mode, tenant: str, tenant_b: str
) -> None:
    inserts = {title(s): s.text for s in statements_of(mode, Scope.TENANT) if "INSERT" in words(s)}

    async with _as_app(unchecked_url, mode) as app:
        await _fill(app, mode, tenant_b)
        outcomes = {
            name: {outcome for outcome, _ in await _answers(app, text, tenant, named=tenant_b)}
            for name, text in inserts.items()
        }

    refused = asyncpg.InsufficientPrivilegeError.sqlstate
    assert {n: o for n, o in outcomes.items() if not o <= {refused, "INSERT 0 0"}} == {}


@pytest.fixture
async def unchecked_url(database_url: str, mode: Mode) -> str:
    """A database that takes any value, so that made-up arguments go as far as row security."""
    async with connected(database_url) as owner:
        for check in await owner.fetch(_CHECKS, mode.schema):
            await owner.execute(f"ALTER TABLE {check['of_table']} DROP CONSTRAINT {check['name']}")
    return database_url


async def _alone_and_beside(
    database_url: str, mode: Mode, tenant_id: str, other_id: str
) -> tuple[dict[str, list[Answer]], dict[str, list[Answer]]]:
    """What a tenant without rows gets from every unfiltered statement, before and after the other
    tenant has rows.
    """
    statements = {
        title(s): _FILTER.sub("$1::text IS NOT NULL", s.text)
        for s in statements_of(mode, Scope.TENANT)
        if _FILTER.search(s.text)
    }
    async with _as_app(database_url, mode) as app:
        alone = {name: await _answers(app, text, tenant_id) for name, text in statements.items()}
        await _fill(app, mode, other_id)
        beside = {name: await _answers(app, text, tenant_id) for name, text in statements.items()}
    return alone, beside


def _as_app(database_url: str, mode: Mode) -> AbstractAsyncContextManager[Connection]:
    return connected_as(database_url, app_role(mode), search_path=f"{mode.schema},core")


async def _fill(app: Connection, mode: Mode, tenant_id: str) -> None:
    async with app.transaction():
        await _enter(app, tenant_id)
        await make_rows(app, schema=mode.schema, tenant_id=tenant_id)


async def _enter(app: Connection, tenant_id: str) -> None:
    await app.execute("SELECT set_config('duro.tenant', $1, true)", tenant_id)


async def _answers(
    app: Connection, text: str, tenant_id: str, *, named: str | None = None
) -> list[Answer]:
    """What the tenant gets for a series of arguments, the same series each time; nothing is kept."""
    async with app.transaction():
        await _enter(app, tenant_id)
        prepared = await app.prepare(text)
        kinds = [kind.name for kind in prepared.get_parameters()][1:]
        luck = random.Random(_SEED + text)
        return [
            await _answer(app, prepared, [named or tenant_id, *_arguments(text, kinds, luck)])
            for _ in range(_TRIES)
        ]


async def _answer(app: Connection, prepared: Connection, arguments: Sequence[object]) -> Answer:
    savepoint = app.transaction()
    await savepoint.start()
    try:
        rows = await prepared.fetch(*arguments)
        return prepared.get_statusmsg(), sorted(repr(tuple(row)) for row in rows)
    except asyncpg.PostgresError as error:
        return error.sqlstate, []
    finally:
        await savepoint.rollback()


def _arguments(text: str, kinds: Sequence[str], luck: random.Random) -> list[object]:
    """From all given to all left out, because a list takes its filters as nulls."""
    share_left_out = luck.choice([0.0, 0.5, 1.0])
    return [
        [luck.choice(_ARGUMENTS[kind.removesuffix("[]")])]
        if kind.endswith("[]")
        else _row(text, luck)
        if kind == "json"
        else None
        if luck.random() < share_left_out and not kind.startswith("int")
        else luck.choice(_ARGUMENTS[kind])
        for kind in kinds
    ]


def _row(text: str, luck: random.Random) -> str:
    """One row for the record that the statement reads from JSON."""
    record = _RECORD.search(text)
    assert record is not None, text
    columns = (column.split() for column in record[1].split(","))
    row = {name: luck.choice(_ARGUMENTS[_KINDS.get(kind, kind)]) for name, kind in columns}
    return json.dumps([row], default=str)
