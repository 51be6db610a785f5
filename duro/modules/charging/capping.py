"""Charges within the caps of their card: a refused one fails without the gateway ever hearing of it."""

from collections.abc import Sequence
from dataclasses import replace

from duro.kit.db import Tx
from duro.modules.charging.model import BLOCKED, CAPPED, OpenCharge
from duro.modules.payments.caps import CapRepository, Pull
from duro.modules.payments.model import Attempt


async def within_caps(tx: Tx, charges: Sequence[OpenCharge]) -> list[OpenCharge]:
    """In the transaction that commits the attempts; those that are refused carry the code they fail with."""
    pulls = [_pull(charge.attempt) for charge in charges]
    allowed = iter(await CapRepository(tx).claim([pull for pull in pulls if pull]))
    refused = [pull is not None and not next(allowed) for pull in pulls]
    if not any(refused):
        return list(charges)
    codes = await _codes(tx, [one.attempt for one, no in zip(charges, refused, strict=True) if no])
    return [
        replace(charge, refusal=codes[charge.attempt.fingerprint or ""]) if no else charge
        for charge, no in zip(charges, refused, strict=True)
    ]


async def refusals_of(tx: Tx, attempts: Sequence[Attempt]) -> dict[str, str]:
    """By attempt, the code of those that were refused when they were opened."""
    caps = await CapRepository(tx).find([row.fingerprint for row in attempts if row.fingerprint])
    codes = await _codes(tx, attempts)
    refused = {}
    for row in attempts:
        cap = caps.get(row.fingerprint or "")
        if cap is not None and row.created_at not in cap.pulled_at:
            refused[row.id] = codes[cap.fingerprint]
    return refused


async def _codes(tx: Tx, attempts: Sequence[Attempt]) -> dict[str, str]:
    caps = await CapRepository(tx).find([row.fingerprint for row in attempts if row.fingerprint])
    return {key: BLOCKED if cap.is_blocked else CAPPED for key, cap in caps.items()}


def _pull(attempt: Attempt) -> Pull | None:
    if attempt.fingerprint is None:
        return None
    return Pull(attempt.fingerprint, attempt.created_at)
