"""The page behind an invoice's link, as its customer goes through it: every state, every rail, both languages."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.support.invariants import violations
from tests.support.paypage import Customer, Shown
from tests.support.stories import Story
from tests.support.system import Merchant, running_merchant, settings_for


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


async def owing(story: Story, method: str = "pm_test_insufficient_funds") -> dict[str, Any]:
    """A subscription whose renewal was declined."""
    made = await story.active(method)
    await story.merchant.advance(by="P1M")
    now = await story.merchant.subscription(made["id"])
    assert (now["status"], now["payUrl"] is not None) == ("past_due", True)
    return now


async def pay_request(story: Story, attempt_path: str, **body: object) -> None:
    """Somebody pays what the page of that address asks for."""
    attempt_id = attempt_path.partition("?")[0].rpartition("/")[2]
    rows = await story.query("SELECT id FROM payment_requests WHERE attempt_id = $1", attempt_id)
    path = f"/v1/test/payment-requests/{rows[0]['id']}/pay"
    answer = await story.merchant.client.post(path, body or None)
    assert answer.status == 200, answer.body


def attempt_of(shown: Shown) -> str:
    return shown.form("/check").action.replace("/check", "")


class TestDue:
    async def test_it_says_what_for_how_much_and_why(
        self, story: Story, customer: Customer
    ) -> None:
        due = await owing(story)

        page = await customer.open(due["payUrl"])

        assert (page.status, page.title) == (200, "Pay ₦5,000.00")
        assert "Adunni Gyms" in page.text
        assert "Gold from Adunni Gyms 5 Feb 2027 to 5 Mar 2027" in page.text
        assert "your bank said there is not enough money" in page.text
        assert "Test mode" in page.text
        assert page.ways == ["card", "transfer", "ussd"]

    async def test_it_tells_nothing_of_whose_it_is(self, story: Story, customer: Customer) -> None:
        due = await owing(story)

        page = await customer.open(due["payUrl"])

        assert page.status == 200
        for private in ("Ada", "ada@example.com", due["customerId"], due["id"], "6506"):
            assert private not in page.html

    async def test_a_first_invoice_is_paid_there_and_the_subscription_begins(
        self, story: Story, customer: Customer
    ) -> None:
        made = await story.merchant.subscribe()
        assert made["status"] == "incomplete"

        page = await customer.open(made["payUrl"])
        paid = await customer.submit(page.form("/card"), card="pm_test_ok")

        assert "Gold begins as soon as this is paid." in page.text
        assert paid.title == "Paid. Thank you"
        assert "Gold is paid until 5 Feb 2027, and renews then." in paid.text
        now = await story.merchant.subscription(made["id"])
        assert (now["status"], now["payUrl"]) == ("active", None)

    async def test_an_own_account_number_is_offered_to_whoever_has_one(
        self, story: Story, customer: Customer
    ) -> None:
        due = await owing(story)
        opened = await story.merchant.client.post(
            f"/v1/customers/{due['customerId']}/virtual-account"
        )
        assert opened.status in (200, 201), opened.body

        page = await customer.open(due["payUrl"])
        asked = await customer.submit(page.form("/request", rail="virtual_account"))

        assert page.ways[-1] == "virtual_account"
        assert asked.title == "Pay ₦5,000.00"
        assert opened.json["accountNumber"] in asked.text
        await pay_request(story, attempt_of(asked))
        assert (await customer.open(due["payUrl"])).title == "Paid. Thank you"

    async def test_every_message_about_what_is_open_leads_there(
        self, story: Story, customer: Customer
    ) -> None:
        cards = ("pm_test_insufficient_funds", "pm_test_expired", "pm_test_stolen")
        for card in cards:
            await story.active(card, name=card)
        await story.merchant.advance(by="P1M")
        await story.merchant.advance(by="P10D")

        rows = await story.query(
            "SELECT template, data ->> 'payUrl' AS address FROM outbox"
            " WHERE template LIKE 'dunning%' OR template = 'payment_action_required'"
        )

        assert {row["template"] for row in rows} >= {"dunning_1", "payment_action_required"}
        pages = [await customer.open(row["address"]) for row in rows]
        assert {(page.status, page.title) for page in pages} == {(200, "Pay ₦5,000.00")}

    async def test_what_the_ladder_asked_for_is_shown_there_and_a_declined_card_leaves_it_as_it_is(
        self, story: Story, customer: Customer
    ) -> None:
        due = await owing(story, "pm_test_do_not_honor")
        before = await story.case(due["id"])
        while before["nextAction"] != "await_payment":
            await story.merchant.advance(to=before["nextAttemptAt"])
            before = await story.case(due["id"])
        page = await customer.open(due["payUrl"])

        asked = await customer.submit(page.form("/request", rail=before["rail"]))
        await customer.submit(page.form("/card"), card="pm_test_insufficient_funds")
        after = await story.case(due["id"])
        requests = await story.query("SELECT FROM payment_requests")
        await story.merchant.advance(to=before["nextAttemptAt"])
        later = await story.case(due["id"])

        assert len(requests) == 1
        assert asked.title == "Pay ₦5,000.00"
        for key in ("state", "nextAction", "nextAttemptAt", "attemptsMade"):
            assert after[key] == before[key]
        assert later["attemptsMade"] == before["attemptsMade"] + 1
        assert await story.broken() == []


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

        assert "This card cannot be used for this payment." in again.text
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


class TestOver:
    async def test_a_paid_invoice_says_so_and_offers_nothing(
        self, story: Story, customer: Customer
    ) -> None:
        due = await owing(story)
        page = await customer.open(due["payUrl"])
        await customer.submit(page.form("/card"), card="pm_test_ok")

        late = await customer.submit(page.form("/card"), card="pm_test_ok")
        late_too = await customer.submit(page.form("/request", rail="ussd"))

        assert (late.title, late.ways) == ("Paid. Thank you", [])
        assert (late_too.title, late_too.ways) == ("Paid. Thank you", [])
        assert await story.settled() == 2

    async def test_a_void_invoice_says_so_and_offers_nothing(
        self, story: Story, customer: Customer
    ) -> None:
        due = await owing(story)
        page = await customer.open(due["payUrl"])
        voided = await story.merchant.client.post(f"/v1/invoices/{due['latestInvoiceId']}/void")
        assert voided.status == 200

        void = await customer.open(due["payUrl"])
        tried = await customer.submit(page.form("/card"), card="pm_test_ok")

        assert (void.title, void.ways) == ("There is nothing to pay", [])
        assert "You owe nothing for it." in void.text
        assert (tried.title, tried.ways) == ("There is nothing to pay", [])
        assert await story.settled() == 1

    async def test_a_place_that_somebody_took_is_not_paid_for(
        self, story: Story, customer: Customer
    ) -> None:
        plan = await story.merchant.plan()
        ada = await story.merchant.customer()
        left = await story.merchant.subscribe(planId=plan, customerId=ada)
        page = await customer.open(left["payUrl"])
        await story.merchant.subscribe(planId=plan, customerId=ada, paymentMethodId="pm_test_ok")

        closed = await customer.open(left["payUrl"])
        tried = await customer.submit(page.form("/request", rail="transfer"))

        assert (closed.title, closed.ways) == ("There is nothing to pay", [])
        assert (tried.title, tried.ways) == ("There is nothing to pay", [])


class TestPidgin:
    async def test_the_whole_way_goes_in_pidgin(self, story: Story, customer: Customer) -> None:
        due = await owing(story)
        english = await customer.open(due["payUrl"])
        (pidgin,) = [href for href in english.links if "lang=pcm" in href]

        page = await customer.open(pidgin)
        declined = await customer.submit(page.form("/card"), card="pm_test_insufficient_funds")
        asked = await customer.submit(declined.form("/request", rail="transfer"))
        await pay_request(story, attempt_of(asked))
        paid = await customer.open(attempt_of(asked))

        assert '<html lang="pcm">' in page.html
        assert "your bank talk say money no reach for the account" in declined.text
        assert "Send ₦5,000.00 exactly to this account before Sat 6 Feb 2027, 10:00" in asked.text
        assert paid.title == "You don pay. Thank you"
        assert [href for href in page.links if "lang" not in href] == [pidgin.partition("?")[0]]

    async def test_a_language_that_nobody_wrote_is_english(
        self, story: Story, customer: Customer
    ) -> None:
        due = await owing(story)

        page = await customer.open(f"{due['payUrl']}?lang=../../x")

        assert (page.status, page.title) == (200, "Pay ₦5,000.00")
