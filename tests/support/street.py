"""Owns a street of debtors: each pays, or not, by a seeded schedule, while the processes that work for them die."""

import traceback
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from random import Random
from typing import Any, Final

from duro.billing.rails import PUSH, Rail
from duro.errors import DuroError, UnavailableError
from duro.kit.ids import new_id
from duro.kit.modes import Mode
from duro.modules.charging.jobs import due_work
from duro.modules.customers.repository import CustomerRepository
from duro.modules.payments.opening import open_account
from duro.modules.recovery.schemas import RecoverySettingsPatch
from duro.modules.recovery.settings import change_settings
from tests.support.billing import Shop
from tests.support.debtors import CARDS, Debtor, Work, tell
from tests.support.invariants import broken
from tests.support.roles import Connection, app_role, connected
from tests.support.strikes import Deaths, Kind, Strike
from tests.support.tenants import add_tenant

# Short and long pieces of work pass about as many points as these.
_POINTS: Final = (12, 30, 80)
_MONTH: Final = timedelta(days=31)
_DAY: Final = timedelta(days=1, minutes=1)
_PAUSES: Final = tuple(
    timedelta(minutes=each) for each in (0, 1, 3, 10, 60, 60 * 7, 60 * 13, 60 * 25)
)
_MANY: Final = 100
_FRAMES: Final = 6
_LOOKS_MAX: Final = 30
_NEXT_LOOK: Final = """
SELECT min(at)
  FROM (SELECT check_at AS at FROM payment_attempts WHERE status IN ('pending', 'unknown')
         UNION ALL
        SELECT check_at FROM refunds WHERE status IN ('pending', 'unknown')) AS open"""
_UNTOLD: Final = """
SELECT id, reference, amount_minor, currency FROM simulated_credits ORDER BY id"""
# By the gateway's own books, and each row is one too many.
_DOUBLE: Final = """
SELECT i.id, i.amount_minor, m.settled_minor
  FROM invoices i
 CROSS JOIN LATERAL (
       SELECT (SELECT COALESCE(sum(c.amount_minor), 0)
                 FROM simulated_charges c
                 JOIN payment_attempts a ON a.reference = c.reference
                WHERE a.invoice_id = i.id AND c.status = 'succeeded' AND NOT a.is_excess)
            + (SELECT COALESCE(sum(n.applied_minor), 0)
                 FROM incoming_payments n
                WHERE n.invoice_id = i.id) AS settled_minor) AS m
 WHERE m.settled_minor > i.amount_minor"""
_LOST: Final = """
SELECT c.id, count(n.id), sum(n.applied_minor + n.credited_minor + n.suspended_minor)
  FROM simulated_credits c
  LEFT JOIN incoming_payments n ON n.gateway = 'simulated' AND n.gateway_id = c.id
 GROUP BY c.id, c.amount_minor
HAVING count(n.id) <> 1 OR sum(n.applied_minor + n.credited_minor + n.suspended_minor) <> c.amount_minor"""
# Nothing but the gateway's books on one side, nothing but our accounts on the other.
_UNBALANCED: Final = """
  WITH books AS (
       SELECT currency, amount_minor FROM simulated_charges WHERE status = 'succeeded'
        UNION ALL
       SELECT currency, amount_minor FROM simulated_credits
        UNION ALL
       SELECT currency, -amount_minor FROM simulated_refunds WHERE status = 'succeeded'
        UNION ALL
       SELECT currency, -amount_minor FROM suspense_items WHERE resolution = 'refunded'
       ), owed AS (
       SELECT currency, CASE WHEN credit = 'gateway_clearing' THEN -amount_minor ELSE amount_minor END AS amount_minor
         FROM ledger_entries
        WHERE (debit = 'gateway_clearing') <> (credit = 'gateway_clearing')
       )
SELECT currency, b.amount_minor, o.amount_minor
  FROM (SELECT currency, sum(amount_minor) AS amount_minor FROM books GROUP BY currency) AS b
  FULL JOIN (SELECT currency, sum(amount_minor) AS amount_minor FROM owed GROUP BY currency) AS o USING (currency)
 WHERE COALESCE(b.amount_minor, 0) <> COALESCE(o.amount_minor, 0)"""
_COUNTED: Final = {
    "requests": "SELECT count(*) FROM payment_requests",
    "credits": "SELECT count(*) FROM simulated_credits",
    "charges": "SELECT count(*) FROM simulated_charges WHERE status = 'succeeded'",
    "callbacks": "SELECT COALESCE(sum(times_told), 0) FROM gateway_callbacks",
    "refunds": "SELECT count(*) FROM simulated_refunds WHERE status = 'succeeded'",
    "suspense items": "SELECT count(*) FROM suspense_items",
    "paid by push rails": """
        SELECT count(DISTINCT i.id)
          FROM invoices i JOIN incoming_payments n ON n.invoice_id = i.id
         WHERE i.status = 'paid'""",
}


@dataclass
class Street:
    """One tenant; what happens follows from the seed, but for how processes of one moment interleave."""

    shop: Shop
    deaths: Deaths
    seed: int
    # To look below our own code.
    books: Connection
    debtors: list[Debtor] = field(default_factory=list)
    bugs: list[str] = field(default_factory=list)
    dice: Random = field(init=False)

    def __post_init__(self) -> None:
        self.dice = Random(self.seed)

    @classmethod
    @asynccontextmanager
    async def founded(cls, shop: Shop, deaths: Deaths, seed: int) -> "AsyncIterator[Street]":
        """A street of a new tenant."""
        tenant_id = new_id("ten", wall=shop.clock.wall())
        await add_tenant(shop.database_url, tenant_id, name="Adunni Gyms")
        who = {
            "role": app_role(Mode.TEST),
            "search_path": "sandbox,core",
            "duro.tenant": tenant_id,
        }
        async with connected(shop.database_url, **who) as books:
            yield cls(replace(shop, tenant_id=tenant_id), deaths, seed, books)

    async def query(self, text: str, *args: object) -> list[Any]:
        found: list[Any] = await self.books.fetch(text, *args)
        return found

    async def settle_in(self, count: int) -> None:
        """So many debtors: the renewals of most were declined, of some the first invoice waits."""
        shop, dice = self.shop, self.dice
        rails = dice.sample(sorted({*PUSH, Rail.CARD}), 4)
        async with shop.scope.begin() as tx:
            await change_settings(tx, RecoverySettingsPatch.model_validate({"rails": rails}))
        plan_id = await shop.plan()
        late = max(count // 4, 1)
        for which in range(count - late):
            await self._move_in(which, plan_id, dice.choice(CARDS))
        shop.clock.move(_MONTH)
        for which in range(count - late, count):
            await self._move_in(which, plan_id, None)
        await shop.run("billing.renew")

    async def _move_in(self, which: int, plan_id: str, card: str | None) -> None:
        shop = self.shop
        own = Random(f"{self.seed} {which}")
        subscription_id = await shop.subscribe(plan_id, None if card is None else "pm_test_ok")
        row = await shop.get(subscription_id)
        if card is not None:
            await shop.use(subscription_id, f"pm_test_{card}")
        if own.random() < 0.4:
            async with shop.scope.begin() as tx:
                customer = await CustomerRepository(tx).get(row.customer_id)
            await open_account(shop.charging.gateways, shop.scope, customer)
        self.debtors.append(Debtor(shop, self.books, row.customer_id, subscription_id, own))

    async def live(self, rounds: int) -> None:
        """In each round everything happens at the same moment, and then some time goes by."""
        for _ in range(rounds):
            works: list[Work] = []
            for debtor in self.debtors:
                works += await debtor.doings()
            works += self._workers()
            self.dice.shuffle(works)
            await self.deaths.together(*(self._as_process(work) for work in works))
            self.shop.clock.move(self.dice.choice(_PAUSES))

    async def come_to_rest(self) -> None:
        """Gateways tell until they are heard, and the worker works until nothing is open."""
        untold = await self._tell(await self.query(_UNTOLD))
        await self.shop.catch_up()
        for _ in range(_LOOKS_MAX):
            at = (await self.query(_NEXT_LOOK))[0][0]
            if at is None and not untold and not await self.query(_LOST):
                return
            untold = await self._tell(untold)
            # What was told too early is found by the daily look.
            at = at or self.shop.clock.wall() + _DAY
            self.shop.clock.move(max(at - self.shop.clock.wall(), timedelta(seconds=61)))
            await self.shop.catch_up()

    async def _tell(self, rows: Sequence[Any]) -> list[Any]:
        """Answers what has to be told again."""
        unheard = []
        for row in rows:
            try:
                await tell(self.shop, row["reference"], row["amount_minor"], f"last-{row['id']}")
            except UnavailableError:
                unheard.append(row)
        return unheard

    async def wrongs(self) -> list[str]:
        """What must not be: nothing, if all is well."""
        shop = self.shop
        found = self.bugs + [
            text
            for text in await broken(shop.db, shop.tenant_id, is_at_rest=True)
            if not text.startswith("every_event_is_fanned_out")
        ]
        for claim, query in (
            ("settled twice", _DOUBLE),
            ("lost, or taken twice", _LOST),
            ("the ledger is not what the gateway's books say", _UNBALANCED),
        ):
            found += [f"{claim}: {tuple(row)}" for row in await self.query(query)]
        return found

    async def counts(self) -> Counter[str]:
        return Counter(
            {name: int((await self.query(text))[0][0]) for name, text in _COUNTED.items()}
        )

    async def _as_process(self, work: Work) -> None:
        try:
            await self.deaths.run(work, self._strike(), expected=(DuroError,))
        except Exception as error:  # noqa: BLE001 - a bug, which is told with the seed of its street
            self.bugs.append("".join(traceback.format_exception(error)[-_FRAMES:]))

    def _strike(self) -> Strike | None:
        dice = self.dice
        if dice.random() < 0.3:
            return None
        kind = Kind.DIE if dice.random() < 0.7 else Kind.CUT
        return Strike(kind, dice.randint(1, dice.choice(_POINTS)))

    def _workers(self) -> list[Work]:
        """Of one to three processes, each some of the work that is due."""
        shop = self.shop
        works = {work.name: work for work in due_work(shop.charging)}

        async def work_off(names: Sequence[str]) -> None:
            for name in names:
                await works[name].run(shop.scope, _MANY)

        shares = [self.dice.sample(sorted(works), 3) for _ in range(self.dice.randint(1, 3))]
        return [partial(work_off, names) for names in shares]
