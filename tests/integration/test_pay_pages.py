"""The public pages behind payment links and checkout sessions."""

from collections.abc import AsyncIterator

import pytest

from duro.kit.crypto import new_token
from duro.kit.modes import Mode
from tests.support.api import Answer, Client, Server
from tests.support.system import Merchant, running_merchant, settings_for


@pytest.fixture
async def merchant(database_url: str, redis_url: str, tenant: str) -> AsyncIterator[Merchant]:
    async with running_merchant(settings_for(database_url, redis_url), tenant) as started:
        yield started


async def opened(merchant: Merchant, path: str) -> Answer:
    """As anybody opens it, without a key."""
    client = merchant.client
    return await Client(client.session, client.base, None).get(path)


async def link(merchant: Merchant, plan_id: str, slug: str) -> str:
    made = await merchant.made("/v1/payment-links", {"planId": plan_id, "slug": slug})
    assert made["url"] == f"{merchant.app.public_url}/pay/test/{slug}"
    return str(made["id"])


async def test_the_page_of_an_open_link_names_plan_and_price(merchant: Merchant) -> None:
    plan = await merchant.plan(name="<b>Gold</b> & more")
    await link(merchant, plan, "gold")

    page = await opened(merchant, "/pay/test/gold")

    assert page.status == 200
    assert page.headers["Content-Type"].startswith("text/html")
    text = page.body.decode()
    assert "&lt;b&gt;Gold&lt;/b&gt; &amp; more" in text
    assert "₦5,000.00" in text
    assert "coming" in text
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]


async def test_a_closed_link_and_one_of_an_archived_plan_are_not_found(merchant: Merchant) -> None:
    plan = await merchant.plan()
    closed = await link(merchant, plan, "closed")
    await merchant.client.patch(f"/v1/payment-links/{closed}", {"active": False})
    archived = await merchant.plan()
    await link(merchant, archived, "archived")
    await merchant.client.delete(f"/v1/plans/{archived}")

    for slug in ("closed", "archived"):
        assert (await opened(merchant, f"/pay/test/{slug}")).status == 404
    await merchant.client.patch(f"/v1/payment-links/{closed}", {"active": True})
    assert (await opened(merchant, "/pay/test/closed")).status == 200


@pytest.mark.parametrize(
    "path",
    [
        *("/pay/live/gold", "/pay/test/gold2", "/pay/test/GOLD", "/pay/test/gold%20"),
        *("/pay/test/%00", "/pay/test/%C3%28", "/pay/test/" + "a" * 500, "/pay/prod/gold"),
        *("/pay/test/gold'--", "/pay/test/gold%0a", "/pay/test", "/pay/test/"),
    ],
)
async def test_anything_else_is_not_found(merchant: Merchant, path: str) -> None:
    await link(merchant, await merchant.plan(), "gold")

    assert (await opened(merchant, path)).status == 404


async def test_each_slug_leads_to_its_own_merchant(merchant: Merchant, tenant_b: str) -> None:
    await link(merchant, await merchant.plan(name="Gold"), "mine")
    server = Server(merchant.client.base, merchant.client.session, merchant.app.ground.db)
    other = Merchant(merchant.app, await server.client(tenant_b, Mode.TEST), tenant_b)
    await link(other, await other.plan(name="Silver"), "theirs")

    mine, theirs = (
        await opened(merchant, "/pay/test/mine"),
        await opened(merchant, "/pay/test/theirs"),
    )

    assert ("Gold" in mine.body.decode(), "Silver" in theirs.body.decode()) == (True, True)


async def test_the_address_of_a_session_opens_a_page(merchant: Merchant) -> None:
    made = await merchant.made("/v1/checkout/sessions", {"planId": await merchant.plan()})
    path = made["url"].removeprefix(merchant.app.public_url or "")

    page = await opened(merchant, path)

    assert (page.status, b"coming" in page.body) == (200, True)
    assert page.headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize(
    "token",
    ["x", "cs_test_x", new_token("sk_test_"), new_token("cs_prod_")],
    ids=["short", "no-checksum", "another-kind", "another-mode"],
)
async def test_what_is_no_token_opens_nothing(merchant: Merchant, token: str) -> None:
    assert (await opened(merchant, f"/checkout/{token}")).status == 404
