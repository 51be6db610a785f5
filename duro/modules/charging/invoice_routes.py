"""Invoices over HTTP where something is done with them: void, charge now, refund."""

from typing import Annotated, Final

from pydantic import Field

from duro.errors import ConflictError, GatewayNotConfiguredError, NotFoundError
from duro.kit.call import Call
from duro.kit.registry import Routes
from duro.kit.schema import NOT_NULL, AmountMinor, Body
from duro.kit.work import WorkScope
from duro.modules.charging import invoicing, refund
from duro.modules.charging.engine import Charging
from duro.modules.charging.first import PaymentFailedError
from duro.modules.invoices.schemas import InvoiceOut, present
from duro.modules.payments.refunds import RefundRepository
from duro.modules.payments.schemas import RefundOut, refund_out

_ERRORS: Final = (ConflictError, NotFoundError)


class InvoicePay(Body):
    """How an invoice is charged by hand."""

    payment_method_id: Annotated[
        str | None,
        Field(description="For this charge only; else the subscription's, else the default."),
    ] = None


class RefundCreate(Body):
    """How much goes back, and why."""

    amount: Annotated[
        AmountMinor | None, NOT_NULL, Field(description="All that is left if not given.")
    ] = None
    reason: Annotated[str | None, Field(max_length=500)] = None


def routes(charging: Charging) -> Routes:
    """What a merchant can do with an invoice."""
    entries = Routes(tag="Invoices")
    _voiding(entries, charging)
    _paying(entries, charging)
    _refunding(entries, charging)
    return entries


def _voiding(entries: Routes, charging: Charging) -> None:
    @entries.post(
        "/v1/invoices/{id}/void",
        permission="invoice:write",
        id_prefix="inv",
        errors=_ERRORS,
    )
    async def void_invoice(call: Call, invoice_id: str) -> InvoiceOut:
        """Say that an open or uncollectible invoice is not owed any more.

        The credit that it used comes back, its recovery case is cancelled. A subscription that was past due or unpaid
        because of it is active again, in the invoice's period; an incomplete one expires.
        """
        return present(await invoicing.void(call.tx, charging, invoice_id))


def _paying(entries: Routes, charging: Charging) -> None:
    async def finish(call: Call, attempt_id: str) -> InvoiceOut:
        await invoicing.finish_pay(_scope(call), charging, attempt_id)
        return await paid(call, attempt_id)

    async def paid(call: Call, attempt_id: str) -> InvoiceOut:
        async with call.begin() as tx:
            return present(await invoicing.paid(tx, attempt_id))

    @entries.post(
        "/v1/invoices/{id}/pay",
        permission="invoice:write",
        id_prefix="inv",
        transaction="own",
        resume=finish,
        errors=(*_ERRORS, PaymentFailedError, GatewayNotConfiguredError),
        example={"paymentMethodId": "pm_test_ok"},
    )
    async def pay_invoice(call: Call, invoice_id: str, body: InvoicePay) -> InvoiceOut:
        """Charge an open or uncollectible invoice now.

        Declined: 409 `payment_failed`. No answer: the invoice stays open until it is known. Somebody asked for this
        charge, so the 20 hours between automatic charges of one method do not bind it; the next automatic one keeps
        its distance from it.
        """
        charging.gateways.of(call.mode)
        async with call.begin() as tx:
            charge = await invoicing.begin_pay(
                tx, charging, invoice_id, method_id=body.payment_method_id
            )
            await call.claim(tx, charge.attempt.id)
        await charging.run(_scope(call), [charge])
        return await paid(call, charge.attempt.id)


def _refunding(entries: Routes, charging: Charging) -> None:
    async def finish(call: Call, refund_id: str) -> RefundOut:
        await refund.finish(charging, _scope(call), refund_id)
        return await read(call, refund_id)

    async def read(call: Call, refund_id: str) -> RefundOut:
        async with call.begin() as tx:
            return refund_out(await RefundRepository(tx).get(refund_id))

    @entries.post(
        "/v1/invoices/{id}/refund",
        permission="refund:write",
        id_prefix="inv",
        status=201,
        transaction="own",
        resume=finish,
        errors=(*_ERRORS, GatewayNotConfiguredError),
        example={"amount": 200_000, "reason": "Two weeks closed"},
    )
    async def refund_invoice(call: Call, invoice_id: str, body: RefundCreate) -> RefundOut:
        """Give back what was captured for an invoice, or a part of it; the subscription goes on as it is.

        Refunds of an invoice never exceed what was captured: one without an answer counts as taken until it is known.
        """
        charging.gateways.of(call.mode)
        async with call.begin() as tx:
            opened = await refund.begin(
                tx, invoice_id, amount_minor=body.amount, reason=body.reason
            )
            await call.claim(tx, opened.refund.id)
        await refund.run(charging, _scope(call), opened)
        return await read(call, opened.refund.id)


def _scope(call: Call) -> WorkScope:
    return WorkScope(call.db, call.mode, call.tenant.id)
