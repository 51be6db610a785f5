"""Signing in by a link that works once, and sessions: how long they last, who ends them, and who cannot use them."""

import asyncio
from datetime import timedelta
from http.cookies import SimpleCookie

import pytest

from duro.kit.clock import FixedClock
from duro.kit.modes import Mode
from duro.modules.access.service import create_key
from duro.modules.members.model import PERMISSIONS, Role
from duro.modules.members.service import change_role, remove_member
from tests.support.dashboard import COOKIE, Office, cookie_of
from tests.support.roles import connected_as

ME = "/dashboard/api/session"
ALL = "/dashboard/api/sessions"


async def test_a_link_signs_in_and_says_who_that_is(office: Office, tenant: str) -> None:
    member = await office.member(tenant, Role.OWNER, "Ada@adunni.example")
    answer = await office.stranger().get(await office.link(tenant, member))
    ada = office.stranger(cookie_of(answer))

    me = (await ada.get(ME)).json

    assert (answer.status, answer.headers["Location"]) == (303, "/")
    assert me["tenantId"] == tenant
    assert me["tenantName"] == "Adunni Gyms"
    assert me["member"]["email"] == "ada@adunni.example"
    assert me["member"]["role"] == "owner"
    assert me["permissions"] == sorted(PERMISSIONS[Role.OWNER])
    assert b"ada@adunni.example" in (await ada.get("/")).body


async def test_the_cookie_is_kept_from_scripts_and_other_sites(office: Office, tenant: str) -> None:
    member = await office.member(tenant, Role.OWNER)
    answer = await office.stranger().get(await office.link(tenant, member))

    (cookie,) = SimpleCookie(answer.headers["Set-Cookie"]).values()

    assert cookie.key == "__Host-duro_session"
    assert (cookie["path"], cookie["domain"], cookie["samesite"]) == ("/", "", "Lax")
    assert cookie["secure"]
    assert cookie["httponly"]
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"


async def test_a_link_signs_in_once_also_when_many_follow_it_at_once(
    office: Office, tenant: str
) -> None:
    member = await office.member(tenant, Role.OWNER)
    link = await office.link(tenant, member)

    answers = await asyncio.gather(*(office.stranger().get(link) for _ in range(6)))
    later = await office.stranger().get(link)

    assert sorted(answer.status for answer in answers) == [303, *[404] * 5]
    assert later.status == 404
    assert "Set-Cookie" not in later.headers
    assert b"duro members link" in later.body


async def test_a_link_ends_after_ten_minutes(
    office: Office, tenant: str, clock: FixedClock
) -> None:
    member = await office.member(tenant, Role.OWNER)
    early, late = await office.link(tenant, member), await office.link(tenant, member)

    clock.move(timedelta(minutes=10, microseconds=-1))
    in_time = await office.stranger().get(early)
    clock.move(timedelta(microseconds=1))
    too_late = await office.stranger().get(late)

    assert (in_time.status, too_late.status) == (303, 404)


@pytest.mark.parametrize("token", ["", "x", "sil_" + "0" * 32, "ses_" + "0" * 32, "%00"])
async def test_what_is_no_link_signs_nobody_in(office: Office, token: str) -> None:
    answer = await office.stranger().get(f"/sign-in/{token}")

    assert answer.status == 404
    assert "Set-Cookie" not in answer.headers


async def test_who_looks_ahead_or_is_sent_by_another_site_is_asked_first(
    office: Office, tenant: str
) -> None:
    member = await office.member(tenant, Role.OWNER)
    link = await office.link(tenant, member)
    stranger = office.stranger()

    looks = [
        await stranger.send("HEAD", link),
        await stranger.send("GET", link, headers={"Sec-Fetch-Site": "cross-site"}),
        await stranger.send("GET", link, headers={"Sec-Purpose": "prefetch"}),
    ]
    forced = await stranger.send("POST", link, headers={"Sec-Fetch-Site": "cross-site"})
    pressed = await stranger.send("POST", link)

    assert [look.status for look in looks] == [200, 200, 200]
    assert b'<form method="post">' in looks[1].body
    assert not any("Set-Cookie" in look.headers for look in (*looks, forced))
    assert forced.status == 403
    assert pressed.status == 303
    assert (await office.stranger(cookie_of(pressed)).get(ME)).status == 200


async def test_a_session_is_over_after_ten_minutes_without_use_and_slides_with_it(
    office: Office, tenant: str, clock: FixedClock
) -> None:
    used = await office.signed_in(tenant, Role.OWNER)
    idle = await office.signed_in(tenant, Role.ADMIN)

    statuses = []
    for _ in range(3):
        clock.move(timedelta(minutes=9, seconds=59))
        statuses.append((await used.get(ME)).status)
    after = await idle.get(ME)

    assert statuses == [200, 200, 200]
    assert (after.status, after.code) == (401, "unauthorized")


async def test_a_session_is_over_exactly_ten_minutes_after_its_last_use(
    office: Office, tenant: str, clock: FixedClock
) -> None:
    ada = await office.signed_in(tenant, Role.OWNER)

    clock.move(timedelta(minutes=10))

    assert (await ada.get(ME)).status == 401
    assert (await ada.get(ME)).status == 401


async def test_a_session_is_over_after_twelve_hours_however_it_is_used(
    office: Office, tenant: str, clock: FixedClock
) -> None:
    ada = await office.signed_in(tenant, Role.OWNER)
    statuses = []

    for _ in range(12 * 8):
        clock.move(timedelta(minutes=7, seconds=30))
        statuses.append((await ada.get(ME)).status)

    assert statuses == [200] * (12 * 8 - 1) + [401]


async def test_sessions_are_listed_and_revoked_by_their_member(
    office: Office, tenant: str, clock: FixedClock
) -> None:
    member = await office.member(tenant, Role.READ_ONLY)
    first = await office.sign_in(tenant, member)
    clock.move(timedelta(minutes=1))
    second = await office.sign_in(tenant, member)
    clock.move(timedelta(minutes=1))
    mine = (await second.get(ME)).json["sessionId"]
    page = (await second.get(f"{ALL}?limit=1")).json
    rest = (await second.get(f"{ALL}?cursor={page['nextCursor']}")).json

    other = rest["items"][0]["id"]
    revoked = await second.send("DELETE", f"{ALL}/{other}")
    again = await second.send("DELETE", f"{ALL}/{other}")

    assert [each["id"] for each in page["items"]] == [mine]
    assert page["items"][0]["isCurrent"] is True
    assert rest["items"][0]["isCurrent"] is False
    assert rest["hasMore"] is False
    assert revoked.json["revokedAt"] == "2026-01-28T09:02:00.000Z"
    assert (revoked.status, again.status) == (200, 404)
    assert (await first.get(ME)).status == 401
    assert [each["id"] for each in (await second.get(ALL)).json["items"]] == [mine]


async def test_signing_out_ends_the_session_that_asks(office: Office, tenant: str) -> None:
    ada = await office.signed_in(tenant, Role.OWNER)

    out = await ada.send("DELETE", ME)

    assert (out.status, out.json["isCurrent"]) == (200, True)
    assert (await ada.get(ME)).status == 401
    assert b"Not signed in" in (await ada.get("/")).body


async def test_nobody_sees_or_ends_anothers_sessions(
    office: Office, tenant: str, tenant_b: str
) -> None:
    owner = await office.signed_in(tenant, Role.OWNER)
    finance = await office.signed_in(tenant, Role.FINANCE)
    stranger = await office.signed_in(tenant_b, Role.OWNER)
    theirs = (await finance.get(ME)).json["sessionId"]

    answers = [await each.send("DELETE", f"{ALL}/{theirs}") for each in (owner, stranger)]
    unknown = await owner.send("DELETE", f"{ALL}/ses_{'0' * 26}")

    assert [answer.status for answer in (*answers, unknown)] == [404, 404, 404]
    assert answers[0].error["message"] == unknown.error["message"]
    assert len((await owner.get(ALL)).json["items"]) == 1
    assert (await finance.get(ME)).status == 200


async def test_a_role_counts_from_the_next_request(office: Office, tenant: str) -> None:
    member = await office.member(tenant, Role.FINANCE, "bola@adunni.example")
    bola = await office.sign_in(tenant, member)
    before = (await bola.get(ME)).json

    async with office.db.core() as tx:
        await change_role(tx, tenant_id=tenant, email=member.email, role=Role.READ_ONLY)
    after = (await bola.get(ME)).json

    assert "refund:write" in before["permissions"]
    assert after["member"]["role"] == "read_only"
    assert after["permissions"] == ["read"]


async def test_sessions_and_links_end_with_their_member(office: Office, tenant: str) -> None:
    member = await office.member(tenant, Role.ADMIN)
    bola = await office.sign_in(tenant, member)
    link = await office.link(tenant, member)

    async with office.db.core() as tx:
        await remove_member(tx, tenant_id=tenant, email=member.email)

    assert (await bola.get(ME)).status == 401
    assert (await office.stranger().get(link)).status == 404


async def test_keys_open_nothing_here_and_sessions_nothing_there(
    office: Office, tenant: str
) -> None:
    ada = await office.signed_in(tenant, Role.OWNER)
    async with office.db.core() as tx:
        key = (await create_key(tx, tenant_id=tenant, mode=Mode.TEST)).token
    here = await office.stranger().send("GET", ME, headers={"Authorization": f"Bearer {key}"})
    as_cookie = await office.stranger(key).get(ME)
    async with office.session.get(
        f"{office.app.public_url}/v1/plans", headers={"Cookie": f"{COOKIE}={ada.token}"}
    ) as there:
        as_session = there.status
    async with office.session.get(
        f"{office.app.public_url}/v1/plans", headers={"Authorization": f"Bearer {ada.token}"}
    ) as there:
        as_key = there.status

    assert [here.status, as_cookie.status, as_session, as_key] == [401] * 4
    assert here.headers["WWW-Authenticate"].startswith("Cookie")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": ""}, 200),
        ({"Sec-Fetch-Site": "", "Origin": "https://evil.example"}, 403),
        ({"Sec-Fetch-Site": "", "Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "", "Origin": "http://127.0.0.1:1"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "own"}, 403),
        ({"Sec-Fetch-Site": "", "Origin": "own"}, 200),
    ],
)
async def test_a_change_that_another_site_asks_for_is_refused(
    office: Office, tenant: str, headers: dict[str, str], status: int
) -> None:
    ada = await office.signed_in(tenant, Role.OWNER)
    sent = {name: office.base if value == "own" else value for name, value in headers.items()}

    answer = await ada.send("DELETE", ME, headers=sent)
    read = await ada.send("GET", ME, headers=sent)

    assert answer.status == status
    assert read.status == (401 if status == 200 else 200)


async def test_an_idempotency_key_is_refused_and_not_passed_over(
    office: Office, tenant: str
) -> None:
    ada = await office.signed_in(tenant, Role.OWNER)

    answer = await ada.send("DELETE", ME, headers={"Idempotency-Key": "one"})

    assert (answer.status, answer.code) == (400, "bad_request")
    assert (await ada.get(ME)).status == 200


async def test_neither_link_nor_session_can_be_read_from_the_database(
    office: Office, database_url: str, tenant: str
) -> None:
    member = await office.member(tenant, Role.OWNER)
    link = await office.link(tenant, member)
    ada = await office.sign_in(tenant, member)

    async with connected_as(database_url, "duro_core", search_path="core") as core:
        kept = str(await core.fetch("SELECT s::text FROM sessions AS s"))
        kept += str(await core.fetch("SELECT l::text FROM sign_in_links AS l"))

    assert kept.count(tenant) == 2
    assert (ada.token or "") not in kept
    assert link.rpartition("/")[2] not in kept


async def test_what_is_over_is_forgotten_as_others_begin(
    office: Office, database_url: str, tenant: str, clock: FixedClock
) -> None:
    member = await office.member(tenant, Role.OWNER)
    await office.sign_in(tenant, member)
    await office.link(tenant, member)

    clock.move(timedelta(hours=12))
    await office.sign_in(tenant, member)

    async with connected_as(database_url, "duro_core", search_path="core") as core:
        left = await core.fetchval(
            "SELECT (SELECT count(*) FROM sessions) + (SELECT count(*) FROM sign_in_links)"
        )
    assert left == 1


async def test_an_unknown_path_is_refused_as_everywhere(office: Office) -> None:
    answer = await office.stranger().get("/dashboard/api/nothing")

    assert (answer.status, answer.code) == (404, "not_found")
    assert answer.error["docUrl"].startswith(office.app.public_url or "x")
