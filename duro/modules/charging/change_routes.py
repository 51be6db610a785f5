"""Changes of plan over HTTP."""

from typing import Final

from duro.errors import ConflictError, GatewayNotConfiguredError, NotFoundError
from duro.kit.call import Call
from duro.kit.db import Tx
from duro.kit.registry import Routes
from duro.kit.work import WorkScope
from duro.modules.charging import change_plan
from duro.modules.charging.change_plan import Done, Ticket
from duro.modules.charging.engine import Charging
from duro.modules.charging.first import PaymentFailedError
from duro.modules.charging.model import pay_url
from duro.modules.invoices.model import Invoice
from duro.modules.invoices.schemas import InvoiceLine
from duro.modules.subscriptions.schemas import (
    ChangeInvoiceOut,
    PlanChangeAsk,
    PlanChangeOut,
    ProrationOut,
    present,
)

_ERRORS: Final = (ConflictError, NotFoundError)
_EXAMPLE: Final = {"planId": "plan_01JD0G4Y8Z7V6T5S4R3Q2P1N0M", "when": "now", "billing": "now"}


def routes(charging: Charging) -> Routes:
    """The change of a subscription's plan, and its preview."""
    entries = Routes(tag="Subscriptions")
    _previewing(entries, charging)
    _changing(entries, charging)
    return entries


def _previewing(entries: Routes, charging: Charging) -> None:
    @entries.post(
        "/v1/subscriptions/{id}/change-plan/preview",
        permission="subscription:write",
        id_prefix="sub",
        errors=_ERRORS,
        example=_EXAMPLE,
    )
    async def preview_plan_change(
        call: Call, subscription_id: str, body: PlanChangeAsk
    ) -> PlanChangeOut:
        """What a change of plan would do and cost at this moment; nothing is changed.

        It is worked out by the function that carries the change out.
        """
        proposed = await change_plan.preview(call.tx, charging, subscription_id, body)
        done = Done(proposed.after, proposed.proration, proposed.invoice)
        return _present(call.tx, charging, done)


def _changing(entries: Routes, charging: Charging) -> None:
    async def finish(call: Call, text: str) -> PlanChangeOut:
        ticket = Ticket.read(text)
        await change_plan.finish(_scope(call), charging, ticket)
        return await _answer(call, charging, ticket)

    @entries.post(
        "/v1/subscriptions/{id}/change-plan",
        permission="subscription:write",
        id_prefix="sub",
        transaction="own",
        resume=finish,
        errors=(*_ERRORS, PaymentFailedError, GatewayNotConfiguredError),
        example=_EXAMPLE,
    )
    async def change_plan_of_subscription(
        call: Call, subscription_id: str, body: PlanChangeAsk
    ) -> PlanChangeOut:
        """Put an active or trialing subscription on another plan, now or at the end of its period.

        What it costs is charged at once or put on the next invoice; a credit goes to the balance. Declined: 409
        `payment_failed`, and nothing is changed. No answer: `pendingPlanId` until it is known, and other changes wait.
        """
        async with call.begin() as tx:
            begun = await change_plan.begin(tx, charging, subscription_id, body)
            if begun.charge is not None:
                charging.gateways.of(call.mode)
            await call.claim(tx, begun.ticket.to_text())
        if begun.charge is not None:
            await charging.run(_scope(call), [begun.charge])
        return await _answer(call, charging, begun.ticket)


async def _answer(call: Call, charging: Charging, ticket: Ticket) -> PlanChangeOut:
    async with call.begin() as tx:
        return _present(tx, charging, await change_plan.result(tx, ticket))


def _present(tx: Tx, charging: Charging, done: Done) -> PlanChangeOut:
    row = done.subscription
    return PlanChangeOut.model_construct(
        subscription=present(row, pay_url=pay_url(tx, charging.links, row)),
        proration=ProrationOut.model_construct(
            amount=done.proration.amount_minor, kind=done.proration.kind
        ),
        invoice=None if done.invoice is None else _present_invoice(done.invoice),
    )


def _present_invoice(invoice: Invoice) -> ChangeInvoiceOut:
    return ChangeInvoiceOut.model_construct(
        amount=invoice.amount_minor,
        currency=invoice.currency,
        lines=[InvoiceLine.model_construct(**line) for line in invoice.lines],
        period_start=invoice.period_starts_at,
        period_end=invoice.period_ends_at,
    )


def _scope(call: Call) -> WorkScope:
    return WorkScope(call.db, call.mode, call.tenant.id)
