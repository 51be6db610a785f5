"""The only reader and writer of virtual accounts."""

from collections.abc import Collection
from dataclasses import dataclass, fields
from datetime import datetime
from operator import attrgetter
from typing import Final

from duro.kit.db import Tx
from duro.kit.rows import into
from duro.kit.sql import Statement, queries
from duro.modules.payments.errors import VirtualAccountNotFoundError
from duro.modules.payments.model import VirtualAccount

_Q: Final = queries("virtual_accounts")

# For the work of the charging feature.
LIST_TENANTS_WITH_ACCOUNTS: Final[Statement] = _Q["list_tenants_with_accounts_to_check"]
NEXT_ACCOUNT: Final[Statement] = _Q["next_account_to_check"]

_VALUES: Final = attrgetter(*(field.name for field in fields(VirtualAccount)))


def details_of(account: VirtualAccount) -> dict[str, str]:
    """What a customer is shown to pay by it."""
    return {
        "bankName": account.bank_name,
        "accountNumber": account.account_number,
        "accountName": account.account_name,
    }


@dataclass(frozen=True, slots=True)
class VirtualAccountRepository:
    """Virtual accounts of the transaction's tenant."""

    tx: Tx

    async def add(self, account: VirtualAccount) -> VirtualAccount:
        """The customer's account: this one, unless there is one already."""
        await self.tx.run(_Q["insert_virtual_account"], *_VALUES(account))
        return await self.get_of_customer(account.customer_id)

    async def get(self, account_id: str) -> VirtualAccount:
        row = await self.tx.row(_Q["find_virtual_account"], account_id)
        if row is None:
            raise VirtualAccountNotFoundError(f"There is no virtual account {account_id}.")
        return into(VirtualAccount, row)

    async def get_of_customer(self, customer_id: str) -> VirtualAccount:
        found = await self.find_of_customer(customer_id)
        if found is None:
            raise VirtualAccountNotFoundError("This customer has no virtual account.")
        return found

    async def find_of_customer(self, customer_id: str) -> VirtualAccount | None:
        return (await self.of_customers([customer_id])).get(customer_id)

    async def of_customers(self, customer_ids: Collection[str]) -> dict[str, VirtualAccount]:
        """By customer; customers without an account are left out."""
        rows = await self.tx.rows(
            _Q["find_virtual_accounts_of_customers"], sorted(set(customer_ids))
        )
        return {row["customer_id"]: into(VirtualAccount, row) for row in rows}

    async def find_to_check(self, limit: int) -> list[VirtualAccount]:
        """Those about which the gateway is to be asked now."""
        rows = await self.tx.rows(_Q["find_accounts_to_check"], self.tx.now, limit)
        return [into(VirtualAccount, row) for row in rows]

    async def check_at(self, account_id: str, at: datetime | None) -> None:
        """When the gateway is next asked what came."""
        await self.tx.run(_Q["set_account_check"], account_id, at)

    async def find_by_number(self, account_number: str) -> VirtualAccount | None:
        row = await self.tx.row(_Q["find_virtual_account_by_number"], account_number)
        return None if row is None else into(VirtualAccount, row)
