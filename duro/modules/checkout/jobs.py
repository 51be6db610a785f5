"""Reminds whoever left a checkout open, once, where the merchant wants it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final
from zoneinfo import ZoneInfo

from duro.billing.quiet import quiet_until
from duro.kit.crypto import sha256
from duro.kit.db import Tx
from duro.kit.work import DueWork, Ran, WorkScope
from duro.modules.checkout.links import CheckoutLinks
from duro.modules.checkout.model import CheckoutSession, LeftSession, SessionStatus
from duro.modules.checkout.repository import (
    LIST_TENANTS_WITH_LEFT,
    NEXT_REMINDER,
    CheckoutRepository,
)
from duro.modules.customers.model import Customer
from duro.modules.customers.repository import CustomerRepository
from duro.modules.messages.model import NewMessage
from duro.modules.messages.repository import OutboxRepository
from duro.modules.recovery.repository import settings_of
from duro.modules.subscriptions.model import Subscription
from duro.modules.subscriptions.repository import SubscriptionRepository
from duro.modules.tenants.repository import zone_of

_EVERY_S: Final = 300


def due_work(links: CheckoutLinks) -> tuple[DueWork, ...]:
    return (
        DueWork(
            name="billing.left_checkouts",
            every_s=_EVERY_S,
            list_due=LIST_TENANTS_WITH_LEFT,
            next_due=NEXT_REMINDER,
            run=partial(remind_of_checkouts, links),
        ),
    )


@dataclass(frozen=True, slots=True)
class People:
    """Who may be behind a session, and what they pay for."""

    customers: Sequence[Customer]
    going_on: Sequence[Subscription]

    def of(self, session: CheckoutSession) -> list[Customer]:
        return [customer for customer in self.customers if is_theirs(session, customer)]

    def have_bought(self, session: CheckoutSession) -> bool:
        """Whether one of them has subscribed since, or had what the session offers all along."""
        ids = {customer.id for customer in self.of(session)}
        return any(
            row.customer_id in ids
            and (row.created_at >= session.created_at or row.plan_id == session.plan_id)
            for row in self.going_on
        )


async def remind_of_checkouts(links: CheckoutLinks, scope: WorkScope, limit: int) -> Ran:
    """Comes back to up to `limit` sessions; each is looked at once, whatever becomes of it."""
    async with scope.begin() as tx:
        left = await CheckoutRepository(tx).claim_left(limit)
        if not left:
            return Ran(0)
        await CheckoutRepository(tx).clear_reminders([one.session.id for one in left])
        if not (await settings_of(tx)).settings.abandoned_cart:
            return Ran(len(left))
        zone = await zone_of(tx)
        people = await _people(tx, [one.session for one in left])
        messages = [
            message
            for one in left
            if (message := _message(tx, links, one, people, zone)) is not None
        ]
        counts = await OutboxRepository(tx).add(messages)
    counts["reminders"] += len(messages)
    return Ran(len(left), counts)


def is_theirs(session: CheckoutSession, customer: Customer) -> bool:
    """Whether the session is this customer's, by id or, where none was named, by what was given there."""
    if session.customer_id is not None:
        return customer.id == session.customer_id
    email, phone = session.customer_email, session.customer_phone
    is_email = email is not None and (customer.email or "").lower() == email.lower()
    return is_email or (phone is not None and customer.phone == phone)


def is_left(one: LeftSession, people: People, *, goes_out_at: datetime) -> bool:
    """Whether a reminder that goes out then would find somebody who still wants it and can still pay."""
    session = one.session
    return (
        session.status_at(goes_out_at) is SessionStatus.OPEN
        and not one.is_superseded
        and not people.have_bought(session)
        and not any(customer.is_blacklisted for customer in people.of(session))
    )


def _message(
    tx: Tx, links: CheckoutLinks, one: LeftSession, people: People, zone: ZoneInfo
) -> NewMessage | None:
    session = one.session
    send_at = quiet_until(tx.now, zone)
    token = links.token(mode=tx.mode, tenant_id=tx.tenant_id, session_id=session.id)
    # After the key has changed the token is another one, and opens nothing.
    if not is_left(one, people, goes_out_at=send_at) or sha256(token) != one.digest:
        return None
    data = {
        "checkoutSessionId": session.id,
        "url": links.url(token),
        "planId": session.plan_id,
        "amount": session.amount_minor,
        "currency": session.currency,
        "expiresAt": session.expires_at,
    }
    known = session.customer_id or next((each.id for each in people.of(session)), None)
    address = None if session.customer_id else session.customer_email or session.customer_phone
    return NewMessage("abandoned_checkout", known, session.id, data, send_at, address)


async def _people(tx: Tx, sessions: Sequence[CheckoutSession]) -> People:
    customers = await CustomerRepository(tx).find_by_contact(
        ids=_given(session.customer_id for session in sessions),
        emails=_given(session.customer_email for session in sessions),
        phones=_given(session.customer_phone for session in sessions),
    )
    ids = {customer.id for customer in customers}
    return People(customers, await SubscriptionRepository(tx).list_going_on(ids))


def _given(values: Iterable[str | None]) -> set[str]:
    return {value for value in values if value is not None}
