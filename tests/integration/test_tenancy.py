"""Holds the database to isolation by itself: what a forgotten filter or a wrong schema cannot reach."""

from collections.abc import AsyncIterator, Callable
from typing import Final

import asyncpg
import pytest

from duro.kit.modes import Mode
from tests.support.roles import Connection, app_role, connected, connected_as, scan_role
from tests.support.rows import make_rows
from tests.support.statements import PEOPLES_TABLES, SANDBOX_ONLY_TABLES

_ROLES: Final = ["duro_core", "duro_live", "duro_live_scan", "duro_sandbox", "duro_sandbox_scan"]
_COUNT: Final = "SELECT count(*) FROM {table}"
_GIVE_AWAY: Final = "UPDATE {table} SET tenant_id = $1"
_CHANGES: Final = [
    "UPDATE {table} SET tenant_id = tenant_id",
    "DELETE FROM {table}",
    "SELECT FROM {table} FOR UPDATE",
]


@pytest.fixture
async def owner(database_url: str) -> AsyncIterator[Connection]:
    async with connected(database_url) as connection:
        yield connection


@pytest.fixture
async def app(database_url: str, mode: Mode) -> AsyncIterator[Connection]:
    """A connection as the mode's pool opens it, without a tenant."""
    path = f"{mode.schema},core"
    async with connected_as(database_url, app_role(mode), search_path=path) as connection:
        yield connection


@pytest.fixture
async def scan(database_url: str, mode: Mode) -> AsyncIterator[Connection]:
    path = f"{mode.schema},core"
    async with connected_as(database_url, scan_role(mode), search_path=path) as connection:
        yield connection


async def enter(connection: Connection, tenant_id: str) -> None:
    await connection.execute("SELECT set_config('duro.tenant', $1, true)", tenant_id)


async def run(connection: Connection, tenant_id: str, command: str, *args: object) -> None:
    async with connection.transaction():
        await enter(connection, tenant_id)
        await connection.execute(command, *args)


async def fill(connection: Connection, mode: Mode, tenant_id: str) -> dict[str, str]:
    async with connection.transaction():
        await enter(connection, tenant_id)
        return await make_rows(connection, schema=mode.schema, tenant_id=tenant_id)


async def count(connection: Connection, table: str) -> int:
    found: int = await connection.fetchval(_COUNT.format(table=table))
    return found


async def test_a_tenant_sees_none_of_anothers_rows(
    app: Connection, mode: Mode, tenant: str, tenant_b: str
) -> None:
    tables = await fill(app, mode, tenant_b)

    async with app.transaction():
        await enter(app, tenant)
        seen = {table: await count(app, table) for table in tables}
        await enter(app, tenant_b)
        own = {table: await count(app, table) for table in tables}

    assert seen == dict.fromkeys(tables, 0)
    assert own == dict.fromkeys(tables, 1)


@pytest.mark.parametrize("change", _CHANGES)
async def test_a_tenant_changes_none_of_anothers_rows(
    app: Connection, mode: Mode, tenant: str, tenant_b: str, change: str
) -> None:
    tables = await fill(app, mode, tenant_b)

    async with app.transaction():
        await enter(app, tenant)
        done = {table: await app.execute(change.format(table=table)) for table in tables}

    assert {table: word.rpartition(" ")[2] for table, word in done.items()} == dict.fromkeys(
        tables, "0"
    )


async def test_a_tenant_cannot_insert_a_row_of_another(
    app: Connection, mode: Mode, tenant: str, tenant_b: str
) -> None:
    inserts = await fill(app, mode, tenant_b)

    for insert in inserts.values():
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
            await run(app, tenant, insert)


async def test_a_tenant_cannot_give_its_row_to_another(
    app: Connection, mode: Mode, tenant: str, tenant_b: str
) -> None:
    tables = await fill(app, mode, tenant)

    for table in tables:
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
            await run(app, tenant, _GIVE_AWAY.format(table=table), tenant_b)


async def test_without_a_tenant_nothing_is_seen_or_accepted(
    app: Connection, mode: Mode, tenant: str
) -> None:
    inserts = await fill(app, mode, tenant)

    seen = {table: await count(app, table) for table in [*inserts, "tenants"]}

    assert set(seen.values()) == {0}
    for insert in inserts.values():
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await app.execute(insert)


async def test_nothing_of_a_tenant_remains_after_its_transaction(
    app: Connection, mode: Mode, tenant: str
) -> None:
    await fill(app, mode, tenant)
    async with app.transaction():
        await enter(app, tenant)
        during = await count(app, "plans")

    after = await count(app, "plans")

    assert (during, after) == (1, 0)
    assert await app.fetchval("SELECT current_setting('duro.tenant', true)") == ""


@pytest.mark.usefixtures("tenant_b")
async def test_a_tenant_reads_its_own_entry_in_core_and_no_credentials(
    app: Connection, tenant: str
) -> None:
    async with app.transaction():
        await enter(app, tenant)
        seen = [row["id"] for row in await app.fetch("SELECT id FROM tenants")]

    assert seen == [tenant]
    for command in (
        "SELECT FROM api_keys",
        "UPDATE tenants SET name = 'x'",
        "SELECT FROM migrations",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied"):
            await app.execute(command)


@pytest.mark.parametrize("role_of", [app_role, scan_role])
async def test_one_mode_has_no_way_into_the_other(
    database_url: str, mode: Mode, role_of: Callable[[Mode], str]
) -> None:
    (other,) = set(Mode) - {mode}

    async with connected_as(database_url, role_of(mode), search_path="core") as connection:
        with pytest.raises(
            asyncpg.InsufficientPrivilegeError,
            match=f"permission denied for schema {other.schema}",
        ):
            await connection.execute(f"SELECT FROM {other.schema}.plans")


async def test_the_core_role_has_no_way_into_the_data(database_url: str, mode: Mode) -> None:
    async with connected_as(database_url, "duro_core", search_path="core") as core:
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="for schema"):
            await core.execute(f"SELECT FROM {mode.schema}.plans")


async def test_a_scan_sees_all_tenants_of_the_tables_with_due_work(
    app: Connection, scan: Connection, mode: Mode, tenant: str, tenant_b: str
) -> None:
    await fill(app, mode, tenant)
    await fill(app, mode, tenant_b)

    seen = {row["tenant_id"] for row in await scan.fetch("SELECT tenant_id FROM subscriptions")}

    assert seen == {tenant, tenant_b}


@pytest.mark.parametrize("change", _CHANGES)
async def test_a_scan_changes_and_locks_nothing(
    app: Connection, scan: Connection, mode: Mode, tenant: str, change: str
) -> None:
    inserts = await fill(app, mode, tenant)

    for table, insert in inserts.items():
        for command in (change.format(table=table), insert):
            with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied"):
                await scan.execute(command)


async def test_a_scan_does_not_see_who_is_billed(scan: Connection) -> None:
    for hidden in (
        *(
            "SELECT FROM customers",
            "SELECT url FROM webhook_endpoints",
            "SELECT FROM tenants",
        ),
        *("SELECT FROM api_keys", "SELECT token FROM payment_methods"),
        *("SELECT secret FROM webhook_endpoints", "SELECT old_secret FROM webhook_endpoints"),
        *("SELECT customer_id FROM payment_methods", "SELECT digest FROM checkout_sessions"),
        *("SELECT customer_email FROM checkout_sessions", "SELECT address FROM outbox"),
        *("SELECT recipient FROM outbox", "SELECT data FROM outbox", "SELECT FROM email_templates"),
        *("SELECT reminders FROM contact_caps", "SELECT counted_at FROM contact_caps"),
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied"):
            await scan.execute(hidden)


async def test_the_roles_have_no_powers_and_own_nothing(owner: Connection) -> None:
    roles = await owner.fetch(
        "SELECT rolname FROM pg_roles WHERE rolname = ANY ($1) AND NOT (rolsuper OR rolbypassrls"
        " OR rolcreaterole OR rolcreatedb OR rolreplication OR rolcanlogin) ORDER BY 1",
        _ROLES,
    )
    memberships = await owner.fetch(
        "SELECT FROM pg_auth_members WHERE member::regrole::text = ANY ($1)", _ROLES
    )
    owned = await owner.fetch(
        "SELECT refobjid::regrole FROM pg_shdepend"
        " WHERE deptype = 'o' AND refobjid::regrole::text = ANY ($1)",
        _ROLES,
    )

    assert [row["rolname"] for row in roles] == _ROLES
    assert (memberships, owned) == ([], [])


async def test_the_public_may_do_nothing_in_our_schemas(owner: Connection) -> None:
    open_schemas = await owner.fetch(
        "SELECT n.nspname FROM pg_namespace n, aclexplode(n.nspacl) entry"
        " WHERE n.nspname IN ('core', 'sandbox', 'live') AND entry.grantee = 0"
    )
    open_tables = await owner.fetch(
        "SELECT c.relname FROM pg_class c, aclexplode(c.relacl) entry"
        " WHERE c.relnamespace::regnamespace::text IN ('core', 'sandbox', 'live')"
        "   AND entry.grantee = 0"
    )

    assert (open_schemas, open_tables) == ([], [])


async def test_every_table_forces_row_security(owner: Connection, mode: Mode) -> None:
    tables = await owner.fetch(
        "SELECT relname, relrowsecurity AND relforcerowsecurity AS is_forced FROM pg_class"
        " WHERE relkind IN ('r', 'p') AND relnamespace = $1::text::regnamespace",
        mode.schema,
    )

    assert len(tables) > len(SANDBOX_ONLY_TABLES)
    assert [row["relname"] for row in tables if not row["is_forced"]] == []


async def test_each_table_has_a_policy_for_its_tenant_or_people_and_scans_only_read(
    owner: Connection, mode: Mode
) -> None:
    own = "(tenant_id = NULLIF(current_setting('duro.tenant'::text, true), ''::text))"
    tables = await owner.fetch("SELECT tablename FROM pg_tables WHERE schemaname = $1", mode.schema)
    policies = await owner.fetch(
        "SELECT tablename, permissive, roles::text[], cmd, qual, with_check FROM pg_policies"
        " WHERE schemaname = $1",
        mode.schema,
    )

    for_app = [tuple(row) for row in policies if scan_role(mode) not in row["roles"]]
    for_scan = [tuple(row)[1:] for row in policies if scan_role(mode) in row["roles"]]

    expected = [
        (row["tablename"], "PERMISSIVE", [app_role(mode)], "ALL", own, own) for row in tables
    ]
    named = (
        "(person = ANY (string_to_array(current_setting('duro.people'::text, true), ','::text)))"
    )
    expected += [
        (table, "PERMISSIVE", [app_role(mode)], "ALL", named, named) for table in PEOPLES_TABLES
    ]
    assert sorted(for_app) == sorted(expected)
    assert len(for_app) + len(for_scan) == len(policies)
    assert all(
        rule == ("PERMISSIVE", [scan_role(mode)], "SELECT", "true", None) for rule in for_scan
    )


async def test_keys_and_unique_constraints_begin_with_the_tenant_or_the_person(
    owner: Connection, mode: Mode
) -> None:
    keys = await owner.fetch(
        "SELECT i.indrelid::regclass::text AS of_table, i.indexrelid::regclass::text AS name,"
        "       i.indisprimary, a.attname AS first"
        "  FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid"
        "  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0]"
        " WHERE c.relnamespace = $1::text::regnamespace AND i.indisunique",
        mode.schema,
    )
    tables = await owner.fetch("SELECT tablename FROM pg_tables WHERE schemaname = $1", mode.schema)

    peoples = {f"{mode.schema}.{table}" for table in PEOPLES_TABLES}
    at_fault = [
        row["name"]
        for row in keys
        if row["first"] != ("person" if row["of_table"] in peoples else "tenant_id")
    ]
    assert at_fault == []
    assert {row["of_table"] for row in keys if row["indisprimary"]} == {
        f"{mode.schema}.{row['tablename']}" for row in tables
    }


async def test_rows_refer_only_to_rows_of_their_own_tenant(owner: Connection, mode: Mode) -> None:
    references = await owner.fetch(
        "SELECT k.conname, a.attname AS here, f.attname AS there, k.confrelid::regclass::text"
        "  FROM pg_constraint k"
        "  JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1]"
        "  JOIN pg_attribute f ON f.attrelid = k.confrelid AND f.attnum = k.confkey[1]"
        " WHERE k.contype = 'f' AND k.connamespace = $1::text::regnamespace",
        mode.schema,
    )

    assert references
    assert [r["conname"] for r in references if {r["here"], r["there"]} != {"tenant_id"}] == []
    assert all(row["confrelid"].startswith(f"{mode.schema}.") for row in references)
