"""Resolving money in suspense over HTTP."""

from typing import Annotated, Final

from pydantic import Field

from duro.errors import ConflictError, NotFoundError
from duro.kit.call import Call
from duro.kit.registry import Routes
from duro.kit.schema import Body, Choice, refuse
from duro.modules.charging import suspense
from duro.modules.charging.engine import Charging
from duro.modules.charging.suspense import SuspenseAction
from duro.modules.payments.incoming import IncomingRepository
from duro.modules.payments.model import SuspenseItem
from duro.modules.payments.request_schemas import SuspenseItemOut, suspense_item_out

_NOTE_MAX: Final = 500


class SuspenseResolve(Body):
    """Where the money goes."""

    action: Annotated[SuspenseAction, Choice]
    invoice_id: Annotated[str | None, Field(description="What to `apply` it to.")] = None
    subscription_id: Annotated[
        str | None, Field(description="Whose `credit` it becomes; the item's own if left out.")
    ] = None
    note: Annotated[str | None, Field(max_length=_NOTE_MAX)] = None


def routes(charging: Charging) -> Routes:
    """What a merchant can do with money that fits nothing yet."""
    entries = Routes(tag="Payments")

    @entries.post(
        "/v1/suspense/{id}/resolve",
        permission="invoice:write",
        id_prefix="sus",
        errors=(ConflictError, NotFoundError),
        example={"action": "credit", "note": "The customer asked to keep it for next month."},
    )
    async def resolve_suspense_item(
        call: Call, item_id: str, body: SuspenseResolve
    ) -> SuspenseItemOut:
        """Decide where it goes: `apply` it to an open invoice, give it as `credit` of a subscription, or note that it
        was `refunded` by other means.

        A part that an invoice waits for the rest of can become credit or go back; then the invoice owes it again.
        """
        return await _shown(call, await _resolve(call, item_id, body))

    async def _resolve(call: Call, item_id: str, body: SuspenseResolve) -> SuspenseItem:
        tx, links = call.tx, charging.links
        _demand_sense(body)
        match body.action:
            case SuspenseAction.APPLY:
                if body.invoice_id is None:
                    raise refuse("invoiceId", "Is needed to apply the money.")
                return await suspense.apply_to_invoice(
                    tx, links, item_id, invoice_id=body.invoice_id, note=body.note
                )
            case SuspenseAction.CREDIT:
                return await suspense.give_as_credit(
                    tx, links, item_id, subscription_id=body.subscription_id, note=body.note
                )
            case SuspenseAction.REFUNDED:
                return await suspense.note_refund(tx, links, item_id, note=body.note)

    return entries


def _demand_sense(body: SuspenseResolve) -> None:
    """What has nothing to do with the action is a mistake, and is not passed over."""
    if body.invoice_id is not None and body.action is not SuspenseAction.APPLY:
        raise refuse("invoiceId", "Only money that is applied goes to an invoice.")
    if body.subscription_id is not None and body.action is not SuspenseAction.CREDIT:
        raise refuse("subscriptionId", "Only credit goes to a subscription.")


async def _shown(call: Call, item: SuspenseItem) -> SuspenseItemOut:
    found = await IncomingRepository(call.tx).of_ids([item.incoming_id] if item.incoming_id else [])
    return suspense_item_out(item, found.get(item.incoming_id or ""))
