"""E-mail by SMTP: one message at an attempt, over connections that are kept for the next."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime, parseaddr
from enum import StrEnum
from typing import Final, Self
from urllib.parse import parse_qs, unquote, urlsplit

import aiosmtplib

from duro.kit.clock import Clock
from duro.modules.messages.channels import Answer, Mail, Postponed, Refused, Taken

_TIMEOUT_S: Final = 25.0
_IDLE_MAX: Final = 5
_SAID_MAX: Final = 300
_SMTPS_PORT: Final = 465
_SMTP_PORT: Final = 587
_PERMANENT: Final = range(500, 600)
_HERE: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_ADDRESS_MAX: Final = 254
_TROUBLE: Final = (aiosmtplib.SMTPException, OSError)


class Tls(StrEnum):
    """From the first byte, after STARTTLS or not at all; there is no "if the server happens to offer it"."""

    WHOLE = "whole"
    STARTTLS = "required"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mail is handed in."""

    host: str
    port: int
    tls: Tls
    user: str | None = None
    password: str | None = field(default=None, repr=False)

    @classmethod
    def read(cls, url: str) -> Self:
        """From smtp://user:password@host:port?tls=none or smtps://…; raises `ValueError`.

        `smtp` means STARTTLS, required unless the server is on this machine or `tls` is `none`.
        """
        parts = urlsplit(url)
        if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
            raise ValueError("is smtp://host:port or smtps://host:port")
        asked = parse_qs(parts.query, keep_blank_values=True)
        if set(asked) - {"tls"} or asked.get("tls", ["none"])[0] not in {"required", "none"}:
            raise ValueError("takes nothing but ?tls=required or ?tls=none")
        if parts.scheme == "smtps":
            tls, port = Tls.WHOLE, _SMTPS_PORT
        else:
            usual = Tls.NONE if parts.hostname in _HERE else Tls.STARTTLS
            tls, port = Tls(asked.get("tls", [usual.value])[0]), _SMTP_PORT
        return cls(
            host=parts.hostname,
            port=parts.port or port,
            tls=tls,
            user=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
        )


@dataclass(slots=True)
class SmtpMailer:
    """Hands mail to one server; `sender` is the address that it all comes from."""

    server: MailServer
    sender: str
    clock: Clock
    tls_context: ssl.SSLContext | None = None
    timeout_s: float = _TIMEOUT_S
    _idle: list[aiosmtplib.SMTP] = field(default_factory=list)

    async def send(self, mail: Mail) -> Answer:
        try:
            message = composed(mail, self.sender, at=self.clock.wall())
        except ValueError as error:
            return Refused(f"it cannot be written as an e-mail: {error}")
        try:
            async with asyncio.timeout(self.timeout_s), self._connection() as client:
                await client.send_message(message, sender=self.sender, recipients=[mail.to])
        except TimeoutError:
            return Postponed(f"no answer within {self.timeout_s:.0f} s")
        except aiosmtplib.SMTPNotSupported as error:
            # Of the message only its address can be too much for a server; all else is how we came to it.
            answer = Postponed if mail.to.isascii() else Refused
            return answer(f"the server cannot do this: {error}"[:_SAID_MAX])
        except _TROUBLE as error:
            return _judged(error)
        return Taken(str(message["Message-ID"]))

    async def close(self) -> None:
        """Says goodbye to the server."""
        while self._idle:
            with suppress(TimeoutError, *_TROUBLE):
                async with asyncio.timeout(1):
                    await self._idle.pop().quit()

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[aiosmtplib.SMTP]:
        """A connection, kept afterwards if nothing went wrong on it."""
        client = await self._kept() or await self._open()
        try:
            yield client
        except BaseException:
            client.close()
            raise
        if len(self._idle) < _IDLE_MAX:
            self._idle.append(client)
        else:
            client.close()

    async def _kept(self) -> aiosmtplib.SMTP | None:
        """One that the server has not closed meanwhile."""
        while self._idle:
            client = self._idle.pop()
            try:
                await client.noop()
            except _TROUBLE:
                client.close()
            except BaseException:
                client.close()
                raise
            else:
                return client
        return None

    async def _open(self) -> aiosmtplib.SMTP:
        server = self.server
        client = aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            username=server.user,
            password=server.password,
            use_tls=server.tls is Tls.WHOLE,
            start_tls=server.tls is Tls.STARTTLS,
            tls_context=self.tls_context,
            timeout=self.timeout_s,
        )
        try:
            await client.connect()
        except BaseException:
            client.close()
            raise
        return client


def composed(mail: Mail, sender: str, *, at: datetime) -> EmailMessage:
    """The message as it goes over the wire; raises `ValueError` for what could break out of a header."""
    demand_address(mail.to)
    message = EmailMessage(policy=SMTP_POLICY)
    domain = sender.rpartition("@")[2]
    message["From"] = Address(mail.sender_name, addr_spec=sender)
    message["To"] = Address(addr_spec=mail.to)
    message["Subject"] = mail.subject
    message["Date"] = format_datetime(at)
    message["Message-ID"] = f"<{mail.message_id}@{domain}>"
    for name, value in mail.headers.items():
        message[name] = value
    message.set_content(mail.text, cte="quoted-printable")
    message.add_alternative(mail.html, subtype="html", cte="quoted-printable")
    return message


def demand_address(address: str) -> None:
    """Raises `ValueError` for what is more, or less, than one plain address."""
    is_plain = address.isprintable() and " " not in address and len(address) <= _ADDRESS_MAX
    if not is_plain or parseaddr(address)[1] != address or address.count("@") != 1:
        raise ValueError("the address is no plain e-mail address")


def _judged(error: Exception) -> Answer:
    """What is wrong with this message and person is final; what is wrong with us or the way there is not."""
    match error:
        case aiosmtplib.SMTPRecipientsRefused(recipients=[refused, *_]):
            return _by_code(refused.code, refused.message)
        case aiosmtplib.SMTPAuthenticationError():
            return Postponed(f"the server refused our sign-in: {error.code}")
        case aiosmtplib.SMTPSenderRefused():
            return Postponed(f"the server refused our address: {_said(error.code, error.message)}")
        case aiosmtplib.SMTPConnectTimeoutError() | aiosmtplib.SMTPConnectError():
            return Postponed(f"no connection: {error}"[:_SAID_MAX])
        case aiosmtplib.SMTPDataError() | aiosmtplib.SMTPRecipientRefused():
            return _by_code(error.code, error.message)
        case _:
            return Postponed(f"{type(error).__name__}: {error}"[:_SAID_MAX])


def _by_code(code: int, message: str) -> Answer:
    said = _said(code, message)
    return Refused(said) if code in _PERMANENT else Postponed(said)


def _said(code: int, message: str) -> str:
    # PostgreSQL keeps no NUL in text.
    return f"{code} {message}".replace("\0", "\ufffd")[:_SAID_MAX]
