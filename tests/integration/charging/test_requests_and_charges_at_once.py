"""A request waits for its customer while a card is charged: neither leaves the case standing when it ends."""

from datetime import timedelta

from duro.modules.charging import invoicing
from duro.modules.payments.gateway import Answer, ChargeRequest, Failed, Unknown
from tests.support.billing import Shop


def _silent(_: ChargeRequest, __: Answer) -> Answer:
    return Unknown("no answer")


_CASE = "SELECT state, next_action, rail, attempts_made FROM dunning_schedules"


async def test_a_request_that_expires_while_another_card_is_asked_for_is_followed_by_the_next_rail(
    shop: Shop,
) -> None:
    subscription_id = await shop.subscribe(await shop.plan())
    await shop.use(subscription_id, "pm_test_stolen")
    shop.clock.move(timedelta(days=31))
    await shop.catch_up()
    invoice_id = (await shop.get(subscription_id)).latest_invoice_id or ""
    asked = tuple((await shop.query(_CASE))[0])

    # The gateway cannot say what became of the other card until the request has expired.
    shop.clock.move(timedelta(hours=23, minutes=50))
    shop.gateway.forge = _silent
    shop.gateway.finding = Unknown("no answer")
    async with shop.scope.begin() as tx:
        charge = await invoicing.begin_pay(
            tx, shop.charging, invoice_id, method_id="pm_test_insufficient_funds"
        )
    await shop.charging.run(shop.scope, [charge])
    shop.clock.move(timedelta(minutes=20))
    await shop.catch_up()
    shop.gateway.finding = Failed("51")
    shop.clock.move(timedelta(hours=1))
    await shop.catch_up()
    shop.clock.move(timedelta(minutes=10))
    await shop.catch_up()

    assert asked == ("awaiting_customer", "await_payment", "ussd", 1)
    # The request counts as a try, the card that was not the subscription's does not.
    assert tuple((await shop.query(_CASE))[0]) == (
        *("awaiting_customer", "await_payment", "transfer"),
        2,
    )
    rows = await shop.query("SELECT rail, status FROM payment_requests ORDER BY id")
    assert [tuple(row) for row in rows] == [("ussd", "expired"), ("transfer", "open")]
    assert await shop.broken() == []
