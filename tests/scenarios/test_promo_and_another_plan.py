"""A promo code goes along to another plan if it fits there, and is over if it does not."""

from typing import Any

import pytest

from duro.kit.modes import Mode
from tests.support.roles import app_role, connected_as
from tests.support.system import Merchant


async def at_period_end(
    database_url: str, merchant: Merchant, row: dict[str, Any], to: str
) -> None:
    """Schedules another plan for the end of the period."""
    role = app_role(Mode.TEST)
    async with connected_as(database_url, role, search_path="sandbox,core") as connection:
        await connection.execute("SELECT set_config('duro.tenant', $1, false)", merchant.tenant_id)
        done = await connection.execute(
            "UPDATE subscriptions SET scheduled_plan_id = $2 WHERE id = $1", row["id"], to
        )
    assert done == "UPDATE 1"


async def start(merchant: Merchant, plan: str, **fields: object) -> dict[str, Any]:
    await merchant.made("/v1/promo-codes", {"code": "SAVE", "duration": "forever", **fields})
    return await merchant.subscribe(planId=plan, paymentMethodId="pm_test_ok", promoCode="SAVE")


async def amounts(merchant: Merchant, row: dict[str, Any]) -> list[int]:
    billed = await merchant.items(f"/v1/invoices?subscriptionId={row['id']}")
    return [invoice["amount"] for invoice in billed]


async def test_a_code_for_all_plans_takes_its_part_of_the_new_price(
    merchant: Merchant, database_url: str
) -> None:
    gold, silver = await merchant.plan(), await merchant.plan(amount=300_000)
    row = await start(merchant, gold, discountType="percentage", discountValue=20)
    await at_period_end(database_url, merchant, row, silver)

    await merchant.advance(by="P2M")

    assert await amounts(merchant, row) == [400_000, 240_000, 240_000]


async def test_a_fixed_discount_is_cut_to_a_lower_price(
    merchant: Merchant, database_url: str
) -> None:
    gold, bronze = await merchant.plan(), await merchant.plan(amount=50_000)
    row = await start(merchant, gold, discountType="fixed", discountValue=60_000)
    await at_period_end(database_url, merchant, row, bronze)

    await merchant.advance(by="P1M")

    assert await amounts(merchant, row) == [440_000, 0]


@pytest.mark.parametrize("is_bound", [True, False])
async def test_a_code_for_one_plan_or_currency_is_over_elsewhere_and_does_not_come_back(
    merchant: Merchant, database_url: str, *, is_bound: bool
) -> None:
    gold = await merchant.plan()
    other = await merchant.plan(currency="NGN" if is_bound else "GHS")
    bound = {"planId": gold} if is_bound else {}
    row = await start(merchant, gold, discountType="fixed", discountValue=100_000, **bound)
    await at_period_end(database_url, merchant, row, other)
    await merchant.advance(by="P1M")
    after = await merchant.subscription(row["id"])
    assert (after["promoCodeId"], after["promoCyclesLeft"]) == (row["promoCodeId"], 0)

    await at_period_end(database_url, merchant, row, gold)
    await merchant.advance(by="P1M")

    assert await amounts(merchant, row) == [400_000, 500_000, 500_000]
