"""What surrounds the pay page: headers, log, live mode, limits, no Redis."""

import re
from typing import Any

import aiohttp
import structlog

from duro.kit.modes import Mode
from duro.kit.work import WorkScope
from duro.modules.subscriptions.schemas import SubscriptionCreate
from duro.runtime.serve import Role, running
from duro.settings import LimitSettings
from tests.support.api import Answer, Server
from tests.support.billing import begin_one
from tests.support.paypage import SAME_ORIGIN, Customer, token_of
from tests.support.stories import Story
from tests.support.system import Merchant, settings_for

NOBODY = "redis://127.0.0.1:1/0"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


async def _send_to(base: str | None, due: dict[str, Any], *, method: str = "POST") -> Answer:
    """A request for transfer details, or a look, at another process than the one that made the link."""
    path = f"{base}/pay/i/{token_of(due)}"
    async with aiohttp.ClientSession() as session:
        asked = (
            session.get(path)
            if method == "GET"
            else session.post(
                f"{path}/request",
                data=b"form=x&rail=transfer",
                headers={**SAME_ORIGIN, **FORM},
                allow_redirects=False,
            )
        )
        async with asked as response:
            return Answer(response.status, await response.read(), dict(response.headers))


class TestAround:
    async def test_every_answer_carries_the_headers_that_keep_it_apart(
        self, customer: Customer, due: dict[str, Any]
    ) -> None:
        page = await customer.open(due["payUrl"])
        sent = await customer.post(page.form("/request", rail="ussd"))
        asked = await customer.open(sent.headers["Location"])
        state = await customer.send("GET", f"{asked.form('/check').action[:-6]}/state")
        wrong = await customer.open("/pay/i/x")

        for answer in (page.answer, sent, asked.answer, state, wrong.answer):
            policy = answer.headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy
            assert "frame-ancestors 'none'" in policy
            assert "unsafe" not in policy
            assert answer.headers["Referrer-Policy"] == "no-referrer"
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["Cache-Control"] == "no-store"
            assert "Set-Cookie" not in answer.headers
        assert "<script>" not in asked.html
        assert "style=" not in asked.html

    async def test_names_are_text_wherever_they_are_shown(
        self, story: Story, customer: Customer
    ) -> None:
        plan = await story.merchant.plan(name="<b>Gold</b> & {more}")
        made = await story.merchant.subscribe(planId=plan)

        page = await customer.open(made["payUrl"])

        assert "&lt;b&gt;Gold&lt;/b&gt; &amp; {more}" in page.html
        assert "<b>" not in page.html

    async def test_the_mark_changes_when_there_is_something_new_to_see(
        self, story: Story, customer: Customer, due: dict[str, Any]
    ) -> None:
        page = await customer.open(due["payUrl"])
        asked = await customer.submit(page.form("/request", rail="transfer"))
        found = re.search(r'data-ask="([^"]+)" data-mark="([^"]+)"', asked.html)
        assert found is not None

        before = (await customer.send("GET", found[1])).json
        (request,) = await story.query("SELECT id FROM payment_requests")
        path = f"/v1/test/payment-requests/{request['id']}/pay"
        await story.merchant.client.post(path, {"amount": 100_000})
        part = (await customer.send("GET", found[1])).json
        await story.merchant.client.post(path)
        paid = (await customer.send("GET", found[1])).json

        assert before == {"mark": found[2]}
        assert len({str(each) for each in (before, part, paid)}) == 3

    async def test_neither_link_nor_person_comes_into_the_log(
        self, customer: Customer, due: dict[str, Any]
    ) -> None:
        with structlog.testing.capture_logs() as logged:
            page = await customer.open(due["payUrl"])
            await customer.submit(page.form("/card"), card="pm_test_stolen")
            await customer.open(due["payUrl"] + "x")

        told = repr(logged)
        for private in (token_of(due), "ada@example.com", "0043"):
            assert private not in told

    async def test_live_mode_without_a_gateway_offers_nothing_and_takes_nothing(
        self, story: Story, customer: Customer
    ) -> None:
        client = story.merchant.client
        server = Server(client.base, client.session, story.merchant.app.ground.db)
        key = await server.client(story.merchant.tenant_id, Mode.LIVE)
        live = Merchant(story.merchant.app, key, story.merchant.tenant_id)
        wanted = {"planId": await live.plan(), "customerId": await live.customer()}
        body = SubscriptionCreate.model_validate(wanted)
        scope = WorkScope(live.app.ground.db, Mode.LIVE, live.tenant_id)
        # Over HTTP nobody can start anything where there is no gateway.
        async with scope.begin() as tx:
            begun = await begin_one(tx, body, live.app.system.paying.charging)
        address = (await live.subscription(begun.subscription.id))["payUrl"]

        page = await customer.open(address)
        sent = [
            await customer.send("POST", address + end, body, SAME_ORIGIN)
            for end, body in (
                ("/card", b"form=x&card=pm_test_ok"),
                ("/request", b"form=x&rail=ussd"),
            )
        ]

        assert (page.status, page.ways) == (200, [])
        assert "cannot take payments here yet" in page.text
        assert "Test mode" not in page.text
        assert [answer.status for answer in sent] == [503, 503]


class TestLimits:
    async def test_too_many_forms_from_one_address_are_told_to_wait(
        self, database_url: str, redis_url: str, due: dict[str, Any]
    ) -> None:
        limits = LimitSettings(pay_per_s=1, pay_burst=3)
        settings = settings_for(database_url, redis_url).model_copy(update={"limits": limits})
        async with running(settings, roles={Role.PUBLIC}) as process:
            answers = [await _send_to(process.public_url, due) for _ in range(4)]
            shown = await _send_to(process.public_url, due, method="GET")

        assert [answer.status for answer in answers] == [303, 303, 303, 429]
        assert b"Too many tries" in answers[-1].body
        assert int(answers[-1].headers["Retry-After"]) >= 1
        assert shown.status == 200

    async def test_without_redis_the_page_is_shown_and_nothing_is_taken(
        self, story: Story, database_url: str, due: dict[str, Any]
    ) -> None:
        async with running(settings_for(database_url, NOBODY), roles={Role.PUBLIC}) as process:
            shown = await _send_to(process.public_url, due, method="GET")
            sent = await _send_to(process.public_url, due)

        assert shown.status == 200
        assert sent.status == 503
        assert b"We cannot take payments at this moment" in sent.body
        assert await story.query("SELECT FROM payment_attempts") == []
