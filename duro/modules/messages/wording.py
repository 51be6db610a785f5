"""A merchant's own words: kept by key and language, looked at before they are sent, tried on an address."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from duro.billing.failures import Category, customer_words
from duro.errors import Detail, InvalidError, NotFoundError
from duro.kit.db import Database, Tx
from duro.kit.ids import new_id
from duro.kit.json import is_storable
from duro.kit.modes import Mode
from duro.modules.messages.channels import Mail, WhatsApp
from duro.modules.messages.filling import one_line, sanitised, unknown_tags
from duro.modules.messages.links import OptOutLinks
from duro.modules.messages.model import (
    BY_HAND,
    Channel,
    Letter,
    Message,
    MessageStatus,
    NewMessage,
    Override,
)
from duro.modules.messages.repository import OutboxRepository, OverrideRepository
from duro.modules.messages.texts import ENGLISH, KEYS, LANGUAGES, TAGS
from duro.modules.messages.writing import (
    Draft,
    House,
    channel_of,
    draft,
    mail_of,
    stop_link_of,
    whatsapp_of,
)
from duro.modules.tenants.repository import name_and_zone_of

_SUBJECT_MAX: Final = 200
_BODY_MAX: Final = 20_000
# What a preview and a test message show where there is no real customer.
SAMPLE: Final = {
    "customer_name": "Ada",
    "amount": "₦5,000.00",
    "plan_name": "Gold",
    "invoice_id": "INV-EXAMPLE",
    "next_attempt": "Wed 28 Jan 2026, 10:00 Lagos time",
    "date": "28 Jan 2026",
    "card": "Visa ending in 4242",
    "code": "123 456",
}


@dataclass(frozen=True, slots=True)
class OwnWords:
    """What a merchant gives; what is null stays Duro's own."""

    key: str
    language: str = ENGLISH
    channel: Channel | None = None
    subject: str | None = None
    body: str | None = None
    is_enabled: bool = True


@dataclass(frozen=True, slots=True)
class Shown:
    """A message of the outbox, written with what is known now; to nobody, if its customer cannot be reached."""

    message: Message
    written: Draft
    mail: Mail | None = None
    whatsapp: WhatsApp | None = None


@dataclass(frozen=True, slots=True)
class Wording:
    """The words of the merchants of an installation."""

    db: Database
    links: OptOutLinks

    async def list_all(self, mode: Mode, tenant_id: str) -> list[Override]:
        async with self.db.begin(mode, tenant_id) as tx:
            return await OverrideRepository(tx).list_all()

    async def save(self, mode: Mode, tenant_id: str, given: OwnWords) -> Override:
        """Replaces what was there. Raises `InvalidError` with every refused field."""
        _demand(given.key, given.language, given.subject, given.body)
        async with self.db.begin(mode, tenant_id) as tx:
            override = _override(given, tx)
            await OverrideRepository(tx).save(override)
        return override

    async def remove(self, mode: Mode, tenant_id: str, *, key: str, language: str) -> None:
        """Duro's own words again. Raises `NotFoundError`."""
        async with self.db.begin(mode, tenant_id) as tx:
            if not await OverrideRepository(tx).remove(key, language):
                raise NotFoundError("There are no words of your own under that key and language.")

    async def preview(
        self,
        mode: Mode,
        tenant_id: str,
        *,
        key: str,
        language: str,
        own: OwnWords | None = None,
    ) -> Draft:
        """As a made-up customer would read it: in words that are given here, or kept, also if not enabled yet."""
        _demand(key, language, own.subject if own else None, own.body if own else None)
        async with self.db.begin(mode, tenant_id) as tx:
            found = await OverrideRepository(tx).list_all()
            store, zone = await name_and_zone_of(tx)
            message = _sample(tx, key, language, self._link())
            kept = find_own(found, key, language) if own is None else _override(own, tx)
        house = House(store, zone, tenant_id, mode, self.links.public_url)
        letter = Letter(message.id, language=language)
        return draft(message, letter, house, override=kept and _enabled(kept))

    async def send_test(
        self, mode: Mode, tenant_id: str, *, key: str, language: str, address: str
    ) -> str:
        """Queues a made-up message to the address as any other; its id."""
        _demand(key, language, None, None)
        async with self.db.begin(mode, tenant_id) as tx:
            sample = _sample(tx, key, language, self._link())
            data = sample.data | {"language": language}
            new = NewMessage(key, None, f"{BY_HAND}{sample.id}", data, tx.now, address)
            added = await OutboxRepository(tx).add([new])
            if not added["messages"]:
                raise InvalidError("Whoever has that address wants no reminders.")
        return sample.cause

    async def show(self, mode: Mode, tenant_id: str, message_id: str) -> Shown:
        """As it goes out, or would go out now. Raises `NotFoundError`."""
        async with self.db.begin(mode, tenant_id) as tx:
            outbox = OutboxRepository(tx)
            message = await outbox.get(message_id)
            letter = (await outbox.letters([message_id]))[message_id]
            found = await OverrideRepository(tx).list_all()
            store, zone = await name_and_zone_of(tx)
        house = House(store, zone, tenant_id, mode, self.links.public_url)
        own = find_own(found, message.template, letter.language)
        stop_link = stop_link_of(self.links, house, message)
        written = draft(message, letter, house, override=own, stop_link=stop_link)
        ways = channel_of(message, letter, own)
        if not ways:
            return Shown(message, written)
        channel, to = next((each for each in ways if each[0] is message.channel), ways[0])
        if channel is Channel.EMAIL:
            return Shown(message, written, mail=mail_of(message, to, written, house, stop_link))
        return Shown(message, written, whatsapp=whatsapp_of(message, to, written, house))

    async def list_newest(
        self, mode: Mode, tenant_id: str, status: MessageStatus | None = None
    ) -> list[Message]:
        """Of one status or all, newest first."""
        async with self.db.begin(mode, tenant_id) as tx:
            return await OutboxRepository(tx).list_newest(status)

    async def resend(self, mode: Mode, tenant_id: str, ids: Sequence[str]) -> int:
        """Tries dead letters once more, with all their attempts; how many there were."""
        async with self.db.begin(mode, tenant_id) as tx:
            return await OutboxRepository(tx).resend(ids)

    def _link(self) -> str:
        return f"{self.links.public_url}/"


def find_own(found: Sequence[Override], key: str, language: str | None) -> Override | None:
    """The merchant's own words, if there are any."""
    wanted = (key, language or ENGLISH)
    return next((each for each in found if (each.key, each.language) == wanted), None)


def _override(given: OwnWords, tx: Tx) -> Override:
    return Override(
        key=given.key,
        language=given.language,
        channel=given.channel,
        subject=None if given.subject is None else one_line(given.subject),
        body=None if given.body is None else sanitised(given.body),
        is_enabled=given.is_enabled,
        updated_at=tx.now,
    )


def _enabled(own: Override) -> Override:
    return replace(own, is_enabled=True)


def _sample(tx: Tx, key: str, language: str, link: str) -> Message:
    message_id = new_id("msg", wall=tx.wall)
    reason = customer_words(Category.INSUFFICIENT_FUNDS, language)
    tags: dict[str, object] = {**SAMPLE, "reason": reason, "update_link": link}
    return Message(
        id=message_id,
        template=key,
        customer_id=None,
        address=None,
        cause=f"{BY_HAND}{message_id}",
        data={"tags": tags},
        status=MessageStatus.QUEUED,
        send_at=tx.now,
        created_at=tx.now,
        due_at=tx.now,
        attempts=0,
        channel=None,
        provider_id=None,
        last_error=None,
        settled_at=None,
        receipt=None,
        receipt_at=None,
        person=None,
    )


def _demand(key: str, language: str, subject: str | None, body: str | None) -> None:
    refused = []
    if key not in KEYS:
        refused.append(Detail("key", f"Must be one of {', '.join(KEYS)}."))
    if language not in LANGUAGES:
        refused.append(Detail("language", f"Must be one of {', '.join(LANGUAGES)}."))
    for path, text, most in (("subject", subject, _SUBJECT_MAX), ("body", body, _BODY_MAX)):
        if text is None:
            continue
        if not text.strip() or len(text) > most or not is_storable(text):
            refused.append(Detail(path, f"Must be 1 to {most} characters of text."))
        if strange := unknown_tags(text):
            known = ", ".join(TAGS)
            refused.append(Detail(path, f"No such tag: {', '.join(strange)}. There are {known}."))
    if refused:
        raise InvalidError("The words cannot be used.", details=refused)
