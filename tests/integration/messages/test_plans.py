"""Holds what looks for due messages to the few that wait, however many were ever sent."""

from typing import Final

import pytest

from duro.kit.sql import queries
from tests.integration.messages.conftest import Post
from tests.support.roles import Connection, app_role, connected, connected_as, scan_role
from tests.support.statements import nodes, plan_of

_MESSAGES: Final = 2000
_PEOPLE: Final = """
  WITH named AS (SELECT set_config('duro.people', string_agg('p' || n, ','), false) FROM generate_series(1, $1) AS n)
INSERT INTO contact_caps (person, reminders, counted_at, forget_at)
SELECT 'p' || n, '{}', '{}', now() + n * interval '1 minute' FROM named, generate_series(1, $1) AS n
"""


@pytest.mark.parametrize(
    "name", ["claim_messages", "find_next_message", "list_tenants_to_send", "note_receipt"]
)
async def test_only_what_waits_is_read(post: Post, database_url: str, name: str) -> None:
    async with connected_as(
        database_url, app_role(post.mode), search_path=f"{post.mode.schema},core"
    ) as app:
        await _fill(app, post)
    async with connected(database_url) as owner:
        await owner.execute("ANALYZE")
    scans_all = name.startswith("list_")
    role = scan_role(post.mode) if scans_all else app_role(post.mode)

    async with connected_as(database_url, role, search_path=f"{post.mode.schema},core") as session:
        await session.execute("SELECT set_config('duro.tenant', $1, false)", post.tenant_id)
        plan = await plan_of(session, queries("messages")[name].text)

    read = [each for each in nodes(plan) if each.get("Relation Name") == "outbox"]
    found_by = {each.get("Index Name") for each in read if each["Node Type"] != "ModifyTable"}
    assert "Seq Scan" not in {each["Node Type"] for each in read}
    expected = {"outbox_by_provider_id"} if name == "note_receipt" else {"outbox_due"}
    assert found_by & expected == expected


@pytest.mark.parametrize(
    ("name", "index"),
    [
        ("list_people_to_forget", "contact_caps_by_forgetting"),
        ("list_tenants_to_forget", "contact_caps_by_forgetting"),
        ("give_places_back", "contact_caps_pkey"),
        ("forget_people", "contact_caps_pkey"),
    ],
)
async def test_only_the_people_in_question_are_read(
    post: Post, database_url: str, name: str, index: str
) -> None:
    path = f"{post.mode.schema},core"
    async with connected_as(database_url, app_role(post.mode), search_path=path) as app:
        await _fill(app, post)
        await app.execute(_PEOPLE, _MESSAGES)
    async with connected(database_url) as owner:
        await owner.execute("ANALYZE")
    role = scan_role(post.mode) if name.startswith("list_") else app_role(post.mode)

    async with connected_as(database_url, role, search_path=path) as session:
        plan = await plan_of(session, queries("contact_caps")[name].text)

    read = [each for each in nodes(plan) if each.get("Relation Name") == "contact_caps"]
    assert "Seq Scan" not in {each["Node Type"] for each in read}
    assert index in str(plan)


async def _fill(app: Connection, post: Post) -> None:
    await app.execute("SELECT set_config('duro.tenant', $1, false)", post.tenant_id)
    await app.execute(
        """INSERT INTO outbox (tenant_id, id, template, customer_id, recipient, cause, data, status, send_at, due_at,
                               created_at, provider_id)
           SELECT $1, 'msg_' || n, 'receipt', 'cus_' || n, 'cus_' || n, 'c' || n, '{}',
                  CASE WHEN n < 5 THEN 'queued' ELSE 'sent' END, now(), now(), now(),
                  CASE WHEN n < 5 THEN NULL ELSE 'p' || n END
             FROM generate_series(1, $2::integer) AS n""",
        post.tenant_id,
        _MESSAGES,
    )
