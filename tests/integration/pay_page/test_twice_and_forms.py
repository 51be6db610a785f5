"""Forms that are sent twice, at once, from elsewhere, or are none of ours."""

import asyncio
import random
from typing import Any

import pytest

from duro.kit.modes import Mode
from tests.support.paypage import (
    SAME_ORIGIN,
    Customer,
    owing,
)
from tests.support.stories import Story


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

    @pytest.mark.parametrize("seed", range(6))
    async def test_everything_at_once_settles_once_and_loses_nothing(
        self, story: Story, customer: Customer, seed: int
    ) -> None:
        chance = random.Random(seed)
        made = await owing(story)
        page = await customer.open(made["payUrl"])
        asked = [
            await customer.submit(page.form("/request", rail=rail)) for rail in ("transfer", "ussd")
        ]
        rows = await story.query("SELECT id FROM payment_requests ORDER BY id")
        cards = [chance.choice(("pm_test_ok", "pm_test_stolen", "pm_test_ok")) for _ in range(4)]
        deeds = [
            *(customer.post(page.form("/card"), card=card) for card in cards),
            *(customer.post(each.form("/check")) for each in asked for _ in range(3)),
            *(story.merchant.client.post(_paying(row["id"])) for row in rows),
            story.merchant.client.post(_paying(rows[0]["id"]), {"amount": 100_000}),
            story.merchant.client.post(f"/v1/invoices/{made['latestInvoiceId']}/pay"),
        ]
        chance.shuffle(deeds)

        answers = await asyncio.gather(*deeds)

        assert [answer.body for answer in answers if answer.status >= 500] == []
        assert (await story.merchant.subscription(made["id"]))["status"] == "active"
        assert (await customer.open(made["payUrl"])).title == "Paid. Thank you"
        assert await story.broken() == []


def _paying(request_id: str) -> str:
    return f"/v1/test/payment-requests/{request_id}/pay"


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
