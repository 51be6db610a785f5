"""Holds the committed description of the schema against what the migrations make."""

import re
from pathlib import Path

import pytest

from duro.kit.schema_dump import SCHEMAS, UndescribedError, describe, write_schema
from duro.kit.share import share
from tests.support.roles import connected

_ONLY_IN_SANDBOX = {
    "clock_advances",
    "simulated_charges",
    "simulated_refunds",
    "simulated_requests",
    "simulated_credits",
    "simulated_tokens",
    "test_clocks",
}


@pytest.mark.parametrize("schema", SCHEMAS)
async def test_the_committed_schema_is_what_the_migrations_make(
    database_url: str, schema: str
) -> None:
    committed = (share("sql") / "schema" / f"{schema}.sql").read_text(encoding="utf-8")

    made = (await describe(database_url))[schema]

    assert made == committed, "write it anew with `./run duro migrate schema` and read the diff"


async def test_both_modes_have_the_same_tables_but_for_what_tests_need(database_url: str) -> None:
    made = await describe(database_url)

    sandbox = _tables(made["sandbox"])
    live = _tables(made["live"].replace("duro_live", "duro_sandbox"))

    assert sandbox.keys() - live.keys() == _ONLY_IN_SANDBOX
    assert {name: sandbox[name] for name in live} == live


async def test_the_description_is_written_to_one_file_for_each_schema(
    database_url: str, tmp_path: Path
) -> None:
    written = await write_schema(database_url, tmp_path)

    assert [path.name for path in written] == ["core.sql", "sandbox.sql", "live.sql"]
    assert {path.stem: path.read_text() for path in written} == await describe(database_url)


@pytest.mark.parametrize(
    "command",
    [
        "CREATE FUNCTION live.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE VIEW live.v AS SELECT 1 AS one",
        "CREATE TYPE live.t AS ENUM ('a')",
        "CREATE SEQUENCE live.s",
        """CREATE TRIGGER g BEFORE UPDATE ON live.plans FOR EACH ROW
             EXECUTE FUNCTION suppress_redundant_updates_trigger()""",
    ],
)
async def test_what_the_description_would_leave_out_is_refused(
    database_url: str, command: str
) -> None:
    async with connected(database_url) as owner:
        await owner.execute(command)

    with pytest.raises(UndescribedError, match=r"schema live has \w+ [fvtsg]\b"):
        await describe(database_url)


def _tables(text: str) -> dict[str, str]:
    blocks = (block for block in text.split("\n\n") if block.startswith("CREATE TABLE"))
    return {re.findall(r"\w+", block)[2]: block.strip() for block in blocks}
