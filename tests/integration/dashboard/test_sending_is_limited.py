"""Whatever leaves this machine because a member asks for it is counted, for each member by themselves."""

from collections.abc import AsyncIterator

import pytest

from duro.modules.members.model import Role
from duro.settings import LimitSettings
from tests.support.dashboard import Office, running_office
from tests.support.system import settings_for

_TEXT = "/dashboard/api/test/message-texts/receipt/en/test"
_ENDPOINTS = "/dashboard/api/test/webhook-endpoints"


@pytest.fixture
async def strict(database_url: str, redis_url: str) -> AsyncIterator[Office]:
    """Two at once, and one more a minute."""
    limits = LimitSettings(send_per_minute=1, send_burst=2)
    settings = settings_for(database_url, redis_url).model_copy(update={"limits": limits})
    async with running_office(settings) as started:
        yield started


async def test_tests_are_limited_over_all_sessions_of_a_member_and_nothing_else_is(
    strict: Office, tenant: str
) -> None:
    member = await strict.member(tenant, Role.DEVELOPER)
    here, there = await strict.sign_in(tenant, member), await strict.sign_in(tenant, member)
    other = await strict.signed_in(tenant, Role.ADMIN)
    endpoint = (await here.post(_ENDPOINTS, {"url": "http://127.0.0.1:9/"})).json["id"]

    first = await here.post(_TEXT)
    second = await there.post(f"{_ENDPOINTS}/{endpoint}/test")
    third = await there.post(_TEXT)
    reads = await there.get(_ENDPOINTS)
    others = await other.post(_TEXT)

    assert [each.status for each in (first, second, third)] == [200, 200, 429]
    assert third.code == "rate_limited"
    assert 0 < int(third.headers["Retry-After"]) <= 60
    assert '"send"' in third.headers["RateLimit-Policy"]
    assert [reads.status, others.status] == [200, 200]


async def test_signing_in_is_limited_by_address(database_url: str, redis_url: str) -> None:
    limits = LimitSettings(auth_per_s=1, auth_burst=2)
    settings = settings_for(database_url, redis_url).model_copy(update={"limits": limits})

    async with running_office(settings) as office:
        answers = [await office.stranger().get(f"/sign-in/{number}") for number in range(3)]

    assert [answer.status for answer in answers] == [404, 404, 429]
