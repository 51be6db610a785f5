"""The ports through which messages leave, and what can come back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias


@dataclass(frozen=True, slots=True)
class Mail:
    """An e-mail, ready to send. `message_id` has neither brackets nor domain, and is the same at every attempt."""

    message_id: str
    to: str
    sender_name: str
    subject: str
    html: str
    text: str
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WhatsApp:
    """A message by a template that WhatsApp has approved: its name, and what stands in its places.

    `message_id` is the same at every attempt, and comes back with what is told of it. `code` makes it an
    authentication template; `link_end` is what comes after the address of its button.
    """

    message_id: str
    to: str
    template: str
    language: str
    parameters: Sequence[str] = ()
    link_end: str | None = None
    code: str | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """The provider has it, and knows it by this id."""

    provider_id: str


@dataclass(frozen=True, slots=True)
class Postponed:
    """Not taken now; the same may well be taken later."""

    reason: str


@dataclass(frozen=True, slots=True)
class Refused:
    """Not taken, and never will be as it is."""

    reason: str


Answer: TypeAlias = Taken | Postponed | Refused


class Mailer(Protocol):
    """Sends e-mail. Never raises for what a server or a network does."""

    async def send(self, mail: Mail) -> Answer:
        """One attempt, 25 s at most."""
        ...


class WhatsAppSender(Protocol):
    """Sends WhatsApp messages. Never raises for what the Cloud API or a network does."""

    async def send(self, message: WhatsApp) -> Answer:
        """One attempt, 25 s at most."""
        ...


@dataclass(frozen=True, slots=True)
class Channels:
    """What this installation can send by; `is_caught` where messages go to the inbox of `duro dev` instead."""

    mailer: Mailer | None = None
    whatsapp: WhatsAppSender | None = None
    is_caught: bool = False

    @property
    def is_open(self) -> bool:
        return self.is_caught or self.mailer is not None or self.whatsapp is not None
