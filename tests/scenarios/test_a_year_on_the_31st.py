"""A subscription that begins on the 31st renews for a year on the last day each month has."""

from tests.support.system import Merchant


async def test_twelve_renewals_keep_the_31st(merchant: Merchant) -> None:
    await merchant.advance(to="2027-01-31T10:00:00Z")
    subscription = await merchant.subscribe(paymentMethodId="pm_test_ok")
    assert subscription["status"] == "active"

    advanced = await merchant.advance(by="P12M")

    assert advanced["counts"]["renewals"] == 12
    invoices = await merchant.items(f"/v1/invoices?subscriptionId={subscription['id']}")
    assert [invoice["periodStart"][:10] for invoice in invoices] == [
        *("2027-01-31", "2027-02-28", "2027-03-31", "2027-04-30", "2027-05-31", "2027-06-30"),
        *("2027-07-31", "2027-08-31", "2027-09-30", "2027-10-31", "2027-11-30", "2027-12-31"),
        "2028-01-31",
    ]
    assert {invoice["status"] for invoice in invoices} == {"paid"}
    transactions = await merchant.items("/v1/transactions")
    charges = await merchant.items("/v1/test/gateway/charges")
    assert len(transactions) == 13
    assert sorted(
        (row["reference"], row["amount"], row["status"]) for row in transactions
    ) == sorted((row["reference"], row["amount"], row["status"]) for row in charges)
