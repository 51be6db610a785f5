"""The page behind an invoice's link: what is due, what is over, and both languages."""

from tests.support.paypage import Customer, attempt_of, owing, pay_request
from tests.support.stories import Story


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
