"""The only reader and writer of `customers`."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from operator import attrgetter
from typing import Final

from duro.errors import NotFoundError
from duro.kit.db import Row, Tx
from duro.kit.pagination import Seek
from duro.kit.rows import into
from duro.kit.sql import queries
from duro.kit.unique import UniqueViolationError
from duro.modules.customers.errors import MerchantRefTakenError
from duro.modules.customers.model import Customer

_SQL: Final = queries("customers")
# Nothing keeps a merchant from giving many customers one e-mail.
_FOUND_MAX: Final = 10_000
_NEW: Final = attrgetter(
    *("id", "email", "phone", "name", "merchant_ref", "metadata", "created_at")
)
_CHANGED: Final = attrgetter(
    *("id", "email", "phone", "name", "merchant_ref"),
    *("blacklisted_at", "blacklist_reason", "metadata"),
)


@dataclass(frozen=True, slots=True)
class CustomerFilter:
    """Which customers a list shows; None asks nothing."""

    email: str | None = None
    phone: str | None = None
    merchant_ref: str | None = None
    is_blacklisted: bool | None = None


class CustomerRepository:
    """The customers of one tenant and mode."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx

    async def add(self, customer: Customer) -> None:
        """Raises `MerchantRefTakenError`."""
        with _unique_ref():
            await self._tx.run(_SQL["insert_customer"], *_NEW(customer))

    async def get(self, customer_id: str) -> Customer:
        return _found(await self._tx.row(_SQL["get_customer"], customer_id))

    async def get_by_ref(self, merchant_ref: str) -> Customer:
        return _found(await self._tx.row(_SQL["get_customer_by_ref"], merchant_ref))

    async def lock(self, customer_id: str) -> Customer:
        return _found(await self._tx.row(_SQL["lock_customer"], customer_id))

    async def find_many(self, ids: Collection[str]) -> dict[str, Customer]:
        """Those that exist, by id."""
        rows = await self._tx.rows(_SQL["find_customers"], list(ids))
        return {row["id"]: into(Customer, row) for row in rows}

    async def find_by_contact(
        self, *, ids: Collection[str], emails: Collection[str], phones: Collection[str]
    ) -> list[Customer]:
        """Whoever has any of them; e-mails in any case."""
        lower = [email.lower() for email in emails]
        args = (list(ids), lower, list(phones), _FOUND_MAX)
        return [into(Customer, row) for row in await self._tx.rows(_SQL["find_by_contact"], *args)]

    async def list_newest(self, seek: Seek, wanted: CustomerFilter) -> list[Customer]:
        place = (seek.before_at, seek.before_id, seek.since_at)
        asked = (wanted.email, wanted.phone, wanted.merchant_ref, wanted.is_blacklisted)
        rows = await self._tx.rows(_SQL["list_customers"], *place, *asked, seek.fetch)
        return [into(Customer, row) for row in rows]

    async def save(self, customer: Customer) -> None:
        """Writes what can change; the row must be locked. Raises `MerchantRefTakenError`."""
        with _unique_ref():
            await self._tx.run(_SQL["update_customer"], *_CHANGED(customer))


@contextmanager
def _unique_ref() -> Iterator[None]:
    try:
        yield
    except UniqueViolationError as error:
        if error.constraint != "customer_merchant_ref_is_unique":
            raise
        raise MerchantRefTakenError from error


def _found(row: Row | None) -> Customer:
    if row is None:
        raise NotFoundError("There is no such customer.")
    return into(Customer, row)
