"""Phase three of a charge: own reply, look-up and callback all meet here, with the rows locked."""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

import structlog

from duro.billing.failures import says_no_money
from duro.billing.rails import Rail
from duro.errors import UnavailableError
from duro.kit import idempotency
from duro.kit.db import Tx
from duro.kit.idempotency import Answered
from duro.kit.work import WorkScope
from duro.modules.catalog.repository import PlanRepository
from duro.modules.charging import outcome
from duro.modules.charging.joined import lock_plain_cases
from duro.modules.charging.model import Case, Changes, Withdrawn, changes_for
from duro.modules.charging.paydays import with_paydays
from duro.modules.charging.payers import payers_of, with_all_rails
from duro.modules.invoices.links import PayLinks
from duro.modules.invoices.repository import InvoiceRepository
from duro.modules.payments.gateway import Answer, Failed, Succeeded, Unknown
from duro.modules.payments.model import Attempt, Purpose
from duro.modules.payments.repository import AttemptRepository
from duro.modules.recovery import aftermath
from duro.modules.recovery.repository import RecoveryRepository
from duro.modules.recovery.seen import Payer
from duro.modules.subscriptions.model import Subscription
from duro.modules.subscriptions.repository import SubscriptionRepository

log: Final = structlog.get_logger()


# What whoever asked for the charge is told of the subscription, to be kept with what is recorded.
Ending: TypeAlias = Callable[[Tx, Subscription], Answered | None]


@dataclass(frozen=True, slots=True)
class Settlement:
    """An attempt and what the gateway said of it; `held` is why a person must look instead.

    `is_check` counts it as a pass of the reconcile work in which the gateway did not know the reference.
    """

    attempt: Attempt
    answer: Answer | Withdrawn | None
    held: str = ""
    is_check: bool = False
    ending: Ending | None = None


async def settle_all(
    scope: WorkScope,
    settlements: Sequence[Settlement],
    links: PayLinks,
) -> Counter[str]:
    """Records a batch in one transaction; if that fails, each item in its own.

    An item that fails by itself keeps its open attempt, and the reconcile work comes back to it after an hour: sooner
    would keep it busy with what a person has to mend.
    """
    if not settlements:
        return Counter()
    try:
        async with scope.begin() as tx:
            return await settle(tx, settlements, links)
    except Exception:
        log.exception("settlement_batch_failed", items=len(settlements))
    counts: Counter[str] = Counter()
    for one in settlements:
        counts += await _settle_singly(scope, one, links)
    return counts


async def _settle_singly(scope: WorkScope, one: Settlement, links: PayLinks) -> Counter[str]:
    try:
        async with scope.begin() as tx:
            return await settle(tx, [one], links)
    except UnavailableError:
        raise
    except Exception:  # the boundary that keeps a bad row from its neighbours
        log.exception("settlement_failed", attempt_id=one.attempt.id)
    async with scope.begin() as tx:
        await AttemptRepository(tx).postpone(one.attempt.id, tx.now + outcome.SLOWEST_CHECK)
    return Counter(errors=1)


async def settle(tx: Tx, settlements: Sequence[Settlement], links: PayLinks) -> Counter[str]:
    """Records what the gateway said, set by set."""
    asked = [one.attempt for one in settlements]
    plain = _plain(settlements)
    if len(plain) == len(asked):
        changes, cases = await lock_plain_cases(tx, links, asked)
    else:
        changes = await changes_for(tx, links)
        # What comes next after a failure depends on every rail that the customer has.
        failed = any(isinstance(one.answer, Failed) for one in settlements)
        cases = await lock_cases(tx, asked, with_rails=failed, plain=plain)
        cases |= await _with_paydays(changes, cases, settlements)
    answered = []
    for one in settlements:
        case = cases.get(one.attempt.id)
        if case is None:
            # A test tenant was reset meanwhile.
            log.warning("settlement_of_nothing", attempt_id=one.attempt.id)
            continue
        _record(changes, case, one)
        if one.ending is not None:
            row = case.subscription
            answered.append(one.ending(tx, changes.subscriptions.get(row.id, row)))
    await idempotency.keep_claimed(tx, [one for one in answered if one is not None])
    await changes.write()
    return changes.counts


async def _with_paydays(
    changes: Changes, cases: Mapping[str, Case], settlements: Sequence[Settlement]
) -> dict[str, Case]:
    """Cases in which money was lacking, with what is known of when their customers are paid."""
    short = {}
    for one in settlements:
        case = cases.get(one.attempt.id)
        if case is None or not isinstance(one.answer, Failed):
            continue
        of = case.schedule
        learns = of.plan.learn_payday if of else changes.in_force.settings.learn_payday
        if learns and says_no_money(rail=case.attempt.rail, code=one.answer.code):
            short[case.attempt.id] = case
    if not short:
        return short
    payers = {key: case.payer for key, case in short.items()}
    wiser = await with_paydays(changes.tx, payers, changes.zone)
    return {key: replace(case, known_payer=wiser[key]) for key, case in short.items()}


def _record(changes: Changes, case: Case, one: Settlement) -> None:
    answer = one.answer
    if isinstance(answer, Withdrawn) and not one.is_check and case.attempt != one.attempt:
        # Somebody took the attempt over meanwhile and may have asked the gateway.
        answer = Unknown("taken over")
    if one.is_check:
        checked = replace(case.attempt, checks=case.attempt.checks + 1)
        case = replace(case, attempt=checked)
    if answer is None:
        outcome.hold(changes, case, one.held)
    else:
        outcome.apply(changes, case, answer)


async def lock_cases(
    tx: Tx, asked: Sequence[Attempt], *, with_rails: bool = False, plain: Collection[str] = ()
) -> dict[str, Case]:
    """By attempt, everything that its outcome can touch.

    `with_rails` where a failure has to be decided on; of `plain` attempts the payer is not read.
    """
    # Lock order: subscription, invoice, schedule, attempt.
    subscriptions = await SubscriptionRepository(tx).lock_many({a.subscription_id for a in asked})
    invoices = await InvoiceRepository(tx).lock_many({a.invoice_id for a in asked})
    retried = {a.invoice_id for a in asked if a.purpose is Purpose.RETRY or a.purpose.is_by_hand}
    schedules = await RecoveryRepository(tx).lock_of_invoices(retried) if retried else {}
    attempts = await AttemptRepository(tx).lock_many([a.id for a in asked])
    histories = await _histories(tx, retried)
    by_hand = {a.invoice_id for a in asked if a.purpose.is_by_hand}
    planned = {
        invoice_id: aftermath.planned_at(await RecoveryRepository(tx).decisions_of(of.id))
        for invoice_id, of in schedules.items()
        if invoice_id in by_hand
    }
    plan_ids = sorted({row.plan_id for row in subscriptions.values()})
    plans = await PlanRepository(tx).find_many(plan_ids) if plan_ids else {}
    others = {attempt.subscription_id for attempt in attempts if attempt.id not in plain}
    rows = [subscriptions[subscription_id] for subscription_id in others]
    payers = await payers_of(tx, rows) if rows else {}
    if with_rails:
        payers = await with_all_rails(tx, payers)
    return {
        attempt.id: Case(
            subscription=subscriptions[attempt.subscription_id],
            known_plan=plans[subscriptions[attempt.subscription_id].plan_id],
            invoice=invoices[attempt.invoice_id],
            attempt=attempt,
            schedule=schedules.get(attempt.invoice_id),
            history=histories.get(attempt.invoice_id, [attempt]),
            known_payer=payers.get(attempt.subscription_id),
            planned_at=planned.get(attempt.invoice_id),
        )
        for attempt in attempts
    }


def _plain(settlements: Sequence[Settlement]) -> set[str]:
    """Attempts that say all by themselves: the invoice tells the period, and nobody asks what else could be charged."""
    return {
        one.attempt.id
        for one in settlements
        if isinstance(one.answer, Succeeded)
        and one.attempt.purpose in (Purpose.FIRST, Purpose.RENEWAL)
    }


async def _histories(tx: Tx, invoice_ids: set[str]) -> Mapping[str, list[Attempt]]:
    by_invoice: dict[str, list[Attempt]] = defaultdict(list)
    if invoice_ids:
        for attempt in await AttemptRepository(tx).of_invoices(sorted(invoice_ids)):
            by_invoice[attempt.invoice_id].append(attempt)
    return by_invoice


def pull_rail(payer: Payer) -> Rail:
    """The rail that a charge of this payer is written under; a card where there is nothing yet."""
    return next(iter(payer.methods), Rail.CARD)
