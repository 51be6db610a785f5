"""The simulated gateway's own books: the only reader and writer of its three tables."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from duro.adapters.gateways.instruments import APPROVED, Outcome, Status, Use, decide
from duro.billing.payday import is_payday
from duro.kit.db import Tx
from duro.kit.pagination import Seek
from duro.kit.rows import into, records
from duro.kit.sql import queries
from duro.modules.payments.gateway import (
    BookEntry,
    ChargeRequest,
    Failed,
    RefundRequest,
    Succeeded,
)
from duro.modules.payments.testcards import instrument_of_token

_Q: Final = queries("simulated_gateway")
_NO_INSTRUMENT: Final = "unknown"
_NO_CHARGE: Final = "charge_not_found"
_TOO_MUCH: Final = "refund_exceeds_charge"


class RacedError(Exception):
    """One of the references is in the books already; nothing may be kept of this transaction."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the books hold of a reference."""

    outcome: Outcome
    amount_minor: int
    currency: str


@dataclass(slots=True)
class _Token:
    """A locked token and its counters."""

    token: str
    uses: int
    first_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class _Entry:
    """A row of simulated_charges to be written."""

    reference: str
    token: str
    amount_minor: int
    currency: str
    status: Status
    code: str | None
    charged_at: datetime


_ENTRY: Final = tuple(field.name for field in fields(_Entry))


@dataclass(slots=True)
class _Page:
    """A batch being worked out: what was known, and what is new."""

    zone: ZoneInfo
    tokens: Mapping[str, _Token]
    known: dict[str, Verdict]
    dropped: list[str]
    entries: dict[str, _Entry] = field(default_factory=dict)

    def enter(self, request: ChargeRequest) -> Verdict:
        """The first answer for a known reference, whatever is asked now; a new one is decided and counted."""
        known = self.known.get(request.reference)
        if known is not None and known.outcome.status is not Status.DROPPED:
            return known
        # The first request was lost on its way; this one arrives.
        outcome = self._count(request) if known is None else APPROVED
        self.entries[request.reference] = _Entry(
            reference=request.reference,
            token=request.token,
            amount_minor=request.amount_minor,
            currency=request.currency,
            status=outcome.status,
            code=outcome.code,
            charged_at=request.at,
        )
        # How the first one hears of it is not part of the books: a repeat is answered at once.
        self.known[request.reference] = Verdict(
            Outcome(outcome.status, outcome.code), request.amount_minor, request.currency
        )
        return Verdict(outcome, request.amount_minor, request.currency)

    def _count(self, request: ChargeRequest) -> Outcome:
        token = self.tokens[request.token]
        use = Use(
            uses_before=token.uses,
            first_used_at=token.first_used_at,
            at=request.at,
            is_payday=is_payday(at=request.at, zone=self.zone),
        )
        token.uses += 1
        token.first_used_at = token.first_used_at or request.at
        return decide(instrument_of_token(request.token), use)


@dataclass(frozen=True, slots=True)
class Books:
    """The books of the transaction's tenant."""

    tx: Tx

    async def record(
        self, requests: Sequence[ChargeRequest], *, are_new: bool = False
    ) -> list[Verdict]:
        """A verdict for each request, in their order; `RacedError` means: roll back and ask again.

        What are thought to be new references are not looked up: if one is not, that is such an error too.
        """
        zone, tokens = await self._lock({request.token for request in requests})
        references = {request.reference for request in requests}
        known = {} if are_new else await self.find(references)
        dropped = [one for one, of in known.items() if of.outcome.status is Status.DROPPED]
        page = _Page(zone, tokens, known, dropped)
        verdicts = [page.enter(request) for request in requests]
        await self._write(page)
        return verdicts

    async def find(self, references: Collection[str]) -> dict[str, Verdict]:
        """By reference, dropped ones too."""
        rows = await self.tx.rows(_Q["find_charges"], list(references))
        return {
            row["reference"]: Verdict(
                Outcome(Status(row["status"]), row["code"]), row["amount_minor"], row["currency"]
            )
            for row in rows
        }

    async def list_charges(self, *, reference: str | None, seek: Seek) -> list[BookEntry]:
        """Newest first; one more than the page holds."""
        place = (seek.before_at, seek.before_id, seek.since_at, seek.fetch)
        rows = (
            await self.tx.rows(_Q["list_charges"], *place)
            if reference is None
            else await self.tx.rows(_Q["list_charges_of_reference"], *place, reference)
        )
        return [into(BookEntry, row) for row in rows]

    async def refund(self, request: RefundRequest) -> Succeeded | Failed:
        """The first answer for a known reference; a new one gives back what is left of the charge, never more."""
        charge = await self.tx.row(_Q["lock_charge"], request.charge_reference)
        charge = charge or await self.tx.row(
            _Q["lock_credits"], request.charge_reference, request.currency
        )
        if charge is None or charge["status"] != Status.SUCCEEDED.value:
            # Nothing is written down: there is no charge that it could be of.
            return Failed(_NO_CHARGE)
        known = await self.find_refund(request.reference)
        if known is not None:
            return known
        back: int = await self.tx.value(_Q["sum_refunds"], request.charge_reference)
        is_too_much = back + request.amount_minor > charge["amount_minor"]
        code = _TOO_MUCH if is_too_much or request.currency != charge["currency"] else None
        status = Status.SUCCEEDED if code is None else Status.FAILED
        await self.tx.run(
            _Q["insert_refund"],
            *(request.reference, request.charge_reference, request.amount_minor),
            *(request.currency, status.value, code, request.at),
        )
        return Failed(code) if code else Succeeded(request.amount_minor, request.currency)

    async def find_refund(self, reference: str) -> Succeeded | Failed | None:
        row = await self.tx.row(_Q["find_refund"], reference)
        if row is None:
            return None
        if row["code"] is not None:
            return Failed(row["code"])
        return Succeeded(row["amount_minor"], row["currency"])

    async def _lock(self, tokens: Collection[str]) -> tuple[ZoneInfo, dict[str, _Token]]:
        ordered = sorted(tokens)
        names = [instrument_of_token(token) or _NO_INSTRUMENT for token in ordered]
        rows = await self.tx.rows(_Q["lock_tokens"], ordered, names)
        locked = {
            row["token"]: _Token(row["token"], row["uses"], row["first_used_at"]) for row in rows
        }
        return ZoneInfo(rows[0]["zone"]), locked

    async def _write(self, page: _Page) -> None:
        entries = list(page.entries.values())
        if not entries:
            return
        used = [page.tokens[token] for token in sorted({entry.token for entry in entries})]
        uses = records(used, "token", "uses", "first_used_at")
        await self.tx.put(_Q["count_uses"], len(used), uses)
        rows = records(entries, *_ENTRY)
        written = await self.tx.run(_Q["record_charges"], rows, page.dropped)
        if written != len(entries):
            raise RacedError
