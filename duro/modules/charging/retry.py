"""Recovery cases that have come due: charge again, remind the customer, or give up."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final

import structlog

from duro.billing.decision import Move
from duro.billing.rails import PUSH
from duro.billing.schedule import Action, Status
from duro.billing.states import Action as SubscriptionAction
from duro.billing.states import can
from duro.errors import UnavailableError
from duro.kit.db import Tx
from duro.kit.work import Ran, WorkScope
from duro.modules.charging import outcome, requested
from duro.modules.charging.capping import within_caps
from duro.modules.charging.decided import follow
from duro.modules.charging.engine import Charging, open_charge, open_request
from duro.modules.charging.model import Case, Changes, OpenCharge, changes_for
from duro.modules.charging.payers import payers_of, with_all_rails
from duro.modules.invoices.model import Invoice
from duro.modules.invoices.repository import InvoiceRepository
from duro.modules.payments.model import Attempt, Purpose
from duro.modules.payments.repository import AttemptRepository
from duro.modules.recovery import service as recovery
from duro.modules.recovery.model import Schedule
from duro.modules.recovery.repository import DueCase, RecoveryRepository
from duro.modules.recovery.seen import Payer
from duro.modules.subscriptions.model import Subscription
from duro.modules.subscriptions.repository import SubscriptionRepository

log: Final = structlog.get_logger()

# A case that fails by a fault of ours is set aside for this long and then tried again.
_SET_ASIDE: Final = timedelta(hours=1)
_LOOK_AGAIN: Final = timedelta(minutes=5)


async def process_due(charging: Charging, scope: WorkScope, limit: int) -> Ran:
    """Claims up to `limit` due cases and takes the next step of each."""
    async with scope.begin() as tx:
        due = await RecoveryRepository(tx).find_due(limit)
    try:
        return await _process(charging, scope, due)
    except Exception:
        log.exception("dunning_batch_failed", items=len(due))
    counts: Counter[str] = Counter()
    for case in due:
        try:
            counts += (await _process(charging, scope, [case])).counts
        except UnavailableError:
            raise
        except Exception:  # the boundary that keeps a bad row from its neighbours
            log.exception("dunning_failed", schedule_id=case.id)
            counts["errors"] += 1
            async with scope.begin() as tx:
                await RecoveryRepository(tx).postpone(case.id, tx.now + _SET_ASIDE)
    return Ran(done=len(due), counts=counts)


async def _process(charging: Charging, scope: WorkScope, due: Sequence[DueCase]) -> Ran:
    async with scope.begin() as tx:
        changes, charges = await open_retries(tx, due, charging)
    counts = changes.counts + await charging.run(scope, charges)
    return Ran(done=len(changes.steps), counts=counts)


async def open_retries(
    tx: Tx, due: Sequence[DueCase], charging: Charging
) -> tuple[Changes, list[OpenCharge]]:
    """Phase one of the retries among due cases; the other steps of a case are done here."""
    changes = await changes_for(tx, charging.links)
    charges: list[OpenCharge] = []
    # Lock order: subscription, invoice, schedule. Cases whose subscription somebody holds wait for the next look.
    subscriptions = await SubscriptionRepository(tx).lock_free({row.subscription_id for row in due})
    mine = [row.invoice_id for row in due if row.subscription_id in subscriptions]
    invoices = await InvoiceRepository(tx).lock_many(mine)
    schedules = await RecoveryRepository(tx).lock_of_invoices(mine)
    payers = await with_all_rails(tx, await payers_of(tx, list(subscriptions.values())))
    histories = await _histories(tx, schedules.values())
    for invoice_id in mine:
        schedule = schedules[invoice_id]
        if schedule.next_attempt_at is None or schedule.next_attempt_at > tx.now:
            continue
        subscription = subscriptions[schedule.subscription_id]
        payer = payers[subscription.id]
        history = histories.get(invoice_id, [])
        charge = _next_step(changes, schedule, subscription, invoices[invoice_id], payer, history)
        if charge is not None:
            charges.append(charge)
    charges = await within_caps(tx, charges)
    await changes.write()
    return changes, charges


async def _histories(tx: Tx, schedules: Iterable[Schedule]) -> Mapping[str, list[Attempt]]:
    """The attempts of the cases that wait for a request."""
    waiting = [row.invoice_id for row in schedules if row.next_action is Move.AWAIT_PAYMENT]
    by_invoice: dict[str, list[Attempt]] = defaultdict(list)
    for attempt in await AttemptRepository(tx).of_invoices(waiting) if waiting else []:
        by_invoice[attempt.invoice_id].append(attempt)
    return by_invoice


def _wait_for_request(changes: Changes, case: Case, of: Schedule) -> None:
    """The end of the request moves the case on, once the gateway was asked a last time."""
    if case.attempt.status.is_open:
        later = replace(of, next_attempt_at=changes.tx.now + _LOOK_AGAIN)
        changes.take(recovery.Step(later))
    else:
        outcome.go_on_after_request(changes, case)


def _next_step(
    changes: Changes,
    schedule: Schedule,
    subscription: Subscription,
    invoice: Invoice,
    payer: Payer,
    history: Sequence[Attempt],
) -> OpenCharge | None:
    now = changes.tx.now
    if not can(subscription.status, SubscriptionAction.RECOVER) or not invoice.is_payable:
        why = "There is nothing left to recover."
        changes.take(recovery.cancel(schedule=schedule, reason=why, now=now))
        return None
    sent = requested.latest_sent(history)
    if schedule.next_action is Move.AWAIT_PAYMENT and sent is not None:
        case = Case(
            subscription=subscription,
            invoice=invoice,
            attempt=sent,
            schedule=schedule,
            history=history,
            known_payer=payer,
        )
        _wait_for_request(changes, case, schedule)
        return None
    if schedule.state is Status.AWAITING_CUSTOMER:
        step = recovery.follow_wait(schedule=schedule, payer=payer, zone=changes.zone, now=now)
        changes.take(step)
        follow(changes, subscription, invoice, step)
        return None
    opened = open_request if schedule.rail in PUSH else open_charge
    charge = opened(
        invoice=invoice,
        payer=payer,
        purpose=Purpose.RETRY,
        now=now,
        wall=changes.tx.wall,
        rail=schedule.rail,
    )
    claimed = replace(schedule.step(Action.CLAIM), next_attempt_at=None)
    changes.take(recovery.Step(claimed))
    changes.counts["retries"] += 1
    changes.new_attempts.append(charge.attempt)
    return charge
