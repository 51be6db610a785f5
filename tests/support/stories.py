"""Owns what the billing stories do over and over: begin on a day, look at the case, the charges and the events."""

import asyncio
from dataclasses import dataclass
from typing import Any, Final

from duro.kit.modes import Mode
from tests.support.credit import GIVE_CREDIT
from tests.support.invariants import violations
from tests.support.roles import app_role, connected_as
from tests.support.system import Merchant

# A Tuesday, 10:00 in Lagos, and far from any payday.
START: Final = "2027-01-05T09:00:00.000Z"
_EVER: Final = "from=2027-01-01&to=2028-01-01"
_LOOKS: Final = 50
_PAUSE_S: Final = 0.1


@dataclass(frozen=True)
class Story:
    """A merchant whose clock stands at `START`, and a look below the API."""

    merchant: Merchant
    database_url: str

    async def begin(self, at: str = START) -> None:
        await self.merchant.advance(to=at)

    async def active(self, method: str = "pm_test_ok", **plan: object) -> dict[str, Any]:
        """A subscription that is active and has, from now on, this payment method."""
        plan_id = await self.merchant.plan(**plan)
        made = await self.merchant.subscribe(planId=plan_id, paymentMethodId="pm_test_ok")
        assert made["status"] == "active"
        if method == "pm_test_ok":
            return made
        return await self.change(made["id"], paymentMethodId=method)

    async def change(self, subscription_id: str, **fields: object) -> dict[str, Any]:
        path = f"/v1/subscriptions/{subscription_id}"
        answer = await self.merchant.client.patch(path, fields)
        assert answer.status == 200, answer.body
        return answer.json

    async def act(self, subscription_id: str, action: str, **body: object) -> dict[str, Any]:
        path = f"/v1/subscriptions/{subscription_id}/{action}"
        answer = await self.merchant.client.post(path, body or None)
        assert answer.status == 200, answer.body
        return answer.json

    async def case(self, subscription_id: str) -> dict[str, Any]:
        """The only recovery case of the subscription, with its decisions."""
        path = f"/v1/recovery?subscriptionId={subscription_id}"
        (only,) = await self.merchant.items(path)
        return await self.merchant.get(f"/v1/recovery/{only['id']}")

    async def invoices(self, subscription_id: str) -> list[dict[str, Any]]:
        return await self.merchant.items(f"/v1/invoices?subscriptionId={subscription_id}")

    async def invoice(self, subscription_id: str) -> dict[str, Any]:
        """The latest, with its attempts."""
        latest = (await self.merchant.subscription(subscription_id))["latestInvoiceId"]
        return await self.merchant.get(f"/v1/invoices/{latest}")

    async def tries(self, subscription_id: str) -> list[tuple[str, str | None, str]]:
        """When the latest invoice was charged, to the minute, what came of it, and the attempt's status."""
        attempts = (await self.invoice(subscription_id))["attempts"]
        return [(row["createdAt"][:16], row["failureCode"], row["status"]) for row in attempts]

    async def charges(self) -> list[dict[str, Any]]:
        """What the gateway itself remembers, oldest first."""
        return await self.merchant.items("/v1/test/gateway/charges")

    async def settled(self) -> int:
        """How many charges moved money, by the gateway's own books."""
        return len([row for row in await self.charges() if row["status"] == "succeeded"])

    async def types(self, *, after: int = 0) -> list[str]:
        """The types of all events in the order of writing, from the one at `after` on."""
        rows = await self.query("SELECT type FROM events ORDER BY position")
        return [row["type"] for row in rows][after:]

    async def settle_on(self, **settings: object) -> dict[str, Any]:
        """Recovery settings for the cases that open from now on."""
        answer = await self.merchant.client.patch("/v1/settings/recovery", settings)
        assert answer.status == 200, answer.body
        return answer.json

    async def requests(self, subscription_id: str) -> list[dict[str, Any]]:
        """What its customer was asked to pay by themselves, oldest first."""
        return await self.merchant.items(f"/v1/payment-requests?subscriptionId={subscription_id}")

    async def pay(self, request_id: str, **how: object) -> dict[str, Any]:
        """As the customer would pay a request: what lacks, unless an amount is given."""
        path = f"/v1/test/payment-requests/{request_id}/pay"
        answer = await self.merchant.client.post(path, how)
        assert answer.status == 200, answer.body
        return answer.json

    async def suspense(self) -> list[dict[str, Any]]:
        """Money that fits nothing, oldest first."""
        return await self.merchant.items("/v1/suspense?status=open")

    async def reasons(self, subscription_id: str) -> list[str]:
        """Why each step of its only case was taken, in the words that merchant and customer read."""
        return [row["reason"] for row in (await self.case(subscription_id))["decisions"]]

    async def at_risk(self) -> dict[str, int]:
        """What the recovery ledger says of all time, without its zeros."""
        (item,) = (await self.merchant.get(f"/v1/analytics/ledger?{_EVER}"))["items"]
        names = ("opening", "entered", "recovered", "lost", "cancelled", "closing")
        return {name: item[name] for name in names if item[name]}

    async def accounts(self, currency: str = "NGN") -> dict[str, int]:
        """Where the money is, without the zeros; what is debited is positive."""
        items = (await self.merchant.get("/v1/analytics/accounts"))["items"]
        (item,) = (item for item in items if item["currency"] == currency)
        return {name: sum_ for name, sum_ in item.items() if name != "currency" and sum_}

    async def query(self, text: str, *args: object) -> list[Any]:
        """As this tenant, below our own code; also for what no request can bring about."""
        role = app_role(Mode.TEST)
        async with connected_as(self.database_url, role, search_path="sandbox,core") as connection:
            tenant_id = self.merchant.tenant_id
            await connection.execute("SELECT set_config('duro.tenant', $1, false)", tenant_id)
            found: list[Any] = await connection.fetch(text, *args)
            return found

    async def give_credit(self, subscription_id: str, amount_minor: int) -> None:
        await self.query(GIVE_CREDIT, subscription_id, amount_minor)

    async def messages(self) -> list[str]:
        rows = await self.query("SELECT template FROM outbox ORDER BY created_at, id")
        return [row["template"] for row in rows]

    async def outbox(self, *templates: str) -> list[tuple[str, str, str]]:
        """Template, status and when it goes out, to the minute; of these templates or of all."""
        rows = await self.query(
            "SELECT template, status, send_at FROM outbox ORDER BY created_at, id"
        )
        return [
            (row["template"], row["status"], row["send_at"].isoformat()[:16])
            for row in rows
            if row["template"] in (templates or {row["template"]})
        ]

    async def broken(self) -> list[str]:
        """What is not as it must be once the worker has caught up."""
        tenant_id = self.merchant.tenant_id
        found = await violations(self.database_url, tenant_id, is_at_rest=True)
        for _ in range(_LOOKS):
            if not found:
                break
            await asyncio.sleep(_PAUSE_S)
            found = await violations(self.database_url, tenant_id, is_at_rest=True)
        return found
