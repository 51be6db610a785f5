"""Owns what a debtor and their merchant do by a seeded schedule: ask, pay wrongly, cancel, refund, resolve."""

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Any, Final, TypeAlias

from duro.billing.rails import PUSH
from duro.kit.modes import Mode
from duro.modules.charging import invoicing, manual, refund, suspense
from duro.modules.charging.lifecycle import Lifecycle
from duro.modules.charging.receiving import settle_now
from duro.modules.payments.accounts import VirtualAccountRepository
from duro.modules.payments.callbacks import CallbackKeys, Callbacks
from duro.modules.payments.gateway import Gateways
from duro.modules.payments.model import Purpose
from duro.modules.subscriptions.schemas import SubscriptionCancel
from tests.support.billing import LINKS, Shop
from tests.support.roles import Connection

# What a process of its own does.
Work: TypeAlias = Callable[[], Awaitable[Any]]
CARDS: Final = (
    *("insufficient_funds", "insufficient_funds", "do_not_honor", "stolen", "payday"),
    *("timeout_charged", "timeout_not_charged", "processor_error_twice", "do_not_honor_once"),
)


@dataclass(frozen=True)
class Debtor:
    """Somebody who owes an invoice, and the dice that decide what they and their merchant do."""

    shop: Shop
    # To look below our own code.
    books: Connection
    customer_id: str
    subscription_id: str
    dice: Random

    async def doings(self) -> list[Work]:
        dice = self.dice
        doings: list[Work] = []
        for _ in range(dice.choice((0, 1, 1, 2, 3))):
            doing = dice.choices(
                (
                    *(self._ask, self._pay, self._pay_by_card, self._step_in),
                    *(self._cancel, self._refund, self._resolve),
                ),
                (5, 12, 3, 2, 1, 2, 4),
            )[0]
            doings += await doing()
        return doings

    async def _ask(self) -> list[Work]:
        """The customer asks how to pay by themselves."""
        shop = self.shop
        invoice_id = await self._invoice_of()
        rail = self.dice.choice(sorted(PUSH))

        async def ask() -> None:
            async with shop.scope.begin() as tx:
                account = await VirtualAccountRepository(tx).find_of_customer(self.customer_id)
                charge = await invoicing.begin_request(
                    tx, shop.charging, invoice_id, rail=rail, account=account
                )
            await shop.charging.run(shop.scope, [charge])

        return [ask] if invoice_id else []

    async def _pay(self) -> list[Work]:
        """Money comes, or only word of it; pollers and callbacks bring it, none, one, or several at once."""
        dice = self.dice
        rows = await self._query(
            """SELECT a.reference, a.amount_minor, a.rail, r.details
                 FROM payment_attempts a
                 LEFT JOIN payment_requests r ON r.attempt_id = a.id
                WHERE a.customer_id = $1 AND a.rail IN ('ussd', 'transfer', 'virtual_account')
                ORDER BY a.id""",
            self.customer_id,
        )
        if not rows:
            return await self._ask()
        row = dice.choice(rows)
        to, whole = str(row["reference"]), int(row["amount_minor"])
        if row["rail"] == "virtual_account":
            if row["details"] is None:
                return []
            to = json.loads(row["details"])["accountNumber"]
        sums = {
            "nothing": [],
            "whole": [(whole, "NGN")],
            "part": [(whole * 2 // 5, "NGN")],
            "over": [(whole + 12_345, "NGN")],
            "twice": [(whole, "NGN")] * 2,
            "dollars": [(whole, "USD")],
        }
        how = dice.choices(sorted(sums), (1, 1, 2, 3, 2, 6))[0]
        await self._bring(to, sums[how])
        poll = partial(settle_now, self.shop.charging, self.shop.scope, to)
        pollers = [poll] * dice.randint(0, 2)
        tellers = [self._teller(to, whole) for _ in range(dice.randint(0, 2))]
        return [*pollers, *tellers]

    async def _bring(self, to: str, sums: Sequence[tuple[int, str]]) -> None:
        """It is the gateway that has it, and the gateway does not die with us."""
        async with self.shop.scope.begin() as tx:
            for amount_minor, currency in sums:
                await self.shop.gateway.inner.record_credit(
                    tx, reference=to, amount_minor=amount_minor, currency=currency
                )

    def _teller(self, to: str, whole: int) -> Work:
        """A callback, at times of another amount, by somebody else, or told before."""
        shop, dice = self.shop, self.dice
        amount = dice.choice((whole, whole, 1))
        is_genuine = dice.random() < 0.85
        told_id = f"{to}-{dice.randint(1, 3)}"

        async def bring_word() -> None:
            await tell(shop, to, amount, told_id, is_genuine=is_genuine)
            await shop.run("reconcile.requests")

        return bring_word

    async def _pay_by_card(self) -> list[Work]:
        shop = self.shop
        invoice_id = await self._invoice_of()
        card = self.dice.choice(("ok", *CARDS))

        async def pay() -> None:
            async with shop.scope.begin() as tx:
                charge = await invoicing.begin_pay(
                    tx,
                    shop.charging,
                    invoice_id,
                    method_id=f"pm_test_{card}",
                    by=Purpose.PAY_LINK,
                )
            await shop.charging.run(shop.scope, [charge])

        return [pay] if invoice_id else []

    async def _step_in(self) -> list[Work]:
        """The merchant retries, skips, gives up or forgives."""
        shop = self.shop
        query = "SELECT id, invoice_id FROM dunning_schedules WHERE subscription_id = $1"
        rows = await self._query(query, self.subscription_id)
        how = self.dice.choice(("retry", "retry", "skip", "cancel", "void"))

        async def step_in() -> None:
            charge, case_id = None, rows[0]["id"]
            async with shop.scope.begin() as tx:
                match how:
                    case "retry":
                        charge = await manual.begin_retry(tx, shop.charging, case_id, note=None)
                    case "skip":
                        await manual.skip(tx, shop.charging, case_id, note=None)
                    case "cancel":
                        await manual.cancel(tx, shop.charging, case_id, note=None)
                    case _:
                        await invoicing.void(tx, shop.charging, rows[0]["invoice_id"])
            await shop.charging.run(shop.scope, [charge] if charge else [])

        return [step_in] if rows else []

    async def _cancel(self) -> list[Work]:
        shop = self.shop

        async def cancel() -> None:
            async with shop.scope.begin() as tx:
                lifecycle = Lifecycle(shop.charging)
                await lifecycle.cancel(tx, self.subscription_id, SubscriptionCancel())

        return [cancel]

    async def _refund(self) -> list[Work]:
        shop = self.shop
        invoice_id = await self._invoice_of()
        amount = self.dice.choice((None, 100_000))

        async def give_back() -> None:
            async with shop.scope.begin() as tx:
                opened = await refund.begin(tx, invoice_id, amount_minor=amount, reason=None)
            await refund.run(shop.charging, shop.scope, opened)

        return [give_back] if invoice_id else []

    async def _resolve(self) -> list[Work]:
        """Somebody resolves what is in suspense, at times two of them at once."""
        shop = self.shop
        query = (
            "SELECT id FROM suspense_items WHERE status = 'open' AND customer_id = $1 ORDER BY id"
        )
        rows = await self._query(query, self.customer_id)
        if not rows:
            return []
        item_id = self.dice.choice(rows)["id"]
        invoice_id = await self._invoice_of()

        async def resolve(how: str) -> None:
            async with shop.scope.begin() as tx:
                match how:
                    case "apply":
                        await suspense.apply_to_invoice(
                            tx, LINKS, item_id, invoice_id=invoice_id, note=None
                        )
                    case "credit":
                        await suspense.give_as_credit(
                            tx, LINKS, item_id, subscription_id=self.subscription_id, note=None
                        )
                    case _:
                        await suspense.note_refund(tx, LINKS, item_id, note=None)

        hows = self.dice.choices(("apply", "credit", "refunded"), k=self.dice.randint(1, 2))
        return [partial(resolve, how) for how in hows]

    async def _invoice_of(self) -> str:
        query = "SELECT id FROM invoices WHERE subscription_id = $1 ORDER BY id DESC LIMIT 1"
        rows = await self._query(query, self.subscription_id)
        return str(rows[0]["id"]) if rows else ""

    async def _query(self, text: str, *args: object) -> list[Any]:
        found: list[Any] = await self.books.fetch(text, *args)
        return found


async def tell(
    shop: Shop, reference: str, amount_minor: int, told_id: str, *, is_genuine: bool = True
) -> None:
    """As the gateway tells it, or somebody who is not."""
    keys = CallbackKeys(b"the gateway's")
    gateways = Gateways({Mode.TEST: shop.gateway})
    notice = {
        "id": told_id,
        "type": "payment",
        "reference": reference,
        "amount": amount_minor,
        "currency": "NGN",
        "status": "succeeded",
    }
    raw = json.dumps(notice).encode()
    signer = keys if is_genuine else CallbackKeys(b"somebody's")
    signature = signer.sign("simulated", raw)
    await Callbacks(shop.db, gateways, keys).take("simulated", raw, signature)
