"""Charges within the caps of their card: a refused one fails without the gateway ever hearing of it."""

from collections.abc import Sequence
from dataclasses import replace

from duro.kit.db import Tx
from duro.modules.charging.model import BLOCKED, CAPPED, OpenCharge
from duro.modules.payments.caps import Cap, CapRepository, Pull
from duro.modules.payments.model import Attempt


async def within_caps(tx: Tx, charges: Sequence[OpenCharge]) -> list[OpenCharge]:
    """In the transaction that commits the attempts; those that are refused carry the code they fail with."""
    pulls = [_pull(charge.attempt) for charge in charges]
    allowed = iter(await CapRepository(tx).claim([pull for pull in pulls if pull]))
    refused = [pull is not None and not next(allowed) for pull in pulls]
    if not any(refused):
        return list(charges)
    caps = await _caps_of(tx, [one.attempt for one, no in zip(charges, refused, strict=True) if no])
    return [
        replace(charge, refusal=_code(caps[charge.attempt.fingerprint])) if no else charge
        for charge, no in zip(charges, refused, strict=True)
    ]


async def refusals_of(tx: Tx, attempts: Sequence[Attempt]) -> dict[str, str]:
    """By attempt, the code of those that were refused when they were opened."""
    caps = await _caps_of(tx, attempts)
    return {
        row.id: _code(caps[row.fingerprint])
        for row in attempts
        if row.fingerprint in caps and row.id not in caps[row.fingerprint].under_way
    }


async def blocked_since(tx: Tx, attempts: Sequence[Attempt]) -> set[str]:
    """Attempts whose card, since they were allowed, the bank has forbidden to charge again."""
    caps = await _caps_of(tx, attempts)
    return {
        row.id for row in attempts if row.fingerprint in caps and caps[row.fingerprint].is_blocked
    }


async def _caps_of(tx: Tx, attempts: Sequence[Attempt]) -> dict[str | None, Cap]:
    known = [row.fingerprint for row in attempts if row.fingerprint]
    return dict((await CapRepository(tx).find(known)).items())


def _code(cap: Cap) -> str:
    return BLOCKED if cap.is_blocked else CAPPED


def _pull(attempt: Attempt) -> Pull | None:
    if attempt.fingerprint is None:
        return None
    return Pull(attempt.id, attempt.fingerprint, attempt.created_at)
