"""What a merchant does to a recovery case by hand: retry now, skip the planned try, give up."""

from dataclasses import dataclass

from duro.billing import schedule
from duro.billing.case import Escalation
from duro.billing.states import Action, can
from duro.errors import ConflictError
from duro.kit.db import Tx
from duro.kit.work import WorkScope
from duro.modules.charging.capping import within_caps
from duro.modules.charging.decided import follow, give_up
from duro.modules.charging.engine import Charging, open_charge
from duro.modules.charging.model import Changes, OpenCharge, changes_for
from duro.modules.charging.paydays import with_paydays
from duro.modules.charging.payers import payers_of, with_all_rails
from duro.modules.charging.reconcile import settle_open
from duro.modules.invoices.model import Invoice
from duro.modules.invoices.repository import InvoiceRepository
from duro.modules.payments.model import Purpose
from duro.modules.payments.repository import AttemptRepository
from duro.modules.recovery import byhand
from duro.modules.recovery.model import Schedule
from duro.modules.recovery.repository import RecoveryRepository
from duro.modules.subscriptions.model import Subscription
from duro.modules.subscriptions.repository import SubscriptionRepository


@dataclass(frozen=True, slots=True)
class _Open:
    """An open case that nothing is under way for, with its rows locked."""

    changes: Changes
    subscription: Subscription
    invoice: Invoice
    case: Schedule


async def begin_retry(tx: Tx, charging: Charging, case_id: str, *, note: str | None) -> OpenCharge:
    """Phase one of a charge that somebody asked for; what follows is that of any other try."""
    found = await _open_case(tx, charging, case_id)
    changes = found.changes
    payer = (await payers_of(tx, [found.subscription]))[found.subscription.id]
    history = await AttemptRepository(tx).of_invoice(found.invoice.id)
    step = byhand.retry(
        schedule=found.case, history=history, payer=payer, zone=changes.zone, now=tx.now, note=note
    )
    charge = open_charge(
        invoice=found.invoice, payer=payer, purpose=Purpose.RETRY, now=tx.now, wall=tx.wall
    )
    changes.take(step)
    changes.new_attempts.append(charge.attempt)
    (charge,) = await within_caps(tx, [charge])
    await changes.write()
    return charge


async def finish_retry(scope: WorkScope, charging: Charging, case_id: str) -> None:
    """Settles what a dead process left open of such a charge."""
    async with scope.begin() as tx:
        case = await RecoveryRepository(tx).get(case_id)
    await settle_open(charging, scope, case.invoice_id)


async def skip(tx: Tx, charging: Charging, case_id: str, *, note: str | None) -> None:
    """Calls the planned try off; it counts as used, so a case cannot be kept open for ever."""
    found = await _open_case(tx, charging, case_id)
    if found.case.state is not schedule.Status.SCHEDULED:
        raise ConflictError("No try is planned: the case waits for its customer.")
    changes = found.changes
    payers = await with_all_rails(tx, await payers_of(tx, [found.subscription]))
    if found.case.plan.learn_payday:
        payers = await with_paydays(tx, payers, changes.zone)
    payer = payers[found.subscription.id]
    history = await AttemptRepository(tx).of_invoice(found.invoice.id)
    step = byhand.skip(
        schedule=found.case, history=history, payer=payer, zone=changes.zone, now=tx.now, note=note
    )
    changes.take(step)
    follow(changes, found.subscription, found.invoice, step)
    await changes.write()


async def cancel(tx: Tx, charging: Charging, case_id: str, *, note: str | None) -> None:
    """Gives the money up. A subscription cannot stay past due without a next step, so it becomes
    unpaid, or canceled where that is how the case was to escalate.
    """
    found = await _open_case(tx, charging, case_id)
    found.changes.take(byhand.cancel(schedule=found.case, now=tx.now, note=note))
    is_end = found.case.plan.escalation is Escalation.CANCEL
    escalation = Escalation.CANCEL if is_end else Escalation.MARK_UNPAID
    give_up(found.changes, found.subscription, found.invoice, escalation)
    await found.changes.write()


async def _open_case(tx: Tx, charging: Charging, case_id: str) -> _Open:
    # Read unlocked first: the lock order is subscription, invoice, schedule.
    seen = await RecoveryRepository(tx).get(case_id)
    subscription = await SubscriptionRepository(tx).lock(seen.subscription_id)
    invoice = (await InvoiceRepository(tx).lock_many([seen.invoice_id]))[seen.invoice_id]
    case = (await RecoveryRepository(tx).lock_of_invoices([seen.invoice_id]))[seen.invoice_id]
    if not case.is_open:
        raise ConflictError(f"The case is closed: it is {case.state}.")
    if case.state is schedule.Status.IN_FLIGHT:
        raise ConflictError("A charge of this case is under way; read the case again in a moment.")
    if not can(subscription.status, Action.RECOVER) or not invoice.is_payable:
        raise ConflictError("There is nothing left to recover.")
    return _Open(await changes_for(tx, charging.links), subscription, invoice, case)
