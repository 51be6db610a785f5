"""Subscriptions over HTTP, where creating and changing one may charge."""

from dataclasses import dataclass
from typing import Final

from duro.errors import ConflictError, GatewayNotConfiguredError, NotFoundError
from duro.kit.call import Call
from duro.kit.db import Tx
from duro.kit.idempotency import Answered
from duro.kit.pagination import Page
from duro.kit.registry import Routes
from duro.kit.work import WorkScope
from duro.modules.charging import first
from duro.modules.charging.engine import Charging
from duro.modules.charging.first import Asked, PaymentFailedError
from duro.modules.charging.lifecycle import Lifecycle
from duro.modules.charging.model import pay_url
from duro.modules.charging.together import Together
from duro.modules.customers.repository import CustomerRepository
from duro.modules.payments.model import AttemptStatus
from duro.modules.payments.repository import AttemptRepository
from duro.modules.subscriptions.model import Subscription
from duro.modules.subscriptions.repository import SubscriptionRepository
from duro.modules.subscriptions.schemas import (
    CustomerSubscriptionQuery,
    SubscriptionCancel,
    SubscriptionCreate,
    SubscriptionListQuery,
    SubscriptionOut,
    SubscriptionPatch,
    present,
)

_EXAMPLE: Final = {
    "customerId": "cus_01JD0G4Y8Z7V6T5S4R3Q2P1N0M",
    "planId": "plan_01JD0G4Y8Z7V6T5S4R3Q2P1N0M",
    "paymentMethodId": "pm_test_ok",
}


def routes(charging: Charging) -> Routes:
    """The operations on subscriptions."""
    entries = Routes(tag="Subscriptions")
    _reading(entries, charging)
    _creating(entries, charging)
    _changing(entries, Lifecycle(charging))
    _resuming(entries, charging, Lifecycle(charging))
    return entries


def _reading(entries: Routes, charging: Charging) -> None:
    @entries.get("/v1/subscriptions", permission="read")
    async def list_subscriptions(call: Call, query: SubscriptionListQuery) -> Page[SubscriptionOut]:
        """Subscriptions, newest first."""
        seek = call.seek("subscriptions", query)
        found = await SubscriptionRepository(call.tx).list_newest(
            seek, status=query.status, customer_id=query.customer_id, plan_id=query.plan_id
        )
        return seek.page(found, lambda row: shown(call.tx, row, charging))

    @entries.get("/v1/subscriptions/{id}", permission="read", id_prefix="sub")
    async def read_subscription(call: Call, subscription_id: str) -> SubscriptionOut:
        """One subscription."""
        row = await SubscriptionRepository(call.tx).get(subscription_id)
        return shown(call.tx, row, charging)

    @entries.get("/v1/customers/{id}/subscriptions", permission="read", id_prefix="cus")
    async def list_customer_subscriptions(
        call: Call, customer_id: str, query: CustomerSubscriptionQuery
    ) -> Page[SubscriptionOut]:
        """Subscriptions of one customer, newest first."""
        seek = call.seek(f"subscriptions of {customer_id}", query)
        customer = await CustomerRepository(call.tx).get(customer_id)
        found = await SubscriptionRepository(call.tx).list_newest(
            seek, status=query.status, customer_id=customer.id, plan_id=query.plan_id
        )
        return seek.page(found, lambda row: shown(call.tx, row, charging))


def _creating(entries: Routes, charging: Charging) -> None:
    together = Together(charging)

    async def finish(call: Call, subscription_id: str) -> SubscriptionOut:
        await first.finish(_scope(call), charging, subscription_id)
        return await _read(call, subscription_id, charging)

    @entries.post(
        "/v1/subscriptions",
        permission="subscription:write",
        status=201,
        transaction="own",
        resume=finish,
        errors=(ConflictError, NotFoundError, GatewayNotConfiguredError),
        example=_EXAMPLE,
    )
    async def create_subscription(call: Call, body: SubscriptionCreate) -> SubscriptionOut:
        """Start a subscription; without a trial its first period is charged at once.

        A decline answers 201 with `incomplete`, the failure and a `payUrl`.
        """
        charging.gateways.of(call.mode)
        begun = await together.begin(_scope(call), Asked(body, call.keyed))
        call.lease = begun.lease
        if begun.charge is None:
            return await _read(call, begun.subscription.id, charging)
        ending = _Ending(call, charging)
        await together.charge(_scope(call), begun.charge, ending)
        return ending.shown or await _read(call, begun.subscription.id, charging)


def _changing(entries: Routes, lifecycle: Lifecycle) -> None:
    @entries.patch(
        "/v1/subscriptions/{id}",
        permission="subscription:write",
        id_prefix="sub",
        errors=(ConflictError,),
        example={"paymentMethodId": "pm_test_ok"},
    )
    async def update_subscription(
        call: Call, subscription_id: str, body: SubscriptionPatch
    ) -> SubscriptionOut:
        """Change the payment method or the metadata; a new method is charged at once if money is owed."""
        row = await lifecycle.change(call.tx, subscription_id, body)
        return shown(call.tx, row, lifecycle.charging)

    @entries.post(
        "/v1/subscriptions/{id}/cancel",
        permission="subscription:write",
        id_prefix="sub",
        errors=(ConflictError,),
        example={"atPeriodEnd": True, "reason": "Moved away"},
    )
    async def cancel_subscription(
        call: Call, subscription_id: str, body: SubscriptionCancel
    ) -> SubscriptionOut:
        """End a subscription now or at the end of its period."""
        row = await lifecycle.cancel(call.tx, subscription_id, body)
        return shown(call.tx, row, lifecycle.charging)

    @entries.post(
        "/v1/subscriptions/{id}/pause",
        permission="subscription:write",
        id_prefix="sub",
        errors=(ConflictError,),
    )
    async def pause_subscription(call: Call, subscription_id: str) -> SubscriptionOut:
        """Stop renewing until it is resumed."""
        row = await lifecycle.pause(call.tx, subscription_id)
        return shown(call.tx, row, lifecycle.charging)


def _resuming(entries: Routes, charging: Charging, lifecycle: Lifecycle) -> None:
    async def finish(call: Call, subscription_id: str) -> SubscriptionOut:
        await first.finish(_scope(call), charging, subscription_id)
        return await _settled(call, subscription_id, charging)

    @entries.post(
        "/v1/subscriptions/{id}/resume",
        permission="subscription:write",
        id_prefix="sub",
        transaction="own",
        resume=finish,
        errors=(ConflictError, GatewayNotConfiguredError),
    )
    async def resume_subscription(call: Call, subscription_id: str) -> SubscriptionOut:
        """Go on with a paused subscription; if its period is over, a new one is charged at once."""
        async with call.begin() as tx:
            begun = await lifecycle.resume(tx, subscription_id)
            await call.claim(tx, subscription_id)
            if begun.charge is not None:
                charging.gateways.of(call.mode)
        if begun.charge is None:
            return await _read(call, subscription_id, charging)
        await charging.run(_scope(call), [begun.charge])
        return await _settled(call, subscription_id, charging)


@dataclass(slots=True)
class _Ending:
    """Shows the subscription as its charge left it; that answer is kept in the same transaction."""

    call: Call
    charging: Charging
    shown: SubscriptionOut | None = None

    def __call__(self, tx: Tx, row: Subscription) -> Answered | None:
        reply = shown(tx, row, self.charging)
        tx.once_committed(lambda: setattr(self, "shown", reply))
        return self.call.answered(tx, reply)


async def _settled(call: Call, subscription_id: str, charging: Charging) -> SubscriptionOut:
    """The subscription after its resume was charged; a decline is a refusal."""
    async with call.begin() as tx:
        row = await SubscriptionRepository(tx).get(subscription_id)
        attempts = await AttemptRepository(tx).of_invoices([row.latest_invoice_id or ""])
        if attempts and attempts[-1].status is AttemptStatus.FAILED:
            raise PaymentFailedError(f"The charge was declined: {attempts[-1].failure_code}.")
        return shown(tx, row, charging)


async def _read(call: Call, subscription_id: str, charging: Charging) -> SubscriptionOut:
    async with call.begin() as tx:
        row = await SubscriptionRepository(tx).get(subscription_id)
        return shown(tx, row, charging)


def shown(tx: Tx, row: Subscription, charging: Charging) -> SubscriptionOut:
    """The subscription with the address of its pay page, where there is something to pay."""
    return present(row, pay_url=pay_url(tx, charging.links, row))


def _scope(call: Call) -> WorkScope:
    return WorkScope(call.db, call.mode, call.tenant.id)
