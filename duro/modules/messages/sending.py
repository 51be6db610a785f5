"""Sending: claim what is due, write and send it outside any transaction, record what came of it."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog

from duro.kit.work import Ran, WorkScope
from duro.modules.messages.channels import Answer, Channels, Postponed, Refused, Taken
from duro.modules.messages.links import OptOutLinks
from duro.modules.messages.model import (
    Channel,
    Letter,
    Message,
    MessageStatus,
    Outcome,
    Override,
)
from duro.modules.messages.repository import OutboxRepository, OverrideRepository
from duro.modules.messages.texts import ENGLISH
from duro.modules.messages.writing import (
    House,
    channel_of,
    draft,
    mail_of,
    stop_link_of,
    whatsapp_of,
)
from duro.modules.tenants.repository import name_and_zone_of

log = structlog.get_logger(__name__)

# One round sends these at the same time, and is over well before its job would be.
BATCH: Final = 10
# Longer than any attempt takes.
_LEASE: Final = timedelta(seconds=90)
# The wait after the first failed attempt, the second, and so on; after the seventh attempt there is none.
WAITS: Final = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=6),
    timedelta(hours=24),
)
_DAY: Final = timedelta(hours=24)
_NO_ADDRESS: Final = "the customer has neither e-mail nor phone"
_UNPAID: Final = frozenset(
    {"dunning_1", "dunning_2", "dunning_3", "dunning_4", "payment_action_required"}
)
_CLOSED: Final = frozenset({"paid", "void", "uncollectible"})
_BEFORE_A_RENEWAL: Final = frozenset({"renewal_reminder", "trial_ending"})
_RENEWING: Final = frozenset({"active", "trialing"})


@dataclass(frozen=True, slots=True)
class _Round:
    """What one claim took, and all that is needed to write it."""

    messages: list[Message]
    letters: Mapping[str, Letter]
    overrides: Mapping[tuple[str, str], Override]
    house: House
    lease_until: datetime
    now: datetime


@dataclass(frozen=True, slots=True)
class Sender:
    """Sends what is due of one tenant and mode at a time."""

    channels: Channels
    links: OptOutLinks

    async def run(self, scope: WorkScope, limit: int) -> Ran:
        """Attempt due messages; at most one of each (cause, recipient, template) is ever there to be sent."""
        if self.channels.is_caught:
            return await _catch(scope, limit)
        claimed = await self._claim(scope, limit)
        if not claimed.messages:
            return Ran(0)
        outcomes = await asyncio.gather(
            *(self._outcome(claimed, each) for each in claimed.messages)
        )
        async with scope.begin() as tx:
            await OutboxRepository(tx).record(outcomes, lease_until=claimed.lease_until)
        return Ran(len(outcomes), _counted(outcomes))

    async def _claim(self, scope: WorkScope, limit: int) -> _Round:
        async with scope.begin() as tx:
            outbox = OutboxRepository(tx)
            lease_until = tx.wall + _LEASE
            messages = await outbox.claim(min(limit, BATCH), lease_until=lease_until)
            letters = await outbox.letters([each.id for each in messages]) if messages else {}
            overrides = await OverrideRepository(tx).list_all() if messages else []
            store, zone = await name_and_zone_of(tx)
        return _Round(
            messages,
            letters,
            {(each.key, each.language): each for each in overrides},
            House(store, zone, scope.tenant_id, scope.mode, self.links.public_url),
            lease_until,
            tx.now,
        )

    async def _outcome(self, of: _Round, message: Message) -> Outcome:
        letter = of.letters.get(message.id, Letter(message.id))
        if (why := why_outdated(message, letter)) is not None:
            return Outcome(message.id, MessageStatus.OUTDATED, 0, error=why)
        override = of.overrides.get((message.template, letter.language or ENGLISH))
        ways = channel_of(message, letter, override)
        if not ways:
            return Outcome(message.id, MessageStatus.FAILED, 0, error=_NO_ADDRESS)
        way = next((each for each in ways if self._has(each[0])), None)
        if way is None:
            # It waits for somebody to set one up; nothing was tried.
            why = f"no channel: {ways[0][0].value} is not set up"
            return Outcome(message.id, MessageStatus.QUEUED, 0, due_at=of.now + _DAY, error=why)
        try:
            answer = await self._send(of, message, letter, override, way)
        except Exception:
            # The boundary of one message: a fault of ours must neither use up its tries nor stop the others.
            log.exception("message_not_sent", message_id=message.id)
            wait = min(max((of.now - message.created_at) / 2, WAITS[0]), _DAY)
            why = "an error of Duro's own; the attempt does not count"
            return Outcome(message.id, MessageStatus.QUEUED, 0, due_at=of.now + wait, error=why)
        return judge(message, answer, channel=way[0], now=of.now)

    def _has(self, channel: Channel) -> bool:
        sender = self.channels.mailer if channel is Channel.EMAIL else self.channels.whatsapp
        return sender is not None

    async def _send(
        self,
        of: _Round,
        message: Message,
        letter: Letter,
        override: Override | None,
        way: tuple[Channel, str],
    ) -> Answer:
        channel, address = way
        stop_link = stop_link_of(self.links, of.house, message)
        written = draft(message, letter, of.house, override=override, stop_link=stop_link)
        if channel is Channel.EMAIL and self.channels.mailer is not None:
            mail = mail_of(message, address, written, of.house, stop_link)
            return await self.channels.mailer.send(mail)
        if channel is Channel.WHATSAPP and self.channels.whatsapp is not None:
            return await self.channels.whatsapp.send(
                whatsapp_of(message, address, written, of.house)
            )
        raise ValueError(f"{channel} was chosen and is not set up")


def why_outdated(message: Message, letter: Letter) -> str | None:
    """Why it must not go out any more: what it says has stopped being true while it waited, or nobody wants it."""
    if message.is_optional and letter.has_opted_out:
        return "its reader wants no reminders"
    if message.template in _UNPAID and letter.invoice_status in _CLOSED:
        return f"the invoice is {letter.invoice_status}"
    is_known = letter.subscription_status is not None
    renews = letter.subscription_status in _RENEWING and not letter.cancel_at_period_end
    if message.template in _BEFORE_A_RENEWAL and is_known and not renews:
        return "the subscription does not renew any more"
    return None


def judge(message: Message, answer: Answer, *, channel: Channel, now: datetime) -> Outcome:
    """What the answer means: sent, when to try again, or the end."""
    match answer:
        case Taken(provider_id=provider_id):
            return Outcome(
                message.id, MessageStatus.SENT, 1, channel=channel, provider_id=provider_id
            )
        case Refused(reason=reason):
            return Outcome(message.id, MessageStatus.FAILED, 1, channel=channel, error=reason)
        case Postponed(reason=reason) if message.attempts >= len(WAITS):
            return Outcome(message.id, MessageStatus.FAILED, 1, channel=channel, error=reason)
        case Postponed(reason=reason):
            due_at = now + WAITS[message.attempts]
            return Outcome(
                message.id, MessageStatus.QUEUED, 1, due_at=due_at, channel=channel, error=reason
            )


async def _catch(scope: WorkScope, limit: int) -> Ran:
    """The inbox of `duro dev` is a provider that takes everything at once, and nothing that nobody would get."""
    async with scope.begin() as tx:
        outbox, lease_until = OutboxRepository(tx), tx.wall + _LEASE
        messages = await outbox.claim(limit, lease_until=lease_until)
        letters = await outbox.letters([each.id for each in messages]) if messages else {}
        outcomes = [_caught(each, letters.get(each.id, Letter(each.id))) for each in messages]
        await outbox.record(outcomes, lease_until=lease_until)
    return Ran(len(outcomes), _counted(outcomes))


def _caught(message: Message, letter: Letter) -> Outcome:
    if (why := why_outdated(message, letter)) is not None:
        return Outcome(message.id, MessageStatus.OUTDATED, 0, error=why)
    ways = channel_of(message, letter, None)
    if not ways:
        return Outcome(message.id, MessageStatus.FAILED, 0, error=_NO_ADDRESS)
    return judge(message, Taken("inbox"), channel=ways[0][0], now=message.due_at)


def _counted(outcomes: list[Outcome]) -> Counter[str]:
    names = {MessageStatus.SENT: "messagesSent", MessageStatus.FAILED: "messagesFailed"}
    for each in outcomes:
        if each.error is not None:
            log.info(
                "message_not_sent",
                message_id=each.id,
                status=each.status,
                reason=each.error,
                due_at=each.due_at,
            )
    return Counter(names[each.status] for each in outcomes if each.status in names)
