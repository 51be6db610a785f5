"""What a batch changes of payment requests and of the money that came by them, written set by set."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final

from duro.kit.db import Tx
from duro.modules.ledger.model import Account, Cause, Posting
from duro.modules.payments.incoming import IncomingRepository, SuspenseRepository
from duro.modules.payments.model import (
    IncomingPayment,
    PaymentRequest,
    Resolution,
    SuspenseItem,
    SuspenseReason,
    SuspenseStatus,
)
from duro.modules.payments.requests import PaymentRequestRepository

# How often, and until when after it was closed, late money is looked for that no notice told of.
LATE_LOOK: Final = timedelta(days=1)
LATE_LOOKS_END: Final = timedelta(days=7)


@dataclass(slots=True)
class Pushed:
    """Nothing is written before `write`."""

    new_requests: list[PaymentRequest] = field(default_factory=list)
    requests: dict[str, PaymentRequest] = field(default_factory=dict)
    incoming: list[IncomingPayment] = field(default_factory=list)
    suspended: list[SuspenseItem] = field(default_factory=list)
    # Invoices for which nothing is asked any more, and the attempts that settled them.
    closed_invoices: set[str] = field(default_factory=set)
    settling: set[str] = field(default_factory=set)
    # Invoices that parts had been paid of before they were paid whole.
    made_whole: set[str] = field(default_factory=set)
    # Of those, what the parts brought too much: credit instead.
    surplus: dict[str, int] = field(default_factory=dict)
    # Parts that do not count towards their invoice any more, and what became of them.
    taken_back: list[tuple[SuspenseItem, Resolution]] = field(default_factory=list)

    async def write(self, tx: Tx, *, is_apart: bool) -> list[Posting]:
        """After the attempts; answers what the money that is no longer short posts.

        `is_apart` says that no attempt by a push rail was written.
        """
        requests = PaymentRequestRepository(tx)
        await requests.add(self.new_requests)
        await requests.save(list(self.requests.values()))
        for payment in self.incoming:
            if not await IncomingRepository(tx).add(payment):
                raise MoneyTakenError(payment.gateway_id)
        await SuspenseRepository(tx).add(self.suspended)
        await requests.void_of_invoices(
            self.closed_invoices,
            but=self.settling,
            look_again_at=tx.now + LATE_LOOK,
            is_apart=is_apart,
        )
        for invoice_id, amount_minor in self.surplus.items():
            await IncomingRepository(tx).turn_to_credit(invoice_id, amount_minor)
        for item, how in self.taken_back:
            await IncomingRepository(tx).take_back(
                item.incoming_id, item.amount_minor, is_credited=how is Resolution.CREDITED
            )
        return await self._applied(tx)

    async def _applied(self, tx: Tx) -> list[Posting]:
        if not self.made_whole:
            return []
        suspense = SuspenseRepository(tx)
        short = [
            replace(
                item,
                status=SuspenseStatus.RESOLVED,
                resolution=Resolution.APPLIED,
                resolved_at=tx.now,
            )
            for item in await suspense.open_of_invoices(self.made_whole)
            if item.reason is SuspenseReason.SHORT
        ]
        await suspense.save(short)
        return [freed(item, Account.MERCHANT_PAYABLE) for item in short]


class MoneyTakenError(Exception):
    """Somebody else recorded this money meanwhile; nothing may be kept of this transaction."""


def freed(item: SuspenseItem, to: Account) -> Posting:
    """Money leaves suspense."""
    return Posting(Account.SUSPENSE, to, item.amount_minor, item.currency, Cause.SUSPENSE, item.id)


def came_in(payment: IncomingPayment, to: Account, amount_minor: int) -> Sequence[Posting]:
    """Money that a push rail brought, so much of it for that account."""
    if not amount_minor:
        return ()
    clearing = Account.GATEWAY_CLEARING
    return (Posting(clearing, to, amount_minor, payment.currency, Cause.INCOMING, payment.id),)
