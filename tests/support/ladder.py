"""Owns the recovery ladder as customers, merchants, banks and time work it, below HTTP and without a worker."""

import asyncio
import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from duro.errors import DuroError
from duro.modules.charging import invoicing, manual, refund, suspense
from duro.modules.charging.lifecycle import Lifecycle
from duro.modules.charging.receiving import settle_now
from duro.modules.customers.schemas import CustomerCreate
from duro.modules.customers.service import create_customer
from duro.modules.payments import mandating
from duro.modules.payments.accounts import VirtualAccountRepository
from duro.modules.payments.notices import ask_now
from duro.modules.payments.opening import open_account
from duro.modules.recovery.schemas import RecoverySettingsPatch
from duro.modules.recovery.settings import change_settings
from duro.modules.subscriptions.schemas import SubscriptionCancel, SubscriptionCreate
from tests.support.billing import LINKS, Shop, begin_one
from tests.support.invariants import broken
from tests.support.steps import (
    Act,
    Ask,
    ByHand,
    Pay,
    PayAccount,
    Refund,
    Resolve,
    Settle,
    Start,
    Step,
    StepIn,
    Use,
    Wait,
)

# Of the cases in question, or of all.
_NEXT_DUE: Final = """
SELECT min(due.at)
  FROM dunning_schedules d
 CROSS JOIN LATERAL (
       SELECT d.next_attempt_at AS at
        UNION ALL
       SELECT r.expires_at FROM payment_requests r WHERE r.invoice_id = d.invoice_id AND r.status = 'open'
        UNION ALL
       SELECT a.check_at
         FROM payment_attempts a
        WHERE a.invoice_id = d.invoice_id
          AND a.status IN ('pending', 'unknown')) AS due
 WHERE d.closed_at IS NULL
   AND d.id = ANY (COALESCE($1::text[], ARRAY[d.id]))"""
_NEXT_LOOK: Final = """
SELECT min(check_at)
  FROM payment_attempts
 WHERE status IN ('pending', 'unknown')
   AND review_reason IS NULL"""
_OWED: Final = """
SELECT id
  FROM invoices
 WHERE status IN ('open', 'uncollectible')
 ORDER BY id"""
_IN_VAIN: Final = """
SELECT r.id
  FROM payment_requests r
  JOIN invoices i ON i.id = r.invoice_id
  JOIN subscriptions s ON s.id = r.subscription_id
 WHERE r.status = 'open'
   AND (i.status IN ('paid', 'void') OR s.status IN ('canceled', 'expired', 'incomplete_expired'))
 ORDER BY r.id"""
_LOOKS: Final = 30
_LEAP: Final = timedelta(hours=1)
_MANY: Final = 100


@dataclass
class Ladder:
    """One tenant's subscriptions, in the order in which they began."""

    shop: Shop
    ids: list[str] = field(default_factory=list)

    async def take(self, step: Step) -> None:
        """One step; what is refused changes nothing, and the invariants say whether that is so."""
        try:
            await self._take(step)
        except DuroError:
            return

    async def _take(self, step: Step) -> None:
        match step:
            case Start():
                await self.start(step)
            case Wait() if step.hours is None:
                await self.wait_for_next()
            case Wait():
                self.shop.clock.move(timedelta(hours=step.hours or 0))
            case Pay():
                await self._pay(step)
            case PayAccount():
                await self._pay_account(step)
            case Ask():
                await self._ask(step)
            case Use() | StepIn() | Resolve() | Refund() | Act() | Settle():
                await self._do_by_hand(step)

    async def _do_by_hand(self, step: ByHand) -> None:
        match step:
            case Use():
                await self.shop.use(self.ids[step.which % len(self.ids)], step.method)
            case StepIn():
                await self._step_in(step)
            case Resolve():
                await self._resolve(step)
            case Refund():
                await self._refund(step)
            case Act():
                await self._act(step)
            case Settle():
                await self._settle(step)

    async def start(self, step: Start) -> str:
        shop = self.shop
        fields = {"email": "ada@example.com"} if step.is_reachable else {}
        async with shop.scope.begin() as tx:
            customer = await create_customer(tx, CustomerCreate.model_validate(fields))
        if step.has_account:
            await open_account(shop.charging.gateways, shop.scope, customer)
        if step.mandate is not None:
            await self._give_mandate(customer.id, step.mandate)
        # Without a method there is nothing to begin with, so the trial's end is the first to fail.
        has_method = step.method is not None
        body = SubscriptionCreate.model_validate(
            {
                "customerId": customer.id,
                "planId": await shop.plan(step.interval),
                "paymentMethodId": "pm_test_ok" if has_method else None,
                "trialDays": 0 if has_method else 1,
            }
        )
        async with shop.scope.begin() as tx:
            begun = await begin_one(tx, body, shop.charging)
        await shop.charging.run(shop.scope, [begun.charge] if begun.charge else [])
        self.ids.append(begun.subscription.id)
        if step.method is not None:
            await shop.use(begun.subscription.id, step.method)
        return begun.subscription.id

    async def wait_for_next(self, case_ids: list[str] | None = None) -> None:
        """Time goes by until the next thing is due in these cases, or in any, and the worker does it."""
        shop = self.shop
        at = await shop.value(_NEXT_DUE, case_ids)
        shop.clock.move(max(at - shop.clock.wall(), timedelta()) if at else _LEAP)
        await self.catch_up()

    async def wait_for_answers(self) -> None:
        """Each charge of which nothing is known is looked up until it is settled, or for a person to look at."""
        shop = self.shop
        for _ in range(_LOOKS):
            at = await shop.value(_NEXT_LOOK)
            if at is None:
                return
            shop.clock.move(max(at - shop.clock.wall(), timedelta()))
            await self.catch_up()

    async def catch_up(self) -> None:
        shop = self.shop
        await mandating.reconcile_due(shop.charging.gateways, shop.scope, _MANY)
        counts = await shop.catch_up()
        # What fails by a fault of ours is set aside and hidden so.
        assert not counts["errors"]

    async def asked_in_vain(self) -> list[str]:
        """Requests that are open though nobody could want their money."""
        return [row["id"] for row in await self.shop.query(_IN_VAIN)]

    async def broken(self, *, is_at_rest: bool = False) -> list[str]:
        shop = self.shop
        found = await broken(shop.db, shop.tenant_id, is_at_rest=is_at_rest)
        # Fanning out is another feature's work.
        return [text for text in found if not text.startswith("every_event_is_fanned_out")]

    async def receive(self, reference: str, *sums: tuple[int, str], is_told: bool = True) -> None:
        """Money comes in under a reference or for an account number; a notice that is not lost comes twice."""
        shop = self.shop
        async with shop.scope.begin() as tx:
            for amount_minor, currency in sums:
                await shop.gateway.inner.record_credit(
                    tx, reference=reference, amount_minor=amount_minor, currency=currency
                )
            if is_told:
                await ask_now(tx, reference)
        if is_told:
            told = (settle_now(shop.charging, shop.scope, reference) for _ in range(2))
            await asyncio.gather(*told)

    async def pay_by_card(self, invoice_id: str, method: str) -> None:
        shop = self.shop
        async with shop.scope.begin() as tx:
            charge = await invoicing.begin_pay(tx, shop.charging, invoice_id, method_id=method)
        await shop.charging.run(shop.scope, [charge])

    async def _give_mandate(self, customer_id: str, method: str) -> None:
        shop = self.shop
        async with shop.scope.begin() as tx:
            opened = await mandating.begin(tx, customer_id=customer_id, method_id=method)
        await mandating.set_up(shop.charging.gateways, shop.scope, opened.mandate.id)

    async def _pay(self, step: Pay) -> None:
        rows = await self.shop.query(
            "SELECT reference, rail, amount_minor, details, check_at FROM payment_requests ORDER BY id DESC"
        )
        if not rows:
            return
        row = rows[step.which % len(rows)]
        # A virtual account knows nothing of requests.
        is_account = row["rail"] == "virtual_account"
        to = json.loads(row["details"])["accountNumber"] if is_account else row["reference"]
        whole = (row["amount_minor"], "NGN")
        sums = {
            "whole": [whole],
            "part": [(row["amount_minor"] * 2 // 5, "NGN")],
            "over": [(row["amount_minor"] + 12_345, "NGN")],
            "twice": [whole, whole],
            "dollars": [(row["amount_minor"], "USD")],
        }
        # Nobody looks for money for ever, if nobody tells of it.
        is_told = step.told != "never" or row["check_at"] is None
        receiving = self.receive(to, *sums[step.how], is_told=is_told)
        if step.told == "in a race":
            await asyncio.gather(receiving, self.wait_for_next())
        else:
            await receiving

    async def _pay_account(self, step: PayAccount) -> None:
        rows = await self.shop.query("SELECT account_number FROM virtual_accounts ORDER BY id")
        if rows:
            number = rows[step.which % len(rows)]["account_number"]
            await self.receive(number, (step.amount_minor, "NGN"))

    async def _step_in(self, step: StepIn) -> None:
        shop, charge = self.shop, None
        rows = await shop.query("SELECT id, invoice_id FROM dunning_schedules ORDER BY id DESC")
        if not rows:
            return
        case_id, invoice_id = rows[step.which % len(rows)]
        async with shop.scope.begin() as tx:
            match step.how:
                case "retry":
                    charge = await manual.begin_retry(tx, shop.charging, case_id, note=None)
                case "skip":
                    await manual.skip(tx, shop.charging, case_id, note=None)
                case "cancel":
                    await manual.cancel(tx, shop.charging, case_id, note=None)
                case "void":
                    await invoicing.void(tx, shop.charging, invoice_id)
                case _:
                    charge = await invoicing.begin_pay(
                        tx, shop.charging, invoice_id, method_id=step.how
                    )
        await shop.charging.run(shop.scope, [charge] if charge else [])

    async def _ask(self, step: Ask) -> None:
        shop = self.shop
        rows = await shop.query("SELECT id, customer_id FROM invoices ORDER BY id DESC")
        invoice_id, customer_id = rows[step.which % len(rows)]
        async with shop.scope.begin() as tx:
            accounts = await VirtualAccountRepository(tx).of_customers([customer_id])
            charge = await invoicing.begin_request(
                tx, shop.charging, invoice_id, rail=step.rail, account=accounts.get(customer_id)
            )
        await shop.charging.run(shop.scope, [charge])

    async def _refund(self, step: Refund) -> None:
        shop = self.shop
        rows = await shop.query("SELECT id FROM invoices ORDER BY id DESC")
        invoice_id = rows[step.which % len(rows)]["id"]
        async with shop.scope.begin() as tx:
            opened = await refund.begin(tx, invoice_id, amount_minor=step.amount_minor, reason=None)
        await refund.run(shop.charging, shop.scope, opened)

    async def _resolve(self, step: Resolve) -> None:
        shop = self.shop
        rows = await shop.query("SELECT id FROM suspense_items ORDER BY id DESC")
        if not rows:
            return
        item_id = rows[step.which % len(rows)]["id"]
        owed = await shop.query(_OWED)
        async with shop.scope.begin() as tx:
            match step.how:
                case "apply" if owed:
                    invoice_id = owed[step.which % len(owed)]["id"]
                    await suspense.apply_to_invoice(
                        tx, LINKS, item_id, invoice_id=invoice_id, note=None
                    )
                case "credit":
                    target = self.ids[step.which % len(self.ids)]
                    await suspense.give_as_credit(
                        tx, LINKS, item_id, subscription_id=target, note=None
                    )
                case _:
                    await suspense.note_refund(tx, LINKS, item_id, note=None)

    async def _settle(self, step: Settle) -> None:
        body = RecoverySettingsPatch.model_validate(dict(step.changes))
        async with self.shop.scope.begin() as tx:
            await change_settings(tx, body)

    async def _act(self, step: Act) -> None:
        shop, charge = self.shop, None
        subscription_id = self.ids[step.which % len(self.ids)]
        lifecycle = Lifecycle(shop.charging)
        async with shop.scope.begin() as tx:
            match step.action:
                case "pause":
                    await lifecycle.pause(tx, subscription_id)
                case "resume":
                    charge = (await lifecycle.resume(tx, subscription_id)).charge
                case _:
                    await lifecycle.cancel(tx, subscription_id, SubscriptionCancel())
        await shop.charging.run(shop.scope, [charge] if charge else [])
