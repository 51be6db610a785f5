"""Paying on the pay page: by card, and by what a customer sends themselves."""

from typing import Any

from duro.billing.rails import Rail
from duro.modules.charging.invoicing import begin_request
from tests.support.paypage import Customer, attempt_of, owing, pay_request
from tests.support.stories import Story


class TestCard:
    async def test_a_card_that_is_kept_pays_the_next_renewal_too(
        self, story: Story, customer: Customer
    ) -> None:
        due = await owing(story)

        page = await customer.open(due["payUrl"])
        paid = await customer.submit(page.form("/card"), card="pm_test_ok")

        assert paid.title == "Paid. Thank you"
        assert "Adunni Gyms has your payment of ₦5,000.00, made on 5 Feb 2027." in paid.text
        assert "The card you used pays for Gold from now on." in paid.text
        assert paid.ways == []
        case = await story.case(due["id"])
        assert (case["state"], case["recoveredBy"]) == ("recovered", "pay_link")
        await story.merchant.advance(by="P1M")
        assert (await story.invoice(due["id"]))["status"] == "paid"
        assert await story.broken() == []

    async def test_a_card_that_is_not_kept_pays_once(
        self, story: Story, customer: Customer
    ) -> None:
        made = await story.merchant.subscribe()

        page = await customer.open(made["payUrl"])
        paid = await customer.submit(page.form("/card"), card="pm_test_ok", keep="")

        assert paid.title == "Paid. Thank you"
        assert "from now on" not in paid.text
        now = await story.merchant.subscription(made["id"])
        assert (now["status"], now["paymentMethodId"]) == ("active", None)
        path = f"/v1/customers/{made['customerId']}/payment-methods"
        assert [row["isDefault"] for row in await story.merchant.items(path)] == [False]
        await story.merchant.advance(by="P1M")
        assert (await story.merchant.subscription(made["id"]))["status"] == "past_due"

    async def test_a_decline_is_told_in_plain_words_and_leaves_every_way_open(
        self, story: Story, customer: Customer
    ) -> None:
        due = await owing(story)
        before = await story.case(due["id"])

        page = await customer.open(due["payUrl"])
        declined = await customer.submit(page.form("/card"), card="pm_test_stolen")

        assert declined.title == "The payment did not go through"
        assert "your bank does not allow this card or account to be charged again" in declined.text
        assert declined.ways == ["card", "transfer", "ussd"]
        after = await story.case(due["id"])
        planned = ("state", "nextAction", "nextAttemptAt", "attemptsMade")
        assert [after[key] for key in planned] == [before[key] for key in planned]
        now = await story.merchant.subscription(due["id"])
        assert now["paymentMethodId"] == due["paymentMethodId"]

    async def test_a_card_that_the_bank_refused_for_good_is_not_charged_again(
        self, story: Story, customer: Customer
    ) -> None:
        due = await owing(story)
        page = await customer.open(due["payUrl"])
        declined = await customer.submit(page.form("/card"), card="pm_test_stolen")
        charges = await story.charges()

        again = await customer.submit(declined.form("/card"), card="pm_test_stolen")

        assert "This card cannot be charged for it at this moment." in again.text
        assert again.ways == ["card", "transfer", "ussd"]
        assert await story.charges() == charges

    async def test_the_subscriptions_own_card_uses_up_no_try_of_the_case(
        self, story: Story, customer: Customer
    ) -> None:
        due = await owing(story)
        before = await story.case(due["id"])

        page = await customer.open(due["payUrl"])
        for _ in range(3):
            page = await customer.submit(page.form("/card"), card="pm_test_insufficient_funds")

        assert "not enough money" in page.text
        after = await story.case(due["id"])
        assert after["attemptsMade"] == before["attemptsMade"]
        assert after["nextAttemptAt"] == before["nextAttemptAt"]

    async def test_a_card_that_was_tried_too_often_rests_and_its_bank_is_not_asked(
        self, story: Story, customer: Customer
    ) -> None:
        made = await story.merchant.subscribe()
        page = await customer.open(made["payUrl"])

        for _ in range(11):
            page = await customer.submit(page.form("/card"), card="pm_test_insufficient_funds")

        assert "this card was tried too often; it rests until tomorrow" in page.text
        assert len(await story.charges()) == 10
        assert page.ways == ["card", "transfer", "ussd"]

    async def test_silence_of_the_bank_is_waited_for_and_nothing_else_is_offered(
        self, story: Story, customer: Customer
    ) -> None:
        due = await owing(story)

        page = await customer.open(due["payUrl"])
        waiting = await customer.submit(page.form("/card"), card="pm_test_timeout_charged")
        again = await customer.open(due["payUrl"])
        await story.merchant.advance(by="PT10M")
        settled = await customer.open(due["payUrl"])

        assert waiting.title == "Your payment is on its way"
        assert (again.title, again.ways) == (waiting.title, [])
        assert settled.title == "Paid. Thank you"
        now = await story.merchant.subscription(due["id"])
        assert now["paymentMethodId"] != due["paymentMethodId"]
        assert await story.settled() == 2


class TestPushRails:
    async def test_a_transfer_is_told_paid_and_thanked_for(
        self, story: Story, customer: Customer
    ) -> None:
        due = await owing(story)

        page = await customer.open(due["payUrl"])
        asked = await customer.submit(page.form("/request", rail="transfer"))
        unpaid = await customer.submit(asked.form("/check"))
        await pay_request(story, attempt_of(asked))
        paid = await customer.open(attempt_of(asked))

        assert asked.title == "Pay ₦5,000.00"
        assert "Send exactly ₦5,000.00 to this account by Sat 6 Feb 2027 at 10:00, Lagos time." in (
            asked.text
        )
        assert "Duro Test Bank" in asked.text
        assert asked.ways == []
        assert "No money has come yet." in unpaid.text
        assert paid.title == "Paid. Thank you"
        case = await story.case(due["id"])
        assert (case["state"], case["recoveredBy"]) == ("recovered", "pay_link")

    async def test_a_part_is_shown_with_the_rest_and_the_rest_settles_it(
        self, story: Story, customer: Customer
    ) -> None:
        due = await owing(story)
        page = await customer.open(due["payUrl"])
        asked = await customer.submit(page.form("/request", rail="transfer"))

        await pay_request(story, attempt_of(asked), amount=200_000)
        part = await customer.open(attempt_of(asked))
        due_page = await customer.open(due["payUrl"])
        again = await customer.submit(due_page.form("/request", rail="transfer"))
        other = await customer.submit(due_page.form("/request", rail="ussd"))
        await pay_request(story, attempt_of(asked), amount=300_000)

        assert part.title == "Pay ₦3,000.00"
        assert "₦2,000.00 has come. Please send the rest, ₦3,000.00, in the same way." in part.text
        assert "Total ₦5,000.00 Received ₦2,000.00 Still to pay ₦3,000.00" in due_page.text
        assert attempt_of(again) == attempt_of(asked)
        assert "Exact amount ₦3,000.00" in other.text
        assert (await customer.open(due["payUrl"])).title == "Paid. Thank you"
        assert await story.broken() == []

    async def test_a_code_can_be_dialled_and_is_over_after_a_day(
        self, story: Story, customer: Customer
    ) -> None:
        due = await owing(story)

        page = await customer.open(due["payUrl"])
        asked = await customer.submit(page.form("/request", rail="ussd"))
        (dial,) = [href for href in asked.links if href.startswith("tel:")]
        await story.merchant.advance(by="PT24H")
        over = await customer.open(attempt_of(asked))
        looked = await customer.submit(over.form("/check"))

        code = dial.removeprefix("tel:").replace("%23", "#")
        assert code in asked.text
        assert code.endswith("#")
        assert over.title == "The time to pay this way is over"
        assert "Then do not pay again: let us look." in over.text
        assert over.ways == ["card", "transfer", "ussd"]
        assert "No money has come yet." in looked.text
        assert (await story.merchant.subscription(due["id"]))["status"] == "past_due"

    async def test_what_a_dead_process_left_is_asked_for_and_then_shown(
        self, story: Story, customer: Customer, due: dict[str, Any]
    ) -> None:
        charging = story.merchant.app.system.paying.charging
        invoice_id = due["latestInvoiceId"]
        async with story.merchant.scope.begin() as tx:
            # Phase one, and nobody who lives to see the second.
            left = await begin_request(tx, charging, invoice_id, rail=Rail.USSD, account=None)
        page = await customer.open(due["payUrl"])

        waiting = await customer.submit(page.form("/request", rail="ussd"))
        await story.merchant.advance(by="PT2M")
        shown = await customer.open(f"{due['payUrl']}/{left.attempt.id}")

        assert waiting.title == "One moment: your payment details are being made"
        assert waiting.ways == []
        assert shown.title == "Pay ₦5,000.00"
        assert attempt_of(shown).endswith(left.attempt.id)

    async def test_the_case_goes_on_as_planned_while_a_request_is_open(
        self, story: Story, customer: Customer
    ) -> None:
        due = await owing(story)
        before = await story.case(due["id"])

        page = await customer.open(due["payUrl"])
        await customer.submit(page.form("/request", rail="transfer"))
        await story.merchant.advance(by="PT25H")

        after = await story.case(due["id"])
        for key in ("state", "nextAction", "nextAttemptAt", "attemptsMade"):
            assert after[key] == before[key]

    async def test_a_first_invoice_waits_for_the_last_of_its_requests(
        self, story: Story, customer: Customer
    ) -> None:
        made = await story.merchant.subscribe()
        page = await customer.open(made["payUrl"])
        await customer.submit(page.form("/request", rail="ussd"))
        await story.merchant.advance(by="PT20H")
        page = await customer.open(made["payUrl"])
        asked = await customer.submit(page.form("/request", rail="transfer"))
        await customer.submit(page.form("/card"), card="pm_test_insufficient_funds")

        await story.merchant.advance(by="PT10H")
        waiting = (await story.merchant.subscription(made["id"]))["status"]
        await pay_request(story, attempt_of(asked))

        assert waiting == "incomplete"
        assert (await story.merchant.subscription(made["id"]))["status"] == "active"

    async def test_a_first_invoice_that_nobody_pays_ends_with_its_requests(
        self, story: Story, customer: Customer
    ) -> None:
        made = await story.merchant.subscribe()
        page = await customer.open(made["payUrl"])
        await customer.submit(page.form("/request", rail="ussd"))

        await story.merchant.advance(by="P2D")
        page = await customer.open(made["payUrl"])

        assert (await story.merchant.subscription(made["id"]))["status"] == "incomplete_expired"
        assert page.title == "There is nothing to pay"
        assert page.ways == []
