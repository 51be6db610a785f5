"""What a change of plan costs and what it begins: one pure answer, for the preview and for the change itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from duro.billing.cycle import Period, period
from duro.billing.money import invoice_total
from duro.billing.proration import Parts, Proration, rest_of
from duro.modules.catalog.model import Plan, PromoCode
from duro.modules.charging.bill import Line, carried_lines, credit_lines, plan_lines
from duro.modules.subscriptions.model import Subscription

NOTHING = Proration(0, "none")


@dataclass(frozen=True, slots=True)
class Swap:
    """From one plan to another; `promo` is the code that makes the new one cheaper, if any does."""

    old: Plan
    new: Plan
    promo: PromoCode | None

    @property
    def discount_minor(self) -> int:
        return self.promo.discount_minor(self.new) if self.promo else 0

    @property
    def price_minor(self) -> int:
        """What a whole period of the new plan costs this subscription."""
        return self.new.amount_minor - self.discount_minor


@dataclass(frozen=True, slots=True)
class Terms:
    """What one change of plan comes to.

    `lines` are those of the invoice that is charged now, none if there is none; `used_minor` of it are paid from the
    balance. `credit_minor` goes to the balance, `carried_minor` stands on the next invoice afterwards. `span` is the
    first period of another cadence.
    """

    proration: Proration
    price_minor: int
    carried_minor: int
    lines: Sequence[Line] = ()
    used_minor: int = 0
    credit_minor: int = 0
    span: Period | None = None


def on_trial(row: Subscription) -> Terms:
    """A trial goes on as it is and costs nothing; its end is charged by the new plan."""
    return Terms(NOTHING, price_minor=0, carried_minor=row.carried_minor)


def in_period(
    row: Subscription, swap: Swap, present: Period, *, now: datetime, is_carried: bool
) -> Terms:
    """Plans of one cadence: the rest of the present period at the new price, less what is unused of the old."""
    parts = rest_of(
        old_amount_minor=_present_price(row, swap),
        new_amount_minor=swap.price_minor,
        period=present,
        now=now,
    )
    net, price = parts.net, swap.price_minor
    if net.kind != "charge":
        return Terms(net, price, row.carried_minor, credit_minor=net.amount_minor)
    if is_carried:
        return Terms(net, price, row.carried_minor + net.amount_minor)
    used = min(row.balance_minor, net.amount_minor)
    rest: Line = {
        "kind": "proration",
        "description": f"{swap.new.name}, rest of the period",
        "amount": parts.new_charge_minor,
    }
    unused = _unused_lines(swap, parts.unused_credit_minor)
    return Terms(
        net, price, row.carried_minor, [rest, *unused, *credit_lines(used)], used_minor=used
    )


def in_new_period(
    row: Subscription, swap: Swap, present: Period, *, now: datetime, zone: ZoneInfo
) -> Terms:
    """Plans of different cadences: the new one's first full period begins now, less what is unused of the old."""
    unused = rest_of(
        old_amount_minor=_present_price(row, swap), new_amount_minor=0, period=present, now=now
    ).unused_credit_minor
    total = invoice_total(
        price_minor=swap.new.amount_minor,
        discount_minor=swap.discount_minor,
        carried_minor=row.carried_minor,
        # The unused part pays first, then the balance.
        balance_minor=unused + row.balance_minor,
    )
    taken = min(unused, total.balance_used_minor)
    used = total.balance_used_minor - taken
    return Terms(
        proration=Parts(unused_credit_minor=unused, new_charge_minor=swap.price_minor).net,
        price_minor=swap.price_minor,
        carried_minor=0,
        lines=[
            *plan_lines(swap.new, swap.promo, total.discount_minor),
            *carried_lines(row.carried_minor),
            *_unused_lines(swap, taken),
            *credit_lines(used),
        ],
        used_minor=used,
        credit_minor=unused - taken,
        span=period(anchor=now, n=0, cadence=swap.new.cadence, zone=zone),
    )


def _unused_lines(swap: Swap, unused_minor: int) -> list[Line]:
    words = f"Unused time on {swap.old.name}"
    return [{"kind": "proration", "description": words, "amount": -unused_minor}] * bool(
        unused_minor
    )


def _present_price(row: Subscription, swap: Swap) -> int:
    """What the present period was billed at: a price or a code that changed since gives nobody a credit."""
    known = row.period_price_minor
    return swap.old.amount_minor if known is None else known
