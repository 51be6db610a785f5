"""What becomes of due messages before anybody is asked to take one: which go out, which never do, and which wait."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, TypeAlias

from duro.kit.db import Tx
from duro.kit.modes import Mode
from duro.modules.members.repository import list_addresses
from duro.modules.messages.channels import Channels
from duro.modules.messages.contacts import ContactRepository, People, Reminder
from duro.modules.messages.model import (
    Channel,
    Letter,
    Message,
    MessageStatus,
    Outcome,
    Override,
)
from duro.modules.messages.texts import ENGLISH
from duro.modules.messages.writing import channel_of

_DAY: Final = timedelta(hours=24)
_NO_ADDRESS: Final = "the customer has neither e-mail nor phone"
_WITHHELD: Final = "not sent in test mode: its reader is not one of the team"
_TOO_MANY: Final = "its reader has had the reminders of this week"
_UNPAID: Final = frozenset(
    {"dunning_1", "dunning_2", "dunning_3", "dunning_4", "payment_action_required"}
)
_CLOSED: Final = frozenset({"paid", "void", "uncollectible"})
_BEFORE_A_RENEWAL: Final = frozenset({"renewal_reminder", "trial_ending"})
_RENEWING: Final = frozenset({"active", "trialing"})

Overrides: TypeAlias = Mapping[tuple[str, str], Override]


@dataclass(frozen=True, slots=True)
class Ready:
    """A message that goes out now, by what and to which address; `person` is whom it takes a place with, if it does."""

    message: Message
    letter: Letter
    override: Override | None
    channel: Channel
    address: str
    person: str | None = None


@dataclass(frozen=True, slots=True)
class Chosen:
    """Claimed messages: those to send, and what became of the others."""

    ready: Sequence[Ready]
    settled: Sequence[Outcome]


@dataclass(frozen=True, slots=True)
class Chooser:
    """Chooses among claimed messages; reminders that go out have taken their places when it is committed."""

    channels: Channels
    people: People

    async def choose(
        self, tx: Tx, messages: Sequence[Message], letters: Mapping[str, Letter], own: Overrides
    ) -> Chosen:
        """The last statement of its transaction: places are locked until that ends."""
        is_tried = tx.mode is Mode.TEST and not self.channels.is_caught
        team = await list_addresses(tx) if is_tried and messages else None
        found = [
            self._look(tx, each, letters.get(each.id, Letter(each.id)), own, team)
            for each in messages
        ]
        settled = [each for each in found if isinstance(each, Outcome)]
        ready = [each for each in found if isinstance(each, Ready)]
        # Who has had a place before, and could not be reached, keeps it.
        in_turn = sorted(ready, key=lambda each: (each.message.person is None, each.message.id))
        wanted = [Reminder(each.message.id, each.person) for each in in_turn if each.person]
        taken = await ContactRepository(tx, self.people).take(wanted)
        capped = {each.message_id for each in wanted if each.message_id not in taken}
        settled += [_ended(each, MessageStatus.CAPPED, _TOO_MANY) for each in sorted(capped)]
        return Chosen([each for each in ready if each.message.id not in capped], settled)

    def _look(
        self,
        tx: Tx,
        message: Message,
        letter: Letter,
        own: Overrides,
        team: frozenset[str] | None,
    ) -> Ready | Outcome:
        if (why := why_outdated(message, letter)) is not None:
            return _ended(message.id, MessageStatus.OUTDATED, why)
        override = own.get((message.template, letter.language or ENGLISH))
        ways = channel_of(message, letter, override)
        if not ways:
            return _ended(message.id, MessageStatus.FAILED, _NO_ADDRESS)
        if team is not None and not message.is_by_hand:
            # Test mode may hold the customers of real life; only who tries it out is written to.
            ways = [each for each in ways if each[1].lower() in team]
            if not ways:
                return _ended(message.id, MessageStatus.WITHHELD, _WITHHELD)
        way = next((each for each in ways if self._has(each[0])), None)
        if way is None:
            # It waits for somebody to set one up; nothing was tried.
            why = f"no channel: {ways[0][0].value} is not set up"
            later = tx.now + _DAY
            return Outcome(message.id, MessageStatus.QUEUED, 0, due_at=later, error=why)
        channel, address = way
        person = None
        if message.is_reminder:
            person = self.people.person(tx.mode, tx.tenant_id, address)
        return Ready(message, letter, override, channel, address, person)

    def _has(self, channel: Channel) -> bool:
        sender = self.channels.mailer if channel is Channel.EMAIL else self.channels.whatsapp
        return sender is not None or self.channels.is_caught


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


def _ended(message_id: str, status: MessageStatus, why: str) -> Outcome:
    return Outcome(message_id, status, 0, error=why)
