"""Owns the claims about which writes of a transaction go together, and how they are spelled then."""

import pytest

from duro.kit.sql import Scope, Statement
from duro.kit.waiting import Waiting


def _statement(text: str) -> Statement:
    return Statement("sample", "one", text, Scope.TENANT)


_INSERT = _statement(
    "INSERT INTO notes (tenant_id, id) SELECT $1, n.id FROM unnest($2::text[]) AS n (id)"
)
_SAVE = _statement("UPDATE cards SET name = $3 WHERE tenant_id = $1 AND id = $2")


def _waiting(*statements: Statement) -> Waiting:
    waiting = Waiting()
    for each in statements:
        waiting.add(each, (f"{each.text[:6]} value",))
    return waiting


def test_a_statement_alone_is_sent_as_it_is() -> None:
    assert Waiting().joined(_SAVE, ("a", "b")) == (_SAVE.text, ("a", "b"))


def test_parts_share_the_tenant_and_count_their_other_arguments_on() -> None:
    waiting = Waiting()
    waiting.add(_INSERT, (["x"],))
    waiting.add(_SAVE, ("a", "b"))

    text, values = waiting.joined(
        _statement("SELECT id FROM plans WHERE tenant_id = $1 AND id = $2"), ("p",)
    )

    assert text == (
        "WITH write_1 AS (\n"
        "INSERT INTO notes (tenant_id, id) SELECT $1, n.id FROM unnest($2::text[]) AS n (id)), write_2 AS (\n"
        "UPDATE cards SET name = $4 WHERE tenant_id = $1 AND id = $3)\n"
        "SELECT id FROM plans WHERE tenant_id = $1 AND id = $5"
    )
    assert values == (["x"], "a", "b", "p")
    assert waiting.writes == []


@pytest.mark.parametrize(
    "text",
    [
        "SELECT name FROM cards WHERE tenant_id = $1",
        "UPDATE cards SET name = $2 WHERE tenant_id = $1",
        "INSERT INTO orders (tenant_id, name) SELECT $1, c.name FROM cards AS c WHERE c.tenant_id = $1",
        "WITH old AS (DELETE FROM orders WHERE tenant_id = $1) SELECT 1",
    ],
)
def test_what_touches_a_table_that_is_written_or_has_a_with_of_its_own_does_not_go_with_it(
    text: str,
) -> None:
    assert not _waiting(_INSERT, _SAVE).lets(_statement(text))


@pytest.mark.parametrize(
    "text",
    [
        "SELECT id FROM plans WHERE tenant_id = $1 FOR UPDATE",
        "INSERT INTO keys (tenant_id) VALUES ($1) ON CONFLICT (tenant_id) DO UPDATE SET tenant_id = $1",
    ],
)
def test_what_touches_other_tables_goes_with_it(text: str) -> None:
    assert _waiting(_INSERT, _SAVE).lets(_statement(text))
