"""What the pay page withstands: links that are wrong or old, forms sent twice or from elsewhere, no Redis."""

import asyncio
import random
import re
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import aiohttp
import pytest
import structlog

from duro.kit.ids import new_id
from duro.kit.modes import Mode
from duro.kit.work import WorkScope
from duro.modules.charging.first import begin_subscription
from duro.modules.subscriptions.schemas import SubscriptionCreate
from duro.runtime.serve import Role, running
from duro.settings import LimitSettings
from tests.support.api import Answer, Server
from tests.support.invariants import violations
from tests.support.paypage import SAME_ORIGIN, Customer, Form, links_of
from tests.support.stories import Story
from tests.support.system import Merchant, running_merchant, settings_for

NOBODY = "redis://127.0.0.1:1/0"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture
async def merchant(database_url: str, redis_url: str, tenant: str) -> AsyncIterator[Merchant]:
    async with running_merchant(settings_for(database_url, redis_url), tenant) as started:
        yield started
        assert await violations(database_url, tenant) == []


@pytest.fixture
async def story(merchant: Merchant, database_url: str) -> Story:
    begun = Story(merchant, database_url)
    await begun.begin()
    return begun


@pytest.fixture
def customer(merchant: Merchant) -> Customer:
    return Customer(merchant)


@pytest.fixture
async def due(story: Story) -> dict[str, Any]:
    """A new subscription whose first invoice nobody has paid."""
    made = await story.merchant.subscribe()
    assert made["payUrl"] is not None
    return made


def token_of(due: dict[str, Any]) -> str:
    return str(due["payUrl"]).rpartition("/")[2]


class TestLinks:
    async def test_no_altered_link_opens_and_none_says_more_than_another(
        self, customer: Customer, due: dict[str, Any]
    ) -> None:
        token = token_of(due)
        chance = random.Random(4)  # seed 4
        changed: set[str] = set()
        while len(changed) < 200:
            at = chance.randrange(len(token))
            changed.add(token[:at] + chance.choice("0123456789AZaz-_") + token[at + 1 :])
        changed.discard(token)

        pages = [await customer.open(f"/pay/i/{other}") for other in sorted(changed)]

        assert {page.status for page in pages} == {404}
        assert len({page.html for page in pages}) == 1
        assert (await customer.open(due["payUrl"])).status == 200

    async def test_an_altered_link_moves_no_money_either(
        self, story: Story, customer: Customer, due: dict[str, Any]
    ) -> None:
        page = await customer.open(due["payUrl"])
        form = page.form("/card")
        wrong = Form(form.action.replace("/card", "x/card"), form.fields)

        answer = await customer.post(wrong, card="pm_test_ok")

        assert answer.status == 404
        assert await story.charges() == []

    async def test_a_signed_link_to_what_is_not_there_opens_nothing(
        self, story: Story, customer: Customer, due: dict[str, Any], tenant_b: str
    ) -> None:
        links, wall = links_of(story.merchant), story.merchant.app.ground.clock.wall()
        subject = {
            "mode": Mode.TEST,
            "tenant_id": story.merchant.tenant_id,
            "invoice_id": due["latestInvoiceId"],
        }
        others: list[dict[str, Any]] = [
            {"tenant_id": tenant_b},
            {"mode": Mode.LIVE},
            {"invoice_id": new_id("inv", wall=wall)},
            {"tenant_id": new_id("ten", wall=wall)},
        ]

        late = wall + timedelta(days=3650)
        opened = [
            (await customer.open(links.url(**{**subject, **other}, now=late))).status
            for other in others
        ]

        assert opened == [404, 404, 404, 404]

    async def test_a_try_of_another_invoice_is_not_shown(
        self, story: Story, customer: Customer, due: dict[str, Any]
    ) -> None:
        other = await story.active()
        (attempt,) = (await story.invoice(other["id"]))["attempts"]

        shown = await customer.open(f"{due['payUrl']}/{attempt['id']}")
        told = await customer.open(f"{due['payUrl']}/{attempt['id']}/state")
        nonsense = await customer.open(f"{due['payUrl']}/txn_1")

        assert (shown.status, told.status, nonsense.status) == (404, 404, 404)

    async def test_another_merchants_link_opens_only_their_invoice(
        self, story: Story, customer: Customer, due: dict[str, Any], tenant_b: str
    ) -> None:
        client = story.merchant.client
        server = Server(client.base, client.session, story.merchant.app.ground.db)
        key = await server.client(tenant_b, Mode.TEST)
        other = Merchant(story.merchant.app, key, tenant_b)
        made = await other.subscribe(planId=await other.plan(name="Silver"))

        mine, theirs = await customer.open(due["payUrl"]), await customer.open(made["payUrl"])

        assert ("Adunni Gyms" in mine.text, "Bello Foods" in mine.text) == (True, False)
        assert ("Adunni Gyms" in theirs.text, "Bello Foods" in theirs.text) == (False, True)

    async def test_a_link_ends_after_a_month_and_says_how_to_get_a_new_one(
        self, story: Story, customer: Customer
    ) -> None:
        made = await story.active("pm_test_stolen")
        await story.merchant.client.patch(
            "/v1/settings/recovery", {"dunningEscalation": "keep_past_due"}
        )
        await story.merchant.advance(by="P1M")
        old = (await story.merchant.subscription(made["id"]))["payUrl"]
        form = (await customer.open(old)).form("/card")
        await story.merchant.advance(by="P29D")
        renewed = (await customer.open(old)).form("/card").action.removesuffix("/card")
        await story.merchant.advance(by="P3D")

        page = await customer.open(old)
        sent = await customer.post(form, card="pm_test_ok")
        told = await customer.open(f"{old}/{new_id('txn', wall=_wall(story))}/state")
        new = (await story.merchant.subscription(made["id"]))["payUrl"]

        assert (page.status, page.title) == (410, "This link is too old")
        assert "ask the business you pay for a new one" in page.text
        assert (sent.status, told.status) == (410, 410)
        assert await story.settled() == 1
        assert (await customer.open(new)).title == "Pay ₦5,000.00"
        assert (await customer.open(renewed)).status == 200


class TestTwice:
    async def test_one_form_sent_twenty_times_at_once_is_one_charge(
        self, story: Story, customer: Customer, due: dict[str, Any]
    ) -> None:
        form = (await customer.open(due["payUrl"])).form("/card")

        answers = await asyncio.gather(*(customer.post(form, card="pm_test_ok") for _ in range(20)))

        assert {answer.status for answer in answers} == {303}
        assert len({answer.headers["Location"] for answer in answers}) == 1
        assert len(await story.charges()) == 1
        assert (await story.merchant.subscription(due["id"]))["status"] == "active"

    async def test_one_form_sent_again_after_a_decline_charges_nothing(
        self, story: Story, customer: Customer, due: dict[str, Any]
    ) -> None:
        form = (await customer.open(due["payUrl"])).form("/card")
        card = "pm_test_insufficient_funds"
        first = await asyncio.gather(*(customer.post(form, card=card) for _ in range(20)))

        again = await customer.post(form, card=card)

        assert {answer.headers["Location"] for answer in [*first, again]} == {
            again.headers["Location"]
        }
        assert len(await story.charges()) == 1

    async def test_twenty_pages_that_pay_at_once_are_one_charge(
        self, story: Story, customer: Customer, due: dict[str, Any]
    ) -> None:
        pages = [await customer.open(due["payUrl"]) for _ in range(20)]
        forms = [page.form("/card") for page in pages]
        assert len({form.fields["form"] for form in forms}) == 20

        answers = await asyncio.gather(*(customer.post(form, card="pm_test_ok") for form in forms))

        assert {answer.status for answer in answers} == {303}
        assert await story.settled() == 1
        assert len(await story.charges()) == 1

    async def test_twenty_pages_that_ask_at_once_make_one_request(
        self, story: Story, customer: Customer, due: dict[str, Any]
    ) -> None:
        pages = [await customer.open(due["payUrl"]) for _ in range(20)]
        forms = [page.form("/request", rail="transfer") for page in pages]

        answers = await asyncio.gather(*(customer.post(form) for form in forms))

        (place,) = {answer.headers["Location"] for answer in answers}
        assert len(await story.query("SELECT FROM payment_requests")) == 1
        assert (await customer.open(place)).title == "Pay ₦5,000.00"

    async def test_twenty_looks_at_once_take_the_money_once(
        self, story: Story, customer: Customer, due: dict[str, Any]
    ) -> None:
        page = await customer.open(due["payUrl"])
        asked = await customer.submit(page.form("/request", rail="transfer"))
        check = asked.form("/check")
        (request,) = await story.query("SELECT reference FROM payment_requests")
        gateway = story.merchant.app.system.paying.charging.gateways.of(Mode.TEST)
        async with story.merchant.scope.begin() as tx:
            await gateway.record_credit(  # type: ignore[attr-defined]  # the simulated one has books
                tx, reference=request["reference"], amount_minor=500_000, currency="NGN"
            )

        answers = await asyncio.gather(*(customer.post(check) for _ in range(20)))

        assert {answer.status for answer in answers} == {303}
        assert len(await story.query("SELECT FROM incoming_payments")) == 1
        assert (await story.merchant.subscription(due["id"]))["status"] == "active"
        assert await story.broken() == []

    async def test_another_way_out_of_the_same_page_is_another_try(
        self, customer: Customer, due: dict[str, Any]
    ) -> None:
        page = await customer.open(due["payUrl"])
        await customer.submit(page.form("/card"), card="pm_test_insufficient_funds")

        paid = await customer.submit(page.form("/card"), card="pm_test_ok")

        assert paid.title == "Paid. Thank you"


class TestForms:
    @pytest.mark.parametrize(
        "headers",
        [
            {"Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": "same-site"},
            {"Sec-Fetch-Site": "cross-site", "Origin": "null"},
            {"Origin": "https://evil.example"},
            {"Origin": "https://evil.example", "Sec-Fetch-Site": ""},
        ],
    )
    async def test_what_another_site_sends_is_refused(
        self, story: Story, customer: Customer, due: dict[str, Any], headers: dict[str, str]
    ) -> None:
        form = (await customer.open(due["payUrl"])).form("/card")
        body = f"form={form.fields['form']}&card=pm_test_ok".encode()

        answer = await customer.send("POST", form.action, body, headers)

        assert answer.status == 403
        assert b"Nothing was taken." in answer.body
        assert await story.charges() == []

    async def test_a_browser_that_is_too_old_to_say_where_from_may_pay(
        self, customer: Customer, due: dict[str, Any]
    ) -> None:
        base = customer.merchant.app.public_url or ""
        for headers in ({}, {"Origin": "null"}, {"Origin": base}):
            form = (await customer.open(due["payUrl"])).form("/request", rail="ussd")
            body = f"form={form.fields['form']}&rail=ussd".encode()
            assert (await customer.send("POST", form.action, body, headers)).status == 303

    @pytest.mark.parametrize(
        ("end", "body"),
        [
            ("/card", b""),
            ("/card", b"card=pm_test_ok"),
            ("/card", b"form=&card=pm_test_ok"),
            ("/card", b"form=" + b"x" * 65 + b"&card=pm_test_ok"),
            ("/card", b"form=%C3%A9&card=pm_test_ok"),
            ("/card", b"form=x"),
            ("/card", b"form=x&card=pm_test_mandate"),
            ("/card", b"form=x&card=pm_test_nothing"),
            ("/card", b"form=x&card=\xff"),
            ("/card", b"form=x&card=pm_test_ok&" + b"y=1&" * 20),
            ("/card", b"form=x&card"),
            ("/request", b"form=x"),
            ("/request", b"form=x&rail=card"),
            ("/request", b"form=x&rail=direct_debit"),
            ("/request", b"form=x&rail=%00"),
        ],
    )
    async def test_a_form_that_is_not_ours_is_refused_in_words(
        self, story: Story, customer: Customer, due: dict[str, Any], end: str, body: bytes
    ) -> None:
        answer = await customer.send("POST", f"{due['payUrl']}{end}", body, SAME_ORIGIN)

        assert answer.status == 422
        assert b"Something in the form is missing" in answer.body
        assert await story.query("SELECT FROM payment_attempts") == []

    async def test_a_form_over_4_kib_is_refused(
        self, customer: Customer, due: dict[str, Any]
    ) -> None:
        body = b"form=x&card=" + b"x" * 5000

        answer = await customer.send("POST", f"{due['payUrl']}/card", body, SAME_ORIGIN)

        assert answer.status == 413
        assert b"Something in the form is missing" in answer.body

    async def test_json_is_no_form(self, customer: Customer, due: dict[str, Any]) -> None:
        headers = {**SAME_ORIGIN, "Content-Type": "application/json"}

        answer = await customer.send("POST", f"{due['payUrl']}/card", b"{}", headers)

        assert answer.status == 422

    async def test_an_account_number_that_nobody_has_is_not_made_up(
        self, story: Story, customer: Customer, due: dict[str, Any]
    ) -> None:
        body = b"form=x&rail=virtual_account"

        answer = await customer.send("POST", f"{due['payUrl']}/request", body, SAME_ORIGIN)

        assert answer.status == 404
        assert await story.query("SELECT FROM payment_attempts") == []


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
            begun = await begin_subscription(tx, body, live.app.system.paying.charging)
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


def _wall(story: Story) -> datetime:
    return story.merchant.app.ground.clock.wall()
