"""What a merchant does to a subscription by hand: cancel, pause, resume, another payment method."""

from dataclasses import dataclass, replace

from duro.billing import schedule, states
from duro.billing.cycle import Period
from duro.billing.states import Action, Status
from duro.errors import ConflictError
from duro.kit.db import Tx
from duro.modules.charging.engine import Charging
from duro.modules.charging.first import Begun, begin_resume
from duro.modules.charging.model import Changes, changes_for
from duro.modules.charging.payers import payers_of
from duro.modules.invoices.repository import InvoiceRepository
from duro.modules.payments.methods import resolve_method
from duro.modules.payments.repository import AttemptRepository
from duro.modules.recovery import service as recovery
from duro.modules.recovery.repository import RecoveryRepository
from duro.modules.recovery.seen import is_spent
from duro.modules.subscriptions.model import Subscription
from duro.modules.subscriptions.repository import SubscriptionRepository
from duro.modules.subscriptions.schemas import SubscriptionCancel, SubscriptionPatch

_RENEWS_LATER = (Status.TRIALING, Status.ACTIVE, Status.PAST_DUE)


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """The manual steps, each in the caller's transaction."""

    charging: Charging

    async def cancel(self, tx: Tx, subscription_id: str, body: SubscriptionCancel) -> Subscription:
        """Ends it now, with what is still owed and the case that works it; or at the period's end."""
        row = await SubscriptionRepository(tx).lock(subscription_id)
        changes = await self._changes(tx)
        if body.at_period_end:
            if row.status not in _RENEWS_LATER:
                raise ConflictError(
                    f"A subscription that is {row.status} has no period to end with."
                )
            moved = replace(row, cancel_at_period_end=True, cancel_reason=body.reason)
            event = "subscription_updated"
        else:
            _demand(row, Action.CANCEL)
            stopped = replace(row, canceled_at=tx.now, cancel_reason=body.reason)
            moved, event = stopped.step(Action.CANCEL)
            moved = await self._drop_what_is_owed(changes, moved)
            if row.status is Status.INCOMPLETE:
                moved = changes.give_promo_back(moved)
            changes.tell("subscription_cancelled", moved, moved.id, {"reason": body.reason})
        return await _written(changes, moved, event)

    async def pause(self, tx: Tx, subscription_id: str) -> Subscription:
        """Stops renewing until it is resumed; what is paid stays paid."""
        row = await SubscriptionRepository(tx).lock(subscription_id)
        _demand(row, Action.PAUSE)
        if row.is_renewing:
            raise ConflictError("Its renewal is being charged; try again in a moment.")
        moved, event = row.step(Action.PAUSE)
        return await _written(await self._changes(tx), moved, event)

    async def resume(self, tx: Tx, subscription_id: str) -> Begun:
        """Goes on in its period; if that is over, a new one begins once its charge settles."""
        row = await SubscriptionRepository(tx).lock(subscription_id)
        _demand(row, Action.RESUME)
        if row.period_ends_at is None or row.period_starts_at is None:
            raise ConflictError("It has no period to go on with.")
        if row.period_ends_at <= tx.now:
            if row.cancel_at_period_end:
                raise ConflictError("It was to end with its period, and that is over: cancel it.")
            await self._demand_no_open_charge(tx, row)
            return await begin_resume(tx, row, self.charging)
        changes = await self._changes(tx)
        moved, event = row.step(Action.RESUME)
        span = Period(row.period_starts_at, row.period_ends_at)
        moved = moved.in_period(
            span, index=row.period_index, now=tx.now, reminder=changes.reminder_window
        )
        return Begun(await _written(changes, moved, event), None)

    async def change(self, tx: Tx, subscription_id: str, body: SubscriptionPatch) -> Subscription:
        """Another payment method, which an open case charges at once, or other metadata."""
        row = await SubscriptionRepository(tx).lock(subscription_id)
        if states.is_terminal(row.status):
            raise ConflictError(f"A subscription that is {row.status} cannot be changed.")
        changes = await self._changes(tx)
        moved = row
        if body.metadata is not None:
            moved = replace(moved, metadata=dict(body.metadata))
        if body.payment_method_id is not None:
            method = await resolve_method(
                tx, customer_id=row.customer_id, method_id=body.payment_method_id
            )
            moved = replace(moved, payment_method_id=method.id)
            if moved.payment_method_id != row.payment_method_id:
                await self._charge_at_once(changes, moved)
        return await _written(changes, moved, "subscription_updated")

    async def _changes(self, tx: Tx) -> Changes:
        return await changes_for(tx, self.charging.links)

    async def _drop_what_is_owed(self, changes: Changes, row: Subscription) -> Subscription:
        """Open invoices are void and their cases closed, but for a charge that is under way."""
        tx = changes.tx
        invoices = await InvoiceRepository(tx).lock_open_of(row.id)
        cases = await RecoveryRepository(tx).lock_open_of(row.id)
        attempts = await AttemptRepository(tx).of_invoices([invoice.id for invoice in invoices])
        in_flight = {attempt.invoice_id for attempt in attempts if attempt.is_under_way}
        for invoice in invoices:
            if invoice.id not in in_flight:
                row = changes.void(row, invoice)
        for case in cases:
            if case.invoice_id not in in_flight:
                why = "The subscription was cancelled."
                changes.take(recovery.cancel(schedule=case, reason=why, now=tx.now))
        return row

    async def _charge_at_once(self, changes: Changes, row: Subscription) -> None:
        tx = changes.tx
        payer = (await payers_of(tx, [row]))[row.id]
        for case in await RecoveryRepository(tx).lock_open_of(row.id):
            history = await AttemptRepository(tx).of_invoice(case.invoice_id)
            if any(is_spent(method, history) for method in payer.methods.values()):
                raise ConflictError("The bank refused this payment method for good: use another.")
            if case.state is schedule.Status.IN_FLIGHT:
                # What follows its answer sees the new method.
                continue
            step = recovery.charge_new_method(
                schedule=case, history=history, payer=payer, zone=changes.zone, now=tx.now
            )
            if step is not None:
                changes.take(step)
                tx.ring("dunning.process")

    async def _demand_no_open_charge(self, tx: Tx, row: Subscription) -> None:
        attempts = await AttemptRepository(tx).of_invoices([row.latest_invoice_id or ""])
        if any(attempt.is_under_way for attempt in attempts):
            raise ConflictError("Its charge is under way; try again in a moment.")


async def _written(changes: Changes, row: Subscription, event: str) -> Subscription:
    changes.subscriptions[row.id] = row
    changes.record(event, row)
    await changes.write()
    return row


def _demand(row: Subscription, action: Action) -> None:
    if not states.can(row.status, action):
        raise ConflictError(f"A subscription that is {row.status} cannot be changed by `{action}`.")
