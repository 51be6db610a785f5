"""Holds the migration runner to its promises: once, whole, in order, and never over an altered file."""

import asyncio
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import pytest

from duro.errors import UnavailableError
from duro.kit.migrations import MigrationError, Phase, load, migrate, status, verify
from tests.support.roles import connected

PRE: Final[tuple[Phase, ...]] = ("pre",)
POST: Final[tuple[Phase, ...]] = ("post",)
_ROLES: Final = ["duro_core", "duro_live", "duro_live_scan", "duro_sandbox", "duro_sandbox_scan"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Migrations of one small table for each folder."""
    write(tmp_path, "core/0001_pre_first.sql", "CREATE TABLE accounts (id text)")
    write(tmp_path, "data/0001_pre_first.sql", "CREATE TABLE things (id text)")
    write(tmp_path, "sandbox/0001_pre_first.sql", "CREATE TABLE toys (id text)")
    return tmp_path


def write(folder: Path, name: str, sql: str) -> None:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(sql)


async def tables_of(database_url: str) -> set[str]:
    async with connected(database_url) as owner:
        rows = await owner.fetch(
            "SELECT format('%s.%s', schemaname, tablename) AS name FROM pg_tables"
            " WHERE schemaname IN ('core', 'sandbox', 'live') AND tablename <> 'migrations'"
        )
    return {row["name"] for row in rows}


async def test_each_folder_reaches_its_schemas(empty_database_url: str, folder: Path) -> None:
    applied = await migrate(empty_database_url, folder=folder)

    assert [entry.scope for entry in applied] == ["core", "data:sandbox", "data:live", "sandbox"]
    assert await tables_of(empty_database_url) == {
        "core.accounts",
        "sandbox.things",
        "live.things",
        "sandbox.toys",
    }


async def test_a_second_run_applies_nothing(empty_database_url: str) -> None:
    first = await migrate(empty_database_url)

    second = await migrate(empty_database_url)

    assert len(first) == len(load())
    assert second == []


async def test_what_is_new_is_applied_and_nothing_else(
    empty_database_url: str, folder: Path
) -> None:
    await migrate(empty_database_url, folder=folder)
    write(folder, "data/0002_post_second.sql", "CREATE TABLE others (id text)")

    applied = await migrate(empty_database_url, folder=folder)

    assert [(entry.scope, entry.number, entry.name) for entry in applied] == [
        ("data:sandbox", 2, "second"),
        ("data:live", 2, "second"),
    ]


async def test_an_altered_file_is_refused_by_name_and_nothing_is_applied(
    empty_database_url: str, folder: Path
) -> None:
    await migrate(empty_database_url, folder=folder)
    write(folder, "core/0002_pre_second.sql", "CREATE TABLE later (id text)")
    write(folder, "data/0001_pre_first.sql", "CREATE TABLE things (id text, extra text)")

    with pytest.raises(MigrationError, match=r"data/0001_pre_first\.sql in sandbox was applied"):
        await migrate(empty_database_url, folder=folder)
    with pytest.raises(MigrationError, match="data:sandbox 0001 first was applied"):
        await verify(empty_database_url, folder=folder)

    assert "core.later" not in await tables_of(empty_database_url)


async def test_verify_counts_the_unaltered_files(empty_database_url: str, folder: Path) -> None:
    before = await verify(empty_database_url, folder=folder)
    await migrate(empty_database_url, folder=folder)

    assert (before, await verify(empty_database_url, folder=folder)) == (0, 4)


async def test_old_code_accepts_a_database_that_newer_code_has_migrated(
    empty_database_url: str, folder: Path
) -> None:
    newer = folder / "core" / "0002_pre_second.sql"
    newer.write_text("CREATE TABLE later (id text)")
    await migrate(empty_database_url, folder=folder)
    newer.unlink()

    assert await migrate(empty_database_url, folder=folder) == []
    assert await verify(empty_database_url, folder=folder) == 4


async def test_of_two_runs_at_once_one_applies(empty_database_url: str) -> None:
    runs = await asyncio.gather(migrate(empty_database_url), migrate(empty_database_url))

    assert sorted(map(len, runs)) == [0, len(load())]


async def test_a_failing_file_leaves_nothing_of_itself(
    empty_database_url: str, folder: Path
) -> None:
    write(
        folder,
        "data/0002_pre_second.sql",
        "CREATE TABLE half (id text);\nINSERT INTO half VALUES ('x');\nSELECT nothing_like_it;",
    )

    with pytest.raises(MigrationError, match=r"0002_pre_second\.sql in sandbox failed at line 3"):
        await migrate(empty_database_url, folder=folder)

    assert "sandbox.half" not in await tables_of(empty_database_url)
    pending = [e for e in await status(empty_database_url, folder=folder) if e.applied_at is None]
    # What stood before it in the order stays applied: core, and the sandbox's first file.
    assert [(e.scope, e.number) for e in pending] == [
        ("data:sandbox", 2),
        ("data:live", 1),
        ("data:live", 2),
        ("sandbox", 1),
    ]


async def test_a_mended_file_is_applied_after_its_failure(
    empty_database_url: str, folder: Path
) -> None:
    write(folder, "core/0002_pre_second.sql", "CREATE TABLE oops (id no_such_type)")
    with pytest.raises(MigrationError):
        await migrate(empty_database_url, folder=folder)
    write(folder, "core/0002_pre_second.sql", "CREATE TABLE oops (id text)")

    await migrate(empty_database_url, folder=folder)

    assert "core.oops" in await tables_of(empty_database_url)


@pytest.mark.parametrize("names", [["0002_pre_a.sql"], ["0001_pre_a.sql", "0001_pre_b.sql"]])
async def test_a_gap_or_a_number_used_twice_is_refused(tmp_path: Path, names: list[str]) -> None:
    for name in names:
        write(tmp_path, f"core/{name}", "SELECT 1")

    with pytest.raises(MigrationError, match=names[-1]):
        load(tmp_path)


@pytest.mark.parametrize("name", ["1_pre_a.sql", "0001_a.sql", "0001_pre_A.sql"])
async def test_a_file_with_another_kind_of_name_is_refused(tmp_path: Path, name: str) -> None:
    write(tmp_path, f"data/{name}", "SELECT 1")

    with pytest.raises(MigrationError, match="is not named"):
        load(tmp_path)


@pytest.mark.parametrize("word", ["COMMIT;", "begin ;", "ROLLBACK;"])
async def test_a_file_that_rules_its_own_transaction_is_refused(tmp_path: Path, word: str) -> None:
    write(tmp_path, "data/0001_pre_a.sql", f"CREATE TABLE a (id text);\n{word}\n")

    with pytest.raises(MigrationError, match="transaction"):
        load(tmp_path)


async def test_pre_leaves_what_comes_after_the_new_code(
    empty_database_url: str, folder: Path
) -> None:
    write(folder, "core/0002_post_second.sql", "CREATE TABLE late (id text)")

    first = await migrate(empty_database_url, phases=PRE, folder=folder)
    second = await migrate(empty_database_url, phases=POST, folder=folder)

    assert [entry.name for entry in first] == ["first"] * 4
    assert [entry.name for entry in second] == ["second"]


async def test_a_phase_does_not_overtake_a_pending_one(
    empty_database_url: str, folder: Path
) -> None:
    write(folder, "core/0002_post_second.sql", "CREATE TABLE late (id text)")
    write(folder, "core/0003_pre_third.sql", "CREATE TABLE later (id text)")

    with pytest.raises(MigrationError, match=r"0003_pre_third.* before .*0002_post_second"):
        await migrate(empty_database_url, phases=PRE, folder=folder)

    assert await tables_of(empty_database_url) == set()


async def test_placeholders_become_the_roles_of_the_mode(
    empty_database_url: str, folder: Path
) -> None:
    write(folder, "data/0002_pre_grant.sql", "GRANT SELECT ON things TO :app_role, :scan_role")

    await migrate(empty_database_url, folder=folder)

    async with connected(empty_database_url) as owner:
        grants = await owner.fetch(
            "SELECT table_schema AS schema, grantee FROM information_schema.role_table_grants"
            " WHERE table_name = 'things' AND grantee <> current_user"
        )
    assert {(row["schema"], row["grantee"]) for row in grants} == {
        ("sandbox", "duro_sandbox"),
        ("sandbox", "duro_sandbox_scan"),
        ("live", "duro_live"),
        ("live", "duro_live_scan"),
    }


async def test_a_role_placeholder_in_core_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "core/0001_pre_a.sql", "GRANT SELECT ON x TO :app_role")

    with pytest.raises(MigrationError, match=":app_role"):
        load(tmp_path)


async def test_the_owner_can_become_each_role_but_does_not_inherit_it(
    empty_database_url: str, folder: Path
) -> None:
    await migrate(empty_database_url, folder=folder)

    async with connected(empty_database_url) as owner:
        rows = await owner.fetch(
            "SELECT rolname AS name, pg_has_role(rolname, 'SET') AS can_become,"
            " pg_has_role(rolname, 'USAGE') AS inherits FROM pg_roles WHERE rolname = ANY ($1)"
            " ORDER BY rolname",
            _ROLES,
        )
    assert [tuple(row.values()) for row in rows] == [(name, True, False) for name in _ROLES]


async def test_roles_that_somebody_else_made_are_refused_with_the_command_that_helps(
    empty_database_url: str, folder: Path
) -> None:
    await migrate(empty_database_url, folder=folder)
    url = urlsplit(empty_database_url)
    stranger = f"stranger_of{url.path.replace('/', '_')}"
    async with connected(empty_database_url) as owner:
        await owner.execute(f"CREATE ROLE {stranger} LOGIN CREATEROLE PASSWORD 'secret'")

    with pytest.raises(MigrationError, match=f"GRANT duro_core TO {stranger}"):
        await migrate(url._replace(netloc=f"{stranger}:secret@").geturl(), folder=folder)


async def test_status_of_a_database_that_was_never_migrated_is_all_pending(
    empty_database_url: str,
) -> None:
    entries = await status(empty_database_url)

    assert [entry.applied_at for entry in entries] == [None] * len(load())


async def test_a_table_lock_that_is_not_had_soon_ends_the_run(
    empty_database_url: str, folder: Path
) -> None:
    await migrate(empty_database_url, folder=folder)
    write(folder, "core/0002_pre_second.sql", "ALTER TABLE accounts ADD COLUMN extra text")

    async with connected(empty_database_url) as other, other.transaction():
        await other.execute("LOCK TABLE core.accounts IN ACCESS SHARE MODE")
        with pytest.raises(MigrationError, match="lock timeout"):
            await migrate(empty_database_url, folder=folder)

    assert len(await migrate(empty_database_url, folder=folder)) == 1


async def test_a_server_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError):
        await migrate(f"postgresql://duro@/duro?host={tmp_path}")


async def test_a_refused_log_in_is_explained(empty_database_url: str) -> None:
    stranger = empty_database_url.replace("duro_owner:", "nobody:")

    with pytest.raises(MigrationError, match="refuses the connection"):
        await migrate(stranger)
