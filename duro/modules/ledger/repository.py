"""The only reader and writer of ledger_entries."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from duro.kit.db import Tx
from duro.kit.rows import records
from duro.kit.sql import queries
from duro.modules.ledger.model import Account, Balances, Posting

_SQL: Final = queries("ledger")
_POSTED: Final = ("cause", "cause_id", "debit", "credit", "amount_minor", "currency")


@dataclass(frozen=True, slots=True)
class LedgerRepository:
    """The entries of the transaction's tenant; they are only ever added."""

    tx: Tx

    async def post(self, postings: Sequence[Posting]) -> None:
        """At the tenant's present; what a cause has posted already stays as it is."""
        if postings:
            await self.tx.put(_SQL["insert_entries"], self.tx.now, records(postings, *_POSTED))

    async def balances(self) -> dict[str, Balances]:
        """By currency; a currency without entries is left out."""
        rows = await self.tx.rows(_SQL["read_balances"])
        return {
            row["currency"]: Balances(
                row["currency"], **{account.value: int(row[account]) for account in Account}
            )
            for row in rows
        }
