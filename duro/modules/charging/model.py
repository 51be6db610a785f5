"""What charging works on: open charges, and all that one batch changes, written set by set."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from duro.billing.failures import Category
from duro.billing.quiet import quiet_until
from duro.billing.rails import PULL
from duro.kit.db import Tx
from duro.kit.ids import new_id
from duro.modules.catalog.model import Plan
from duro.modules.catalog.repository import PromoRepository
from duro.modules.charging.push import Pushed
from duro.modules.events.model import EventType, NewEvent
from duro.modules.events.repository import EventRepository
from duro.modules.invoices import schemas as invoices
from duro.modules.invoices.links import PayLinks
from duro.modules.invoices.model import Invoice
from duro.modules.invoices.repository import InvoiceRepository
from duro.modules.ledger.model import Posting, charged, credited
from duro.modules.ledger.repository import LedgerRepository
from duro.modules.messages.model import NewMessage
from duro.modules.messages.repository import OutboxRepository
from duro.modules.payments.caps import CapRepository, PullOutcome
from duro.modules.payments.model import Attempt, AttemptStatus
from duro.modules.payments.repository import AttemptRepository
from duro.modules.recovery.model import Schedule, SettingsVersion
from duro.modules.recovery.repository import RecoveryRepository, terms_of
from duro.modules.recovery.seen import Payer
from duro.modules.recovery.service import Step
from duro.modules.subscriptions import schemas as subscriptions
from duro.modules.subscriptions.model import BalanceEntry, BalanceReason, Subscription
from duro.modules.subscriptions.repository import SubscriptionRepository
from duro.modules.subscriptions.revenue import follow_revenue

# What can change what a subscription earns; its plan's new price counts from the first payment at it.
_MOVES_REVENUE: Final = frozenset(
    {
        EventType.SUBSCRIPTION_ACTIVATED,
        EventType.SUBSCRIPTION_PLAN_CHANGED,
        EventType.SUBSCRIPTION_PAUSED,
        EventType.SUBSCRIPTION_RESUMED,
        EventType.SUBSCRIPTION_RECOVERED,
        EventType.SUBSCRIPTION_UNPAID,
        EventType.SUBSCRIPTION_EXPIRED,
        EventType.SUBSCRIPTION_CANCELLED,
        EventType.SUBSCRIPTION_PAYMENT_SUCCESS,
    }
)


# Codes of our own, of attempts that the gateway never heard of.
WITHDRAWN: Final = "canceled"
BLOCKED: Final = "token_blocked"
CAPPED: Final = "attempt_cap"
NEVER_ASKED: Final = frozenset({WITHDRAWN, BLOCKED, CAPPED})


@dataclass(frozen=True, slots=True)
class OpenCharge:
    """An attempt that is committed and not yet asked of the gateway; no token, nothing to ask."""

    attempt: Attempt
    token: str | None
    # Of a push rail: who is asked to pay.
    payer: Payer | None = None
    # The code it fails with, because its card must not be charged now; the gateway is not asked.
    refusal: str | None = None

    @property
    def asks_gateway(self) -> bool:
        return self.token is not None or self.payer is not None


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """The gateway was not asked, because the subscription was stopped before."""


@dataclass(frozen=True, slots=True)
class Case:
    """All that one settled attempt can touch, its rows locked."""

    subscription: Subscription
    invoice: Invoice
    attempt: Attempt
    schedule: Schedule | None
    history: Sequence[Attempt]
    # Not read where only a request is waited for.
    known_plan: Plan | None = None
    # Not read for a first charge or a renewal that was paid.
    known_payer: Payer | None = None
    # When a case was due next before its invoice was charged by hand, and what was known to be wrong before.
    planned_at: datetime | None = None
    known_error: dict[str, Any] | None = None

    @property
    def plan(self) -> Plan:
        if self.known_plan is None:
            raise ValueError(f"{self.attempt.id} waits for a request: its plan was not read")
        return self.known_plan

    @property
    def payer(self) -> Payer:
        if self.known_payer is None:
            raise ValueError(f"{self.attempt.id} is plain: its payer was not read")
        return self.known_payer


@dataclass(slots=True)
class Changes:
    """What a batch changes in one transaction; nothing is written before `write`."""

    tx: Tx
    zone: ZoneInfo
    links: PayLinks
    in_force: SettingsVersion
    new_subscriptions: list[Subscription] = field(default_factory=list)
    new_invoices: list[Invoice] = field(default_factory=list)
    new_attempts: list[Attempt] = field(default_factory=list)
    new_schedule_ids: set[str] = field(default_factory=set)
    subscriptions: dict[str, Subscription] = field(default_factory=dict)
    invoices: dict[str, Invoice] = field(default_factory=dict)
    attempts: dict[str, Attempt] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    balance_entries: list[BalanceEntry] = field(default_factory=list)
    # What neither a settled pull charge nor a balance entry says; those are posted by themselves.
    postings: list[Posting] = field(default_factory=list)
    push: Pushed = field(default_factory=Pushed)
    events: list[NewEvent] = field(default_factory=list)
    messages: list[NewMessage] = field(default_factory=list)
    returned_promos: Counter[str] = field(default_factory=Counter)
    # Subscriptions that end or stay unpaid because a payment could not be recovered.
    involuntary: set[str] = field(default_factory=set)
    # What an event says of them may change what they earn.
    moving: dict[str, Subscription] = field(default_factory=dict)
    # Subscriptions among them that never earned anything, and their plans.
    beginning: dict[str, Plan] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)

    @property
    def reminder_window(self) -> timedelta:
        return self.in_force.settings.reminder_window

    def new_id(self, prefix: str) -> str:
        return new_id(prefix, wall=self.tx.wall)

    def record(
        self,
        kind: str,
        subscription: Subscription,
        invoice: Invoice | None = None,
        **more: object,
    ) -> None:
        """An event with snapshots of the subscription and, where there is one, the invoice."""
        data: dict[str, object] = {
            "subscriptionId": subscription.id,
            "customerId": subscription.customer_id,
        }
        if invoice is not None:
            data |= {
                "invoiceId": invoice.id,
                "amount": invoice.amount_minor,
                "currency": invoice.currency,
                "invoice": invoices.snapshot(invoice),
            }
        shown = subscriptions.snapshot(subscription, pay_url=self.pay_url(subscription))
        data |= {**more, "subscription": shown}
        event = NewEvent(EventType(kind), subscription.id, data)
        self.events.append(event)
        if event.type in _MOVES_REVENUE:
            self.moving[subscription.id] = subscription
        self.counts["events"] += 1

    def tell(
        self,
        template: str,
        subscription: Subscription,
        cause: str,
        data: Mapping[str, object],
        *,
        is_answer: bool = False,
    ) -> None:
        """A message to the customer, once for each cause: at once if it answers what somebody just did, else by day.

        Where something is open to pay, it has the link to the page where that is done; where an invoice is spoken of,
        that to its page.
        """
        now, customer_id = self.tx.now, subscription.customer_id
        body = {"subscriptionId": subscription.id, **data}
        address = self.pay_url(subscription)
        if address is not None:
            body["payUrl"] = address
        elif isinstance(invoice_id := data.get("invoiceId"), str):
            body["url"] = self.links.url(
                mode=self.tx.mode, tenant_id=self.tx.tenant_id, invoice_id=invoice_id, now=now
            )
        send_at = now if is_answer else quiet_until(now, self.zone)
        self.messages.append(NewMessage(template, customer_id, cause, body, send_at))

    def take(self, step: Step, *, is_new: bool = False) -> None:
        """What a step of a recovery case writes; `is_new` when the step opens the case."""
        self.steps.append(step)
        if is_new:
            self.new_schedule_ids.add(step.schedule.id)

    def void(self, subscription: Subscription, invoice: Invoice) -> Subscription:
        """The invoice is not owed any more; the credit that it used goes back to the subscription."""
        if not invoice.is_payable:
            return subscription
        self.invoices[invoice.id] = invoice.voided()
        self.push.closed_invoices.add(invoice.id)
        if not invoice.credit_minor:
            return subscription
        credited = self.move_balance(
            subscription, invoice.credit_minor, BalanceReason.VOID, invoice.id
        )
        self.subscriptions[credited.id] = credited
        return credited

    def undo(self, subscription: Subscription, invoice: Invoice) -> Subscription:
        """As `void`, for what nobody wanted to forgive: what was carried to it is carried to the next again."""
        if not invoice.is_payable:
            return subscription
        voided = self.void(subscription, invoice)
        return replace(voided, carried_minor=voided.carried_minor + invoice.carried_minor)

    def move_balance(
        self,
        subscription: Subscription,
        amount_minor: int,
        reason: BalanceReason,
        invoice_id: str | None = None,
    ) -> Subscription:
        """The subscription with so much more credit, or less; the movement is written down."""
        if not amount_minor:
            return subscription
        after = subscription.balance_minor + amount_minor
        entry = BalanceEntry(
            id=self.new_id("bal"),
            subscription_id=subscription.id,
            invoice_id=invoice_id,
            amount_minor=amount_minor,
            balance_after_minor=after,
            reason=reason,
            created_at=self.tx.now,
        )
        self.balance_entries.append(entry)
        return replace(subscription, balance_minor=after)

    def give_promo_back(self, subscription: Subscription) -> Subscription:
        """Its redemption does not count, because it never began: somebody else may have it."""
        if subscription.promo_code_id is None:
            return subscription
        self.returned_promos[subscription.promo_code_id] += 1
        without = replace(subscription, promo_code_id=None, promo_cycles_left=None)
        self.subscriptions[without.id] = without
        return without

    def pay_url(self, subscription: Subscription) -> str | None:
        return pay_url(self.tx, self.links, subscription)

    async def write(self) -> None:
        """Each kind of row set by set, in the lock order."""
        tx, new = self.tx, {row.id for row in self.new_subscriptions}
        added = [self.subscriptions.get(row.id, row) for row in self.new_subscriptions]
        await SubscriptionRepository(tx).add(added)
        changed = [row for row in self.subscriptions.values() if row.id not in new]
        await SubscriptionRepository(tx).save(changed)
        await InvoiceRepository(tx).add(self.new_invoices)
        await InvoiceRepository(tx).save(list(self.invoices.values()))
        currencies = await SubscriptionRepository(tx).add_balance_entries(self.balance_entries)
        await self._write_steps()
        await AttemptRepository(tx).add(self.new_attempts)
        await AttemptRepository(tx).save(list(self.attempts.values()))
        attempts = [*self.new_attempts, *self.attempts.values()]
        freed = await self.push.write(tx, is_apart=all(row.rail in PULL for row in attempts))
        await follow_revenue(
            tx, self._moved(), involuntary=self.involuntary, beginning=self.beginning
        )
        await CapRepository(tx).note(list(self._outcomes()))
        await LedgerRepository(tx).post([*self._posted(currencies), *self.postings, *freed])
        await EventRepository(tx).add(self.events)
        await PromoRepository(tx).give_back(self.returned_promos)
        self.counts.update(await OutboxRepository(tx).add(self.messages))

    def _moved(self) -> list[Subscription]:
        """Subscriptions that may earn something else now, as they are written."""
        written = {row.id: row for row in self.new_subscriptions} | self.subscriptions
        moved = {one: written.get(one, row) for one, row in self.moving.items()}
        return list(moved.values())

    def _posted(self, currencies: Mapping[str, str]) -> Iterator[Posting]:
        """What its rows say by themselves. Money of a push rail is posted where it comes in."""
        for row in self.attempts.values():
            is_charge = row.status is AttemptStatus.SUCCEEDED and not row.is_excess
            if is_charge and row.rail in PULL:
                yield charged(row.id, row.amount_minor, row.currency)
        for entry in self.balance_entries:
            is_overpaid = entry.reason is BalanceReason.OVERPAYMENT
            yield credited(
                entry.id, entry.amount_minor, currencies[entry.id], is_overpaid=is_overpaid
            )

    def _outcomes(self) -> Iterator[PullOutcome]:
        """What counts for or against cards: only what was allowed is noted, and once."""
        for row in self.attempts.values():
            if row.fingerprint is None or row.status.is_open or row.settled_at != self.tx.now:
                continue
            yield PullOutcome(
                attempt_id=row.id,
                fingerprint=row.fingerprint,
                at=row.created_at,
                was_asked=row.failure_code not in NEVER_ASKED,
                has_failed=row.status is AttemptStatus.FAILED,
                is_hard=row.failure_category is Category.HARD_DECLINE,
                known_at=self.tx.now,
            )

    async def _write_steps(self) -> None:
        recovery = RecoveryRepository(self.tx)
        new = self.new_schedule_ids
        schedules = [step.schedule for step in self.steps]
        await recovery.add([row for row in schedules if row.id in new])
        await recovery.save([row for row in schedules if row.id not in new])
        await recovery.add_decisions([row for step in self.steps for row in step.decisions])
        await recovery.add_movements([row for step in self.steps for row in step.movements])


def pay_url(tx: Tx, links: PayLinks, subscription: Subscription) -> str | None:
    """Where its customer can pay what is open, or None."""
    if not subscriptions.is_payable(subscription) or subscription.latest_invoice_id is None:
        return None
    return links.url(
        mode=tx.mode,
        tenant_id=tx.tenant_id,
        invoice_id=subscription.latest_invoice_id,
        now=tx.now,
    )


async def changes_for(tx: Tx, links: PayLinks) -> Changes:
    """Nothing changed yet, with what the tenant has chosen."""
    zone, in_force = await terms_of(tx)
    return Changes(tx, zone, links, in_force)
