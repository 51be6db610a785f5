"""Sending: claim what is due, write and send it outside any transaction, record what came of it."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

import structlog

from duro.kit.db import Tx
from duro.kit.work import Ran, WorkScope
from duro.modules.messages.channels import Answer, Channels, Postponed, Refused, Taken
from duro.modules.messages.choosing import Chooser, Chosen, Ready
from duro.modules.messages.contacts import ContactRepository, People, Reminder
from duro.modules.messages.links import OptOutLinks
from duro.modules.messages.model import Channel, Message, MessageStatus, Outcome
from duro.modules.messages.repository import OutboxRepository, OverrideRepository
from duro.modules.messages.writing import House, draft, mail_of, stop_link_of, whatsapp_of
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
_NEVER_WENT_OUT: Final = frozenset({MessageStatus.FAILED, MessageStatus.OUTDATED})
_COUNTS: Final = {
    MessageStatus.SENT: "messagesSent",
    MessageStatus.FAILED: "messagesFailed",
    MessageStatus.WITHHELD: "messagesWithheld",
    MessageStatus.CAPPED: "capped",
}


@dataclass(frozen=True, slots=True)
class _Round:
    """What one claim took, and all that is needed to write it."""

    messages: Sequence[Message]
    chosen: Chosen
    house: House
    lease_until: datetime
    now: datetime


@dataclass(frozen=True, slots=True)
class Sender:
    """Sends what is due of one tenant and mode at a time."""

    channels: Channels
    links: OptOutLinks
    people: People

    async def run(self, scope: WorkScope, limit: int) -> Ran:
        """Attempt due messages; at most one of each (cause, recipient, template) is ever there to be sent."""
        if self.channels.is_caught:
            return await self._catch(scope, limit)
        if not self.channels.is_open:
            return Ran(0)
        async with scope.begin() as tx:
            of = await self._claim(tx, min(limit, BATCH))
        if not of.messages:
            return Ran(0)
        sent = await asyncio.gather(*(self._outcome(of, each) for each in of.chosen.ready))
        outcomes = [*of.chosen.settled, *sent]
        async with scope.begin() as tx:
            await self._record(tx, of, outcomes)
        return Ran(len(outcomes), _counted(outcomes))

    async def _catch(self, scope: WorkScope, limit: int) -> Ran:
        """The inbox of `duro dev` is a provider that takes everything at once, and nothing that nobody would get."""
        async with scope.begin() as tx:
            of = await self._claim(tx, limit)
            sent = [_judged(of, each, Taken("inbox")) for each in of.chosen.ready]
            outcomes = [*of.chosen.settled, *sent]
            if outcomes:
                await self._record(tx, of, outcomes)
        return Ran(len(outcomes), _counted(outcomes))

    async def _claim(self, tx: Tx, limit: int) -> _Round:
        outbox, lease_until = OutboxRepository(tx), tx.wall + _LEASE
        messages = await outbox.claim(limit, lease_until=lease_until)
        letters = await outbox.letters([each.id for each in messages]) if messages else {}
        overrides = await OverrideRepository(tx).list_all() if messages else []
        store, zone = await name_and_zone_of(tx)
        own = {(each.key, each.language): each for each in overrides}
        chosen = await Chooser(self.channels, self.people).choose(tx, messages, letters, own)
        house = House(store, zone, tx.tenant_id, tx.mode, self.links.public_url)
        return _Round(messages, chosen, house, lease_until, tx.now)

    async def _outcome(self, of: _Round, ready: Ready) -> Outcome:
        message = ready.message
        try:
            answer = await self._send(of.house, ready)
        except Exception:
            # The boundary of one message: a fault of ours must neither use up its tries nor stop the others.
            log.exception("message_not_sent", message_id=message.id)
            wait = min(max((of.now - message.created_at) / 2, WAITS[0]), _DAY)
            why = "an error of Duro's own; the attempt does not count"
            due_at = of.now + wait
            return _placed(
                of, ready, Outcome(message.id, MessageStatus.QUEUED, 0, due_at, error=why)
            )
        return _judged(of, ready, answer)

    async def _send(self, house: House, ready: Ready) -> Answer:
        message, override = ready.message, ready.override
        stop_link = stop_link_of(self.links, house, message)
        written = draft(message, ready.letter, house, override=override, stop_link=stop_link)
        if ready.channel is Channel.EMAIL and self.channels.mailer is not None:
            mail = mail_of(message, ready.address, written, house, stop_link)
            return await self.channels.mailer.send(mail)
        if ready.channel is Channel.WHATSAPP and self.channels.whatsapp is not None:
            chat = whatsapp_of(message, ready.address, written, house)
            return await self.channels.whatsapp.send(chat)
        raise ValueError(f"{ready.channel} was chosen and is not set up")

    async def _record(self, tx: Tx, of: _Round, outcomes: Sequence[Outcome]) -> None:
        await OutboxRepository(tx).record(outcomes, lease_until=of.lease_until)
        # A place that was taken now, or at an earlier attempt.
        places = {each.id: each.person for each in of.messages}
        places |= {each.message.id: each.person for each in of.chosen.ready}
        left = [each.id for each in outcomes if each.status in _NEVER_WENT_OUT]
        free = [Reminder(each, person) for each in left if (person := places[each]) is not None]
        await ContactRepository(tx, self.people).give_back(free)


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


def _judged(of: _Round, ready: Ready, answer: Answer) -> Outcome:
    return _placed(of, ready, judge(ready.message, answer, channel=ready.channel, now=of.now))


def _placed(of: _Round, ready: Ready, outcome: Outcome) -> Outcome:
    """With the place that a reminder has in its reader's week."""
    counted_at = of.now if ready.person is not None else None
    return replace(outcome, person=ready.person, counted_at=counted_at)


def _counted(outcomes: Sequence[Outcome]) -> Counter[str]:
    for each in outcomes:
        if each.error is not None:
            log.info(
                "message_not_sent",
                message_id=each.id,
                status=each.status,
                reason=each.error,
                due_at=each.due_at,
            )
    return Counter(_COUNTS[each.status] for each in outcomes if each.status in _COUNTS)
