"""Changes of plan: proposed by one function, shown by the preview, and carried out in three phases."""

from dataclasses import dataclass, replace

from duro.billing.cycle import Period
from duro.billing.proration import Proration
from duro.billing.states import Status
from duro.errors import ConflictError
from duro.kit.db import Tx
from duro.kit.schema import refuse
from duro.kit.work import WorkScope
from duro.modules.catalog.model import Plan
from duro.modules.catalog.repository import PlanRepository, PromoRepository
from duro.modules.charging import changed
from duro.modules.charging.bill import open_invoice
from duro.modules.charging.capping import within_caps
from duro.modules.charging.engine import Charging, open_charge
from duro.modules.charging.first import PaymentFailedError
from duro.modules.charging.model import Changes, OpenCharge, changes_for
from duro.modules.charging.payers import payers_of
from duro.modules.charging.reconcile import settle_open
from duro.modules.charging.terms import NOTHING, Swap, Terms, in_new_period, in_period, on_trial
from duro.modules.customers.repository import CustomerRepository
from duro.modules.invoices.model import Invoice, InvoiceStatus
from duro.modules.invoices.repository import InvoiceRepository
from duro.modules.payments.model import Purpose
from duro.modules.payments.repository import AttemptRepository
from duro.modules.subscriptions.model import BalanceReason, PlanChange, Subscription
from duro.modules.subscriptions.repository import SubscriptionRepository
from duro.modules.subscriptions.schemas import Billing, PlanChangeAsk, When


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a change does: the subscription `before` has given what the `invoice` uses, `after` has the new plan.

    Without a `change` the plan is only scheduled, or the schedule is dropped.
    """

    before: Subscription
    after: Subscription
    proration: Proration
    change: PlanChange | None = None
    invoice: Invoice | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """What a change came to, as it is answered."""

    subscription: Subscription
    proration: Proration
    invoice: Invoice | None


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a repeat needs to give the first answer, kept with the idempotency key."""

    subscription_id: str
    proration: Proration
    invoice_id: str | None

    def to_text(self) -> str:
        amount, kind = self.proration.amount_minor, self.proration.kind
        return f"{self.subscription_id} {kind} {amount} {self.invoice_id or '-'}"

    @classmethod
    def read(cls, text: str) -> "Ticket":
        subscription_id, kind, amount, invoice_id = text.split()
        proration = NOTHING
        if kind in ("charge", "credit"):
            proration = Proration(int(amount), "charge" if kind == "charge" else "credit")
        return cls(subscription_id, proration, None if invoice_id == "-" else invoice_id)


@dataclass(frozen=True, slots=True)
class Begun:
    """A change after phase one, and the charge that is to be asked for, if any."""

    ticket: Ticket
    charge: OpenCharge | None


async def preview(tx: Tx, charging: Charging, subscription_id: str, ask: PlanChangeAsk) -> Proposal:
    """What `begin` would do now; nothing is written."""
    return await _propose(await changes_for(tx, charging.links), subscription_id, ask)


async def begin(tx: Tx, charging: Charging, subscription_id: str, ask: PlanChangeAsk) -> Begun:
    """Phase one: what costs nothing is done, a charge is opened for what does, and the change waits for it."""
    changes = await changes_for(tx, charging.links)
    proposal = await _propose(changes, subscription_id, ask)
    charge = None
    if proposal.invoice is not None and proposal.invoice.amount_minor:
        charge = await _open(changes, proposal, proposal.invoice)
    else:
        _do(changes, proposal)
    await changes.write()
    invoice_id = proposal.invoice.id if proposal.invoice else None
    return Begun(Ticket(subscription_id, proposal.proration, invoice_id), charge)


async def finish(scope: WorkScope, charging: Charging, ticket: Ticket) -> None:
    """Settles what a dead process left open of the change's charge."""
    if ticket.invoice_id is not None:
        await settle_open(charging, scope, ticket.invoice_id)


async def result(tx: Tx, ticket: Ticket) -> Done:
    """What the change came to; a decline is a refusal."""
    row = await SubscriptionRepository(tx).get(ticket.subscription_id)
    if ticket.invoice_id is None:
        return Done(row, ticket.proration, None)
    invoice = await InvoiceRepository(tx).get(ticket.invoice_id)
    if invoice.status is InvoiceStatus.VOID:
        attempts = await AttemptRepository(tx).of_invoice(invoice.id)
        code = attempts[-1].failure_code if attempts else None
        raise PaymentFailedError(f"The charge was declined: {code}.")
    return Done(row, ticket.proration, invoice)


def _do(changes: Changes, proposal: Proposal) -> None:
    """A change without a charge."""
    if proposal.change is None:
        changes.subscriptions[proposal.after.id] = proposal.after
        changes.record("subscription_updated", proposal.after)
        return
    paid = None
    if proposal.invoice is not None:
        paid = proposal.invoice.paid(rail=None, at=changes.tx.now)
        changes.new_invoices.append(paid)
        changes.record("invoice_created", proposal.before, proposal.invoice)
    changed.carry_out(changes, proposal.before, proposal.after, paid)


async def _open(changes: Changes, proposal: Proposal, invoice: Invoice) -> OpenCharge:
    assert proposal.change is not None  # noqa: S101 - only a change has an invoice
    payer = (await payers_of(changes.tx, [proposal.before]))[proposal.before.id]
    if not payer.methods:
        raise PaymentFailedError("There is no payment method to charge for the change.")
    charge = open_charge(
        invoice=invoice,
        payer=payer,
        purpose=Purpose.PLAN_CHANGE,
        now=changes.tx.now,
        wall=changes.tx.wall,
    )
    waiting = proposal.before.waiting(replace(proposal.change, invoice_id=invoice.id))
    changes.subscriptions[waiting.id] = waiting
    changes.new_invoices.append(invoice)
    changes.new_attempts.append(charge.attempt)
    changes.record("invoice_created", waiting, invoice)
    (charge,) = await within_caps(changes.tx, [charge])
    return charge


async def _propose(changes: Changes, subscription_id: str, ask: PlanChangeAsk) -> Proposal:
    tx, subscriptions = changes.tx, SubscriptionRepository(changes.tx)
    seen = await subscriptions.get(subscription_id)
    # Lock order: customer, subscription. Whoever starts on the plan at the same time goes before or after.
    await CustomerRepository(tx).lock(seen.customer_id)
    row = await subscriptions.lock(subscription_id)
    plans = PlanRepository(tx)
    old, new = await plans.get(row.plan_id), await plans.get(ask.plan_id)
    present = _demand_changeable(row, changes)
    _demand_target(row, old, new, ask)
    if not new.allow_multiple and new.id != row.plan_id:
        rival = await subscriptions.find_rival(customer_id=row.customer_id, plan_id=new.id)
        if rival is not None:
            raise ConflictError(f"The customer already has this plan: {rival}.")
    if ask.when is When.PERIOD_END:
        scheduled = None if new.id == row.plan_id else new.id
        return Proposal(row, replace(row, scheduled_plan_id=scheduled), NOTHING)
    promos = await PromoRepository(tx).find_many({row.live_promo_id} if row.live_promo_id else ())
    swap = Swap(old, new, promos.get(row.live_promo_id or ""))
    return _proposal(changes, row, swap, _terms(changes, row, swap, present, ask))


def _terms(
    changes: Changes, row: Subscription, swap: Swap, present: Period, ask: PlanChangeAsk
) -> Terms:
    now = changes.tx.now
    if row.status is Status.TRIALING:
        return on_trial(row)
    if swap.new.cadence != swap.old.cadence:
        return in_new_period(row, swap, present, now=now, zone=changes.zone)
    is_carried = ask.billing is Billing.NEXT_INVOICE
    return in_period(row, swap, present, now=now, is_carried=is_carried)


def _proposal(changes: Changes, row: Subscription, swap: Swap, terms: Terms) -> Proposal:
    change = PlanChange(
        plan_id=swap.new.id,
        is_exclusive=not swap.new.allow_multiple,
        price_minor=terms.price_minor,
        renews_at=row.renews_at,
        span=terms.span,
    )
    invoice = None
    if terms.lines:
        ends_at = row.period_ends_at or changes.tx.now
        invoice = open_invoice(
            changes,
            row,
            lines=list(terms.lines),
            currency=swap.new.currency,
            index=row.period_index if terms.span is None else 0,
            period=terms.span or Period(changes.tx.now, ends_at),
        )
        kind = "proration" if terms.span is None else "change"
        invoice = replace(invoice, idempotency_key=f"{kind}_{invoice.id}")
    invoice_id = invoice.id if invoice else None
    used = changes.move_balance(row, -terms.used_minor, BalanceReason.PLAN_CHANGE, invoice_id)
    before = replace(used, carried_minor=terms.carried_minor)
    after = changed.after(
        changes, before, change, credit_minor=terms.credit_minor, invoice_id=invoice_id
    )
    return Proposal(before, after, terms.proration, change, invoice)


def _demand_changeable(row: Subscription, changes: Changes) -> Period:
    if row.status not in (Status.ACTIVE, Status.TRIALING):
        raise ConflictError(f"The plan of a subscription that is {row.status} cannot be changed.")
    if row.pending_change is not None:
        raise ConflictError("A change of its plan waits for its charge; try again in a moment.")
    if row.period_starts_at is None or row.period_ends_at is None:
        raise ConflictError("It has no period yet.")
    if row.is_renewing or row.period_ends_at <= changes.tx.now:
        raise ConflictError("Its renewal is being charged; try again in a moment.")
    return Period(row.period_starts_at, row.period_ends_at)


def _demand_target(row: Subscription, old: Plan, new: Plan, ask: PlanChangeAsk) -> None:
    is_now = ask.when is When.NOW
    if new.id == old.id:
        if is_now:
            raise ConflictError("It is on this plan already.")
        return
    if not new.is_active:
        raise ConflictError("The plan is archived; nobody can start on it.")
    if new.currency != old.currency:
        raise refuse("planId", f"Must be a plan in {old.currency}, as the present one is.")
    if row.cancel_at_period_end and not is_now:
        raise ConflictError("It ends with its period, so there is no next one.")
    if is_now and row.status is not Status.TRIALING:
        _demand_next(row, old, new, is_next=ask.billing is Billing.NEXT_INVOICE)


def _demand_next(row: Subscription, old: Plan, new: Plan, *, is_next: bool) -> None:
    """That there is the invoice or the period that the change counts on."""
    is_new_period = new.cadence != old.cadence
    if is_new_period and is_next:
        raise refuse("billing", "Another interval begins a new period, which is charged `now`.")
    if is_next and row.cancel_at_period_end:
        raise ConflictError("It ends with its period, so there is no next invoice.")
    is_last = new.max_cycles is not None and row.cycles_completed >= new.max_cycles
    if is_last and (is_new_period or is_next):
        raise ConflictError("It has run all the cycles of that plan, so there is no next one.")
