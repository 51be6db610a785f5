"""Writes that wait: they are there for whoever reads after them, and once the transaction is committed."""

from typing import Final

import pytest

from duro.kit.db import Database
from duro.kit.modes import Mode
from duro.kit.sql import Scope, Statement
from tests.integration.test_reads import add_plan

_RENAME: Final = Statement(
    "plans", "rename", "UPDATE plans SET name = name || $2 WHERE tenant_id = $1", Scope.TENANT
)
_NAMES: Final = Statement(
    "plans", "list_names", "SELECT name FROM plans WHERE tenant_id = $1", Scope.TENANT
)
_COPY: Final = Statement(
    "plans",
    "copy",
    "INSERT INTO plans SELECT p.* FROM plans AS p WHERE p.tenant_id = $1",
    Scope.TENANT,
)
_NOW: Final = Statement("plans", "one", "SELECT 1 AS one WHERE $1 <> ''", Scope.TENANT)


async def test_what_is_read_next_sees_it(
    db: Database, database_url: str, tenant: str, mode: Mode
) -> None:
    await add_plan(database_url, mode, tenant, "plan_a")

    async with db.begin(mode, tenant) as tx:
        await tx.put(_RENAME, " A")
        names = [row["name"] for row in await tx.rows(_NAMES)]

    assert names == ["Gold A"]


async def test_two_on_one_row_are_both_done_and_committed(
    db: Database, database_url: str, tenant: str, mode: Mode
) -> None:
    await add_plan(database_url, mode, tenant, "plan_a")

    async with db.begin(mode, tenant) as tx:
        await tx.put(_RENAME, " A")
        await tx.put(_RENAME, " B")
        with_it = await tx.value(_NOW)

    async with db.begin(mode, tenant) as tx:
        names = [row["name"] for row in await tx.rows(_NAMES)]
    assert (with_it, names) == (1, ["Gold A B"])


async def test_nothing_of_it_remains_when_the_transaction_is_undone(
    db: Database, database_url: str, tenant: str, mode: Mode
) -> None:
    await add_plan(database_url, mode, tenant, "plan_a")

    with pytest.raises(ZeroDivisionError):
        await _rename_and_fail(db, mode, tenant)

    async with db.begin(mode, tenant) as tx:
        assert [row["name"] for row in await tx.rows(_NAMES)] == ["Gold"]


async def _rename_and_fail(db: Database, mode: Mode, tenant: str) -> None:
    async with db.begin(mode, tenant) as tx:
        await tx.put(_RENAME, " A")
        await tx.value(_NOW)
        raise ZeroDivisionError


@pytest.mark.parametrize("sent_with", [_NOW, None])
async def test_a_refusal_means_what_was_said_wherever_it_is_sent(
    db: Database, database_url: str, tenant: str, mode: Mode, sent_with: Statement | None
) -> None:
    await add_plan(database_url, mode, tenant, "plan_a")

    with pytest.raises(ZeroDivisionError):
        await _copy_plans(db, mode, tenant, sent_with)


async def _copy_plans(db: Database, mode: Mode, tenant: str, sent_with: Statement | None) -> None:
    async with db.begin(mode, tenant) as tx:
        await tx.put(_COPY, taken={"plans_pkey": ZeroDivisionError})
        if sent_with is not None:
            await tx.value(sent_with)


async def test_a_look_sees_what_is_committed_of_its_own_tenant(
    db: Database, database_url: str, tenant: str, tenant_b: str, mode: Mode
) -> None:
    await add_plan(database_url, mode, tenant, "plan_a")

    found = [await db.look(mode, each, _NAMES) for each in (tenant, tenant_b)]

    assert [[row["name"] for row in rows] for rows in found] == [["Gold"], []]
