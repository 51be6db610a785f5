"""Owns a tenant that has one of everything, so that each kind of id exists and belongs to somebody."""

from typing import Any, Final

from tests.support.api import Client
from tests.support.system import Merchant

_FAILING: Final = "pm_test_insufficient_funds"
# A card that is not taken for this: the customer is asked to pay by themselves.
_ASKING: Final = "pm_test_not_supported"


async def one_of_everything(merchant: Merchant) -> dict[str, str]:
    """An id of each prefix, of one test tenant."""
    send = merchant.made
    terms = {"name": "Gold", "amount": 500_000, "interval": "week", "allowMultiple": True}
    plan = await send("/v1/plans", terms)
    customer = await send("/v1/customers", {"email": "ada@example.com", "merchantRef": "ada-1"})
    promo = {"code": "ONE", "discountType": "percentage", "discountValue": 10}
    made = {
        "plan": plan["id"],
        "cus": customer["id"],
        "prm": (await send("/v1/promo-codes", promo))["id"],
        "lnk": (await send("/v1/payment-links", {"planId": plan["id"], "slug": merchant.slug}))[
            "id"
        ],
        "chk": (await send("/v1/checkout/sessions", {"planId": plan["id"]}))["id"],
    }
    body = {"customerId": made["cus"], "planId": made["plan"], "paymentMethodId": "pm_test_ok"}
    made["sub"] = (await send("/v1/subscriptions", body))["id"]
    changed = await merchant.client.patch(
        f"/v1/subscriptions/{made['sub']}", {"paymentMethodId": _FAILING}
    )
    made["pm"] = changed.json["paymentMethodId"]
    await merchant.advance(by="P8D")
    for prefix, path in {
        "inv": "/v1/invoices",
        "txn": "/v1/transactions",
        "dun": "/v1/recovery",
        "evt": "/v1/events",
    }.items():
        made[prefix] = (await merchant.items(path))[-1]["id"]
    return made | await _what_customers_pay_by_themselves(merchant, made["cus"])


async def _what_customers_pay_by_themselves(merchant: Merchant, customer: str) -> dict[str, str]:
    """A part of what is owed comes to the customer's own account number, which is asked for the rest."""
    account = await merchant.made(f"/v1/customers/{customer}/virtual-account", {})
    await _paid_in(merchant, account["id"])
    mandate = await merchant.made(
        f"/v1/customers/{customer}/mandates", {"paymentMethodId": "pm_test_mandate"}
    )
    return {
        "va": account["id"],
        "man": mandate["id"],
        "prq": (await merchant.items("/v1/payment-requests"))[-1]["id"],
        "sus": (await merchant.items("/v1/suspense"))[-1]["id"],
    }


async def _paid_in(merchant: Merchant, account: str) -> None:
    paid = await merchant.client.post(f"/v1/test/virtual-accounts/{account}/pay", {"amount": 1_000})
    assert paid.status == 200, paid.body


async def two_of_everything(merchant: Merchant) -> dict[str, str]:
    """As `one_of_everything`, and no list of the tenant has a single item."""
    made = await one_of_everything(merchant)
    send = merchant.made
    terms = {"name": "Silver", "amount": 300_000, "interval": "week", "allowMultiple": True}
    plan = await send("/v1/plans", terms)
    await send("/v1/customers", {"email": "bola@example.com"})
    await send(
        "/v1/promo-codes", {"code": "TWO", "discountType": "percentage", "discountValue": 20}
    )
    await send("/v1/payment-links", {"planId": plan["id"], "slug": f"{merchant.slug}-2"})
    body = {"customerId": made["cus"], "planId": plan["id"], "paymentMethodId": "pm_test_ok"}
    second = await send("/v1/subscriptions", body)
    await merchant.client.patch(f"/v1/subscriptions/{second['id']}", {"paymentMethodId": _ASKING})
    await merchant.advance(by="P8D")
    await _paid_in(merchant, made["va"])
    await send(
        f"/v1/customers/{made['cus']}/mandates", {"paymentMethodId": "pm_test_mandate_early"}
    )
    return made


async def some_in_live(client: Client) -> dict[str, str]:
    """Ids of what live mode can have without a gateway."""
    plan = {"name": "Gold", "amount": 500_000, "interval": "week"}
    promo = {"code": "ONE", "discountType": "percentage", "discountValue": 10}
    made: dict[str, str] = {}
    for prefix, path, body in (
        ("plan", "/v1/plans", plan),
        ("cus", "/v1/customers", {"email": "ada@example.com", "merchantRef": "ada-1"}),
        ("prm", "/v1/promo-codes", promo),
    ):
        made[prefix] = (await client.post(path, body)).id
    link = {"planId": made["plan"], "slug": "live-gold"}
    made["lnk"] = (await client.post("/v1/payment-links", link)).id
    return made


def with_ids(example: Any, ids: dict[str, str]) -> Any:  # noqa: ANN401 - any JSON
    """The example with the ids that are shown in it replaced by real ones of the same prefix."""
    if isinstance(example, dict):
        return {name: with_ids(value, ids) for name, value in example.items()}
    if isinstance(example, str) and example.partition("_")[0] in ids and len(example) > 26:
        return ids[example.partition("_")[0]]
    return example
