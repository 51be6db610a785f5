"""What a merchant stops stays stopped, and what is resumed goes on where the rules say."""

from tests.support.stories import Story


async def test_a_cancellation_during_recovery_closes_the_case_and_voids_the_invoice(
    story: Story,
) -> None:
    subscription_id = (await story.active("pm_test_insufficient_funds"))["id"]
    await story.merchant.advance(to="2027-02-06T00:00:00Z")

    await story.act(subscription_id, "cancel", reason="Too dear")
    await story.merchant.advance(to="2027-04-01T00:00:00Z")

    case = await story.case(subscription_id)
    assert (case["state"], case["nextAttemptAt"]) == ("canceled", None)
    assert (await story.invoice(subscription_id))["status"] == "void"
    assert len(await story.tries(subscription_id)) == 1
    rows = await story.query("SELECT movement FROM recovery_ledger ORDER BY moved_at")
    assert [row["movement"] for row in rows] == ["entered", "cancelled"]
    assert await story.broken() == []


async def test_a_pause_inside_the_period_resumes_in_it_and_renews_at_its_end(story: Story) -> None:
    subscription_id = (await story.active())["id"]
    await story.merchant.advance(by="P5D")

    paused = await story.act(subscription_id, "pause")
    await story.merchant.advance(by="P5D")
    resumed = await story.act(subscription_id, "resume")
    await story.merchant.advance(to="2027-02-06T00:00:00Z")

    assert (paused["status"], resumed["status"]) == ("paused", "active")
    assert resumed["currentPeriodEnd"] == "2027-02-05T09:00:00.000Z"
    assert [row["periodStart"] for row in await story.invoices(subscription_id)] == [
        *("2027-01-05T09:00:00.000Z", "2027-02-05T09:00:00.000Z")
    ]
    assert "renewal_reminder" in await story.messages()
    assert await story.broken() == []


async def test_a_resume_after_the_period_begins_a_new_one_that_is_charged_at_once(
    story: Story,
) -> None:
    subscription_id = (await story.active())["id"]
    await story.act(subscription_id, "pause")
    await story.merchant.advance(to="2027-03-10T12:00:00Z")
    paused = await story.settled()

    resumed = await story.act(subscription_id, "resume")
    await story.merchant.advance(to="2027-04-11T00:00:00Z")

    assert paused == 1
    assert resumed["status"] == "active"
    assert resumed["currentPeriodStart"] == "2027-03-10T12:00:00.000Z"
    assert resumed["currentPeriodEnd"] == "2027-04-10T12:00:00.000Z"
    assert resumed["cyclesCompleted"] == 2
    assert [row["periodStart"] for row in await story.invoices(subscription_id)] == [
        "2027-01-05T09:00:00.000Z",
        "2027-03-10T12:00:00.000Z",
        "2027-04-10T12:00:00.000Z",
    ]
    assert "subscription_resumed" in await story.types()
    assert await story.broken() == []


async def test_a_declined_resume_is_refused_and_changes_nothing(story: Story) -> None:
    subscription_id = (await story.active("pm_test_insufficient_funds"))["id"]
    await story.act(subscription_id, "pause")
    await story.give_credit(subscription_id, 100_000)
    await story.merchant.advance(to="2027-03-10T12:00:00Z")
    before = await story.merchant.subscription(subscription_id)

    path = f"/v1/subscriptions/{subscription_id}/resume"
    refused = await story.merchant.client.post(path, key="resume-1")
    again = await story.merchant.client.post(path, key="resume-1")

    assert (refused.status, refused.code) == (409, "payment_failed")
    assert (again.status, again.is_replay) == (409, True)
    after = await story.merchant.subscription(subscription_id)
    for name in ("status", "currentPeriodStart", "currentPeriodEnd", "cyclesCompleted", "balance"):
        assert after[name] == before[name], name
    assert [row["status"] for row in await story.invoices(subscription_id)] == ["paid", "void"]
    assert await story.settled() == 1
    assert await story.broken() == []


async def test_a_resume_without_an_answer_stays_paused_until_the_look_up(story: Story) -> None:
    subscription_id = (await story.active("pm_test_timeout_charged"))["id"]
    await story.act(subscription_id, "pause")
    await story.merchant.advance(to="2027-03-10T12:00:00Z")

    resumed = await story.act(subscription_id, "resume")
    path = f"/v1/subscriptions/{subscription_id}/resume"
    second = await story.merchant.client.post(path)
    await story.merchant.advance(by="PT2M")

    assert resumed["status"] == "paused"
    assert (second.status, second.code) == (409, "conflict")
    now = await story.merchant.subscription(subscription_id)
    assert (now["status"], now["currentPeriodStart"]) == ("active", "2027-03-10T12:00:00.000Z")
    assert await story.settled() == 2
    assert await story.broken() == []


async def test_a_resume_does_not_outlive_the_wish_to_end_or_the_cycles_of_the_plan(
    story: Story,
) -> None:
    wished = (await story.active())["id"]
    await story.act(wished, "cancel", atPeriodEnd=True)
    limited = (await story.active(maxCycles=1))["id"]
    for subscription_id in (wished, limited):
        await story.act(subscription_id, "pause")
    await story.merchant.advance(by="P2M")

    for subscription_id in (wished, limited):
        path = f"/v1/subscriptions/{subscription_id}/resume"
        refused = await story.merchant.client.post(path)
        assert (refused.status, refused.code) == (409, "conflict")

    assert await story.settled() == 2
    assert await story.broken() == []


async def test_a_card_changed_back_is_not_charged_twice_within_twenty_hours(story: Story) -> None:
    subscription_id = (await story.active("pm_test_insufficient_funds"))["id"]
    await story.merchant.advance(to="2027-02-05T10:00:00Z")

    for method in ("pm_test_do_not_honor", "pm_test_insufficient_funds"):
        await story.change(subscription_id, paymentMethodId=method)
        await story.merchant.advance(by="PT1M")
    case = await story.case(subscription_id)
    await story.merchant.advance(to="2027-02-06T06:00:00Z")

    # Charged at 09:00, so not before 05:00 of the next day, whatever is asked meanwhile.
    assert case["nextAttemptAt"] == "2027-02-06T05:00:00.000Z"
    assert [row[0] for row in await story.tries(subscription_id)] == [
        *("2027-02-05T09:00", "2027-02-05T10:00", "2027-02-06T05:00")
    ]
    assert await story.broken() == []


async def test_a_stolen_card_is_refused_when_it_is_given_again(story: Story) -> None:
    subscription_id = (await story.active("pm_test_stolen"))["id"]
    await story.merchant.advance(to="2027-02-05T10:00:00Z")
    await story.change(subscription_id, paymentMethodId="pm_test_do_not_honor")
    await story.merchant.advance(by="PT1M")

    path = f"/v1/subscriptions/{subscription_id}"
    body = {"paymentMethodId": "pm_test_stolen"}
    refused = await story.merchant.client.patch(path, body)
    await story.merchant.advance(by="P4D")

    assert (refused.status, refused.code) == (409, "conflict")
    # What was asked for by USSD at 09:00 ends by itself: the case has moved on to the new card.
    assert [row[:2] for row in await story.tries(subscription_id)] == [
        ("2027-02-05T09:00", "43"),
        ("2027-02-05T09:00", "request_expired"),
        ("2027-02-05T10:00", "05"),
        ("2027-02-08T09:00", "05"),
        ("2027-02-08T09:00", "request_expired"),
        ("2027-02-09T09:00", None),
    ]
    assert (await story.case(subscription_id))["attemptsMade"] == 4
    assert await story.broken() == []


async def test_a_declined_resume_can_be_tried_again_at_once_with_another_card(
    story: Story,
) -> None:
    subscription_id = (await story.active("pm_test_insufficient_funds"))["id"]
    await story.act(subscription_id, "pause")
    await story.merchant.advance(to="2027-03-10T12:00:00Z")

    refused = await story.merchant.client.post(f"/v1/subscriptions/{subscription_id}/resume")
    await story.change(subscription_id, paymentMethodId="pm_test_ok")
    resumed = await story.act(subscription_id, "resume")

    assert (refused.status, refused.code) == (409, "payment_failed")
    assert resumed["status"] == "active"
    assert await story.settled() == 2
    assert await story.broken() == []
