"""Money that fits nothing yet waits for the merchant, who resolves it in one call."""

from typing import Any

from tests.support.stories import Story

_PRICE = 500_000


async def asked(story: Story) -> tuple[str, dict[str, Any]]:
    """A subscription whose stolen card made the customer be asked by USSD, and that request."""
    made = await story.active("pm_test_stolen")
    await story.merchant.advance(to="2027-02-05T09:30:00Z")
    (request,) = await story.merchant.items(
        f"/v1/payment-requests?subscriptionId={made['id']}&status=open"
    )
    return made["id"], request


async def pay(story: Story, request_id: str, **body: object) -> dict[str, Any]:
    answer = await story.merchant.client.post(
        f"/v1/test/payment-requests/{request_id}/pay", body or {}
    )
    assert answer.status == 200, answer.body
    return answer.json


async def resolve(story: Story, item_id: str, **body: object) -> dict[str, Any]:
    answer = await story.merchant.client.post(f"/v1/suspense/{item_id}/resolve", body)
    assert answer.status == 200, answer.body
    return answer.json


async def accounts(story: Story) -> dict[str, int]:
    (row,) = (await story.merchant.get("/v1/analytics/accounts"))["items"]
    return {key: value for key, value in row.items() if key != "currency" and value}


async def test_a_part_counts_and_waits_for_the_rest(story: Story) -> None:
    subscription_id, request = await asked(story)

    await pay(story, request["id"], amount=200_000)
    (short,) = await story.merchant.items("/v1/suspense?status=open")
    between = await story.invoice(subscription_id)
    held = await accounts(story)
    await pay(story, request["id"])

    assert (short["reason"], short["amount"]) == ("short", 200_000)
    assert (between["status"], between["amountPaid"]) == ("open", 200_000)
    # The first month was paid by card; a balance is what was taken less what was given.
    assert held == {
        "gatewayClearing": _PRICE + 200_000,
        "merchantPayable": -_PRICE,
        "suspense": -200_000,
    }
    invoice = await story.invoice(subscription_id)
    assert (invoice["status"], invoice["rail"]) == ("paid", "ussd")
    assert (await story.merchant.subscription(subscription_id))["status"] == "active"
    assert (await story.case(subscription_id))["recoveredBy"] == "other_rail"
    (item,) = await story.merchant.items("/v1/suspense")
    assert (item["status"], item["resolution"]) == ("resolved", "applied")
    assert await accounts(story) == {
        "gatewayClearing": 2 * _PRICE,
        "merchantPayable": -2 * _PRICE,
    }
    assert await story.broken() == []


async def test_what_comes_after_the_end_is_noted_as_given_back(story: Story) -> None:
    subscription_id, request = await asked(story)
    await story.act(subscription_id, "cancel")

    await pay(story, request["id"])
    (item,) = await story.merchant.items("/v1/suspense")
    held = await accounts(story)
    resolved = await resolve(story, item["id"], action="refunded", note="By bank transfer.")

    assert (item["reason"], item["status"], item["amount"]) == ("not_owed", "open", _PRICE)
    assert held["suspense"] == -_PRICE
    assert (resolved["status"], resolved["resolution"]) == ("resolved", "refunded")
    assert await accounts(story) == {"gatewayClearing": _PRICE, "merchantPayable": -_PRICE}
    again = await story.merchant.client.post(
        f"/v1/suspense/{item['id']}/resolve", {"action": "refunded"}
    )
    assert again.status == 409
    assert await story.broken() == []


async def test_what_comes_after_the_end_can_pay_another_invoice(story: Story) -> None:
    ended, request = await asked(story)
    await story.act(ended, "cancel")
    await pay(story, request["id"])
    (item,) = await story.merchant.items("/v1/suspense")
    other = await story.merchant.subscribe()

    await resolve(story, item["id"], action="apply", invoiceId=other["latestInvoiceId"])

    assert other["status"] == "incomplete"
    assert (await story.merchant.subscription(other["id"]))["status"] == "active"
    assert "suspense" not in await accounts(story)
    assert await story.broken() == []


async def test_another_currency_is_never_taken_for_the_amount(story: Story) -> None:
    subscription_id, request = await asked(story)

    await pay(story, request["id"], amount=_PRICE, currency="USD")

    (item,) = await story.merchant.items("/v1/suspense")
    assert (item["reason"], item["currency"]) == ("wrong_currency", "USD")
    assert (await story.invoice(subscription_id))["status"] == "open"
    credit = await story.merchant.client.post(
        f"/v1/suspense/{item['id']}/resolve", {"action": "credit"}
    )
    assert credit.status == 409
    assert await story.broken() == []


async def test_a_part_can_become_credit_and_the_invoice_owes_it_again(story: Story) -> None:
    subscription_id, request = await asked(story)
    await pay(story, request["id"], amount=200_000)
    (short,) = await story.merchant.items("/v1/suspense")

    await resolve(story, short["id"], action="credit")

    assert (await story.invoice(subscription_id))["amountPaid"] == 0
    assert (await story.merchant.subscription(subscription_id))["balance"] == 200_000
    assert await story.broken() == []


async def test_too_much_is_credit_for_the_next_renewal(story: Story) -> None:
    subscription_id, request = await asked(story)

    await pay(story, request["id"], amount=_PRICE + 120_000)

    now = await story.merchant.subscription(subscription_id)
    assert (now["status"], now["balance"]) == ("active", 120_000)
    assert await story.merchant.items("/v1/suspense") == []
    assert await story.broken() == []


async def test_what_came_by_a_request_can_go_back(story: Story) -> None:
    subscription_id, request = await asked(story)
    await pay(story, request["id"])
    invoice = await story.invoice(subscription_id)

    answer = await story.merchant.client.post(f"/v1/invoices/{invoice['id']}/refund", {})

    assert (answer.status, answer.json["status"]) == (201, "succeeded"), answer.body
    assert (await story.invoice(subscription_id))["amountRefunded"] == _PRICE
    assert await accounts(story) == {"gatewayClearing": _PRICE, "merchantPayable": -_PRICE}
    assert await story.broken() == []


async def test_a_part_stays_while_the_rest_is_being_charged(story: Story) -> None:
    subscription_id, request = await asked(story)
    await pay(story, request["id"], amount=200_000)
    (short,) = await story.merchant.items("/v1/suspense")
    invoice = await story.invoice(subscription_id)
    # No answer and nothing moved: the charge of the rest stays under way until it is looked up.
    charged = await story.merchant.client.post(
        f"/v1/invoices/{invoice['id']}/pay", {"paymentMethodId": "pm_test_timeout_not_charged"}
    )

    taken = await story.merchant.client.post(
        f"/v1/suspense/{short['id']}/resolve", {"action": "refunded"}
    )

    assert charged.status == 200, charged.body
    assert (taken.status, taken.json["error"]["code"]) == (409, "conflict")
    await story.merchant.advance(by="PT10M")
    assert (await story.invoice(subscription_id))["status"] == "paid"
    assert await story.broken() == []
