"""What a customer does who has the link to one invoice: look at it, pay it by card, or be told how to pay it."""

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, TypeAlias
from zoneinfo import ZoneInfo

from duro.billing.rails import PUSH, Rail
from duro.errors import ConflictError, InvalidError, NotFoundError
from duro.kit import idempotency
from duro.kit.db import Database, Tx
from duro.kit.idempotency import Kept, Keyed
from duro.kit.modes import Mode
from duro.kit.work import WorkScope
from duro.modules.catalog.model import Plan
from duro.modules.catalog.repository import PlanRepository
from duro.modules.charging.engine import Charging
from duro.modules.charging.invoicing import begin_pay, begin_request, why_not_awaited
from duro.modules.charging.model import OpenCharge
from duro.modules.charging.receiving import check_request
from duro.modules.customers.repository import CustomerRepository
from duro.modules.invoices.links import PayTicket
from duro.modules.invoices.model import Invoice, InvoiceStatus
from duro.modules.invoices.repository import InvoiceRepository
from duro.modules.payments.accounts import VirtualAccountRepository
from duro.modules.payments.methods import resolve_method
from duro.modules.payments.model import (
    Attempt,
    AttemptStatus,
    PaymentRequest,
    Purpose,
    RequestStatus,
)
from duro.modules.payments.repository import AttemptRepository, PaymentMethodRepository
from duro.modules.payments.requests import PaymentRequestRepository
from duro.modules.payments.testcards import PREFIX, Instrument, face_of
from duro.modules.subscriptions.model import Subscription
from duro.modules.subscriptions.repository import SubscriptionRepository
from duro.modules.tenants.repository import name_and_zone_of

# In test mode every customer has these; a live gateway takes card numbers on a page of its own.
TEST_CARDS: Final = tuple(
    f"{PREFIX}{each.value}" for each in Instrument if face_of(each).rail is Rail.CARD
)
_DONE: Final = 303
# Opens a charge in the transaction, or answers the id of the attempt that serves instead.
_Open: TypeAlias = Callable[[Tx, Invoice], Awaitable[OpenCharge | str]]


class LinkExpiredError(Exception):
    """The link was good once; there is a newer one."""


class PayState(StrEnum):
    """What a customer is shown of their invoice, or of one try to pay it."""

    DUE = "due"
    PAID = "paid"
    VOID = "void"
    CLOSED = "closed"
    WORKING = "working"
    CHECKING = "checking"
    DECLINED = "declined"
    REFUSED = "refused"
    PREPARING = "preparing"
    PENDING = "pending"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Look:
    """One invoice as whoever has its link may see it; `attempt` is the try that is asked about, or under way."""

    merchant: str
    zone: ZoneInfo
    now: datetime
    invoice: Invoice
    subscription: Subscription
    plan: Plan
    is_awaited: bool
    rails: Sequence[Rail]
    latest_failure: Attempt | None
    attempt: Attempt | None
    request: PaymentRequest | None

    @property
    def state(self) -> PayState:
        if self.invoice.status is InvoiceStatus.PAID:
            return PayState.PAID
        if self.invoice.status is InvoiceStatus.VOID:
            return PayState.VOID
        if not self.is_awaited:
            return PayState.CLOSED
        return PayState.DUE if self.attempt is None else self._state_of(self.attempt)

    def _state_of(self, attempt: Attempt) -> PayState:
        if attempt.review_reason is not None:
            return PayState.CHECKING
        if attempt.rail not in PUSH:
            failed = attempt.status is AttemptStatus.FAILED
            return PayState.DECLINED if failed else PayState.WORKING
        request = self.request
        if request is None:
            failed = attempt.status is AttemptStatus.FAILED
            return PayState.REFUSED if failed else PayState.PREPARING
        is_open = request.status is RequestStatus.OPEN and request.expires_at > self.now
        return PayState.PENDING if is_open else PayState.EXPIRED


@dataclass(frozen=True, slots=True)
class Paying:
    """The use cases of the pay page. A ticket opens its own invoice and nothing else."""

    db: Database
    charging: Charging

    async def look(self, ticket: PayTicket, attempt_id: str | None = None) -> Look:
        """Raises `NotFoundError` for a try of another invoice, `LinkExpiredError`."""
        async with self.db.read(ticket.mode, ticket.tenant_id) as tx:
            _demand_fresh(tx, ticket)
            invoice = await InvoiceRepository(tx).get(ticket.invoice_id)
            row = await SubscriptionRepository(tx).get(_subscription_of(invoice))
            merchant, zone = await name_and_zone_of(tx)
            history = await AttemptRepository(tx).of_invoice(invoice.id)
            attempt = _asked_about(history, attempt_id)
            requests = await PaymentRequestRepository(tx).of_attempts(
                [attempt.id] if attempt else []
            )
            failed = [past for past in history if past.failure_category is not None]
            return Look(
                merchant=merchant,
                zone=zone,
                now=tx.now,
                invoice=invoice,
                subscription=row,
                plan=await PlanRepository(tx).get(row.plan_id),
                is_awaited=invoice.is_payable and await why_not_awaited(tx, row) is None,
                rails=await self._rails(tx, invoice),
                latest_failure=failed[-1] if failed else None,
                attempt=attempt,
                request=requests.get(attempt.id) if attempt else None,
            )

    async def by_card(self, ticket: PayTicket, *, card: str, keeps: bool, nonce: str) -> str:
        """Charges one of the test cards; answers the id of the charge, or of the one that is under way.

        `nonce` names the form that was sent: sent twice, it charges once. Raises `ConflictError` where this card, or
        this invoice, cannot be charged now.
        """
        if card not in TEST_CARDS:
            raise InvalidError("There is no such card.")

        async def begin(tx: Tx, invoice: Invoice) -> OpenCharge:
            await _save_card(tx, invoice.customer_id, card)
            return await begin_pay(
                tx,
                self.charging,
                invoice.id,
                method_id=card,
                by=Purpose.PAY_LINK,
                keeps_method=keeps,
            )

        return await self._begin(ticket, f"{card} {nonce}", begin)

    async def by_request(self, ticket: PayTicket, *, rail: Rail, nonce: str) -> str:
        """Asks the gateway how the rest can be paid by a push rail; answers the id of the attempt.

        What can still be paid by that rail, and asks for as much as is owed, is shown again.
        """
        if rail not in PUSH:
            raise InvalidError("There is no such way to pay.")

        async def begin(tx: Tx, invoice: Invoice) -> OpenCharge | str:
            open_one = await _find_open(tx, invoice, rail)
            if open_one is not None:
                return open_one
            account = None
            if rail is Rail.VIRTUAL_ACCOUNT:
                account = await VirtualAccountRepository(tx).get_of_customer(invoice.customer_id)
            return await begin_request(tx, self.charging, invoice.id, rail=rail, account=account)

        return await self._begin(ticket, f"{rail.value} {nonce}", begin)

    async def check(self, ticket: PayTicket, attempt_id: str) -> None:
        """Looks in the gateway's books now whether money came for this request."""
        async with self._scope(ticket).begin() as tx:
            _demand_fresh(tx, ticket)
            history = await AttemptRepository(tx).of_invoice(ticket.invoice_id)
            _asked_about(history, attempt_id)
            found = await PaymentRequestRepository(tx).of_attempts([attempt_id])
        if attempt_id in found:
            await check_request(self.charging, self._scope(ticket), found[attempt_id].id)

    async def _begin(self, ticket: PayTicket, sent: str, begin: _Open) -> str:
        """The three phases, once for each form."""
        self.charging.gateways.of(ticket.mode)
        scope = self._scope(ticket)
        async with scope.begin() as tx:
            _demand_fresh(tx, ticket)
            seen = await InvoiceRepository(tx).get(ticket.invoice_id)
            # Whoever sends the same form at the same time waits here.
            await CustomerRepository(tx).lock(seen.customer_id)
            # No caller's key holds a space.
            key = f"pay {seen.id} {sent}"
            keyed = Keyed(key, hashlib.sha256(key.encode()).digest())
            kept = await idempotency.find_or_take_over(tx, keyed)
            if isinstance(kept, Kept):
                return kept.body.decode()
            under_way = await _find_under_way(tx, seen.id)
            if under_way is not None:
                return under_way
            invoice = await InvoiceRepository(tx).get(seen.id)
            if not invoice.is_payable:
                raise ConflictError(f"The invoice is {invoice.status}.")
            opened = await begin(tx, invoice)
            if isinstance(opened, str):
                return opened
            answer = Kept(_DONE, opened.attempt.id.encode())
            await idempotency.keep(tx, keyed, answer)
        await self.charging.run(scope, [opened])
        return opened.attempt.id

    async def _rails(self, tx: Tx, invoice: Invoice) -> tuple[Rail, ...]:
        """Without a gateway there is none; an account number of their own only for customers who have one."""
        if tx.mode not in self.charging.gateways.by_mode:
            return ()
        accounts = await VirtualAccountRepository(tx).of_customers([invoice.customer_id])
        has_cards = tx.mode is Mode.TEST
        return (
            *((Rail.CARD,) if has_cards else ()),
            *(Rail.TRANSFER, Rail.USSD),
            *((Rail.VIRTUAL_ACCOUNT,) if accounts else ()),
        )

    def _scope(self, ticket: PayTicket) -> WorkScope:
        return WorkScope(self.db, ticket.mode, ticket.tenant_id)


def _demand_fresh(tx: Tx, ticket: PayTicket) -> None:
    if ticket.expires_at <= tx.now:
        raise LinkExpiredError


def _subscription_of(invoice: Invoice) -> str:
    if invoice.subscription_id is None:
        raise NotFoundError("The invoice is of no subscription.")
    return invoice.subscription_id


def _asked_about(history: Sequence[Attempt], attempt_id: str | None) -> Attempt | None:
    if attempt_id is None:
        return next((past for past in history if past.is_under_way), None)
    found = next((past for past in history if past.id == attempt_id), None)
    if found is None:
        raise NotFoundError("There is no such payment of this invoice.")
    return found


async def _find_under_way(tx: Tx, invoice_id: str) -> str | None:
    history = await AttemptRepository(tx).of_invoice(invoice_id)
    return next((past.id for past in history if past.is_under_way), None)


async def _find_open(tx: Tx, invoice: Invoice, rail: Rail) -> str | None:
    """What asks for the rest by this rail, or is about to; one that asks for another sum stays payable."""
    history = await AttemptRepository(tx).of_invoice(invoice.id)
    waiting = [past for past in history if past.rail is rail and past.status.is_open]
    requests = await PaymentRequestRepository(tx).of_attempts([past.id for past in waiting])
    for past in reversed(waiting):
        request = requests.get(past.id)
        lacking = past.amount_minor if request is None else request.lacking_minor
        is_over = request is not None and request.expires_at <= tx.now
        if lacking == invoice.owed_minor and not is_over:
            return past.id
    return None


async def _save_card(tx: Tx, customer_id: str, card: str) -> None:
    """The card is the customer's from now on, but never by itself the one that renewals are charged to."""
    methods = PaymentMethodRepository(tx)
    had_one = await methods.find_default(customer_id) is not None
    await resolve_method(tx, customer_id=customer_id, method_id=card)
    if not had_one:
        await methods.clear_default(customer_id)
