"""The simulated gateway's books of what customers pay by themselves, of accounts and of mandates."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from duro.adapters.gateways.instruments import MANDATE_WINDOW
from duro.billing.rails import Rail
from duro.kit.db import Tx
from duro.kit.ids import new_id
from duro.kit.rows import into
from duro.kit.sql import queries
from duro.modules.payments.gateway import (
    AccountAsk,
    Credit,
    Failed,
    MandateAsk,
    MandateState,
    OpenedAccount,
    PaymentAsk,
    Pending,
)
from duro.modules.payments.model import MandateStatus
from duro.modules.payments.testcards import Instrument, face_of, instrument_of_token

_Q: Final = queries("simulated_gateway")
BANK: Final = "Duro Test Bank"
_NO_ACCOUNT: Final = "account_not_found"
NO_MANDATE: Final = "mandate_not_found"
# What came for one reference; more than anybody pays in tests, and for an account the newest.
_CREDITS_MAX: Final = 1000
# A Nigerian account number has ten digits.
_ACCOUNT_DIGITS: Final = 10
_USSD_DIGITS: Final = 6
# Mandates that the bank lets stand at once; the others stand when the window is over.
_ACTIVE_AT_ONCE: Final = frozenset(
    {Instrument.MANDATE_EARLY, Instrument.MANDATE_INSUFFICIENT_FUNDS}
)


@dataclass(frozen=True, slots=True)
class PushBooks:
    """The books of the transaction's tenant."""

    tx: Tx

    async def request(self, ask: PaymentAsk) -> Pending | Failed:
        """The first answer for a known reference, whatever is asked now."""
        details = _details(ask)
        if details is None:
            return Failed(_NO_ACCOUNT)
        await self.tx.run(
            _Q["insert_request"],
            *(ask.reference, ask.rail.value, ask.amount_minor, ask.currency, details),
            *(ask.expires_at, ask.at),
        )
        # Not what this call made, but what is there: a repeat may have come first.
        row = await self.tx.row(_Q["find_request"], ask.reference)
        if row is None:
            raise RuntimeError(f"request {ask.reference} was written and is not there")
        return Pending(row["details"], row["expires_at"])

    async def credits_of(self, reference: str) -> list[Credit]:
        """Oldest first."""
        rows = await self.tx.rows(_Q["list_credits"], reference, _CREDITS_MAX)
        return [into(Credit, row) for row in reversed(rows)]

    async def record_credit(self, *, reference: str, amount_minor: int, currency: str) -> Credit:
        """Money comes in now."""
        credit = Credit(
            id=new_id("crd", wall=self.tx.wall),
            reference=reference,
            amount_minor=amount_minor,
            currency=currency,
            paid_at=self.tx.now,
        )
        await self.tx.run(
            _Q["insert_credit"],
            *(credit.id, credit.reference, credit.amount_minor, credit.currency, credit.paid_at),
        )
        return credit

    async def set_mandate_up(self, ask: MandateAsk) -> MandateState | Failed:
        """How it stands at `ask.at`, having been set up now or before."""
        instrument = _mandate_of(ask.token)
        if instrument is None:
            return Failed(NO_MANDATE)
        await self.tx.run(_Q["set_mandate_up"], ask.token, instrument.value, ask.at)
        return await self.find_mandate(ask) or Failed(NO_MANDATE)

    async def find_mandate(self, ask: MandateAsk) -> MandateState | None:
        instrument = _mandate_of(ask.token)
        row = await self.tx.row(_Q["find_mandate"], ask.token)
        if instrument is None or row is None:
            return None
        return _state(instrument, set_up_at=row["first_used_at"], at=ask.at)


def account_for(ask: AccountAsk) -> OpenedAccount:
    """The number follows from the reference, so that a repeat gets the same."""
    number = _digits("account", f"{ask.tenant_id} {ask.reference}", _ACCOUNT_DIGITS)
    return OpenedAccount(BANK, number, _name(ask.customer_name))


def _state(instrument: Instrument, *, set_up_at: datetime, at: datetime) -> MandateState:
    stands_at = set_up_at if instrument in _ACTIVE_AT_ONCE else set_up_at + MANDATE_WINDOW
    if at < stands_at:
        return MandateState(MandateStatus.PENDING)
    return MandateState(MandateStatus.ACTIVE, stands_at)


def _mandate_of(token: str) -> Instrument | None:
    instrument = instrument_of_token(token)
    if instrument is None or face_of(instrument).rail is not Rail.DIRECT_DEBIT:
        return None
    return instrument


def _details(ask: PaymentAsk) -> Mapping[str, str] | None:
    """What the customer is shown; nothing where the account is missing to which they are to pay."""
    if ask.rail is Rail.USSD:
        return {"ussd": f"*737*000*{_digits('ussd', ask.reference, _USSD_DIGITS)}#"}
    if ask.rail is Rail.VIRTUAL_ACCOUNT:
        if ask.account is None:
            return None
        account = ask.account
        return _shown(account.bank_name, account.account_number, account.account_name)
    number = _digits("transfer", ask.reference, _ACCOUNT_DIGITS)
    return _shown(BANK, number, _name(ask.customer_name))


def _shown(bank_name: str, account_number: str, account_name: str) -> Mapping[str, str]:
    return {"bankName": bank_name, "accountNumber": account_number, "accountName": account_name}


def _name(customer_name: str | None) -> str:
    return f"Duro / {customer_name}" if customer_name else "Duro"


def _digits(purpose: str, subject: str, count: int) -> str:
    digest = hashlib.sha256(f"{purpose} {subject}".encode()).digest()
    return str(int.from_bytes(digest) % 10**count).zfill(count)
