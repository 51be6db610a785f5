"""Laws over every operation of the core role: who is refused, and that foreign ids are as unknown as random ones."""

import asyncio
import re
from typing import Final

import pytest

from duro.kit.modes import Mode
from duro.kit.registry import Operation
from duro.modules.members.model import Role
from duro.modules.members.service import change_role
from duro.runtime.console import core_operations
from tests.support.api import Answer
from tests.support.dashboard import Office, Visitor, path_of

# product/platform.md, "Roles": what each needs for what the dashboard offers so far.
_MAY: Final = {
    "read": set(Role),
    "webhook:manage": {Role.OWNER, Role.ADMIN, Role.DEVELOPER},
    "appearance:manage": {Role.OWNER, Role.ADMIN, Role.DEVELOPER},
}
_IN_MODES: Final = "/dashboard/api/{mode}/"


async def ask(visitor: Visitor, entry: Operation, path: str) -> Answer:
    body = entry.options.get("example") if entry.body is not None else None
    return await visitor.send(entry.method, path, body)


async def test_nothing_is_answered_without_a_session(office: Office, tenant: str) -> None:
    ada = await office.signed_in(tenant, Role.OWNER)
    good = ada.token or ""
    over = await office.signed_in(tenant, Role.ADMIN)
    assert (await over.delete("/dashboard/api/session")).status == 200
    strangers = (None, "x", good[:-1] + ("a" if good[-1] != "a" else "b"), over.token)
    entries = await core_operations()
    wrong: list[str] = []

    for entry in entries:
        for token in strangers:
            for mode in Mode:
                answer = await ask(office.stranger(token), entry, path_of(entry, mode=mode))
                if (answer.status, answer.code) != (401, "unauthorized"):
                    wrong.append(f"{entry.name} with {token}: {answer.status}")

    assert wrong == []
    assert len(entries) >= 23


@pytest.mark.parametrize("role", list(Role))
async def test_a_role_may_do_what_its_permissions_say_and_no_more(
    office: Office, tenant: str, role: Role
) -> None:
    member = await office.member(tenant, role)
    wrong: list[str] = []

    for entry in await core_operations():
        visitor = await office.sign_in(tenant, member)
        answer = await ask(visitor, entry, path_of(entry))
        permission = entry.options["permission"]
        if (answer.status == 403) == (role in _MAY[permission]) or answer.status in (401, 500):
            wrong.append(f"{entry.name} ({permission}): {answer.status}")

    assert wrong == []


async def test_what_changes_something_needs_more_than_reading() -> None:
    harmless = {"sign_out", "revoke_own_session", "preview_message_text"}

    for entry in await core_operations():
        if entry.is_mutation and entry.name not in harmless:
            assert entry.options["permission"] != "read", entry.name


async def test_another_site_changes_nothing_whatever_it_asks_for(
    office: Office, tenant: str
) -> None:
    ada = await office.signed_in(tenant, Role.OWNER)
    changes = [entry for entry in await core_operations() if entry.is_mutation]

    found = {
        entry.name: (
            await ada.send(
                entry.method,
                path_of(entry),
                entry.options.get("example") if entry.body is not None else None,
                headers={"Sec-Fetch-Site": "cross-site"},
            )
        ).status
        for entry in changes
    }

    assert set(found.values()) == {403}


async def test_a_form_is_no_body(office: Office, tenant: str) -> None:
    ada = await office.signed_in(tenant, Role.OWNER)
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    text = {"Content-Type": "text/plain"}
    entries = [entry for entry in await core_operations() if entry.body is not None]

    for entry in entries:
        for headers in (form, text):
            answer = await ada.send(entry.method, path_of(entry), b"{}", headers=headers)
            assert (entry.name, answer.status) == (entry.name, 415)


async def test_foreign_ids_are_as_unknown_as_random_ones(
    office: Office, tenant: str, tenant_b: str
) -> None:
    ada = await office.signed_in(tenant, Role.OWNER)
    strangers = (
        await office.ids_of_a_webhook(Mode.TEST, tenant_b),
        await office.ids_of_a_webhook(Mode.LIVE, tenant),
    )
    wrong: list[str] = []
    tried = 0

    for entry in await core_operations():
        if entry.options.get("id_prefix") not in ("whe", "whd"):
            continue
        for ids in strangers:
            tried += 1
            path, twin = path_of(entry, **ids), path_of(entry)
            found, expected = await ask(ada, entry, path), await ask(ada, entry, twin)
            words = [
                re.sub(r"wh[ed]_\w+", "…", each.error["message"]) for each in (found, expected)
            ]
            if (found.status, expected.status) != (404, 404) or words[0] != words[1]:
                wrong.append(f"{entry.name}: {found.status} {expected.status} {words}")

    assert wrong == []
    assert tried >= 20


async def test_there_is_no_third_mode(office: Office, tenant: str) -> None:
    ada = await office.signed_in(tenant, Role.OWNER)

    for entry in await core_operations():
        if entry.path.startswith(_IN_MODES):
            answer = await ask(ada, entry, path_of(entry, mode="sandbox"))
            assert (entry.name, answer.status) == (entry.name, 404)


async def test_a_role_that_is_taken_away_counts_from_the_next_request(
    office: Office, tenant: str
) -> None:
    member = await office.member(tenant, Role.DEVELOPER)
    dev = await office.sign_in(tenant, member)
    writes = [entry for entry in await core_operations() if entry.options["permission"] != "read"]
    before = [(await ask(dev, entry, path_of(entry))).status for entry in writes]

    async with office.db.core() as tx:
        await change_role(tx, tenant_id=tenant, email=member.email, role=Role.READ_ONLY)
    after = [(await ask(dev, entry, path_of(entry))).status for entry in writes]

    assert 403 not in before
    assert set(after) == {403}


async def test_requests_at_once_of_one_session_are_all_answered(
    office: Office, tenant: str
) -> None:
    ada = await office.signed_in(tenant, Role.OWNER)

    answers = await asyncio.gather(
        *(ada.get("/dashboard/api/live/webhook-endpoints") for _ in range(30))
    )

    assert {answer.status for answer in answers} == {200}


@pytest.mark.parametrize(
    "path", ["/dashboard/api/session", "/dashboard/api/test/webhook-endpoints"]
)
async def test_answers_are_for_this_page_alone(office: Office, tenant: str, path: str) -> None:
    ada = await office.signed_in(tenant, Role.OWNER)

    headers = (await ada.get(path)).headers

    assert headers["Cache-Control"] == "no-store"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "Access-Control-Allow-Origin" not in headers
    assert headers["Request-Id"].startswith("req_")
