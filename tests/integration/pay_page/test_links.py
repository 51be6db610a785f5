"""Links that are wrong, altered, old or another's open nothing of ours."""

import random
from datetime import datetime, timedelta
from typing import Any

import pytest

from duro.kit.ids import new_id
from duro.kit.modes import Mode
from tests.support.api import Server
from tests.support.paypage import Customer, Form, links_of, token_of
from tests.support.stories import Story
from tests.support.system import Merchant


def _wall(story: Story) -> datetime:
    return story.merchant.app.ground.clock.wall()


class TestLinks:
    @pytest.mark.parametrize(
        "path",
        [
            *("x", "%00", "%C3%28", "test.ten.inv.1.x", "....", "a" * 4000, "%2e%2e%2fetc", "'--"),
            *("x/card", "x/y/state", "test.%0a"),
        ],
    )
    async def test_nonsense_is_answered_like_any_other_link_that_opens_nothing(
        self, customer: Customer, path: str
    ) -> None:
        page = await customer.open(f"/pay/i/{path}")

        assert (page.status, page.title) == (404, "This link opens nothing")

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
