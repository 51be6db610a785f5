"""When customers are paid, learnt from when a charge found their money and when it did not."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from duro.billing.holidays import holidays_between
from duro.billing.learning import MEMORY, MIN_SEEN, PatternKind, PaydayPattern, learn
from duro.kit.db import Tx
from duro.modules.payments.repository import AttemptRepository
from duro.modules.recovery.seen import Payer

# Far enough ahead for the payday after next.
_AHEAD: Final = timedelta(days=70)


async def with_paydays(tx: Tx, payers: Mapping[str, Payer], zone: ZoneInfo) -> dict[str, Payer]:
    """With each customer's own payday, where it is known; only who lacked money some times can tell one."""
    money = await AttemptRepository(tx).money_of({payer.customer.id for payer in payers.values()})
    telling = {
        customer_id: outcomes
        for customer_id, outcomes in money.items()
        if sum(not was_there for _, was_there in outcomes) >= MIN_SEEN
    }
    if not telling:
        return dict(payers)
    # Some 20 ms for each: long enough to keep everybody else waiting.
    learnt = await asyncio.to_thread(_learn_all, telling, zone, tx.now)
    ahead = holidays_between(tx.now.date() - timedelta(days=7), (tx.now + _AHEAD).date())
    return {
        key: replace(payer, payday=learnt[payer.customer.id], holidays=ahead)
        if payer.customer.id in learnt
        else payer
        for key, payer in payers.items()
    }


def _learn_all(
    telling: Mapping[str, Sequence[tuple[datetime, bool]]], zone: ZoneInfo, now: datetime
) -> dict[str, PaydayPattern]:
    holidays = holidays_between((now - MEMORY).date(), (now + _AHEAD).date())
    found = {
        customer_id: learn(outcomes, zone=zone, now=now, holidays=holidays).pattern
        for customer_id, outcomes in telling.items()
    }
    return {key: known for key, known in found.items() if known.kind is not PatternKind.UNKNOWN}
