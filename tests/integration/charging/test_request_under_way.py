"""Requests whose gateway has not answered yet: nothing else is charged for their case, and they all come to an end."""

from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from typing_extensions import override

from duro.billing.rails import Rail
from duro.errors import ConflictError
from duro.modules.charging import invoicing, manual
from duro.modules.payments.gateway import PaymentAsk, RequestAnswer
from duro.modules.payments.model import Purpose
from duro.modules.recovery.schemas import RecoverySettingsPatch
from duro.modules.recovery.settings import change_settings
from tests.support.billing import Shop, WatchedGateway

MONTH = timedelta(days=31)


@dataclass
class AskedGateway(WatchedGateway):
    """Before it answers, somebody tries to pay by card, and somebody to retry."""

    shop: Shop | None = None
    refusals: list[str] = field(default_factory=list)

    @override
    async def request_payment(self, ask: PaymentAsk) -> RequestAnswer:
        assert self.shop is not None
        shop = self.shop
        invoice_id = await shop.value("SELECT invoice_id FROM dunning_schedules")
        case_id = await shop.value("SELECT id FROM dunning_schedules")
        with pytest.raises(ConflictError) as refused:
            async with shop.scope.begin() as tx:
                await invoicing.begin_pay(
                    tx,
                    shop.charging,
                    invoice_id,
                    method_id="pm_test_ok",
                    by=Purpose.PAY_LINK,
                )
        self.refusals.append(refused.value.message)
        with pytest.raises(ConflictError):
            async with shop.scope.begin() as tx:
                await manual.begin_retry(tx, shop.charging, case_id, note=None)
        return await self.inner.request_payment(ask)


async def test_a_card_is_refused_in_words_while_the_customer_is_about_to_be_told(
    shop: Shop,
) -> None:
    async with shop.scope.begin() as tx:
        await change_settings(tx, RecoverySettingsPatch.model_validate({"rails": ["ussd"]}))
    subscription_id = await shop.subscribe(await shop.plan())
    await shop.use(subscription_id, "pm_test_stolen")
    shop.clock.move(MONTH)
    await shop.run("billing.renew")
    gateway = AskedGateway(shop.gateway.inner, shop=shop)
    shop.gateway = gateway
    at = await shop.value("SELECT next_attempt_at FROM dunning_schedules WHERE rail = 'ussd'")
    shop.clock.move(at - shop.clock.wall())

    await shop.run("dunning.process")

    assert gateway.refusals == ["A charge of this invoice is under way; try again in a moment."]
    assert await shop.value("SELECT count(*) FROM payment_requests WHERE status = 'open'") == 1
    assert await shop.broken() == []


async def test_requests_that_fail_together_leave_a_first_invoice_that_expires(shop: Shop) -> None:
    subscription_id = await shop.subscribe(await shop.plan(), None)
    invoice_id = await shop.value("SELECT id FROM invoices")
    for _ in range(2):
        # The customer has no such account; the process dies before the gateway can say so.
        async with shop.scope.begin() as tx:
            await invoicing.begin_request(
                tx, shop.charging, invoice_id, rail=Rail.VIRTUAL_ACCOUNT, account=None
            )
    shop.clock.move(timedelta(minutes=2))

    await shop.run("reconcile.attempts")

    statuses = await shop.query("SELECT status FROM payment_attempts")
    assert [row["status"] for row in statuses] == ["failed", "failed"]
    assert (await shop.get(subscription_id)).expires_at is not None
    assert await shop.broken() == []
