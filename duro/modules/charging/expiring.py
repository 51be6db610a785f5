"""Tells customers that the card they pay with expires, in time to give another."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import TypedDict

from duro.billing.expiry import is_good, next_look, notice_at
from duro.kit.work import Ran, WorkScope
from duro.modules.charging.engine import Charging
from duro.modules.charging.model import Changes, changes_for
from duro.modules.payments.expiries import ExpiryRepository
from duro.modules.payments.model import PaymentMethod
from duro.modules.subscriptions.model import Subscription
from duro.modules.subscriptions.repository import SubscriptionRepository


class _Month(TypedDict):
    year: int
    month: int


async def tell_of_expiry(charging: Charging, scope: WorkScope, limit: int) -> Ran:
    """Looks at up to `limit` cards in their last month; a customer is told once of each expiry."""
    async with scope.begin() as tx:
        cards = await ExpiryRepository(tx).claim(limit)
        if not cards:
            return Ran(0)
        changes = await changes_for(tx, charging.links)
        going_on = SubscriptionRepository(tx).list_going_on({card.customer_id for card in cards})
        paid_with = _by_card(cards, await going_on)
        looks = {card.id: _look(changes, card, paid_with.get(card.id)) for card in cards}
        await ExpiryRepository(tx).plan(looks)
        await changes.write()
    return Ran(len(cards), Counter(changes.counts))


def _by_card(
    cards: list[PaymentMethod], going_on: list[Subscription]
) -> Mapping[str, Subscription]:
    """For each card that pays something, what it pays for soonest."""
    defaults = {card.customer_id: card.id for card in cards if card.is_default}
    found: dict[str, Subscription] = {}
    for row in going_on:
        card_id = row.payment_method_id or defaults.get(row.customer_id)
        if card_id is not None:
            found.setdefault(card_id, row)
    return found


def _look(changes: Changes, card: PaymentMethod, pays_for: Subscription | None) -> datetime | None:
    """Tells of it if it is time and of use; when to look again, or None."""
    if card.exp_year is None or card.exp_month is None:
        return None
    now, zone = changes.tx.now, changes.zone
    last = _Month(year=card.exp_year, month=card.exp_month)
    told_at = notice_at(**last, zone=zone)
    if now < told_at or not is_good(**last, at=now, zone=zone):
        return told_at if now < told_at else None
    if pays_for is None:
        return next_look(**last, now=now, zone=zone)
    if changes.in_force.settings.renewal_reminders:
        _tell(changes, card, pays_for)
    return None


def _tell(changes: Changes, card: PaymentMethod, pays_for: Subscription) -> None:
    cause = f"{card.id}:{card.exp_year}-{card.exp_month:02}"
    data = {
        "paymentMethodId": card.id,
        "brand": card.brand,
        "last4": card.last4,
        "expMonth": card.exp_month,
        "expYear": card.exp_year,
        "renewsAt": pays_for.period_ends_at,
    }
    changes.tell("card_expiring", pays_for, cause, data)
    changes.counts["reminders"] += 1
