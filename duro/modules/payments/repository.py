"""The only reader and writer of payment_methods and payment_attempts."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from operator import attrgetter
from typing import Final

from duro.billing.expiry import first_look
from duro.kit.db import Tx
from duro.kit.pagination import Seek
from duro.kit.rows import into, records
from duro.kit.sql import Statement, queries
from duro.modules.payments.errors import PaymentMethodNotFoundError, TransactionNotFoundError
from duro.modules.payments.model import Attempt, AttemptFilter, PaymentMethod

_Q: Final = queries("payments")

# For the reconcile work of the charging feature.
LIST_TENANTS_TO_RECONCILE: Final[Statement] = _Q["list_tenants_with_attempts_to_reconcile"]
NEXT_TO_RECONCILE: Final[Statement] = _Q["next_attempt_to_reconcile"]

_ATTEMPT: Final = tuple(field.name for field in fields(Attempt))
_CHANGING: Final = (
    *("id", "status", "failure_code", "failure_category", "settled_at"),
    *("check_at", "checks", "lease_until", "review_reason", "is_excess"),
)
# An invoice has a handful of attempts; the bound only keeps a broken one from filling the memory.
_ATTEMPTS_OF_INVOICE_MAX: Final = 1000


@dataclass(frozen=True, slots=True)
class PaymentMethodRepository:
    """Saved methods of the transaction's tenant."""

    tx: Tx

    async def get(self, method_id: str) -> PaymentMethod:
        row = await self.tx.row(_Q["find_payment_method"], method_id)
        if row is None:
            raise PaymentMethodNotFoundError(f"There is no payment method {method_id}.")
        return into(PaymentMethod, row)

    async def find(self, method_id: str) -> PaymentMethod | None:
        row = await self.tx.row(_Q["find_payment_method"], method_id)
        return None if row is None else into(PaymentMethod, row)

    async def find_by_token(self, token: str) -> PaymentMethod | None:
        row = await self.tx.row(_Q["find_payment_method_by_token"], token)
        return None if row is None else into(PaymentMethod, row)

    async def find_many(self, method_ids: Collection[str]) -> dict[str, PaymentMethod]:
        """By id; ids that are not there are left out."""
        rows = await self.tx.rows(_Q["find_payment_methods"], sorted(set(method_ids)))
        return {row["id"]: into(PaymentMethod, row) for row in rows}

    async def find_default(self, customer_id: str) -> PaymentMethod | None:
        return (await self.defaults_of([customer_id])).get(customer_id)

    async def defaults_of(self, customer_ids: Collection[str]) -> dict[str, PaymentMethod]:
        """By customer; customers without a default are left out."""
        rows = await self.tx.rows(_Q["find_default_methods"], sorted(set(customer_ids)))
        return {row["customer_id"]: into(PaymentMethod, row) for row in rows}

    async def debits_of(self, customer_ids: Collection[str]) -> dict[str, PaymentMethod]:
        """By customer, the account that an active mandate allows to debit."""
        rows = await self.tx.rows(_Q["find_debits_of_customers"], sorted(set(customer_ids)))
        return {row["customer_id"]: into(PaymentMethod, row) for row in rows}

    async def list_of_customer(self, customer_id: str, seek: Seek) -> list[PaymentMethod]:
        """Newest first; one more than the page holds."""
        rows = await self.tx.rows(_Q["list_payment_methods"], customer_id, *_place(seek))
        return [into(PaymentMethod, row) for row in rows]

    async def add(self, method: PaymentMethod) -> PaymentMethod:
        """Adds the method unless its token is there already; answers the one that is.

        The customer's first method becomes the default, whatever `method` says.
        """
        look = first_look(year=method.exp_year, month=method.exp_month, now=self.tx.now)
        # The first insert gives way to a concurrent one of the same token or of another default; the second sees
        # what that one committed.
        for _ in range(2):
            await self.tx.run(
                _Q["insert_payment_method"],
                *(method.id, method.customer_id, method.rail, method.token, method.fingerprint),
                *(method.brand, method.last4, method.exp_month, method.exp_year, method.created_at),
                look,
            )
            stored = await self.find_by_token(method.token)
            if stored is not None:
                return stored
        raise RuntimeError(f"payment method {method.id} could not be added")

    async def clear_default(self, customer_id: str) -> None:
        """None of the customer's methods is charged unless a subscription names it."""
        await self.tx.run(_Q["clear_default_method"], customer_id)

    async def make_default(self, *, customer_id: str, method_id: str) -> None:
        # Two statements: one_default_method_per_customer is checked row by row.
        await self.tx.run(_Q["clear_default_method"], customer_id)
        if await self.tx.run(_Q["set_default_method"], customer_id, method_id) != 1:
            raise PaymentMethodNotFoundError(f"There is no payment method {method_id}.")


@dataclass(frozen=True, slots=True)
class AttemptRepository:
    """Charge attempts of the transaction's tenant."""

    tx: Tx

    async def add(self, attempts: Sequence[Attempt]) -> None:
        """A second open pull attempt of an invoice is refused with a `UniqueViolationError`, when this is sent."""
        if attempts:
            await self.tx.put(_Q["insert_attempts"], records(attempts, *_ATTEMPT))

    async def save(self, attempts: Sequence[Attempt]) -> None:
        """Writes what may change of them, locked; an attempt that is not pending loses its lease."""
        if attempts:
            rows = records(attempts, *_CHANGING)
            await self.tx.put(_Q["update_attempts"], len(attempts), rows)

    async def postpone(self, attempt_id: str, until: datetime) -> None:
        """Leaves the gateway alone about an open attempt until then."""
        await self.tx.run(_Q["postpone_attempt"], attempt_id, until)

    async def hasten(self, reference: str) -> bool:
        """Has the gateway asked now about the attempt of that reference; whether there is one that waits."""
        return await self.tx.run(_Q["hasten_attempt"], reference, self.tx.now) == 1

    async def find_by_reference(self, reference: str) -> Attempt | None:
        row = await self.tx.row(_Q["find_attempt_by_reference"], reference)
        return None if row is None else into(Attempt, row)

    async def get(self, attempt_id: str) -> Attempt:
        row = await self.tx.row(_Q["find_attempt"], attempt_id)
        if row is None:
            raise TransactionNotFoundError(f"There is no transaction {attempt_id}.")
        return into(Attempt, row)

    async def of_ids(self, attempt_ids: Collection[str]) -> list[Attempt]:
        """Those that are there."""
        rows = await self.tx.rows(_Q["find_attempts"], sorted(set(attempt_ids)))
        return [into(Attempt, row) for row in rows]

    async def lock_many(self, attempt_ids: Collection[str]) -> list[Attempt]:
        """Holds the rows, in the order of their ids; ids that are not there are left out."""
        rows = await self.tx.rows(_Q["lock_attempts"], sorted(set(attempt_ids)))
        return [into(Attempt, row) for row in rows]

    async def list_page(self, where: AttemptFilter, seek: Seek) -> list[Attempt]:
        """Newest first; one more than the page holds."""
        shared = (*_place(seek), where.status, where.subscription_id)
        if where.invoice_id is not None:
            statement = _Q["list_attempts_of_invoice"]
            rows = await self.tx.rows(statement, *shared, where.customer_id, where.invoice_id)
        elif where.customer_id is not None:
            statement = _Q["list_attempts_of_customer"]
            rows = await self.tx.rows(statement, *shared, where.customer_id)
        else:
            rows = await self.tx.rows(_Q["list_attempts"], *shared)
        return [into(Attempt, row) for row in rows]

    async def of_invoice(self, invoice_id: str) -> list[Attempt]:
        """Oldest first."""
        rows = await self.tx.rows(
            _Q["read_attempts_of_invoice"], invoice_id, _ATTEMPTS_OF_INVOICE_MAX
        )
        return [into(Attempt, row) for row in rows]

    async def of_invoices(self, invoice_ids: Sequence[str]) -> list[Attempt]:
        """Of several invoices, oldest first."""
        most = _ATTEMPTS_OF_INVOICE_MAX * max(len(invoice_ids), 1)
        rows = await self.tx.rows(_Q["read_attempts_of_invoices"], list(invoice_ids), most)
        return [into(Attempt, row) for row in rows]

    async def money_of(
        self, customer_ids: Collection[str]
    ) -> dict[str, list[tuple[datetime, bool]]]:
        """By customer, when a charge without them found money and when it did not; oldest first, the latest 60."""
        found: dict[str, list[tuple[datetime, bool]]] = {}
        for row in await self.tx.rows(_Q["read_money_of_customers"], sorted(set(customer_ids))):
            found.setdefault(row["customer_id"], []).append((row["created_at"], row["was_there"]))
        return found

    async def claim_to_reconcile(self, limit: int) -> list[Attempt]:
        """Open attempts whose gateway is to be asked now, held for a minute; oldest first."""
        rows = await self.tx.rows(
            _Q["claim_attempts_to_reconcile"], self.tx.now, self.tx.wall, limit
        )
        # An UPDATE answers in any order; the test clock promises one.
        return sorted((into(Attempt, row) for row in rows), key=attrgetter("created_at", "id"))


def _place(seek: Seek) -> tuple[datetime, str, datetime, int]:
    return seek.before_at, seek.before_id, seek.since_at, seek.fetch
